"""What the driver tells about itself: how many connections are open, and, when debugging, each command."""

from collections.abc import Mapping
from typing import Any
from weakref import WeakSet

import structlog
from prometheus_client import Gauge
from pymongo.monitoring import (
    CommandFailedEvent,
    CommandListener,
    CommandStartedEvent,
    CommandSucceededEvent,
    ConnectionCheckedInEvent,
    ConnectionCheckedOutEvent,
    ConnectionCheckOutFailedEvent,
    ConnectionCheckOutStartedEvent,
    ConnectionClosedEvent,
    ConnectionCreatedEvent,
    ConnectionPoolListener,
    ConnectionReadyEvent,
    PoolClearedEvent,
    PoolClosedEvent,
    PoolCreatedEvent,
    PoolReadyEvent,
)

CONNECTIONS = Gauge(
    "crafter_database_connections",
    "Connections to MongoDB of this process: those that are open, and those of them that are in use.",
    ["state"],
)

_MAX_DEPTH = 8
_MAX_ITEMS = 20
_PROTOCOL_FIELDS = frozenset({"lsid", "txnNumber", "$clusterTime", "$db", "$readPreference"})

log = structlog.get_logger("crafter.database")

_counters: "WeakSet[PoolCounter]" = WeakSet()


class PoolCounter(ConnectionPoolListener):
    """Counts the connections of one client. It runs twice for each operation, so it only counts."""

    def __init__(self) -> None:
        self.open = 0
        self.in_use = 0
        _counters.add(self)

    def connection_created(self, _event: ConnectionCreatedEvent) -> None:
        """One more is open."""
        self.open += 1

    def connection_closed(self, _event: ConnectionClosedEvent) -> None:
        """One less is open; if it was in use, the driver has reported its return before."""
        self.open -= 1

    def connection_checked_out(self, _event: ConnectionCheckedOutEvent) -> None:
        """One more is in use."""
        self.in_use += 1

    def connection_checked_in(self, _event: ConnectionCheckedInEvent) -> None:
        """One less is in use."""
        self.in_use -= 1

    def pool_created(self, event: PoolCreatedEvent) -> None:
        """Changes no count."""

    def pool_ready(self, event: PoolReadyEvent) -> None:
        """Changes no count."""

    def pool_cleared(self, event: PoolClearedEvent) -> None:
        """Changes no count."""

    def pool_closed(self, event: PoolClosedEvent) -> None:
        """Changes no count."""

    def connection_ready(self, event: ConnectionReadyEvent) -> None:
        """Changes no count."""

    def connection_check_out_started(self, event: ConnectionCheckOutStartedEvent) -> None:
        """Changes no count."""

    def connection_check_out_failed(self, event: ConnectionCheckOutFailedEvent) -> None:
        """Changes no count."""


CONNECTIONS.labels(state="open").set_function(lambda: sum(counter.open for counter in _counters))
CONNECTIONS.labels(state="in_use").set_function(lambda: sum(counter.in_use for counter in _counters))


class CommandLog(CommandListener):
    """Logs each command with its name, collection, duration and structure; of its values, nothing."""

    def __init__(self) -> None:
        self._pending: dict[int, dict[str, Any]] = {}

    def started(self, event: CommandStartedEvent) -> None:
        """Remember what the command looks like until the driver says how it ended, which it always does."""
        self._pending[event.request_id] = _description(event.command_name, event.command)

    def succeeded(self, event: CommandSucceededEvent) -> None:
        """Log a command that the server carried out."""
        self._finished("database_command", event)

    def failed(self, event: CommandFailedEvent) -> None:
        """Log a command that failed, with the server's code; its text may hold values."""
        code = event.failure.get("code") if isinstance(event.failure, Mapping) else None
        self._finished("database_command_failed", event, code=code)

    def _finished(self, name: str, event: CommandSucceededEvent | CommandFailedEvent, **more: Any) -> None:
        description = self._pending.pop(event.request_id)
        log.debug(name, **description, milliseconds=round(event.duration_micros / 1000, 2), **more)


def _description(name: str, command: Mapping[str, Any]) -> dict[str, Any]:
    collection = command.get("collection") if name == "getMore" else command.get(name)
    structure = {
        key: _structure(value, 1)
        for key, value in command.items()
        if key not in _PROTOCOL_FIELDS and key not in (name, "collection")
    }
    return {
        "command": name,
        "collection": collection if isinstance(collection, str) else None,
        "structure": structure,
    }


def _structure(value: Any, depth: int) -> Any:
    """Keys and nesting, with ``?`` for each value, and lists as their first element and length."""
    if isinstance(value, Mapping) and depth < _MAX_DEPTH:
        shown = {str(key): _structure(item, depth + 1) for key, item in list(value.items())[:_MAX_ITEMS]}
        return shown if len(value) <= _MAX_ITEMS else {**shown, "…": f"{len(value)} keys"}
    if isinstance(value, (list, tuple)) and value and depth < _MAX_DEPTH:
        first = _structure(value[0], depth + 1)
        return [first] if len(value) == 1 else [first, f"… {len(value)} in all"]
    return "?"
