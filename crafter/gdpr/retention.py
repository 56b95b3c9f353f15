"""Retention: what is older than its agent keeps things is deleted, once a day and when somebody asks for it.

Every process does all of it. Deleting what another process has deleted already does nothing, and what is left over
when a process stops, the next run finds again: the age alone decides.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from pymongo.errors import PyMongoError

from crafter.agent_executions import service as execution_service
from crafter.agents import service as agent_service
from crafter.agents.documents import Agent
from crafter.conversations import service as conversation_service
from crafter.core.config import Settings
from crafter.core.cron import Schedule
from crafter.core.tasks import TaskGroup
from crafter.core.time import utc_now
from crafter.gdpr.errors import NoRetention

LONGEST_DAYS = 36_500
"""What was stored beyond that counts as that: there would be no such date."""

_NAP_SECONDS = 600.0
"""The clock is looked at so often, since it may be set while we wait."""

log = structlog.get_logger("crafter.gdpr")


@dataclass(slots=True)
class Removed:
    """How much was deleted."""

    conversations: int = 0
    executions: int = 0


def schedule_of(settings: Settings) -> Schedule | None:
    """When retention is due; None for never."""
    text = settings.gdpr_retention_cron
    return None if text == "off" else Schedule.parse(text)


async def keep_retaining(tasks: TaskGroup, schedule: Schedule) -> None:
    """Retain whenever it is due, until the process is about to end."""
    while await _wait_until(schedule.next_after(utc_now()), tasks):
        try:
            await retain_all(tasks)
        except PyMongoError as error:
            log.warning("retention_failed", error=type(error).__name__)


async def retain_all(tasks: TaskGroup) -> Removed:
    """Do it for every agent that keeps things for a time only; ends early when the process is about to."""
    removed = Removed()
    async for agent in agent_service.each_with_retention():
        if tasks.stopping:
            break
        if agent.gdpr.retention_days is not None:
            await _retain(agent, agent.gdpr.retention_days, removed, tasks)
    log.info("retention_done", conversations=removed.conversations, executions=removed.executions)
    return removed


async def retain(agent: Agent, tasks: TaskGroup) -> tuple[int, Removed]:
    """Do it for one agent; answers how many days it keeps things. Raises NoRetention."""
    days = agent.gdpr.retention_days
    if days is None or days < 1:
        raise NoRetention
    removed = Removed()
    await _retain(agent, days, removed, tasks)
    return days, removed


def oldest_kept(days: int, now: datetime) -> datetime:
    """What began before this moment is too old."""
    return now - timedelta(days=min(days, LONGEST_DAYS))


async def _retain(agent: Agent, days: int, removed: Removed, tasks: TaskGroup) -> None:
    moment = oldest_kept(days, utc_now())
    async for deleted in conversation_service.delete_begun_before(agent, moment):
        removed.conversations += deleted
        if tasks.stopping:
            return
    async for deleted in execution_service.delete_begun_before(agent, moment):
        removed.executions += deleted
        if tasks.stopping:
            return


async def _wait_until(due: datetime, tasks: TaskGroup) -> bool:
    """Whether it is due now; otherwise the process is about to end."""
    while not tasks.stopping:
        left = (due - utc_now()).total_seconds()
        if left <= 0:
            return True
        await tasks.pause(min(left, _NAP_SECONDS))
    return False
