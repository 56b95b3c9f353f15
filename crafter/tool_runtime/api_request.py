"""From an endpoint and what a model asks of it to the one request that may be sent.

The model fills gaps: it names no server, leaves no path, replaces no credentials, and overrules nothing that is
configured.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote, unquote_plus, urlencode

from crafter.agent_tools.api_caller.checks import METHODS, check_address
from crafter.agent_tools.vault import as_object
from crafter.agents.secrets import MASK, masked_parameters, replace_secrets
from crafter.tool_runtime.context import Arguments
from crafter.tool_runtime.errors import ToolFailed
from crafter.tool_runtime.texts import line_of

MAX_URL = 8_000
MAX_BODY_BYTES = 64 * 1024
MAX_VALUES = 50
MAX_HEADER_LENGTH = 1_000

_SHOWN = 100
_GAP = re.compile(r"\{([^{}/?#]+)\}")
_SEPARATORS = re.compile(r"[/\\;]")
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+^_`|~-]{1,200}")
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
_FRAMING = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""Headers that belong to the connection; nobody may set them."""

_RESERVED = _FRAMING | {
    "authorization",
    "content-type",
    "cookie",
    "forwarded",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-original-url",
    "x-real-ip",
    "x-rewrite-url",
}
_RESERVED_BEGINNINGS = ("proxy-", "sec-", "x-forwarded-")
"""Headers that a model may not set: they would name other credentials, another method, path or sender."""


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """A request. ``shown_url`` is its address without secrets; ``secrets`` are those that it carries."""

    method: str
    url: str = field(repr=False)
    shown_url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | None = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)


@dataclass(slots=True)
class _Credentials:
    """What is sent to prove who is calling."""

    headers: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()


def build_request(name: str, endpoint: Mapping[str, Any], arguments: Arguments) -> ApiRequest:
    """The request to an endpoint whose secrets are opened. Raises ToolFailed, and InvalidApiConfig."""
    if not all(isinstance(endpoint.get(part), str) for part in ("base_url", "path")):
        raise ToolFailed(f"Endpoint '{name}' has no address. Configure it again.")
    check_address(name, endpoint)
    method = _method(name, endpoint.get("methods"), arguments.get("method"))
    credentials = _credentials(name, endpoint.get("authentication"))
    path, fixed_query = _filled(endpoint["path"], as_object(arguments.get("path_params")))
    query = _query(as_object(arguments.get("query_params")), _query_names(fixed_query), credentials)
    address = endpoint["base_url"].rstrip("/") + path
    url = _joined(address, fixed_query, query, urlencode(credentials.query))
    if len(url) > MAX_URL:
        raise ToolFailed(f"The address gets longer than {MAX_URL} characters. Send less.")
    body = _body(method, arguments.get("body_data"))
    return ApiRequest(
        method,
        url,
        _joined(
            address, _masked(fixed_query), query, urlencode(dict.fromkeys(credentials.query, MASK), safe="*")
        ),
        _headers(name, endpoint.get("headers"), as_object(arguments.get("headers")), credentials, body),
        body,
        (*credentials.secrets, *_secret_headers(endpoint.get("headers"))),
    )


def _method(name: str, configured: Any, wanted: str | None) -> str:
    methods = [one for one in configured if one in METHODS] if isinstance(configured, list) else ["GET"]
    method = wanted or ("GET" if "GET" in methods or len(methods) != 1 else methods[0])
    if method not in methods:
        raise ToolFailed(f"Endpoint '{name}' takes {', '.join(methods) or 'no method'}, not {method}")
    return method


def _filled(template: str, given: Mapping[str, Any]) -> tuple[str, str]:
    """The path and the query of a configured path, with its gaps filled. Raises ToolFailed."""
    gaps = _GAP.findall(template)
    if unknown := next((name for name in given if name not in gaps), None):
        known = f"only {', '.join(gaps)}" if gaps else "no parameters"
        raise ToolFailed(f"The path has no parameter '{line_of(unknown, _SHOWN)}': it has {known}")
    if missing := next((name for name in gaps if name not in given), None):
        raise ToolFailed(f"The path parameter '{missing}' is missing")
    filled = _GAP.sub(lambda gap: quote(_step(gap[1], given[gap[1]]), safe=""), template.partition("#")[0])
    path, _, query = filled.partition("?")
    return path, query


def _step(name: str, value: Any) -> str:
    """A value for the path. Some servers decode a path before they follow it, so none may lead upwards."""
    text = _text(f"The path parameter '{name}'", value)
    if (
        not text.strip()
        or not text.isprintable()
        or any(part in (".", "..") for part in _SEPARATORS.split(text))
    ):
        raise ToolFailed(
            f"The path parameter '{name}' must be one printable value, and not lead to another path"
        )
    return text


def _query(given: Mapping[str, Any], configured: frozenset[str], credentials: _Credentials) -> str:
    reserved = configured | {name.casefold() for name in credentials.query}
    pairs = []
    for name, value in given.items():
        label = f"The query parameter '{line_of(name, _SHOWN)}'"
        if name.casefold() in reserved:
            raise ToolFailed(f"{label} is configured, and cannot be set")
        values = value if isinstance(value, list) else [value]
        pairs += [(_text(label, name), _text(label, one)) for one in values if one is not None]
    if len(pairs) > MAX_VALUES:
        raise ToolFailed(f"There are more than {MAX_VALUES} query parameters")
    return urlencode(pairs)


def _query_names(query: str) -> frozenset[str]:
    return frozenset(name.casefold() for name, _ in parse_qsl(query, keep_blank_values=True))


def _masked(query: str) -> str:
    """A configured query without the values that may be secrets."""
    return "&".join(map(_masked_pair, query.split("&")))


def _masked_pair(pair: str) -> str:
    name, equals, value = pair.partition("=")
    [shown] = masked_parameters({"headers": {unquote_plus(name): value}})["headers"].values()
    return f"{name}{equals}{shown}"


def _joined(address: str, *queries: str) -> str:
    query = "&".join(filter(None, queries))
    return f"{address}?{query}" if query else address


def _text(label: str, value: Any) -> str:
    """A string, a number or a boolean as text. Raises ToolFailed."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str | int | float):
        raise ToolFailed(f"{label} must be a string, a number or a boolean")
    try:
        text = str(value)
        text.encode()
    except ValueError:  # half a surrogate pair, or a number of thousands of digits
        raise ToolFailed(f"{label} is not a valid value") from None
    return text


def _body(method: str, data: Any) -> bytes | None:
    if data is None or (method not in _WITH_BODY and data in ({}, [], "")):
        return None
    if method not in _WITH_BODY:
        raise ToolFailed(f"body_data only goes with {', '.join(sorted(_WITH_BODY))}, not with {method}")
    try:
        body = json.dumps(data, allow_nan=False).encode()
    except (ValueError, RecursionError):
        raise ToolFailed("body_data is not valid JSON") from None
    if len(body) > MAX_BODY_BYTES:
        raise ToolFailed(f"body_data is larger than {MAX_BODY_BYTES} bytes")
    return body


def _headers(
    name: str, configured: Any, given: Mapping[str, Any], credentials: _Credentials, body: bytes | None
) -> dict[str, str]:
    """All headers, their names in lower case: the credentials over those that are configured over those given."""
    fixed = {} if body is None else {"content-type": "application/json"}
    for header, value in (*as_object(configured).items(), *credentials.headers.items()):
        if not _is_header(header, value) or header.lower() in _FRAMING:
            raise ToolFailed(f"A header or a credential of endpoint '{name}' cannot be sent. Enter it again.")
        fixed[header.lower()] = value
    if len(given) > MAX_VALUES:
        raise ToolFailed(f"There are more than {MAX_VALUES} headers")
    free = {}
    taken = _RESERVED | {_plain(header) for header in fixed}
    for header, value in given.items():
        label = f"The header '{line_of(header, _SHOWN)}'"
        if _plain(header) in taken or _plain(header).startswith(_RESERVED_BEGINNINGS):
            raise ToolFailed(f"{label} cannot be set")
        text = _text(label, value)
        if len(text) > MAX_HEADER_LENGTH or not _is_header(header, text):
            raise ToolFailed(f"{label} is not a valid header of at most {MAX_HEADER_LENGTH} characters")
        free[header.lower()] = text
    return free | fixed


def _plain(header: str) -> str:
    """The name as those servers read it that make no difference between a hyphen and an underscore."""
    return header.lower().replace("_", "-")


def _is_header(name: str, value: Any) -> bool:
    valid = isinstance(value, str) and value.isascii() and value.isprintable()
    return valid and bool(_HEADER_NAME.fullmatch(name))


def _credentials(name: str, authentication: Any) -> _Credentials:
    """Raises ToolFailed for credentials that lack something."""
    if not authentication:
        return _Credentials()
    match as_object(authentication):
        case {"type": "bearer_token", "token": str(token)} if token:
            return _Credentials(headers={"authorization": f"Bearer {token}"}, secrets=(token,))
        case {"type": "cookie", "cookie": str(cookie)} if cookie:
            values = (pair.partition("=")[2].strip() for pair in cookie.split(";"))
            return _Credentials(headers={"cookie": cookie}, secrets=(cookie, *values))
        case {"type": "api_key", "key_name": str(label), "key_value": str(key), **rest} if label and key:
            if rest.get("location") == "query":
                return _Credentials(query={label: key}, secrets=(key,))
            return _Credentials(headers={label: key}, secrets=(key,))
        case _:
            raise ToolFailed(f"The credentials of endpoint '{name}' are incomplete. Enter them again.")


def _secret_headers(configured: Any) -> Iterator[str]:
    """The values of those configured headers that may be secrets."""
    found: list[Any] = []
    replace_secrets({"headers": as_object(configured)}, lambda _, value: found.append(value))
    yield from (value for value in found if isinstance(value, str))
