"""Every query about the ledger."""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any

from pymongo.asynchronous.client_session import AsyncClientSession

from crafter.calls.documents import Call
from crafter.calls.errors import CallNotFound
from crafter.calls.schemas import CallQuery, CallRead
from crafter.core.ids import first_id_at
from crafter.core.pagination import CursorPage, CursorSigner
from crafter.core.tenancy import Scope

_NEWEST_FIRST = (("_id", -1),)
_AT_ONCE = 500
_FIELDS = {
    "kind": "kind",
    "model": "model",
    "credential": "credential",
    "outcome": "outcome",
    "agent": "agent",
}


async def begin(call: Call) -> None:
    """Write the row of a call that is about to be made."""
    await Call.within(call.scope).insert(call.to_stored())


async def settle(call: Call, outcome: Mapping[str, Any]) -> bool:
    """Write what became of a call, once. False: it is settled already.

    One that was given up in the meantime may still be settled, unless it was charged to budgets: they have charged
    what it held.
    """
    change = {"$set": {**outcome, "folded": False}, "$unset": {"deadline_at": ""}}
    outcomes = ["running"] if call.held else ["running", "unknown"]
    open_still = {"_id": call.id, "outcome": {"$in": outcomes}, "folded": {"$ne": True}}
    return await Call.within(call.scope).update_one(open_still, change) == 1


async def give_up_abandoned(now: datetime) -> int:
    """Note that nobody knows what became of the calls whose process was killed; answers how many there were."""
    count = 0
    async for call in _abandoned(now):
        where = {"_id": call.id, "outcome": "running"}
        lost = {"outcome": "unknown", "folded": False, **_at_most(call)}
        change = {"$set": lost, "$unset": {"deadline_at": ""}}
        count += await Call.within(call.scope).update_one(where, change)
    return count


async def find_unfolded(unknown_before: datetime) -> list[Scope]:
    """The projects with settled calls that no sum of usage has yet; one page of them, in no order.

    Calls of which nobody knows what became count as settled when they are older than that.
    """
    cursor = Call.across_tenants().find(unfolded(unknown_before), limit=_AT_ONCE)
    return list({Call.from_stored(raw).scope async for raw in cursor})


async def take_unfolded(
    scope: Scope, unknown_before: datetime, *, limit: int, session: AsyncClientSession
) -> list[Call]:
    """Settled calls of a project that no sum of usage has yet, the oldest first, and mark that one has them now.

    In a transaction with the writing of the sums; who takes the same calls at the same time has to begin again.
    """
    calls = Call.within(scope)
    rows = await calls.find(unfolded(unknown_before), sort=(("_id", 1),), limit=limit, session=session)
    if rows:
        taken = {"_id": {"$in": [row["_id"] for row in rows]}, "folded": False}
        await calls.update_many(taken, {"$set": {"folded": True}}, session=session)
    return [Call.from_stored(row) for row in rows]


async def list_unfolded(
    scope: Scope, since: datetime, until: datetime, *, limit: int, session: AsyncClientSession
) -> list[Call]:
    """The settled calls of some time that no sum of usage has yet."""
    where = {"folded": False, "createdAt": {"$gte": since, "$lt": until}}
    rows = await Call.within(scope).find(where, limit=limit, session=session)
    return [Call.from_stored(row) for row in rows]


def unfolded(unknown_before: datetime) -> dict[str, Any]:
    """The settled calls that wait to be summed up."""
    settled = [{"outcome": {"$ne": "unknown"}}, {"createdAt": {"$lt": unknown_before}}]
    return {"folded": False, "$or": settled}


async def list_page(
    scope: Scope, query: CallQuery, page: CursorPage, cursors: CursorSigner
) -> tuple[list[CallRead], str | None]:
    """A page of a project's calls, the newest first, and the cursor of the next one. Raises ValidationFailed."""
    where: dict[str, Any] = {
        field: {"$eq": value}
        for name, field in _FIELDS.items()
        if (value := getattr(query, name)) is not None
    }
    if query.source is not None:
        where["source.id"] = {"$eq": query.source}
    listing = {"list": "calls", **scope.as_filter(), **query.model_dump(mode="json", exclude_none=True)}
    ids: dict[str, str] = {}
    if query.since is not None:
        ids["$gte"] = first_id_at(query.since)
    if query.until is not None:
        ids["$lt"] = first_id_at(query.until)
    if page.cursor is not None:
        [ids["$lt"]] = cursors.open(page.cursor, listing)
    if ids:
        where["_id"] = ids
    rows = await Call.within(scope).find(
        where, fields=CallRead.fields(), sort=_NEWEST_FIRST, limit=page.limit + 1
    )
    calls = [CallRead.from_stored(row) for row in rows[: page.limit]]
    following = cursors.seal([calls[-1].stored_id], listing) if len(rows) > page.limit else None
    return calls, following


async def get_call(scope: Scope, call_id: str) -> CallRead:
    """One call of a project. Raises CallNotFound."""
    raw = await Call.within(scope).find_one({"_id": call_id}, fields=CallRead.fields())
    if raw is None:
        raise CallNotFound
    return CallRead.from_stored(raw)


async def find_call(scope: Scope, call_id: str) -> Call | None:
    """The row of one call of a project, if it is there."""
    raw = await Call.within(scope).find_one({"_id": call_id})
    return None if raw is None else Call.from_stored(raw)


def _at_most(call: Call) -> dict[str, Any]:
    """What a lost call has taken: what budgets kept back for it; where there are none, nobody knows."""
    if call.held is None:
        return {}
    fields = call.held.model_dump()
    return {**fields, "usage_estimated": True, "price_state": "known" if "cost" in fields else "unknown"}


async def _abandoned(now: datetime) -> AsyncIterator[Call]:
    where = {"outcome": "running", "deadline_at": {"$lt": now}}
    cursor = Call.across_tenants().find(where, sort=[("deadline_at", 1)], limit=_AT_ONCE)
    async for raw in cursor:
        yield Call.from_stored(raw)
