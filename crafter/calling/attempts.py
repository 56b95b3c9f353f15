"""One call that is being made: its row of the ledger, and what is known of it so far."""

import asyncio
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

from crafter.budgets.documents import BudgetHold
from crafter.calling import outcomes
from crafter.calling.targets import Target
from crafter.calls.documents import Call
from crafter.core.errors import UpstreamTimedOut
from crafter.llm.base import (
    NOTHING_USED,
    ChatEvent,
    ChatRequest,
    Finished,
    ToolCallDelta,
    Usage,
    estimate_usage,
)
from crafter.llm.prices import Priced

_HUNG_UP = (asyncio.CancelledError, GeneratorExit, UpstreamTimedOut)
"""Ends that are ours: the vendor has read the prompt, and will want its money."""


@dataclass(slots=True)
class Attempt:
    """A call that is being made; ``hold`` is what budgets keep back for it, where there are any."""

    call: Call
    request: ChatRequest
    target: Target
    hold: BudgetHold | None = None
    started: float = field(default_factory=perf_counter)
    first: float | None = None
    said: list[str] = field(default_factory=list)
    finished: Finished | None = None

    def take(self, event: ChatEvent) -> None:
        """Note what the model has said."""
        if isinstance(event, Finished):
            self.finished = event
            return
        self.said.append(event.arguments if isinstance(event, ToolCallDelta) else event.text)
        if self.first is None:
            self.first = perf_counter()

    def usage(self, error: BaseException | None) -> Usage:
        """What the call took.

        The vendor tells at the end of a whole answer. Of one that broke off, or that was hung up on, it is estimated
        from the prompt and from what was said; a call that was refused took nothing.
        """
        if self.finished is not None:
            return self.finished.usage
        if self.said or isinstance(error, _HUNG_UP):
            return estimate_usage(self.request, "".join(self.said))
        return NOTHING_USED

    def ending(self, error: BaseException | None, usage: Usage, priced: Priced | None) -> dict[str, Any]:
        """The fields with which the row ends; without an error there is a whole answer."""
        if self.finished is not None:
            fields = outcomes.success(self.finished)
        else:
            assert error is not None
            fields = outcomes.failure(error)
        fields["latency_ms"] = round((perf_counter() - self.started) * 1000)
        if self.first is not None:
            fields["ttft_ms"] = round((self.first - self.started) * 1000)
        return fields | outcomes.taken(usage, priced)
