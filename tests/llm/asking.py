"""Asking a chat model, in both ways there are."""

import pytest

from crafter.llm.base import ChatEvent, ChatModel, ChatRequest, Finished

KEY = "sk-canary/0123456789+abc="
SAID = "You said: Hello there, friend"


async def events_of(model: ChatModel, request: ChatRequest) -> list[ChatEvent]:
    return [event async for event in model.stream(request)]


async def answer(model: ChatModel, request: ChatRequest, *, streaming: bool) -> Finished:
    """The reply, whichever way it is asked for."""
    if not streaming:
        return await model.complete(request)
    last = (await events_of(model, request))[-1]
    assert isinstance(last, Finished)
    return last


both_ways = pytest.mark.parametrize("streaming", [True, False], ids=["streamed", "whole"])
