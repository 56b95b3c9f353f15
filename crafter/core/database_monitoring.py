"""What the driver tells about itself: how many connections are open, and, when debugging, each command."""

from collections.abc import Iterator, Mapping
from typing import Any

import structlog
from prometheus_client import Gauge
from pymongo import AsyncMongoClient
from pymongo.asynchronous.pool import Pool
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

Client = AsyncMongoClient[dict[str, Any]]

CONNECTIONS = Gauge(
    "crafter_database_connections",
    "Connections to MongoDB of this process: those that are open, and those of them that are in use.",
    ["state"],
)

_MAX_DEPTH = 8
_MAX_ITEMS = 20
_PROTOCOL_FIELDS = frozenset({"lsid", "txnNumber", "$clusterTime", "$db", "$readPreference"})

log = structlog.get_logger("crafter.database")

_watched: dict[int, Client] = {}


def watch_pools(client: Client) -> None:
    """Count the connections of this client, until :func:`unwatch_pools`."""
    _watched[id(client)] = client


def unwatch_pools(client: Client) -> None:
    """Count them no more."""
    _watched.pop(id(client), None)


def _pools() -> Iterator[Pool]:
    # The driver has events for this, but leaves some out when the task that has a connection is cancelled, so
    # what is counted from them drifts. What it keeps itself is right, and costs operations nothing.
    for client in _watched.values():
        for server in client._topology._servers.values():  # noqa: SLF001
            yield server.pool


CONNECTIONS.labels(state="open").set_function(
    lambda: sum(len(pool.conns) + pool.active_sockets for pool in _pools())
)
CONNECTIONS.labels(state="in_use").set_function(lambda: sum(pool.active_sockets for pool in _pools()))


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
