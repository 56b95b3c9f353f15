"""New periods and resets make room, and what dead processes held is settled."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
import time_machine

from crafter.agent_executions import service as execution_service
from crafter.agents.documents import Agent
from crafter.api_keys.documents import ApiKey
from crafter.budgets import periods
from crafter.budgets import service as budget_service
from crafter.budgets.documents import Taken
from crafter.budgets.errors import BudgetExceeded
from crafter.budgets.holds import service as hold_service
from crafter.budgets.holds.service import Need
from crafter.budgets.service import Account
from crafter.calls import service as call_service
from crafter.calls.documents import Call, CallHold, CallTokens
from crafter.core.ids import new_id
from crafter.core.runtime import Runtime
from crafter.core.time import utc_now
from tests.budgets.making import budgets_url, make_budget, rows_of, standing, stored
from tests.execution.test_chat import ASK, url
from tests.factories import make_agent
from tests.fakes.provider import FakeProvider
from tests.fakes.replies import Reply
from tests.fixtures import Cast

USAGE = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
NANO = 10 * 150 + 5 * 600


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
