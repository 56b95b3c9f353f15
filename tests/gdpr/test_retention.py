"""Retention: what is too old goes, by its agent's own days, and nothing else does."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx2
import pytest
import structlog
from pymongo.errors import AutoReconnect

from crafter.agents.configuration import AgentPrivacy
from crafter.agents.documents import Agent
from crafter.conversations import service as conversation_service
from crafter.conversations.documents import Conversation
from crafter.core.config import load_settings
from crafter.core.cron import Schedule
from crafter.core.runtime import Runtime
from crafter.core.tasks import TaskGroup
from crafter.core.time import utc_now
from crafter.gdpr import retention
from tests.factories import make_agent
from tests.fixtures import Cast
from tests.gdpr.planting import conversations_in, run, runs_in, segments_in, talk

DAYS = 30
NEARLY = timedelta(days=DAYS) - timedelta(minutes=5)
LONGER = timedelta(days=DAYS) + timedelta(minutes=5)


@pytest.fixture
async def agent(cast: Cast, runtime: Runtime) -> Agent:
    """An agent that keeps things for 30 days."""
    privacy = AgentPrivacy(retention_days=DAYS)
    made: Agent = await make_agent(cast.project, runtime.keyring, name="forgetful", gdpr=privacy)
    return made


def url_of(agent: Agent) -> str:
    return f"/organizations/{agent.organization}/gdpr/agents/{agent.id}/run-retention"


async def test_what_began_too_long_ago_is_deleted_with_its_segments(
    as_admin: httpx2.AsyncClient, agent: Agent, runtime: Runtime
) -> None:
    now = utc_now()
    kept = await talk(agent, runtime, begun=now - NEARLY)
    await talk(agent, runtime, begun=now - LONGER)
    await talk(agent, runtime, begun=now - LONGER, messages=150)
    kept_run = await run(agent, createdAt=now - NEARLY)
    await run(agent, createdAt=now - LONGER)
    assert await segments_in(agent.scope) > 0

    first, second = await as_admin.post(url_of(agent)), await as_admin.post(url_of(agent))

    assert first.json() == {
        "message": "Retention job completed",
        "agent_id": agent.id,
        "retention_days": DAYS,
        "deleted": {"conversations": 2, "executions": 1},
    }
    assert second.json()["deleted"] == {"conversations": 0, "executions": 0}
    assert await conversations_in(agent.scope) == {kept.id}
    assert await segments_in(agent.scope) == 0
    assert await runs_in(agent.scope) == {kept_run.id}


async def test_the_age_counts_from_the_beginning_not_from_the_last_message(
    as_admin: httpx2.AsyncClient, agent: Agent, runtime: Runtime
) -> None:
    await talk(agent, runtime, begun=utc_now() - LONGER, **{"metadata.last_activity": utc_now()})

    assert (await as_admin.post(url_of(agent))).json()["deleted"]["conversations"] == 1


@pytest.mark.parametrize("privacy", [AgentPrivacy(), AgentPrivacy(retention_days=0)])
async def test_an_agent_without_retention_is_told_so(
    as_admin: httpx2.AsyncClient, cast: Cast, runtime: Runtime, privacy: AgentPrivacy
) -> None:
    keeper = await make_agent(cast.project, runtime.keyring, name="keeper", gdpr=privacy)
    await talk(keeper, runtime, begun=utc_now() - LONGER)

    response = await as_admin.post(url_of(keeper))

    assert (response.status_code, response.json()["code"]) == (400, "NO_RETENTION")
    assert len(await conversations_in(keeper.scope)) == 1


async def test_only_admins_of_the_agents_organization_may_run_it(
    as_viewer: httpx2.AsyncClient,
    as_member: httpx2.AsyncClient,
    as_outsider: httpx2.AsyncClient,
    agent: Agent,
) -> None:
    refusals = [(await client.post(url_of(agent))) for client in (as_viewer, as_member, as_outsider)]

    assert [(answer.status_code, answer.json()["error"]) for answer in refusals] == [
        (403, "Access denied: admin role required"),
        (403, "Access denied: admin role required"),
        (403, "Access denied: Not a member of this organization"),
    ]


async def test_the_job_does_it_for_every_agent_by_its_own_days(
    agent: Agent, cast: Cast, runtime: Runtime
) -> None:
    make = {"keyring": runtime.keyring}
    same = await make_agent(cast.project, **make, name="same", gdpr=AgentPrivacy(retention_days=DAYS))
    longer = await make_agent(cast.project, **make, name="longer", gdpr=AgentPrivacy(retention_days=DAYS + 1))
    other = await make_agent(cast.other_project, **make, name="other", gdpr=AgentPrivacy(retention_days=1))
    keeper = await make_agent(cast.project, **make, name="keeper")
    for each in (agent, same, longer, other, keeper):
        await talk(each, runtime, begun=utc_now() - LONGER)
        await run(each, createdAt=utc_now() - LONGER)

    removed = await retention.retain_all(TaskGroup())

    assert (removed.conversations, removed.executions) == (3, 3)
    rows = await Conversation.within(agent.scope).find({}, limit=10)
    assert {row["agent"] for row in rows} == {longer.id, keeper.id}
    assert await conversations_in(other.scope) == set()


@pytest.mark.parametrize("days", ["30", 1e300, float("nan"), [1], True, {"a": 1}, -5, 0, 0.5, None])
async def test_days_that_are_no_days_delete_nothing_and_stop_nobody_else(
    agent: Agent, cast: Cast, runtime: Runtime, days: Any
) -> None:
    odd = await make_agent(cast.project, runtime.keyring, name="odd")
    await Agent.within(odd.scope).update_one({"_id": odd.id}, {"$set": {"gdpr.retention_days": days}})
    kept = await talk(odd, runtime, begun=utc_now() - LONGER)
    await talk(agent, runtime, begun=utc_now() - LONGER)

    removed = await retention.retain_all(TaskGroup())

    assert removed.conversations == 1
    assert await conversations_in(agent.scope) == {kept.id}


def test_more_days_than_the_calendar_has_are_a_hundred_years() -> None:
    now = utc_now()

    assert retention.oldest_kept(10**12, now) == now - timedelta(days=36_500)


async def test_several_processes_at_once_delete_each_thing_once(
    agent: Agent, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversation_service, "_BATCH", 3)
    for _ in range(20):
        await talk(agent, runtime, begun=utc_now() - LONGER, messages=0)

    done = await asyncio.gather(*(retention.retain_all(TaskGroup()) for _ in range(4)))

    assert sum(removed.conversations for removed in done) == 20
    assert await conversations_in(agent.scope) == set()


async def test_what_a_process_has_left_half_done_is_finished(agent: Agent, runtime: Runtime) -> None:
    await talk(agent, runtime, begun=utc_now() - LONGER, messages=150, lifecycle="deleted")

    removed = await retention.retain_all(TaskGroup())

    assert removed.conversations == 1
    assert await segments_in(agent.scope) == 0


async def test_it_ends_after_a_batch_when_the_process_is_about_to_end(
    agent: Agent, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversation_service, "_BATCH", 2)
    for _ in range(5):
        await talk(agent, runtime, begun=utc_now() - LONGER)
    await run(agent, createdAt=utc_now() - LONGER)

    class Ending(TaskGroup):
        """Stands for a process that is told to end while it deletes the first batch."""

        looks = 0

        @property
        def stopping(self) -> bool:
            self.looks += 1
            return self.looks > 1

    removed = await retention.retain_all(Ending())

    assert (removed.conversations, removed.executions) == (2, 0)


@dataclass(frozen=True)
class Soon(Schedule):
    """Something that recurs every hundredth of a second."""

    def next_after(self, moment: datetime) -> datetime:
        return moment + timedelta(milliseconds=10)


@pytest.fixture
def soon() -> Schedule:
    nothing: frozenset[int] = frozenset()
    return Soon(nothing, nothing, nothing, nothing, nothing, False)


async def test_the_job_goes_on_after_the_database_was_away_and_stops_with_the_process(
    soon: Schedule, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks, again, outages = TaskGroup(), asyncio.Event(), iter([AutoReconnect("gone"), None])

    async def retain_all(_: TaskGroup) -> None:
        if (outage := next(outages, None)) is not None:
            raise outage
        again.set()

    monkeypatch.setattr(retention, "retain_all", retain_all)
    with structlog.testing.capture_logs() as logs:
        task = tasks.start(retention.keep_retaining(tasks, soon), name="retention")
        async with asyncio.timeout(10):
            await again.wait()
            tasks.stop_within(5)
            await task

    assert {"event": "retention_failed", "error": "AutoReconnect", "log_level": "warning"} in logs


async def test_a_process_that_waits_for_its_next_run_ends_at_once() -> None:
    tasks = TaskGroup()
    task = tasks.start(retention.keep_retaining(tasks, Schedule.parse("0 2 29 2 *")), name="retention")
    await asyncio.sleep(0)

    tasks.stop_within(60)

    async with asyncio.timeout(5):
        await task


@pytest.mark.parametrize(
    ("environment", "schedule"),
    [
        ({}, Schedule.parse("0 2 * * *")),
        ({"GDPR_RETENTION_CRON": "*/5 1 * * *"}, Schedule.parse("*/5 1 * * *")),
        ({"GDPR_RETENTION_CRON": "off"}, None),
    ],
)
def test_the_schedule_is_the_operators(environment: dict[str, str], schedule: Schedule | None) -> None:
    assert retention.schedule_of(load_settings(environment)) == schedule
