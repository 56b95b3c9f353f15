"""Every query about holds, and the order in which they are written so that nothing is lost or counted twice.

The row of a hold comes first, then the budgets, the widest first; once the call is over, its row in the ledger, then
the budgets, then the row of the hold. Each step changes one document, and changes nothing when it is done again. So
whatever was left undone is found by the row of the hold, and done by what the ledger says: no transaction, in which
calls under one budget would wait for one another, is needed for that.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, Decimal
from typing import Any

from crafter.budgets import amounts, refusals
from crafter.budgets import service as budget_service
from crafter.budgets.documents import Budget, BudgetHold, Claim, HoldState, Taken
from crafter.budgets.service import Account
from crafter.calls import service as call_service
from crafter.calls.documents import Call
from crafter.core.money import nano
from crafter.core.pagination import CursorPage, CursorSigner
from crafter.core.tasks import to_its_end
from crafter.core.time import utc_now

KEPT = timedelta(days=30)
"""How long a hold that is over can be read."""

SLACK = timedelta(seconds=30)
"""How much later than a hold expires it is looked for, since no two clocks are the same."""

_NEWEST_FIRST = (("_id", -1),)
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Need:
    """What a call of a model may take at most; ``cost`` in dollars is None where nobody knows the price."""

    provider: str
    model: str
    tokens: int
    cost: Decimal | None


async def hold(
    call_id: str, account: Account, budgets: Sequence[Budget], need: Need, expires_at: datetime
) -> BudgetHold:
    """Keep back what a call may take on each of the budgets, or on none of them.

    Raises BudgetExceeded, BudgetBusy and PriceUnknown.
    """
    claims = [_claim(budget, need) for budget in budgets]
    made = BudgetHold(
        id=call_id,
        organization=account.scope.organization,
        project=account.scope.project or "",
        claims=claims,
        expires_at=expires_at,
    )
    await BudgetHold.within(account.scope).insert(made.to_stored())
    try:
        for budget, claim in zip(budgets, claims, strict=True):
            await budget_service.hold(budget, call_id, claim.amount, utc_now())
    except BaseException:
        await to_its_end(release(made))
        raise
    return made


async def settle(hold: BudgetHold, taken: Taken, state: HoldState = "settled") -> None:
    """Charge what the call took, as the ledger says; doing so again changes nothing."""
    for claim in hold.claims:
        amount = amounts.of_unit(claim.unit, taken)
        await budget_service.charge(hold.scope, claim, hold.id, amount, utc_now())
    await _end(hold, state, {"taken": taken.model_dump()})


async def release(hold: BudgetHold) -> None:
    """Let go of everything: the call was not made."""
    for claim in hold.claims:
        await budget_service.release(hold.scope, claim, hold.id)
    await _end(hold, "released", {})


async def settle_abandoned(now: datetime) -> int:
    """Settle what nobody settles any more, by what the ledger says of the calls; answers how many there were.

    A call of which nobody knows what became has taken what it held, and its row says so. One that has no row was not
    made. One whose row still runs is left to the sweep of the ledger, which ends it.
    """
    count = 0
    async for hold in _abandoned(now):
        call = await call_service.find_call(hold.scope, hold.id)
        if call is None:
            await release(hold)
        elif call.outcome == "running":
            continue
        else:
            await settle(hold, taken_by(call), "expired" if call.outcome == "unknown" else "settled")
        count += 1
    return count


def taken_by(call: Call) -> Taken:
    """What the ledger says that a call took."""
    return Taken(cost_nano=call.cost_nano, tokens=call.tokens.input + call.tokens.output, requests=1)


async def list_page(
    budget: Budget, page: CursorPage, cursors: CursorSigner
) -> tuple[list[BudgetHold], str | None]:
    """A page of the holds on a budget, the newest first, and the cursor of the next one. Raises ValidationFailed."""
    listing = {"list": "budget_holds", "budget": budget.id}
    where: dict[str, Any] = {"claims.budget": budget.id}
    if page.cursor is not None:
        [last] = cursors.open(page.cursor, listing)
        where["_id"] = {"$lt": last}
    rows = await BudgetHold.within(budget.scope).find(where, sort=_NEWEST_FIRST, limit=page.limit + 1)
    holds = [BudgetHold.from_stored(row) for row in rows[: page.limit]]
    following = cursors.seal([holds[-1].id], listing) if len(rows) > page.limit else None
    return holds, following


def _claim(budget: Budget, need: Need) -> Claim:
    """Raises PriceUnknown."""
    if budget.unit == "usd":
        if need.cost is None and (budget.action, budget.on_unknown_price) == ("refuse", "refuse"):
            raise refusals.price_unknown(budget, need.provider, need.model)
        amount = min(nano(need.cost or Decimal(0), ROUND_CEILING), amounts.MOST)
    else:
        amount = need.tokens if budget.unit == "tokens" else 1
    return Claim(budget=budget.id, unit=budget.unit, window=budget.window, amount=amount)


async def _end(hold: BudgetHold, state: HoldState, fields: Mapping[str, Any]) -> None:
    now = utc_now()
    ended = {"state": state, "settled_at": now, "purge_at": now + KEPT, **fields}
    await BudgetHold.within(hold.scope).update_one({"_id": hold.id, "state": "held"}, {"$set": ended})


async def _abandoned(now: datetime) -> AsyncIterator[BudgetHold]:
    where = {"state": "held", "expires_at": {"$lt": now - SLACK}}
    cursor = BudgetHold.across_tenants().find(where, sort=[("expires_at", 1)], limit=_AT_ONCE)
    async for raw in cursor:
        yield BudgetHold.from_stored(raw)
