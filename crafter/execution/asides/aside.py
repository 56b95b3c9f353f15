"""What every aside is about, and how it ends: in the log, if it fails."""

from collections.abc import Awaitable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

import structlog

from crafter.agents.documents import Agent
from crafter.conversations.documents import Conversation
from crafter.core.runtime import Runtime
from crafter.execution.failures import known
from crafter.llm.providers import ChatModels

log = structlog.get_logger("crafter.execution")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Aside:
    """A conversation of an agent, and what it takes to do something beside it."""

    runtime: Runtime
    models: ChatModels
    agent: Agent
    conversation: Conversation

    @property
    def is_private(self) -> bool:
        """Whether messages are encrypted: what is made of their text must not be stored in the open."""
        return self.conversation.gdpr.encrypt_messages


def start(aside: Aside, what: str, work: Coroutine[Any, Any, object]) -> None:
    """Do something in a task of its own."""
    aside.runtime.tasks.start(quietly(aside, what, work), name=f"{what} {aside.conversation.id}")


async def quietly(aside: Aside, what: str, work: Awaitable[T]) -> T | None:
    """What the work comes to; None, and a line in the log, if it fails."""
    about = {"agent": aside.agent.id, "conversation": aside.conversation.id}
    try:
        return await work
    except Exception as error:  # noqa: BLE001 - an aside ends here; what is not known is logged in full
        log.warning("aside_failed", aside=what, code=known(error, **about).code, **about)
        return None
