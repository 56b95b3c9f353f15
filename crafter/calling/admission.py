"""Whether a call may be made: budgets and the limits of the key decide before anything is sent."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from crafter.api_keys import service as api_key_service
from crafter.budgets import service as budget_service
from crafter.budgets.documents import BudgetHold
from crafter.budgets.holds import service as hold_service
from crafter.budgets.holds.service import Need
from crafter.budgets.service import Account
from crafter.calling.purposes import Purpose
from crafter.calling.targets import Target
from crafter.calls.documents import CallHold, CallTokens
from crafter.calls.end_users import hash_of
from crafter.core.ids import new_id
from crafter.core.money import nano
from crafter.core.runtime import Runtime
from crafter.core.tasks import to_its_end
from crafter.core.time import utc_now
from crafter.llm.base import MAX_REPLY_BYTES, ChatRequest, Usage
from crafter.llm.tokens import estimate_request
from crafter.prices import service as price_service
from crafter.providers import service as provider_service

_MARGIN = timedelta(seconds=60)
"""How much longer than the deadline of a provider a call may take with everything around it."""

_MOST_OUTPUT = MAX_REPLY_BYTES // 4
"""Tokens of the longest reply that is taken from a model of which nothing is known."""


@dataclass(frozen=True, slots=True)
class Admission:
    """A call that was let in, on whose account; ``hold`` and ``held`` are what budgets keep back for it, if any do."""

    call_id: str
    account: Account
    hold: BudgetHold | None = None
    held: CallHold | None = None

    @property
    def is_over(self) -> bool:
        """Whether it has waited for so long that nothing is kept back for it any more."""
        return self.hold is not None and utc_now() >= self.hold.expires_at


def longest(runtime: Runtime) -> timedelta:
    """After how much time a call is taken to be lost."""
    return timedelta(seconds=runtime.settings.provider_timeout_seconds) + _MARGIN


async def admit(target: Target, purpose: Purpose, request: ChatRequest, runtime: Runtime) -> Admission:
    """Let a call in; each admission is good for one.

    Raises CredentialLimited, BudgetExceeded, BudgetBusy and PriceUnknown.
    """
    account = _account_of(target, purpose, runtime)
    admission = Admission(new_id(), account)
    if budgets := await budget_service.find_applying(account):
        held, need = await _most(target, request)
        hold = await hold_service.hold(
            admission.call_id, account, budgets, need, utc_now() + longest(runtime)
        )
        admission = Admission(hold.id, account, hold, held)
    try:
        await api_key_service.admit(target.key)
    except BaseException:
        await to_its_end(give_back(admission))
        raise
    return admission


async def give_back(admission: Admission) -> None:
    """Let go of what is kept back for a call that is not made after all."""
    if admission.hold is not None:
        await hold_service.release(admission.hold)


def worst_case(request: ChatRequest) -> Usage:
    """The most that a call may use: what is sent, as dear as it may be, and an answer as long as it may be."""
    sent = estimate_request(request).high
    most = request.parameters.max_tokens or provider_service.max_output_tokens(request.model) or _MOST_OUTPUT
    return Usage(sent, most, sent + most, estimated=True)


async def _most(target: Target, request: ChatRequest) -> tuple[CallHold, Need]:
    """What a call may take at most, by the price of the moment."""
    usage = worst_case(request)
    priced = await price_service.price_of(target.key.scope, target.provider, request.model, usage, utc_now())
    cost: Decimal | None = None if priced is None else priced.amount
    held = CallHold(
        tokens=CallTokens(input=usage.prompt_tokens, output=usage.completion_tokens),
        cost=cost,
        cost_nano=0 if cost is None else nano(cost),
        price_ref=None if priced is None else priced.reference,
    )
    return held, Need(target.provider, request.model, usage.total_tokens, cost)


def _account_of(target: Target, purpose: Purpose, runtime: Runtime) -> Account:
    """On whose account a call is made."""
    key, end_user = target.key, purpose.end_user
    hashed = None if end_user is None else hash_of(runtime.keyring, key.organization, end_user)
    return Account(key.scope, key.id, purpose.agent, hashed)
