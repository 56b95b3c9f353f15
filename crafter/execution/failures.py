"""What a run failed with, and what that says about its agent."""

import asyncio
from collections.abc import Awaitable

import structlog
from pymongo.errors import PyMongoError

from crafter.agents import service as agent_service
from crafter.agents.documents import Agent
from crafter.core.database import describe_failure
from crafter.core.errors import CrafterError, UpstreamFailed

log = structlog.get_logger("crafter.execution")


async def failure_of(
    work: Awaitable[None], interrupted: type[CrafterError], **about: str
) -> CrafterError | None:
    """What the work of a task fails with, ``interrupted`` if it is cancelled; None if all goes well."""
    try:
        await work
    except asyncio.CancelledError:  # the server is stopping, and waits until we have stored what there is
        return interrupted()
    except Exception as error:  # noqa: BLE001 - the task ends here; what is not known is logged
        return known(error, **about)
    return None


def known(error: Exception, **about: str) -> CrafterError:
    """What an exception means to the caller; a mistake of ours is logged, with what it was ``about``."""
    meant = error if isinstance(error, CrafterError) else describe_failure(error)
    if meant is None:
        log.error("turn_failed", **about, exc_info=error)
    return meant or CrafterError()


async def note_health(agent: Agent, failure: CrafterError | None) -> None:
    """Keep the agent's status up to date; the run is over, so it does not depend on this."""
    try:
        if failure is None:
            await agent_service.record_success(agent)
        elif isinstance(failure, UpstreamFailed):
            await agent_service.record_failure(agent, failure.message)
    except PyMongoError as error:
        log.warning("agent_status_not_noted", agent=agent.id, error=type(error).__name__)
