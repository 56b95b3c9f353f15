"""What whoever runs a tool needs to know of an agent."""

from collections.abc import Callable, Mapping

from crafter.agent_tools import faq, google_calendar, voice, web_search, webpage_scraper
from crafter.agent_tools.api_caller import service as api_caller
from crafter.agent_tools.settings import get_tool
from crafter.agent_tools.vault import Parameters, Vault
from crafter.agents.documents import Agent
from crafter.core.secrets import Keyring

_ENCRYPTED = "encrypted_"

_COMPLETE: Mapping[str, Callable[[Parameters], Parameters]] = {
    api_caller.TOOL: api_caller.complete,
    faq.TOOL: faq.complete,
    google_calendar.TOOL: lambda opened: {**google_calendar.DEFAULTS, **opened},
    web_search.SETTINGS.tool: web_search.SETTINGS.complete,
    webpage_scraper.SETTINGS.tool: webpage_scraper.SETTINGS.complete,
    **dict.fromkeys(voice.TOOLS, voice.SETTINGS.complete),
}


def tool_settings(agent: Agent, name: str, keyring: Keyring) -> Parameters:
    """The settings of one tool of the agent, with their defaults and with their secrets in plain text.

    What is stored as ``encrypted_api_key`` is ``api_key`` here, and so on. Each endpoint of ``api_caller`` has the
    credentials that are to be sent with it, its own or the shared ones, as ``authentication``, or None.
    Raises ToolSettingsNotFound and SecretUnreadable.
    """
    opened = Vault(agent, name, keyring).open(get_tool(agent, name).parameters or {})
    plain = {key.removeprefix(_ENCRYPTED): value for key, value in opened.items()}
    return _COMPLETE.get(name, dict)(plain)
