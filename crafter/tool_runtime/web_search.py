"""``web_search``: titles, addresses and snippets from the engine that is configured for the agent."""

import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from html import unescape
from typing import Any

from crafter.agent_tools.service import tool_settings
from crafter.agent_tools.web_search import SETTINGS
from crafter.core.runtime import Runtime
from crafter.tool_runtime.context import Arguments, Result, ToolContext
from crafter.tool_runtime.errors import ToolFailed
from crafter.tool_runtime.texts import line_of, milliseconds_since
from crafter.tool_runtime.web_services import ask_brave, ask_tavily, objects_in, usable_key

MAX_QUERY = 400
MAX_RESULTS = 20

_TITLE_LENGTH = 200
_SNIPPET_LENGTH = 600
_ADDRESS_LENGTH = 1_000
_MAX_CHARACTERS = 16_000
"""Of all results together."""

Found = dict[str, str]


async def search(arguments: Arguments, context: ToolContext) -> Result:
    """The first results for a query. Raises ToolFailed and SecretUnreadable."""
    started = time.perf_counter()
    query = line_of(arguments["query"])
    if not 0 < len(query) <= MAX_QUERY:
        raise ToolFailed(f"The query must have 1 to {MAX_QUERY} characters. Use a few specific words.")
    settings = SETTINGS.complete(dict(context.settings))
    configured = settings["provider"] if settings["provider"] in _ENGINES else SETTINGS.defaults["provider"]
    provider = arguments.get("provider", configured)
    # A key belongs to the engine that it was entered for, and must not be sent to another.
    opened = tool_settings(context.agent, SETTINGS.tool, context.runtime.keyring)
    key = usable_key(provider, opened.get("api_key") if provider == configured else None, "web-search")
    limit = _limit(arguments.get("max_results"), settings["default_max_results"])
    found = _within_bounds(await _ENGINES[provider](context.runtime, query, limit, key))[:limit]
    return {
        "query": query,
        "provider": provider,
        "results": found,
        "total_results": len(found),
        "search_time_ms": milliseconds_since(started),
    }


def _limit(*wanted: Any) -> int:
    """The first that is a number of results; whatever else was stored is none."""
    numbers = (one for one in wanted if isinstance(one, int | float) and not isinstance(one, bool))
    return next(
        (int(one) for one in numbers if 1 <= one <= MAX_RESULTS), SETTINGS.defaults["default_max_results"]
    )


async def _ask_brave(runtime: Runtime, query: str, limit: int, key: str) -> list[Found]:
    asked = {"q": query, "count": str(limit), "result_filter": "web", "text_decorations": "false"}
    answer = await ask_brave(runtime, "/res/v1/web/search", asked, key)
    web = answer.get("web")
    results = objects_in(web.get("results")) if isinstance(web, Mapping) else []
    return [_found(one, "description", unescape) for one in results]


async def _ask_tavily(runtime: Runtime, query: str, limit: int, key: str) -> list[Found]:
    asked = {"query": query, "max_results": limit, "search_depth": "basic", "include_answer": False}
    answer = await ask_tavily(runtime, "/search", asked, key)
    return [_found(one, "content", str) for one in objects_in(answer.get("results"))]


def _found(result: Mapping[str, Any], snippet: str, plain: Callable[[str], str]) -> Found:
    title, url, text = (
        value if isinstance(value, str) else "" for value in map(result.get, ("title", "url", snippet))
    )
    return {
        "title": line_of(plain(title), _TITLE_LENGTH),
        "url": line_of(url),
        "snippet": line_of(plain(text), _SNIPPET_LENGTH),
    }


def _within_bounds(results: Iterable[Found]) -> list[Found]:
    """The results with an address of the web, as many as a model can be told."""
    kept, characters = [], 0
    for one in results:
        characters += sum(map(len, one.values()))
        if characters > _MAX_CHARACTERS:
            break
        if one["url"].startswith(("http://", "https://")) and len(one["url"]) <= _ADDRESS_LENGTH:
            kept.append(one)
    return kept


_ENGINES: Mapping[str, Callable[[Runtime, str, int, str], Awaitable[list[Found]]]] = {
    "brave": _ask_brave,
    "tavily": _ask_tavily,
}
