"""Calls to OpenAI-compatible servers that go wrong: each ends in time, in an error that says what is known."""

import asyncio
import time
import traceback
import tracemalloc
from collections.abc import Mapping
from contextlib import aclosing
from email.utils import formatdate
from typing import Any

import pytest

from crafter.core.egress import EgressPolicy, EgressRefused
from crafter.llm.base import MAX_REPLY_BYTES, ChatRequest, Finished, TextDelta, Usage
from crafter.llm.errors import (
    ProviderError,
    ProviderFailed,
    ProviderRateLimited,
    ProviderReplyTooLarge,
    ProviderTimedOut,
)
from crafter.llm.providers import ChatModels
from tests.fakes.provider import FakeProvider
from tests.fakes.replies import (
    FAULTS,
    Failure,
    Reply,
    Script,
    done_then_cut,
    drip,
    error_in_stream,
    flood,
    flood_in_one_event,
    half_stream,
    half_stream_well_ended,
    hang_after_head,
    hang_before_head,
    never_done,
    web_page,
)
from tests.llm.asking import KEY, SAID, answer, both_ways, events_of
from tests.llm.conftest import MakeModels

# What each fault must end in, and whether repeating the call may help. Wrong usage alone spoils no reply.
FAULT_OUTCOMES: Mapping[str, tuple[type[ProviderError], bool]] = {
    "refuse": (ProviderFailed, True),
    "hang before head": (ProviderTimedOut, True),
    "hang after head": (ProviderTimedOut, True),
    "half stream": (ProviderFailed, True),
    "429 with Retry-After": (ProviderRateLimited, True),
    "500": (ProviderFailed, True),
    "bad JSON": (ProviderFailed, False),
    "wrong events": (ProviderFailed, False),
    "a byte a second": (ProviderTimedOut, True),
    "100 MB": (ProviderReplyTooLarge, False),
    "invalid UTF-8": (ProviderFailed, False),
    "never done": (ProviderTimedOut, True),
}


@pytest.mark.parametrize("fault", FAULT_OUTCOMES)
@both_ways
async def test_every_fault_ends_by_the_deadline_in_a_typed_error(
    make_models: MakeModels, provider: FakeProvider, request_hello: ChatRequest, fault: str, streaming: bool
) -> None:
    provider.script(FAULTS[fault])
    expected, retryable = FAULT_OUTCOMES[fault]
    model = await make_models(0.5 if expected is ProviderTimedOut else 10).chat_model("openai", KEY)

    async with asyncio.timeout(5):
        with pytest.raises(ProviderError) as failed:
            await answer(model, request_hello, streaming=streaming)

    assert type(failed.value) is expected
    assert failed.value.status == (504 if expected is ProviderTimedOut else 502)
    assert failed.value.message.startswith("openai API Error: ")
    assert failed.value.details["retryable"] is retryable


@both_ways
async def test_a_provider_that_failed_three_times_is_used_again(
    models: ChatModels, provider: FakeProvider, request_hello: ChatRequest, streaming: bool
) -> None:
    provider.script(*[Failure(500)] * 3)
    model = await models.chat_model("openai", KEY)

    for _ in range(3):
        with pytest.raises(ProviderFailed):
            await answer(model, request_hello, streaming=streaming)

    assert (await answer(model, request_hello, streaming=streaming)).text == SAID
    assert len(provider.requests) == 4  # nothing was retried behind our back


async def test_a_port_where_nobody_listens_is_a_failure(request_hello: ChatRequest) -> None:
    policy = EgressPolicy(frozenset({("127.0.0.1", 1)}))
    models = ChatModels(policy, deadline_seconds=5, base_urls={"openai": "http://127.0.0.1:1/v1"})

    async with aclosing(models):
        with pytest.raises(ProviderFailed, match=r"^openai API Error: 127\.0\.0\.1:1 could not be reached"):
            await (await models.chat_model("openai", KEY)).complete(request_hello)


@pytest.mark.parametrize("fault", [half_stream, half_stream_well_ended, error_in_stream, never_done])
async def test_what_was_said_before_a_failure_was_seen(
    make_models: MakeModels, provider: FakeProvider, request_hello: ChatRequest, fault: Script
) -> None:
    provider.script(fault)
    model = await make_models(0.5).chat_model("openai", KEY)

    async with aclosing(model.stream(request_hello)) as events:
        seen = [await anext(events), await anext(events)]
        with pytest.raises(ProviderError):
            await anext(events)

    assert seen == [TextDelta("You"), TextDelta(" said:")]


async def test_a_stream_that_ends_without_a_finish_reason_is_an_error(
    models: ChatModels, provider: FakeProvider, request_hello: ChatRequest
) -> None:
    provider.script(half_stream_well_ended)

    with pytest.raises(ProviderFailed, match="broke off before its end"):
        await events_of(await models.chat_model("openai", KEY), request_hello)


async def test_a_server_that_hangs_up_after_the_last_event_has_answered(
    models: ChatModels, provider: FakeProvider, request_hello: ChatRequest
) -> None:
    provider.script(done_then_cut)

    finished = await answer(await models.chat_model("openai", KEY), request_hello, streaming=True)

    assert finished == Finished(SAID, Usage(7, 8, 15), "stop")


@both_ways
async def test_a_web_page_is_no_answer(
    models: ChatModels, provider: FakeProvider, request_hello: ChatRequest, streaming: bool
) -> None:
    provider.script(web_page)

    with pytest.raises(ProviderFailed) as failed:
        await answer(await models.chat_model("openai", KEY), request_hello, streaming=streaming)

    assert "html" not in failed.value.message


@both_ways
@pytest.mark.parametrize(("excess", "fits"), [(0, True), (1, False)])
async def test_a_reply_may_have_so_many_bytes_and_no_more(
    models: ChatModels,
    provider: FakeProvider,
    request_hello: ChatRequest,
    excess: int,
    fits: bool,
    streaming: bool,
) -> None:
    provider.script(Reply(text="ä" * (MAX_REPLY_BYTES // 2) + "x" * excess))
    model = await models.chat_model("openai", KEY)

    if fits:
        assert len((await answer(model, request_hello, streaming=streaming)).text) == MAX_REPLY_BYTES // 2
    else:
        with pytest.raises(ProviderReplyTooLarge):
            await answer(model, request_hello, streaming=streaming)


async def test_one_event_without_end_is_cut(
    models: ChatModels, provider: FakeProvider, request_hello: ChatRequest
) -> None:
    provider.script(flood_in_one_event)

    with pytest.raises(ProviderReplyTooLarge):
        await events_of(await models.chat_model("openai", KEY), request_hello)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 408, 409, 422, 429, 500, 503, 529])
@both_ways
async def test_a_status_of_the_provider_is_never_ours(
    models: ChatModels, provider: FakeProvider, request_hello: ChatRequest, status: int, streaming: bool
) -> None:
    provider.script(Failure(status, "Incorrect API key provided"))

    with pytest.raises(ProviderFailed) as failed:
        await answer(await models.chat_model("xai", KEY), request_hello, streaming=streaming)

    assert failed.value.status == 502
    assert failed.value.code == ("PROVIDER_RATE_LIMITED" if status == 429 else "PROVIDER_ERROR")
    assert failed.value.message == f"xai API Error: {status} Incorrect API key provided"
    assert failed.value.details == {
        "provider": "xai",
        "upstream_status": status,
        "retryable": status in {408, 409, 429, 500, 503, 529},
    }


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"error": {"message": "No such model"}}, "404 No such model"),
        ([{"error": {"message": "No such model"}}], "404 No such model"),
        ({"type": "error", "error": {"type": "x", "message": "No such model"}}, "404 No such model"),
        ({"message": "No such model"}, "404 No such model"),
        ({"error": "No such model"}, "404 No such model"),
        ({"error": {"message": ["odd"]}}, "404 Not Found"),
        ([], "404 Not Found"),
        (b"<html>nginx</html>", "404 Not Found"),
        (b"\xff", "404 Not Found"),
        ({"error": {"message": "two\r\nlines\x00 \u202e"}}, "404 two lines"),
        ({"error": {"message": "x" * 10_000}}, "404 " + "x" * 496 + "…"),
    ],
)
async def test_what_the_provider_says_is_repeated_as_one_short_line(
    models: ChatModels, provider: FakeProvider, request_hello: ChatRequest, body: Any, message: str
) -> None:
    provider.script(Failure(404, body=body))

    with pytest.raises(ProviderFailed) as failed:
        await (await models.chat_model("openai", KEY)).complete(request_hello)

    assert failed.value.message == f"openai API Error: {message}"


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7),
        ("0.5", 0.5),
        (formatdate(usegmt=True, timeval=4102444800), None),
        ("soon", None),
        ("-1", None),
        ("nan", None),
        ("inf", None),
        ("1e9", None),
    ],
)
async def test_how_long_to_wait_is_passed_on_where_it_makes_sense(
    models: ChatModels,
    provider: FakeProvider,
    request_hello: ChatRequest,
    header: str,
    seconds: float | None,
) -> None:
    provider.script(Failure(429, headers={"Retry-After": header}))

    with pytest.raises(ProviderRateLimited) as failed:
        await (await models.chat_model("openai", KEY)).complete(request_hello)

    assert failed.value.details.get("retry_after") == seconds


async def test_a_date_to_wait_for_becomes_seconds(
    models: ChatModels, provider: FakeProvider, request_hello: ChatRequest
) -> None:
    provider.script(Failure(503, headers={"Retry-After": formatdate(time.time() + 60, usegmt=True)}))

    with pytest.raises(ProviderFailed) as failed:
        await (await models.chat_model("openai", KEY)).complete(request_hello)

    assert 50 < failed.value.details["retry_after"] <= 60


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Failure(401, "Incorrect API key: {key} ({key})"), id="in the message"),
        pytest.param(Failure(401, "Bad URL: /?key=sk-canary%2F0123456789%2Babc%3D"), id="percent-encoded"),
        pytest.param(Failure(401, "x" * 485 + "{key}"), id="where the message is cut"),
        pytest.param(error_in_stream, id="within a stream"),
    ],
)
async def test_the_key_is_in_no_error(
    models: ChatModels, provider: FakeProvider, request_hello: ChatRequest, fault: Script
) -> None:
    provider.script(fault)

    with pytest.raises(ProviderFailed) as failed:
        await answer(await models.chat_model("openai", KEY), request_hello, streaming=True)

    logged = "".join(traceback.format_exception(failed.value))
    assert "***" in failed.value.message
    assert "canary" not in logged + failed.value.message + repr(failed.value.details)


async def test_a_provider_at_an_internal_address_is_refused(request_hello: ChatRequest) -> None:
    models = ChatModels(EgressPolicy(), deadline_seconds=5, base_urls={"openai": "http://169.254.169.254/v1"})

    async with aclosing(models):
        with pytest.raises(EgressRefused, match="CRAFTER_EGRESS_ALLOW"):
            await (await models.chat_model("openai", KEY)).complete(request_hello)


async def test_slow_and_hanging_calls_do_not_hold_up_others(
    make_models: MakeModels, provider: FakeProvider, request_hello: ChatRequest
) -> None:
    model = await make_models(15.0).chat_model("openai", KEY)
    provider.script(*[hang_before_head] * 100, *[hang_after_head] * 100, *[drip] * 50)
    hanging = [asyncio.create_task(answer(model, request_hello, streaming=True)) for _ in range(250)]
    await provider.received(250)

    async with asyncio.timeout(10):
        finished = await answer(model, request_hello, streaming=True)

    assert finished.text == SAID
    outcomes = await asyncio.gather(*hanging, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {ProviderTimedOut}


async def test_a_flood_does_not_fill_the_memory(
    models: ChatModels, provider: FakeProvider, request_hello: ChatRequest
) -> None:
    provider.script(flood, flood)
    model = await models.chat_model("openai", KEY)
    tracemalloc.start()
    try:
        for streaming in (True, False):
            with pytest.raises(ProviderReplyTooLarge):
                await answer(model, request_hello, streaming=streaming)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 20_000_000


@pytest.mark.parametrize(
    "base_url",
    [
        "http://provider.example\n/v1",
        "http://127.0.0.1:99999999/v1",
        "no url",
        "ftp://provider.example",
        "https://me:pw@provider.example",
    ],
)
@both_ways
async def test_an_address_that_cannot_be_called_is_refused(
    models: ChatModels, request_hello: ChatRequest, base_url: str, streaming: bool
) -> None:
    model = await models.chat_model("mine", KEY, base_url=base_url)

    with pytest.raises(EgressRefused):
        await answer(model, request_hello, streaming=streaming)
