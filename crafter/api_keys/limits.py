"""Which limit of a provider key was reached, and when there will be room again."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from crafter.api_keys.errors import CredentialLimited
from crafter.core.windows import day_of, minute_of

_MINUTE, _DAY = 60, 86_400


def limit_reached(raw: Mapping[str, Any], now: datetime) -> CredentialLimited:
    """The refusal for a key that has no room (any more), by its stored limits and counters."""
    limits, minute, today = raw.get("rate_limits") or {}, raw.get("minute") or {}, raw.get("day") or {}
    daily = limits.get("daily_token_limit")
    if daily is not None and today.get("start", now) >= day_of(now) and today.get("tokens", 0) >= daily:
        left = day_of(now) + timedelta(days=1) - now
        return CredentialLimited(
            f"{daily} tokens per day", limit=daily, window=_DAY, seconds_left=_ceil(left)
        )
    left = minute_of(now) + timedelta(minutes=1) - now
    requests, tokens = limits.get("requests_per_minute"), limits.get("tokens_per_minute")
    if requests is not None and (tokens is None or minute.get("requests", 0) >= requests):
        allowed, limit = f"{requests} requests per minute", requests
    else:
        allowed, limit = f"{tokens} tokens per minute", tokens or 0
    return CredentialLimited(allowed, limit=limit, window=_MINUTE, seconds_left=_ceil(left))


def _ceil(left: timedelta) -> int:
    return max(1, -(-left // timedelta(seconds=1)))
