"""``webpage_scraper``: the title and the readable text of one web page."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import quote

from crafter.agent_tools.service import tool_settings
from crafter.agent_tools.webpage_scraper import SETTINGS
from crafter.agents.webhooks import address_problem
from crafter.tool_runtime.context import Arguments, Result, ToolContext
from crafter.tool_runtime.errors import ToolFailed
from crafter.tool_runtime.html_text import Page, read_page
from crafter.tool_runtime.outgoing import charset_in, send
from crafter.tool_runtime.texts import line_of, milliseconds_since, shortened, without_controls
from crafter.tool_runtime.web_services import ask_tavily, objects_in, usable_key

DEADLINE_SECONDS = 20.0
MAX_PAGE_BYTES = 2_000_000
MAX_CONTENT = 20_000
MAX_ADDRESS = 2_000

_TITLE_LENGTH = 300
_BEGINNING_BYTES = 1_024
_FOREIGN = re.compile(r"[^\x00-\x7f]+")
_HTML = frozenset({"text/html", "application/xhtml+xml"})
_TEXT = frozenset({"application/json", "application/xml", "application/ld+json"})
_ACCEPTED = "text/html,application/xhtml+xml,text/plain;q=0.9,*/*;q=0.5"


async def scrape(arguments: Arguments, context: ToolContext) -> Result:
    """What a page says; ``success`` is False for a page without any text.

    Raises ToolFailed, SecretUnreadable, and what ``send`` raises.
    """
    started = time.perf_counter()
    url = _address(arguments["url"])
    configured = SETTINGS.complete(dict(context.settings))["provider"]
    provider = arguments.get("provider", configured if configured in _PROVIDERS else "local")
    page = await _PROVIDERS[provider](url, context)
    return {
        "url": url,
        "provider": provider,
        "content": page.text,
        "title": page.title,
        "success": bool(page.text),
        "scrape_time_ms": milliseconds_since(started),
    }


def _address(given: str) -> str:
    """An address that may be called, as far as its form tells. Raises ToolFailed."""
    url = _FOREIGN.sub(lambda text: quote(text[0]), without_controls(given).strip())
    problem = (
        address_problem(url) if len(url) <= MAX_ADDRESS else f"it is longer than {MAX_ADDRESS} characters"
    )
    if problem is not None:
        raise ToolFailed(f"This is not the address of a web page: {problem}")
    return url


async def _read_locally(url: str, context: ToolContext) -> Page:
    reply = await send(
        "GET",
        url,
        allow=context.runtime.settings.tenant_egress_allow,
        headers={"Accept": _ACCEPTED},
        deadline_seconds=DEADLINE_SECONDS,
        max_bytes=MAX_PAGE_BYTES,
    )
    if not reply.success:
        raise ToolFailed(f"The page answered with the status {reply.status} {reply.reason}".rstrip())
    if reply.kind in _HTML or not reply.kind:
        charset = charset_in(reply.body[:_BEGINNING_BYTES].decode("latin-1"))
        html = without_controls(reply.text(charset))
        # In a thread: a large page takes long enough for others to notice.
        page = await asyncio.to_thread(read_page, html, MAX_CONTENT + 1)
        return Page(page.title, shortened(page.text, MAX_CONTENT))
    if reply.kind.startswith("text/") or reply.kind in _TEXT:
        return Page("", shortened(without_controls(reply.text()).strip(), MAX_CONTENT))
    raise ToolFailed(f"There is no text at this address, but {line_of(reply.kind, 100)}")


async def _read_by_tavily(url: str, context: ToolContext) -> Page:
    opened = tool_settings(context.agent, SETTINGS.tool, context.runtime.keyring)
    key = usable_key("tavily", opened.get("api_key"), "webpage-scraper")
    asked = {"urls": [url], "extract_depth": "basic", "include_images": False, "format": "text"}
    answer = await ask_tavily(context.runtime, "/extract", asked, key)
    for result in objects_in(answer.get("results")):
        text, title = result.get("raw_content"), result.get("title")
        if isinstance(text, str):
            shown = line_of(title, _TITLE_LENGTH) if isinstance(title, str) else ""
            return Page(shown, shortened(without_controls(text).strip(), MAX_CONTENT))
    raise ToolFailed("Tavily could not read this page.")


_PROVIDERS: Mapping[str, Callable[[str, ToolContext], Awaitable[Page]]] = {
    "local": _read_locally,
    "tavily": _read_by_tavily,
}
