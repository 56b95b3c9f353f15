"""Working out what a call would take; nothing is sent, and nothing is stored."""

from crafter.api_keys import service as api_key_service
from crafter.calling.admission import worst_case
from crafter.core.tenancy import Scope
from crafter.core.time import utc_now
from crafter.estimates.schemas import CostRead, EstimateInput, EstimateRead, OutputRead, TokensRead
from crafter.llm.base import ChatMessage, ChatParameters, ChatRequest, Usage
from crafter.llm.tokens import METHOD, estimate_request
from crafter.prices import service as price_service
from crafter.providers import service as provider_service


async def estimate(scope: Scope, asked: EstimateInput) -> EstimateRead:
    """Bounds of tokens and cost, as a budget would hold them. Raises ApiKeyNotFound and ProviderNotFound."""
    provider = await _provider_of(scope, asked)
    request, at = _request(asked), asked.as_of or utc_now()
    tokens, most = estimate_request(request), worst_case(request)
    least = Usage(tokens.low, 0, tokens.low, estimated=True)
    low = await price_service.price_of(scope, provider, asked.model, least, at)
    high = await price_service.price_of(scope, provider, asked.model, most, at)
    known = low is not None and high is not None
    return EstimateRead(
        provider=provider,
        model=asked.model,
        tokens=TokensRead(count=tokens.count, low=tokens.low, high=tokens.high, method=METHOD),
        output_tokens=OutputRead(low=0, high=most.completion_tokens),
        cost=CostRead(low=low.amount, high=high.amount) if low is not None and high is not None else None,
        price_state="known" if known else "unknown",
        price_ref=None if high is None else high.reference,
        priced_at=at,
    )


async def _provider_of(scope: Scope, asked: EstimateInput) -> str:
    if asked.api_key is None:
        return asked.provider or ""
    key = await api_key_service.get_key(scope, asked.api_key)
    return (await provider_service.get_provider(key.provider)).name


def _request(asked: EstimateInput) -> ChatRequest:
    said = [ChatMessage(one.role, one.content) for one in asked.messages or ()]
    return ChatRequest(
        asked.model,
        said or [ChatMessage("user", asked.prompt or "")],
        ChatParameters(max_tokens=asked.max_tokens),
    )
