"""Webhook addresses, and the patterns that lead to them: what may be stored."""

import re
import warnings
from urllib.parse import urlsplit

MAX_PATTERN = 500

_PORTS = {"http": 80, "https": 443}


def address_problem(address: str) -> str | None:
    """What is wrong with a webhook's address; None when it may be stored."""
    if not address.isascii() or not address.isprintable() or " " in address:
        return "it may only contain printable ASCII characters"
    try:
        url = urlsplit(address)
        usable = url.scheme in _PORTS and bool(url.hostname) and url.port != 0
    except ValueError:
        usable = False
    if not usable:
        return "it must be an http or https address"
    return "it must not contain a user name or a password" if url.username is not None else None


def pattern_problem(pattern: str) -> str | None:
    """What is wrong with a regular expression; None when it may be stored. It is compiled, never run."""
    if len(pattern) > MAX_PATTERN:
        return f"it is longer than {MAX_PATTERN} characters"
    try:
        with warnings.catch_warnings(action="ignore"):
            re.compile(pattern)
    except re.error as error:
        return f"{error.msg} at position {error.pos}"
    except (OverflowError, RecursionError):
        return "it is too complex"
    return None


def same_origin(one: str | None, other: str | None) -> bool:
    """Whether two addresses lead to the same server; no address leads nowhere."""
    return one is not None and other is not None and origin(one) == origin(other)


def origin(address: str) -> tuple[str, str | None, int | None] | str:
    """Scheme, host and port; an address without them is only the same as itself."""
    try:
        url = urlsplit(address)
        return url.scheme, url.hostname, url.port or _PORTS.get(url.scheme)
    except ValueError:
        return address
