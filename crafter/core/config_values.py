"""How a setting's value is read, judged and shown: spans, lists, switches, web addresses, the strength of secrets."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, SecretStr
from pydantic_settings import NoDecode

from crafter.core.cron import Schedule

_WEAK_WORDS = ("secret", "password", "123456", "test", "development", "admin", "key")
_DURATION = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|w|y)?\s*$", re.IGNORECASE)
_CREDENTIALS = re.compile(r"(?<=://)[^/]*(?=@)|(?<=\?).*", re.DOTALL)
_VARIABLE = re.compile(r"(?:[A-Za-z0-9-]{1,64}:)?[A-Za-z_][A-Za-z0-9_]*\*?")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0, "y": 31557600.0}


def parse_duration(text: str) -> timedelta:
    """A span in jsonwebtoken's notation: ``7d``, ``24h``, ``90m``; a bare number counts as milliseconds.

    Raises ValueError.
    """
    found = _DURATION.match(text)
    if not found:
        raise ValueError("must be a span such as 7d, 24h or 90m")
    span = timedelta(seconds=float(found[1]) * _SECONDS[(found[2] or "ms").lower()])
    if not timedelta(seconds=1) <= span <= timedelta(days=3660):
        raise ValueError("must be between one second and ten years (a bare number counts as milliseconds)")
    return span


def weakness(value: str, name: str, production: bool) -> str | None:
    """What is wrong with a secret, or None. Outside production only its length counts."""
    if name == "ENCRYPTION_KEY" and re.fullmatch(r"[0-9a-fA-F]{64}", value):
        return None
    if len(value) < 32:
        return "must have at least 32 characters (for example the output of: openssl rand -hex 32)"
    if production:
        for word in _WEAK_WORDS:
            if word in value.lower():
                return f"looks guessable, it contains {word!r}; use the output of: openssl rand -hex 32"
    return None


def split_at_commas(value: Any) -> Any:
    """The parts of a comma-separated text, without the blank ones; anything else as it is."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def shown(value: Any) -> Any:
    """A value as it may be printed: of a secret that it is set, of an address all but its credentials and query."""
    if isinstance(value, dict):
        return {key: _CREDENTIALS.sub("***", url) for key, url in value.items()}
    if isinstance(value, SecretStr) or (
        isinstance(value, list) and value and isinstance(value[0], SecretStr)
    ):
        return "(set)"
    return str(value) if isinstance(value, Path) else value


def _switch(value: Any) -> Any:
    return (
        {"on": True, "off": False, "": False}.get(value.strip().lower(), value)
        if isinstance(value, str)
        else value
    )


def _endpoints(value: list[str]) -> list[str]:
    for entry in value:
        host, _, port = entry.rpartition(":")
        if not host or not port.isdigit() or not 0 < int(port) < 65536:
            raise ValueError(f"takes host:port pairs, not {entry!r}")
    return value


def _variables(value: list[str]) -> list[str]:
    for entry in value:
        if not _VARIABLE.fullmatch(entry):
            raise ValueError(
                f"takes NAME, PREFIX_*, ORGANIZATION_ID:NAME or ORGANIZATION_ID:PREFIX_*, not {entry!r}"
            )
    return value


def _recurring(value: str) -> str:
    if value != "off":
        Schedule.parse(value)
    return value


def _web_address(value: str) -> str:
    problem = ValueError("must be an http or https address without user name, query and fragment")
    if not value.isascii() or not value.isprintable() or " " in value:
        raise problem
    try:
        parts = urlsplit(value)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        raise problem from None
    if not valid or parts.username is not None or "?" in value or "#" in value:
        raise problem
    return value


def _methods(value: list[str]) -> list[str]:
    if unknown := set(value) - {"emailpassword", "oauth"}:
        raise ValueError(f"knows only emailpassword and oauth, not {', '.join(sorted(unknown))}")
    return value


def _without_slash(value: str) -> str:
    return value.rstrip("/")


CommaList = Annotated[list[str], NoDecode, BeforeValidator(split_at_commas)]
Switch = Annotated[bool, BeforeValidator(_switch)]

EndpointList = Annotated[CommaList, AfterValidator(_endpoints)]
"""Comma-separated ``host:port`` pairs."""

VariableList = Annotated[CommaList, AfterValidator(_variables)]
"""Comma-separated names of variables, or beginnings of names with ``*``, each for one organization or for all."""

MethodList = Annotated[CommaList, AfterValidator(_methods)]
"""The ways in which people may sign in."""

Recurring = Annotated[str, AfterValidator(_recurring)]
"""When something recurs, as :class:`~crafter.core.cron.Schedule` reads it, or ``off``."""

WebAddress = Annotated[str, AfterValidator(_web_address)]
"""An http or https address, used exactly as it is written."""

BaseAddress = Annotated[WebAddress, AfterValidator(_without_slash)]
"""An http or https address to which paths are appended."""
