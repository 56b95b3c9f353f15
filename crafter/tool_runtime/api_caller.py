"""``api_caller``: one call of an endpoint that is configured for the agent, and what was answered."""

import json
import time
from typing import Any
from urllib.parse import quote

from crafter.agent_tools.api_caller.credentials import endpoints_of, shared_of
from crafter.agent_tools.api_caller.service import TOOL, complete
from crafter.agent_tools.vault import Vault
from crafter.agents.secrets import MASK, masked_parameters
from crafter.edge.strict_json import InvalidJson, loads
from crafter.tool_runtime.api_request import build_request
from crafter.tool_runtime.context import Arguments, Result, ToolContext
from crafter.tool_runtime.errors import ToolFailed
from crafter.tool_runtime.outgoing import Reply, send
from crafter.tool_runtime.texts import line_of, milliseconds_since, shortened

DEADLINE_SECONDS = 20.0
MAX_REPLY_BYTES = 1_000_000

_MAX_DATA = 12_000
_MAX_HEADERS = 30
_HEADER_LENGTH = 200
_LISTED_ENDPOINTS = 20
_SHOWN = 100
_SHORTEST_SECRET = 4
"""Of a shorter one every other text would have to be mended, and nobody could read it."""


async def call_endpoint(arguments: Arguments, context: ToolContext) -> Result:
    """What the endpoint answered. A status of 400 and more is an answer too; a redirect is a failure.

    Raises ToolFailed, InvalidApiConfig, SecretUnreadable, and what ``send`` raises.
    """
    started = time.perf_counter()
    name: str = arguments["endpoint_name"]
    request = build_request(name, _opened(name, context), arguments)
    reply = await send(
        request.method,
        request.url,
        allow=context.runtime.settings.tenant_egress_allow,
        headers=request.headers,
        content=request.body,
        deadline_seconds=DEADLINE_SECONDS,
        max_bytes=MAX_REPLY_BYTES,
    )
    return {
        "endpoint_name": name,
        "url": request.shown_url,
        "method": request.method,
        "status_code": reply.status,
        "status_text": reply.reason,
        "success": reply.success,
        "headers": _shown_headers(reply, request.secrets),
        **_data(reply, request.secrets),
        "execution_time_ms": milliseconds_since(started),
    }


def _opened(name: str, context: ToolContext) -> dict[str, Any]:
    """The endpoint with its own credentials or the shared ones; no other secret is opened."""
    endpoints = endpoints_of(context.settings)
    if name not in endpoints:
        known = ", ".join(list(endpoints)[:_LISTED_ENDPOINTS])
        there_are = f"There are: {known}" if known else "None is configured for this agent"
        raise ToolFailed(f"There is no endpoint '{line_of(name, _SHOWN)}'. {there_are}.")
    needed: dict[str, Any] = {"endpoints": {name: endpoints[name]}}
    if not endpoints[name].get("authentication"):
        needed["authentication"] = shared_of(context.settings)
    opened = Vault(context.agent, TOOL, context.runtime.keyring).open(needed)
    endpoint: dict[str, Any] = complete(opened)["endpoints"][name]
    return endpoint


def _shown_headers(reply: Reply, secrets: tuple[str, ...]) -> dict[str, str]:
    """The first headers of an answer; those that may hold a secret are masked."""
    first = list(reply.headers.items())[:_MAX_HEADERS]
    shown = {name[:_SHOWN]: shortened(_without(secrets, value), _HEADER_LENGTH) for name, value in first}
    masked: dict[str, str] = masked_parameters({"headers": shown})["headers"]
    return masked


def _data(reply: Reply, secrets: tuple[str, ...]) -> dict[str, Any]:
    """``data``, as JSON where it is; ``truncated`` if it is only the beginning of a longer text."""
    if b"\0" in reply.body:
        return {"data": f"({len(reply.body)} bytes that are not text)"}
    text = _without(secrets, reply.text())
    if len(text) > _MAX_DATA:
        return {"data": shortened(text, _MAX_DATA), "truncated": True}
    if "json" in reply.kind or text.startswith(("{", "[")):
        try:
            return {"data": loads(text.encode())}
        except InvalidJson:
            return {"data": text}
    return {"data": text or None}


def _without(secrets: tuple[str, ...], text: str) -> str:
    """The text without the secrets that were sent: some servers repeat what they were asked."""
    for secret in secrets:
        if len(secret) >= _SHORTEST_SECRET:
            for spelling in (secret, quote(secret, safe=""), json.dumps(secret)[1:-1]):
                text = text.replace(spelling, MASK)
    return text
