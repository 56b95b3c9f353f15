"""How agents are answered: with the key filled in, and secrets masked."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from crafter.agents.documents import Agent, effective_status
from crafter.agents.schemas import AgentRead, AgentStatusRead, AgentSwitched, StatusChangeRead, SwitchedAgent
from crafter.agents.secrets import masked
from crafter.api_keys import service as api_key_service
from crafter.core.tenancy import Scope

ApiKeyShown = str | dict[str, Any]


def show(agent: Agent) -> AgentRead:
    """An agent with the id of its key."""
    return _read(agent.to_stored(), agent.api_key)


async def show_with_key(agent: Agent) -> AgentRead:
    """An agent with its key, and with all of the key's provider."""
    keys = await _find_keys(agent.scope, [agent.api_key], full_provider=True)
    return _read(agent.to_stored(), keys.get(agent.api_key, {}))


async def show_list(scope: Scope, rows: Sequence[Mapping[str, Any]]) -> list[AgentRead]:
    """Stored agents with their keys, and with the names of the keys' providers."""
    key_ids = [key_id if isinstance(key_id := row.get("api_key"), str) else "" for row in rows]
    keys = await _find_keys(scope, filter(None, key_ids), full_provider=False)
    return [_read(row, keys.get(key_id, {})) for row, key_id in zip(rows, key_ids, strict=True)]


def show_switch(agent: Agent) -> AgentSwitched:
    """What switching an agent on or off has done."""
    done = "enabled" if agent.is_active else "disabled"
    return AgentSwitched(
        success=True,
        message=f"Agent {done} successfully",
        agent=SwitchedAgent(id=agent.id, name=agent.name, is_active=agent.is_active),
    )


def show_status(agent: Agent) -> AgentStatusRead:
    """How an agent is, and how it came to be."""
    history = [
        StatusChangeRead.model_validate(change.model_dump()) for change in reversed(agent.status_history)
    ]
    return AgentStatusRead(
        status=agent.status,
        reason=agent.status_reason,
        since=history[0].at if history else agent.created_at,
        history=history,
    )


async def _find_keys(
    scope: Scope, key_ids: Iterable[str], *, full_provider: bool
) -> dict[str, dict[str, Any]]:
    found = await api_key_service.find_keys(scope, key_ids)
    shown = await api_key_service.show_populated(list(found.values()), full_provider=full_provider)
    return {key["_id"]: key for key in shown}


def _read(raw: Mapping[str, Any], api_key: ApiKeyShown) -> AgentRead:
    status = effective_status(raw.get("is_active", True), raw.get("status", "active"))
    return AgentRead.from_stored({**masked(raw), "api_key": api_key, "status": status})
