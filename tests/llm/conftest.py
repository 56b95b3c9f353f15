"""A fake provider, and chat models that reach it over real HTTP."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

import pytest

from crafter.core.egress import EgressPolicy
from crafter.llm.base import ChatMessage, ChatRequest
from crafter.llm.providers import VENDORS, ChatModels
from tests.fakes.provider import FakeProvider, fake_provider

MakeModels = Callable[[float], ChatModels]


@pytest.fixture
async def provider() -> AsyncIterator[FakeProvider]:
    async with fake_provider() as provider:
        yield provider


@pytest.fixture
async def make_models(provider: FakeProvider) -> AsyncIterator[MakeModels]:
    """Chat models with a deadline (seconds), for which every vendor lives at the fake provider."""
    async with AsyncExitStack() as opened:

        def make(deadline_seconds: float) -> ChatModels:
            models = ChatModels(
                EgressPolicy(frozenset({provider.endpoint})),
                deadline_seconds=deadline_seconds,
                base_urls=dict.fromkeys(VENDORS, provider.base_url),
            )
            opened.push_async_callback(models.aclose)
            return models

        yield make


@pytest.fixture
def models(make_models: MakeModels) -> ChatModels:
    return make_models(10)


@pytest.fixture
def request_hello() -> ChatRequest:
    return ChatRequest(
        model="gpt-4o-mini",
        messages=[ChatMessage("system", "Be brief."), ChatMessage("user", "Hello there, friend")],
    )
