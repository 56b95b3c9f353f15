"""Brave and Tavily: one question to either, with a key of the agent's."""

import json
from collections.abc import Mapping
from typing import Any

from crafter.core.egress import EgressRefused, EgressTimedOut
from crafter.core.errors import UpstreamFailed
from crafter.core.runtime import Runtime
from crafter.tool_runtime.errors import ToolFailed
from crafter.tool_runtime.outgoing import Reply, send

DEADLINE_SECONDS = 20.0
MAX_REPLY_BYTES = 2_000_000

_TITLES = {"brave": "Brave", "tavily": "Tavily"}
_KEY_REFUSED = frozenset({401, 403})
_EXHAUSTED = frozenset({429, 432, 433})  # the last two are Tavily's: the limits of a plan


async def ask_brave(runtime: Runtime, path: str, query: Mapping[str, str], key: str) -> dict[str, Any]:
    """What Brave answers to a GET. Raises ToolFailed."""
    headers = {"Accept": "application/json", "X-Subscription-Token": key}
    address = runtime.settings.brave_url + path
    return await _ask("brave", runtime, "GET", address, params=query, headers=headers)


async def ask_tavily(runtime: Runtime, path: str, body: Mapping[str, Any], key: str) -> dict[str, Any]:
    """What Tavily answers to a POST. Raises ToolFailed."""
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    content = json.dumps(body).encode()
    address = runtime.settings.tavily_url + path
    return await _ask("tavily", runtime, "POST", address, content=content, headers=headers)


def usable_key(provider: str, key: Any, where: str) -> str:
    """The key, if there is one that can be sent. Raises ToolFailed, which says where one is configured."""
    if isinstance(key, str) and key and key.isascii() and key.isprintable():
        return key
    raise ToolFailed(
        f"This agent has no key for {_TITLES[provider]}. Add one to its settings of {where}: POST …/{where}-config"
    )


def objects_in(value: Any) -> list[Mapping[str, Any]]:
    """The objects of an array; whatever else was answered is none."""
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


async def _ask(provider: str, runtime: Runtime, method: str, address: str, **request: Any) -> dict[str, Any]:
    title = _TITLES[provider]
    try:
        reply = await send(
            method,
            address,
            allow=runtime.settings.egress_allow,
            deadline_seconds=DEADLINE_SECONDS,
            max_bytes=MAX_REPLY_BYTES,
            **request,
        )
    except EgressTimedOut:
        raise ToolFailed(f"{title} did not answer in time. Try again later.") from None
    except (UpstreamFailed, EgressRefused):
        # Their sentences name an address, which is the deployment's matter.
        raise ToolFailed(f"{title} cannot be reached from here, or does not answer properly.") from None
    if not reply.success:
        raise ToolFailed(_refusal(title, reply.status))
    return _object(title, reply)


def _refusal(title: str, status: int) -> str:
    if status in _KEY_REFUSED:
        return f"{title} refuses the key that is configured for this agent. Enter a valid one."
    if status in _EXHAUSTED:
        return f"{title} takes no more requests with this agent's key for now. Try again later."
    return f"{title} answered with the status {status}."


def _object(title: str, reply: Reply) -> dict[str, Any]:
    try:
        answer = json.loads(reply.body)
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict):
        raise ToolFailed(f"{title} did not answer properly. Try again later.")
    return answer
