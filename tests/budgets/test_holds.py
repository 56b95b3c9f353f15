"""What calls may take is held on every budget that applies, and what they took is charged once."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
import time_machine
from fastapi import FastAPI

from crafter.agent_executions import service as execution_service
from crafter.agents.configuration import GenerationParameters, LlmSettings
from crafter.agents.documents import Agent, AgentTool
from crafter.api_keys import service as api_key_service
from crafter.api_keys.documents import ApiKey, RateLimits
from crafter.api_keys.errors import CredentialLimited
from crafter.budgets import periods
from crafter.budgets import service as budget_service
from crafter.budgets.documents import BudgetHold, Taken
from crafter.budgets.errors import BudgetExceeded
from crafter.budgets.holds import service as hold_service
from crafter.budgets.holds.service import Need
from crafter.budgets.service import Account
from crafter.calling.admission import admit
from crafter.calling.connection import connect
from crafter.calling.purposes import Purpose
from crafter.calling.targets import Target
from crafter.calls import service as call_service
from crafter.calls.documents import Call, CallHold, CallTokens
from crafter.core.ids import new_id
from crafter.core.runtime import Runtime
from crafter.core.time import utc_now
from crafter.llm.base import ChatMessage, ChatRequest
from crafter.llm.providers import ChatModels
from tests.budgets.making import budgets_url, make_budget, standing, stored
from tests.execution.test_chat import ASK, frames, url
from tests.factories import make_agent, make_key, make_prompt
from tests.fakes.provider import FakeProvider
from tests.fakes.replies import Failure, Reply, calling
from tests.fixtures import Cast

USAGE = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
NANO = 10 * 150 + 5 * 600


@pytest.fixture
async def key(cast: Cast, runtime: Runtime) -> ApiKey:
    made: ApiKey = await make_key(cast.project, runtime.keyring, secret="sk-live-budgets-0123456789")
    return made


@pytest.fixture
async def agent(cast: Cast, runtime: Runtime, key: ApiKey) -> Agent:
    settings = LlmSettings(model="gpt-4o-mini", parameters=GenerationParameters(max_tokens=100))
    made: Agent = await make_agent(cast.project, runtime.keyring, key=key, llm_settings=settings)
    return made


async def rows_of(agent: Agent) -> list[dict[str, Any]]:
    return await Call.within(agent.scope).find({}, sort=(("_id", 1),), limit=1_000)


async def holds_of(agent: Agent) -> list[dict[str, Any]]:
    return await BudgetHold.within(agent.scope).find({}, sort=(("_id", 1),), limit=1_000)


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
            await admit(target, Account(key.scope, key.id), request, runtime)
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


def test_periods_begin_where_the_calendar_says() -> None:
    now = datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert periods.start_of("day", now) == datetime(2026, 12, 31, tzinfo=UTC)
    assert periods.start_of("week", now) == datetime(2026, 12, 28, tzinfo=UTC)
    assert periods.start_of("month", now) == datetime(2026, 12, 1, tzinfo=UTC)
    assert periods.end_of("day", now) == periods.end_of("month", now) == datetime(2027, 1, 1, tzinfo=UTC)
    assert periods.end_of("week", now) == datetime(2027, 1, 4, tzinfo=UTC)
    assert periods.end_of("total", now) is None


@pytest.mark.parametrize(
    ("window", "later"), [("day", 1), ("week", 7), ("month", 31), ("total", None)], ids=str
)
async def test_a_new_period_has_the_whole_limit_again_but_for_what_is_still_held(
    as_admin: httpx2.AsyncClient, cast: Cast, key: ApiKey, window: str, later: int | None
) -> None:
    home = cast.organization.id
    made = await make_budget(as_admin, home, "credential", key.id, limit="2", window=window)
    account = Account(key.scope, key.id)
    now = utc_now()

    async def hold(at: datetime) -> Any:
        with time_machine.travel(at, tick=False):
            budgets = await budget_service.find_applying(account)
            need = Need("openai", "gpt-4o-mini", tokens=1, cost=None)
            return await hold_service.hold(new_id(), account, budgets, need, at)

    await hold_service.settle(await hold(now), Taken(requests=1))
    await hold(now)
    with pytest.raises(BudgetExceeded):
        await hold(now)
    if later is None:
        with pytest.raises(BudgetExceeded):
            await hold(now + timedelta(days=400))
        return
    await hold(now + timedelta(days=later))
    with pytest.raises(BudgetExceeded):  # one from before is under way still
        await hold(now + timedelta(days=later))
    raw = await stored(home, made["_id"])
    assert (raw["spent"], len(raw["open"])) == (0, 2)


async def test_what_a_dead_process_held_is_settled_once_by_what_the_ledger_says(
    as_admin: httpx2.AsyncClient, cast: Cast, key: ApiKey
) -> None:
    home = cast.organization.id
    made = await make_budget(as_admin, home, "credential", key.id, unit="tokens", limit="100000")
    long_ago = utc_now() - timedelta(minutes=10)
    account = Account(key.scope, key.id)

    async def leave(outcome: str | None, tokens: int = 0) -> str:
        call_id, budgets = new_id(), await budget_service.find_applying(account)
        need = Need("openai", "gpt-4o-mini", tokens=1_000, cost=None)
        await hold_service.hold(call_id, account, budgets, need, long_ago)
        if outcome is not None:
            call = Call(
                id=call_id,
                organization=key.organization,
                project=key.project,
                kind="chat",
                provider="openai",
                model="gpt-4o-mini",
                credential=key.id,
                held=CallHold(tokens=CallTokens(input=900, output=100)),
                deadline_at=long_ago,
            )
            await call_service.begin(call)
            if outcome == "success":
                settled = {"outcome": "success", "tokens": CallTokens(input=tokens).model_dump()}
                await call_service.settle(call, settled)
        return call_id

    never, lost, done = await leave(None), await leave("running"), await leave("success", tokens=7)
    assert await hold_service.settle_abandoned(utc_now()) == 2  # what runs is left to the ledger
    assert await call_service.give_up_abandoned(utc_now()) == 1
    swept = await asyncio.gather(*(hold_service.settle_abandoned(utc_now()) for _ in range(3)))
    assert sum(swept) >= 1

    shown = await standing(as_admin, made, home)
    assert (shown["spent"], shown["reserved"]) == ("1007", "0")
    holds = (await as_admin.get(budgets_url(home, f"/{made['_id']}/holds"))).json()["data"]
    assert {one["call"]: (one["state"], one.get("taken")) for one in holds} == {
        never: ("released", None),
        lost: ("expired", "1000"),
        done: ("settled", "7"),
    }
    row = await call_service.find_call(key.scope, lost)
    assert row is not None
    assert (row.outcome, row.tokens.input, row.usage_estimated) == ("unknown", 900, True)
    assert not await call_service.settle(row, {"outcome": "success"})  # the budget has charged it


async def test_a_budget_that_is_deleted_meanwhile_limits_nobody(
    as_admin: httpx2.AsyncClient, cast: Cast, agent: Agent, provider: FakeProvider
) -> None:
    home, gate = cast.organization.id, asyncio.Event()
    made = await make_budget(as_admin, home, "project", cast.project.id)
    provider.script(Reply("Hi there", gate=gate, gate_after=0))
    asked = asyncio.create_task(as_admin.post(url(agent), json=ASK))
    await provider.received()
    assert (await as_admin.delete(budgets_url(home, f"/{made['_id']}"))).status_code == 204
    gate.set()
    assert (await asked).status_code == 200
    assert [row["outcome"] for row in await rows_of(agent)] == ["success"]


async def test_a_reset_makes_room_and_keeps_what_is_held(
    as_admin: httpx2.AsyncClient, cast: Cast, agent: Agent
) -> None:
    home = cast.organization.id
    made = await make_budget(as_admin, home, "project", cast.project.id, limit="1")
    assert (await as_admin.post(url(agent), json=ASK)).status_code == 200
    assert (await as_admin.post(url(agent), json=ASK)).status_code == 402
    answer = await as_admin.post(
        budgets_url(home, f"/{made['_id']}:reset"), json={"reason": "A new customer"}
    )
    assert (answer.json()["spent"], answer.json()["resets"][0]["spent"]) == ("0", "1")
    assert (await as_admin.post(url(agent), json=ASK)).status_code == 200


async def test_a_task_that_is_ended_before_it_begins_lets_go_of_what_was_kept_back_for_it(
    as_admin: httpx2.AsyncClient, cast: Cast, runtime: Runtime, key: ApiKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = await make_agent(cast.project, runtime.keyring, key=key, name="worker", type="task")
    made = await make_budget(as_admin, cast.organization.id, "agent", worker.id)

    async def is_over(*_: Any) -> bool:
        return False

    monkeypatch.setattr(execution_service, "begin", is_over)
    assert (await as_admin.post(url(worker, "/execute"), json={"input": "Work"})).status_code == 503
    shown = await standing(as_admin, made, cast.organization.id)
    assert (shown["spent"], shown["reserved"]) == ("0", "0")
    assert await rows_of(worker) == []
