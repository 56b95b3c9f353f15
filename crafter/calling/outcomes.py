"""From the end of a call to what the ledger says of it."""

import asyncio
from typing import Any

from bson import Decimal128

from crafter.calls.documents import CallError, CallTokens, ErrorType
from crafter.core.egress import EgressRefused
from crafter.core.errors import CrafterError, UpstreamFailed, UpstreamTimedOut
from crafter.core.money import nano
from crafter.llm.base import NOTHING_USED, Finished, Usage
from crafter.llm.errors import ProviderReplyTooLarge
from crafter.llm.prices import Priced

_BY_STATUS: dict[int, ErrorType] = {
    400: "invalid_request",
    401: "auth",
    402: "quota",
    403: "auth",
    404: "invalid_request",
    408: "timeout",
    413: "context_length",
    422: "invalid_request",
    429: "rate_limit",
}
_BY_WORDS: tuple[tuple[str, ErrorType], ...] = (
    ("context length", "context_length"),
    ("context_length", "context_length"),
    ("maximum context", "context_length"),
    ("too many tokens", "context_length"),
    ("content filter", "content_filter"),
    ("content_filter", "content_filter"),
    ("content management policy", "content_filter"),
    ("quota", "quota"),
    ("billing", "quota"),
    ("credit balance", "quota"),
)


def success(finished: Finished) -> dict[str, Any]:
    """The fields of a whole answer."""
    fields: dict[str, Any] = {"outcome": "success", "finish_reason": finished.finish_reason}
    if finished.dropped_parameters:
        fields["dropped_parameters"] = list(finished.dropped_parameters)
    return fields


def taken(usage: Usage, priced: Priced | None) -> dict[str, Any]:
    """The fields of what a call took: its tokens, and its cost where the price is known."""
    if usage == NOTHING_USED:
        return {}
    fields: dict[str, Any] = {
        "tokens": CallTokens(
            input=usage.prompt_tokens, output=usage.completion_tokens, cached=usage.cached_tokens
        ).model_dump(),
        "usage_estimated": usage.estimated,
    }
    if priced is not None:
        fields |= {
            "cost": Decimal128(priced.amount),
            "cost_nano": nano(priced.amount),
            "price_state": "known",
            "price_ref": priced.reference,
        }
    return fields


def failure(error: BaseException) -> dict[str, Any]:
    """The fields of a call that ended without a whole answer; hung up on by us, it is cancelled."""
    if isinstance(error, asyncio.CancelledError | GeneratorExit):
        return {"outcome": "cancelled"}
    details = error.details if isinstance(error, CrafterError) else {}
    told = CallError(
        type=error_type(error),
        code=error.code if isinstance(error, CrafterError) else CrafterError.code,
        retryable=bool(details.get("retryable", False)),
        upstream_status=details.get("upstream_status"),
        retry_after=details.get("retry_after"),
    )
    return {"outcome": "error", "error": told.model_dump()}


def error_type(error: BaseException) -> ErrorType:
    """What kind of failure it is: by what the vendor said, else by its status, else by how the call ended."""
    if isinstance(error, UpstreamTimedOut):
        return "timeout"
    if isinstance(error, ProviderReplyTooLarge):
        return "server"
    if isinstance(error, EgressRefused):
        return "network"
    if not isinstance(error, UpstreamFailed):
        return "unknown"
    said, status = error.message.lower(), error.details.get("upstream_status")
    for words, kind in _BY_WORDS:
        if words in said:
            return kind
    if isinstance(status, int):
        return _BY_STATUS.get(status, "server" if status >= 500 else "invalid_request")
    return "network" if error.details.get("retryable") else "server"
