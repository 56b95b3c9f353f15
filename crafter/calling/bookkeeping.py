"""The row of a call in the ledger: written before anything is sent, and settled, with all that follows from it."""

from crafter.api_keys import service as api_key_service
from crafter.budgets.documents import Taken
from crafter.budgets.holds import service as hold_service
from crafter.calling.admission import Admission, longest
from crafter.calling.attempts import Attempt
from crafter.calling.purposes import Purpose
from crafter.calling.tally import Tally
from crafter.calling.targets import Target
from crafter.calls import service as call_service
from crafter.calls.documents import Call
from crafter.core.money import nano
from crafter.core.runtime import Runtime
from crafter.core.time import utc_now
from crafter.llm.base import NOTHING_USED, ChatRequest, Usage
from crafter.llm.prices import Priced
from crafter.prices import service as price_service


async def begin(
    target: Target,
    request: ChatRequest,
    admission: Admission,
    purpose: Purpose,
    runtime: Runtime,
    *,
    streamed: bool,
    number: int,
) -> Attempt:
    """Write the row of a call that was let in and is about to be made; ``number`` counts the attempts, from 1."""
    call = Call(
        id=admission.call_id,
        organization=target.key.organization,
        project=target.key.project,
        kind=purpose.kind,
        provider=target.provider,
        model=request.model,
        credential=target.key.id,
        agent=purpose.agent,
        prompt=purpose.prompt,
        prompt_version=purpose.prompt_version,
        source=purpose.source,
        user=purpose.user,
        user_api_key=purpose.user_api_key,
        end_user_hash=admission.account.end_user_hash,
        streamed=streamed,
        attempt=number,
        deadline_at=utc_now() + longest(runtime),
        held=admission.held,
    )
    await call_service.begin(call)
    return Attempt(call, request, target, admission.hold)


async def settle(attempt: Attempt, error: BaseException | None, tally: Tally) -> None:
    """The row first, then the budgets, then the sums on the key: what a process that dies leaves undone is known.

    Where the row was given up meanwhile, whoever did that charges the budgets.
    """
    call, usage, priced = attempt.call, attempt.usage(error), None
    if usage != NOTHING_USED:
        priced = await price_service.price_of(call.scope, call.provider, call.model, usage, call.created_at)
    settled = await call_service.settle(call, attempt.ending(error, usage, priced))
    if attempt.hold is not None and settled:
        await hold_service.settle(attempt.hold, _taken(usage, priced))
    tally.add(usage, priced)
    await api_key_service.record_usage(
        attempt.target.key,
        call.model,
        input_tokens=usage.prompt_tokens,
        output_tokens=usage.completion_tokens,
        total_tokens=usage.total_tokens,
        cost=float(priced.amount) if priced is not None else 0.0,
    )


def _taken(usage: Usage, priced: Priced | None) -> Taken:
    """The same figures that the row has."""
    return Taken(
        cost_nano=0 if priced is None else nano(priced.amount),
        tokens=usage.prompt_tokens + usage.completion_tokens,
        requests=1,
    )
