"""What calls may take is held on every budget that applies, and what they took is charged once."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest
import time_machine
from fastapi import FastAPI

from crafter.agents.configuration import LlmSettings
from crafter.agents.documents import Agent, AgentTool
from crafter.api_keys import service as api_key_service
from crafter.api_keys.documents import ApiKey, RateLimits
from crafter.api_keys.errors import CredentialLimited
from crafter.calling.admission import admit
from crafter.calling.connection import connect
from crafter.calling.purposes import Purpose
from crafter.calling.targets import Target
from crafter.core.runtime import Runtime
from crafter.llm.base import ChatMessage, ChatRequest
from crafter.llm.providers import ChatModels
from tests.budgets.making import budgets_url, holds_of, make_budget, rows_of, standing, stored
from tests.execution.test_chat import ASK, frames, url
from tests.factories import make_agent, make_prompt
from tests.fakes.provider import FakeProvider
from tests.fakes.replies import Failure, Reply, calling
from tests.fixtures import Cast

USAGE = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
NANO = 10 * 150 + 5 * 600


async def test_a_call_counts_on_every_budget_that_it_belongs_to_and_on_no_other(
    as_admin: httpx2.AsyncClient, cast: Cast, runtime: Runtime, agent: Agent, provider: FakeProvider
) -> None:
    home = cast.organization.id
    other = await make_agent(cast.project, runtime.keyring, name="other")
    mine = [
        await make_budget(as_admin, home, kind, named, unit=unit, limit="1000000")
        for kind, named in (
            ("organization", home),
            ("project", cast.project.id),
            ("agent", agent.id),
            ("credential", agent.api_key),
            ("end_user", ASK["user_identifier"]),
        )
        for unit in ("usd", "tokens", "requests")
    ]
    others = [
        await make_budget(as_admin, home, "agent", other.id),
        await make_budget(as_admin, home, "end_user", "somebody else"),
    ]
    provider.script(Reply("Hi", usage=USAGE))

    assert (await as_admin.post(url(agent), json=ASK)).status_code == 200

    spent = {"usd": "0.0000045", "tokens": "15", "requests": "1"}
    for budget in mine:
        shown = await standing(as_admin, budget, home)
        assert (shown["spent"], shown["reserved"]) == (spent[budget["unit"]], "0")
    for budget in others:
        assert (await standing(as_admin, budget, home))["spent"] == "0"
    [hold] = await holds_of(agent)
    [row] = await rows_of(agent)
    assert (hold["_id"], hold["state"], len(hold["claims"])) == (row["_id"], "settled", len(mine))
    shown = (await as_admin.get(budgets_url(home, f"/{mine[0]['_id']}/holds"))).json()["data"]
    assert [(one["call"], one["state"], one["taken"]) for one in shown] == [
        (row["_id"], "settled", "0.0000045")
    ]
    assert float(shown[0]["amount"]) > 100 * 0.6e-6


@pytest.mark.parametrize("tail", ["/chat", "/chat/stream"])
async def test_where_there_is_no_room_nothing_is_sent_or_stored_and_the_refusal_says_why(
    as_admin: httpx2.AsyncClient, cast: Cast, agent: Agent, provider: FakeProvider, tail: str
) -> None:
    home = cast.organization.id
    above = await make_budget(as_admin, home, "organization", home, unit="requests", limit="5")
    tight = await make_budget(
        as_admin, home, "agent", agent.id, unit="usd", limit="0.00006", window="day", name="Tight"
    )

    refused = await as_admin.post(url(agent, tail), json=ASK)

    assert (refused.status_code, refused.json()["code"]) == (402, "BUDGET_EXCEEDED")
    told = refused.json()["budget"]
    assert (told["id"], told["limit"], told["left"]) == (tight["_id"], "0.00006", "0.00006")
    assert told["resets_at"].endswith("T00:00:00.000Z")
    for words in ("Tight", "0.00006 USD", "per day", told["needed"], told["resets_at"]):
        assert words in refused.json()["error"]
    assert len(provider.requests) == 0
    assert (await as_admin.get(url(agent, "/conversations"))).json()["total"] == 0
    assert await rows_of(agent) == []
    shown = await standing(as_admin, above, home)
    assert (shown["spent"], shown["reserved"], shown["left"]) == ("0", "0", "5")
    assert [hold["state"] for hold in await holds_of(agent)] == ["released"]


async def test_a_limit_of_the_key_lets_go_of_what_budgets_kept_back(
    as_admin: httpx2.AsyncClient, cast: Cast, key: ApiKey, app: FastAPI, runtime: Runtime
) -> None:
    limits = RateLimits(requests_per_minute=1).model_dump()
    await ApiKey.within(key.scope).update_one({"_id": key.id}, {"$set": {"rate_limits": limits}})
    made = await make_budget(as_admin, cast.organization.id, "project", cast.project.id)
    limited = await api_key_service.get_key(key.scope, key.id)
    target = Target("openai", "gpt-4o-mini", limited, app.state.models)
    request = ChatRequest("gpt-4o-mini", [ChatMessage("user", "x")])

    async def admitted() -> bool:
        try:
            await admit(target, Purpose("chat"), request, runtime)
        except CredentialLimited:
            return False
        return True

    with time_machine.travel(datetime(2027, 1, 31, 9, 15, 20, tzinfo=UTC), tick=False):
        assert [await admitted() for _ in range(3)] == [True, False, False]
    assert len((await stored(cast.organization.id, made["_id"]))["open"]) == 1


async def test_of_many_calls_at_once_just_as_many_are_made_as_there_is_room_for(
    as_admin: httpx2.AsyncClient, cast: Cast, agent: Agent, provider: FakeProvider
) -> None:
    home = cast.organization.id
    wide = await make_budget(as_admin, home, "organization", home, limit="1000")
    tight = await make_budget(as_admin, home, "agent", agent.id, limit="20")

    answers = await asyncio.gather(*(as_admin.post(url(agent), json=ASK) for _ in range(60)))

    statuses = [answer.status_code for answer in answers]
    assert (statuses.count(200), statuses.count(402)) == (20, 40)
    assert len(provider.requests) == len(await rows_of(agent)) == 20
    for budget in (wide, tight):
        shown = await standing(as_admin, budget, home)
        assert (shown["spent"], shown["reserved"]) == ("20", "0")


async def test_money_is_never_overspent_and_the_budget_equals_the_ledger(
    as_admin: httpx2.AsyncClient, cast: Cast, agent: Agent, provider: FakeProvider
) -> None:
    """D4: a budget of 100 units, 50 calls at once that are worth 10 each."""
    home = cast.organization.id
    made = await make_budget(as_admin, home, "project", cast.project.id, unit="tokens", limit="10000")
    usage = {"prompt_tokens": 40, "completion_tokens": 960, "total_tokens": 1000}
    provider.default = Reply("x", usage=usage)
    settings = {"llm_settings.parameters.max_tokens": 960}
    await Agent.within(agent.scope).update_one({"_id": agent.id}, {"$set": settings})
    try:
        answers = await asyncio.gather(*(as_admin.post(url(agent), json=ASK) for _ in range(50)))
    finally:
        provider.default = Reply()

    passed = sum(answer.status_code == 200 for answer in answers)
    assert {answer.status_code for answer in answers} == {200, 402}
    rows = await rows_of(agent)
    spent = sum(row["tokens"]["input"] + row["tokens"]["output"] for row in rows)
    assert (await stored(home, made["_id"]))["spent"] == spent == passed * 1000
    assert 9 <= passed <= 10


async def test_a_turn_that_uses_a_budget_up_ends_there_and_keeps_what_was_said(
    as_admin: httpx2.AsyncClient, cast: Cast, runtime: Runtime, key: ApiKey, provider: FakeProvider
) -> None:
    tools = [AgentTool(name="calculator", description="d")]
    agent = await make_agent(cast.project, runtime.keyring, key=key, tools=tools, name="counts")
    await make_budget(as_admin, cast.organization.id, "agent", agent.id, limit="1")
    provider.script(calling(("calculator", {"expression": "1 + 1"}), text="Let me see."))

    told = frames((await as_admin.post(url(agent, "/chat/stream"), json=ASK)).text)

    assert (told[-1]["type"], told[-1]["code"]) == ("error", "BUDGET_EXCEEDED")
    assert len(await rows_of(agent)) == 1


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({}, 422),
        ({"on_unknown_price": "allow"}, 200),
        ({"action": "warn"}, 200),
        ({"unit": "tokens", "limit": "1000000"}, 200),
    ],
    ids=["refused", "allowed", "warned", "tokens"],
)
async def test_a_model_without_a_price_is_asked_only_where_a_budget_of_dollars_says_so(
    as_admin: httpx2.AsyncClient,
    cast: Cast,
    runtime: Runtime,
    provider: FakeProvider,
    fields: dict[str, Any],
    status: int,
) -> None:
    agent = await make_agent(
        cast.project, runtime.keyring, llm_settings=LlmSettings(model="gpt-nobody-knows")
    )
    wanted = {"unit": "usd", "limit": "100", **fields}
    await make_budget(as_admin, cast.organization.id, "project", cast.project.id, **wanted)

    answer = await as_admin.post(url(agent), json=ASK)

    assert answer.status_code == status
    if status == 422:
        assert answer.json()["code"] == "PRICE_UNKNOWN"
        assert "Add a price" in answer.json()["error"]
        assert len(provider.requests) == 0


async def test_a_budget_that_warns_lets_everything_in_and_says_that_it_is_exceeded(
    as_admin: httpx2.AsyncClient, cast: Cast, agent: Agent
) -> None:
    home = cast.organization.id
    made = await make_budget(
        as_admin, home, "project", cast.project.id, limit="4", soft_pct=50, action="warn"
    )
    states = []
    for _ in range(5):
        assert (await as_admin.post(url(agent), json=ASK)).status_code == 200
        states.append((await standing(as_admin, made, home))["state"])
    assert states == ["ok", "warning", "warning", "exceeded", "exceeded"]


async def test_each_attempt_counts_and_a_failure_costs_a_call_and_no_money(
    as_admin: httpx2.AsyncClient, cast: Cast, agent: Agent, provider: FakeProvider
) -> None:
    home = cast.organization.id
    calls = await make_budget(as_admin, home, "project", cast.project.id)
    money = await make_budget(as_admin, home, "project", cast.project.id, unit="usd", limit="1")
    provider.script(Failure(500), Reply("Hi", usage=USAGE))
    for _ in range(2):
        await as_admin.post(url(agent), json=ASK)
    assert (await standing(as_admin, calls, home))["spent"] == "2"
    assert (await stored(home, money["_id"]))["spent"] == NANO


async def test_prompts_are_held_to_budgets_too(
    as_admin: httpx2.AsyncClient, cast: Cast, key: ApiKey, provider: FakeProvider
) -> None:
    prompt = await make_prompt(cast.project, key=key)
    await make_budget(as_admin, cast.organization.id, "credential", key.id, limit="1")
    place = f"/proxy/organizations/{cast.organization.id}/projects/{cast.project.id}/execute/{prompt.name}"
    answers = [
        await as_admin.post(place, json={"variables": {"name": name}}) for name in ("Ada", "Ada", "Eve")
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 402]  # the second is from the cache
    assert len(provider.requests) == 1


async def test_a_stream_that_is_hung_up_on_is_charged_for_what_it_said(
    as_admin: httpx2.AsyncClient,
    cast: Cast,
    key: ApiKey,
    app: FastAPI,
    runtime: Runtime,
    provider: FakeProvider,
) -> None:
    home = cast.organization.id
    made = await make_budget(as_admin, home, "credential", key.id, unit="tokens", limit="100000")
    provider.script(Reply("one two three four", gate=asyncio.Event(), gate_after=2))
    models: ChatModels = app.state.models
    connection = await connect(key, "gpt-4o-mini", Purpose("trial"), runtime, models)
    heard = asyncio.Semaphore(0)

    async def listen() -> None:
        async for _ in connection.model.stream(ChatRequest("gpt-4o-mini", [ChatMessage("user", "x" * 400)])):
            heard.release()

    listening = asyncio.create_task(listen())
    for _ in range(2):
        await heard.acquire()
    assert int((await standing(as_admin, made, home))["reserved"]) > 16_000  # as long as the model can write
    listening.cancel()
    await asyncio.wait([listening])

    shown = await standing(as_admin, made, home)
    assert shown["reserved"] == "0"
    assert 100 < int(shown["spent"]) < 110
