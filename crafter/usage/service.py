"""Every query about usage. An answer is the stored sums, and beside them the calls that no sum has yet."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from crafter.calls import service as call_service
from crafter.calls.documents import Call
from crafter.core.database import Session, in_transaction
from crafter.core.tenancy import Scope
from crafter.core.windows import day_of
from crafter.usage import presentation
from crafter.usage.documents import UsageRollup
from crafter.usage.errors import StillSummingUp, TooManyRows
from crafter.usage.grouping import group
from crafter.usage.periods import Period
from crafter.usage.schemas import Usage, UsageQuery
from crafter.usage.tallies import DIMENSIONS, Tally, tally

MOST_ROLLUPS = 50_000
MOST_UNFOLDED = 20_000
MOST_ROWS = 10_000

_BY_DAY = {**dict.fromkeys(DIMENSIONS, 1), "day": 1, "total": 1, "latency": 1, "ttft": 1}
_BY_HOUR = {**dict.fromkeys(DIMENSIONS, 1), "day": 1, "hours": 1}


async def get_usage(scope: Scope, query: UsageQuery) -> Usage:
    """The usage of an organization. Raises TooManyRows and StillSummingUp."""
    period, filters = query.period, query.filters()
    tallies = await _tallies(scope, period, filters)
    groups = group(tallies, period, query.group_by)
    kinds = len({key.values for key in groups}) if query.group_by else 1
    starts = list(period.intervals())
    if kinds * len(starts) > MOST_ROWS:
        raise TooManyRows(rows=kinds * len(starts), most=MOST_ROWS)
    return presentation.show(query, period, starts, groups)


async def fold(scope: Scope, unknown_before: datetime, *, most: int) -> int:
    """Take so many calls of a project into its sums; answers how many there were.

    The sums and the marks on the calls are written together or not at all, whoever else does the same.
    """

    async def work(session: Session) -> int:
        calls = await call_service.take_unfolded(scope, unknown_before, limit=most, session=session)
        for each in tally(calls):
            await _add(scope, each, session)
        return len(calls)

    return await in_transaction(work)


async def _add(scope: Scope, each: Tally, session: Session) -> None:
    named = {"_id": each.id_in(scope.organization), "organization": scope.organization, "day": each.day}
    rollup = UsageRollup.model_validate(named | dict(each.dimensions))
    await UsageRollup.within(scope).add_to(rollup.to_stored(), each.increments(), session=session)


async def _tallies(scope: Scope, period: Period, filters: Mapping[str, str]) -> list[Tally]:
    """What the calls of a period come to. Both reads are of one moment: a call is in one of them, never in both."""
    first_day = day_of(period.start)
    days = {"day": {"$gte": first_day, "$lt": period.end}}
    fields = _BY_HOUR if period.interval == "hour" else _BY_DAY

    async def work(session: Session) -> tuple[list[dict[str, Any]], list[Call]]:
        where: dict[str, Any] = days | {name: {"$eq": value} for name, value in filters.items()}
        rollups = UsageRollup.within(scope)
        stored = await rollups.find(where, fields=fields, limit=MOST_ROLLUPS + 1, session=session)
        waiting = await call_service.list_unfolded(
            scope, first_day, period.end, limit=MOST_UNFOLDED + 1, session=session
        )
        return stored, waiting

    stored, waiting = await in_transaction(work)
    if len(stored) > MOST_ROLLUPS:
        raise TooManyRows
    if len(waiting) > MOST_UNFOLDED:
        raise StillSummingUp
    fitting = [
        call for call in waiting if all(getattr(call, name) == value for name, value in filters.items())
    ]
    read = [found for raw in stored if (found := Tally.from_stored(raw)) is not None]
    return [*read, *tally(fitting)]
