"""From what the OpenAI SDK and the egress raise to our errors, without the key that a vendor may echo."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from urllib.parse import quote

import httpx2
import openai

from crafter.core.egress import EgressFailed, EgressRefused, EgressTimedOut, EgressTooLarge
from crafter.llm.errors import (
    ProviderError,
    ProviderFailed,
    ProviderRateLimited,
    ProviderReplyTooLarge,
    ProviderTimedOut,
)

_RETRYABLE = {408, 409, 429}
_LONGEST_MESSAGE = 500
_LONGEST_WAIT_SECONDS = 86_400.0


@contextmanager
def provider_errors(provider: str, api_key: str) -> Iterator[None]:
    """Raise ProviderError for whatever goes wrong in the block; EgressRefused and our own pass.

    The causes are dropped (``from None``): their texts may hold the key, and would be logged.
    """
    try:
        yield
    except openai.APIStatusError as failure:
        raise _from_status(provider, api_key, failure) from None
    except openai.APIError as failure:
        raise ProviderFailed(provider, _presentable(failure.message, api_key), retryable=True) from None
    except EgressTimedOut:
        raise ProviderTimedOut(provider, "The answer was not complete in time.", retryable=True) from None
    except EgressTooLarge:
        raise ProviderReplyTooLarge(provider, "The answer is longer than is accepted.") from None
    except EgressFailed as failure:
        raise ProviderFailed(provider, failure.message, retryable=True, **failure.details) from None
    except httpx2.InvalidURL:
        raise EgressRefused(f"The address of {provider} is not a valid URL.") from None
    except (openai.OpenAIError, ValueError):
        # broken JSON, bytes that are no text, and values of another type than agreed are all ValueErrors
        raise ProviderFailed(provider, "The answer could not be understood.") from None


def _from_status(provider: str, api_key: str, failure: openai.APIStatusError) -> ProviderError:
    status = failure.status_code
    kind = ProviderRateLimited if status == HTTPStatus.TOO_MANY_REQUESTS else ProviderFailed
    said = _message_in(failure.response) or _phrase(status)
    return kind(
        provider,
        _presentable(f"{status} {said}", api_key),
        retryable=status in _RETRYABLE or status >= 500,
        upstream_status=status,
        retry_after=_seconds(failure.response.headers.get("retry-after")),
    )


def _message_in(response: httpx2.Response) -> str | None:
    """The sentence in an error body. Vendors nest it in ``error``, in a list, in both, or in neither."""
    try:
        body = response.json()
    except ValueError:
        return None
    if isinstance(body, list) and body:
        body = body[0]
    if isinstance(body, dict):
        body = body.get("error", body)
    if isinstance(body, dict):
        body = body.get("message")
    return body if isinstance(body, str) else None


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown status"


def _presentable(text: str, api_key: str) -> str:
    """One line of text of limited length, in which no form of the key is left."""
    for form in {api_key, quote(api_key, safe="")} - {""}:
        text = text.replace(form, "***")
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return line if len(line) <= _LONGEST_MESSAGE else line[:_LONGEST_MESSAGE] + "…"


def _seconds(retry_after: str | None) -> float | None:
    """How long a vendor asks us to wait; None when it does not say, or says nonsense."""
    if retry_after is None:
        return None
    try:
        seconds = float(retry_after)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(retry_after).timestamp() - time.time()
        except ValueError:
            return None
    return seconds if 0 <= seconds <= _LONGEST_WAIT_SECONDS else None
