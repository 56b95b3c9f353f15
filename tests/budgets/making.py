"""Budgets for tests: made through HTTP, and read as they are stored."""

from typing import Any

import httpx2

from crafter.agents.documents import Agent
from crafter.budgets.documents import Budget, BudgetHold
from crafter.calls.documents import Call
from crafter.core.tenancy import Scope


def budgets_url(organization: str, tail: str = "") -> str:
    return f"/organizations/{organization}/budgets{tail}"


def body(kind: str, named: str, **fields: Any) -> dict[str, Any]:
    """A budget that allows ten calls altogether, unless told otherwise."""
    defaults = {"name": f"for {kind}", "unit": "requests", "limit": "10", "window": "total"}
    return {"scope": {"type": kind, "id": named}, **defaults, **fields}


async def make_budget(
    client: httpx2.AsyncClient, organization: str, kind: str, named: str, **fields: Any
) -> dict[str, Any]:
    answer = await client.post(budgets_url(organization), json=body(kind, named, **fields))
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def standing(client: httpx2.AsyncClient, made: dict[str, Any], organization: str) -> dict[str, Any]:
    """A budget as it is answered now."""
    answer = await client.get(budgets_url(organization, f"/{made['_id']}"))
    shown: dict[str, Any] = answer.json()
    return shown


async def stored(organization: str, budget_id: str) -> dict[str, Any]:
    raw = await Budget.within(Scope(organization)).find_one({"_id": budget_id})
    assert raw is not None
    return raw


async def rows_of(agent: Agent) -> list[dict[str, Any]]:
    return await Call.within(agent.scope).find({}, sort=(("_id", 1),), limit=1_000)


async def holds_of(agent: Agent) -> list[dict[str, Any]]:
    return await BudgetHold.within(agent.scope).find({}, sort=(("_id", 1),), limit=1_000)
