"""The tools that can be run, by name."""

from collections.abc import Callable, Mapping

from crafter.tool_runtime.api_caller import call_endpoint
from crafter.tool_runtime.calculator import calculate
from crafter.tool_runtime.context import Arguments, Handler, Result, ToolContext
from crafter.tool_runtime.current_time import tell_time
from crafter.tool_runtime.faq import look_up
from crafter.tool_runtime.json_processor import process_json
from crafter.tool_runtime.llm_prompt import ask_model
from crafter.tool_runtime.web_search import search
from crafter.tool_runtime.webpage_scraper import scrape

PLAIN: Mapping[str, Callable[[Arguments], Result]] = {
    "calculator": calculate,
    "current_time": tell_time,
    "json_processor": process_json,
}
"""The tools that need nothing but their arguments."""


def _plain(run: Callable[[Arguments], Result]) -> Handler:
    async def handle(arguments: Arguments, _: ToolContext) -> Result:
        return run(arguments)

    return handle


HANDLERS: Mapping[str, Handler] = {
    **{name: _plain(run) for name, run in PLAIN.items()},
    "api_caller": call_endpoint,
    "faq": look_up,
    "llm_prompt": ask_model,
    "web_search": search,
    "webpage_scraper": scrape,
}
"""The tools that an agent can use. Asking for a human is not here: it belongs to a conversation."""
