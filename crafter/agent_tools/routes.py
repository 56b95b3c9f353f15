"""``…/agents/{agent_id}/tools``, the settings of single tools, question suggestions and hooks.

Every change takes the agent's revision in ``If-Match``, and every answer has it as its ETag.
"""

from starlette.responses import Response

from crafter.agent_tools import (
    assignment,
    faq,
    google_calendar,
    hooks,
    suggestions,
    voice,
    web_search,
    webpage_scraper,
)
from crafter.agent_tools.dependencies import Target, agent_response
from crafter.agent_tools.errors import (
    InvalidHook,
    SecretMissing,
    SecretNotText,
    SettingsTooLarge,
    ToolAlreadyAdded,
    ToolNotConfigured,
    ToolSettingsNotFound,
    TooManyTools,
)
from crafter.agents.dependencies import CurrentAgent
from crafter.agents.errors import AgentNotFound, InvalidModel, SecretRequired, SuggestionsIncomplete
from crafter.agents.setting_schemas import SuggestionsInput
from crafter.api_keys.errors import ApiKeyNotFound
from crafter.core.errors import StaleWrite, ValidationFailed, documented
from crafter.core.runtime import CurrentRuntime
from crafter.edge.responses import json_response
from crafter.edge.router import feature_router
from crafter.organizations.dependencies import require
from crafter.organizations.permissions import Permission
from crafter.organizations.schemas import Done
from crafter.tools.errors import ToolNotFound
from crafter.tools.schemas import ToolName

router = feature_router(
    "/organizations/{organization_id}/projects/{project_id}/agents/{agent_id}", tag="Agent tools"
)

_READ_ERRORS = documented(AgentNotFound, ToolSettingsNotFound)
_SAVE_ERRORS = documented(
    AgentNotFound, ValidationFailed, ToolNotConfigured, SecretMissing, SettingsTooLarge, StaleWrite
)


@router.get(
    "/tools",
    response_model=assignment.AgentToolsRead,
    dependencies=[require(Permission.agents_read)],
    responses=documented(AgentNotFound),
)
async def list_tools(agent: CurrentAgent) -> Response:
    """The tools of an agent; the secrets among their settings are masked."""
    return agent_response(agent, assignment.show(agent))


@router.post(
    "/tools",
    response_model=assignment.ToolAdded,
    status_code=201,
    dependencies=[require(Permission.agents_manage)],
    responses=documented(
        AgentNotFound,
        ValidationFailed,
        ToolNotFound,
        ToolAlreadyAdded,
        TooManyTools,
        SecretNotText,
        SecretMissing,
        SettingsTooLarge,
        StaleWrite,
    ),
)
async def add_tool(target: Target, body: assignment.ToolInput, runtime: CurrentRuntime) -> Response:
    """Give an agent a tool of the catalogue."""
    agent = await assignment.add_tool(target, body, runtime.keyring)
    return agent_response(agent, assignment.show_added(agent, body.tool_name), 201)


@router.delete(
    "/tools/{tool_name}",
    response_model=assignment.ToolRemoved,
    dependencies=[require(Permission.agents_manage)],
    responses=documented(AgentNotFound, ToolNotFound, StaleWrite),
)
async def remove_tool(target: Target, tool_name: ToolName) -> Response:
    """Take a tool from an agent, with its settings."""
    agent = await assignment.remove_tool(target, tool_name)
    return agent_response(agent, assignment.ToolRemoved(tool_name=tool_name))


@router.post(
    "/faq-config",
    response_model=faq.FaqConfigSaved,
    dependencies=[require(Permission.agents_manage)],
    responses=_SAVE_ERRORS,
)
async def save_faqs(target: Target, body: faq.FaqConfigInput, runtime: CurrentRuntime) -> Response:
    """Replace the questions that the agent can answer by heart."""
    agent = await faq.save_faqs(target, body, runtime.keyring)
    return agent_response(agent, faq.show_saved(agent))


@router.get(
    "/faq-config",
    response_model=faq.FaqConfigRead,
    dependencies=[require(Permission.agents_read)],
    responses=_READ_ERRORS,
)
async def get_faqs(agent: CurrentAgent) -> Response:
    """The questions that the agent can answer by heart."""
    return agent_response(agent, faq.show(agent))


@router.post(
    "/web-search-config",
    response_model=web_search.WebSearchSaved,
    dependencies=[require(Permission.agents_manage)],
    responses=_SAVE_ERRORS,
)
async def save_web_search(
    target: Target, body: web_search.WebSearchInput, runtime: CurrentRuntime
) -> Response:
    """Change how the agent searches the web. A key stays with the provider that it was entered for."""
    agent = await web_search.SETTINGS.change(target, body, runtime.keyring)
    return agent_response(agent, web_search.WebSearchSaved.from_stored(web_search.SETTINGS.saved(agent)))


@router.get(
    "/web-search-config",
    response_model=web_search.WebSearchRead,
    dependencies=[require(Permission.agents_read)],
    responses=_READ_ERRORS,
)
async def get_web_search(agent: CurrentAgent) -> Response:
    """How the agent searches the web."""
    return agent_response(agent, web_search.WebSearchRead.from_stored(web_search.SETTINGS.mirrored(agent)))


@router.post(
    "/webpage-scraper-config",
    response_model=webpage_scraper.ScraperSaved,
    dependencies=[require(Permission.agents_manage)],
    responses=_SAVE_ERRORS,
)
async def save_scraper(
    target: Target, body: webpage_scraper.ScraperInput, runtime: CurrentRuntime
) -> Response:
    """Change how the agent reads web pages."""
    agent = await webpage_scraper.SETTINGS.change(target, body, runtime.keyring)
    saved = webpage_scraper.SETTINGS.saved(agent)
    return agent_response(agent, webpage_scraper.ScraperSaved.from_stored(saved))


@router.get(
    "/webpage-scraper-config",
    response_model=webpage_scraper.ScraperRead,
    dependencies=[require(Permission.agents_read)],
    responses=_READ_ERRORS,
)
async def get_scraper(agent: CurrentAgent) -> Response:
    """How the agent reads web pages."""
    shown = webpage_scraper.SETTINGS.mirrored(agent)
    return agent_response(agent, webpage_scraper.ScraperRead.from_stored(shown))


@router.post(
    "/google-calendar-config",
    response_model=google_calendar.CalendarSaved,
    dependencies=[require(Permission.agents_manage)],
    responses=_SAVE_ERRORS,
)
async def save_calendar(
    target: Target, body: google_calendar.CalendarInput, runtime: CurrentRuntime
) -> Response:
    """Connect the agent with a calendar; once it is, the tokens may be left out."""
    agent = await google_calendar.save_calendar(target, body, runtime.keyring)
    return agent_response(agent, google_calendar.show_saved(agent))


@router.get(
    "/google-calendar-config",
    response_model=google_calendar.CalendarRead,
    dependencies=[require(Permission.agents_read)],
    responses=_READ_ERRORS,
)
async def get_calendar(agent: CurrentAgent) -> Response:
    """Which calendar the agent is connected with."""
    return agent_response(agent, google_calendar.show(agent))


@router.delete(
    "/google-calendar-config",
    response_model=Done,
    dependencies=[require(Permission.agents_manage)],
    responses=documented(AgentNotFound, StaleWrite),
)
async def remove_calendar(target: Target, runtime: CurrentRuntime) -> Response:
    """Disconnect the agent from its calendar, and forget the tokens."""
    await google_calendar.remove_calendar(target, runtime.keyring)
    return json_response(Done(message="Google Calendar configuration removed successfully"))


@router.post(
    "/voice-config",
    response_model=voice.VoiceSaved,
    dependencies=[require(Permission.agents_manage)],
    responses=_SAVE_ERRORS,
)
async def save_voice(target: Target, body: voice.VoiceInput, runtime: CurrentRuntime) -> Response:
    """Change how the agent's slides are spoken."""
    agent = await voice.save_voice(target, body, runtime.keyring)
    return agent_response(agent, voice.show_saved(agent))


@router.get(
    "/voice-config",
    response_model=voice.VoiceRead,
    dependencies=[require(Permission.agents_read)],
    responses=_READ_ERRORS,
)
async def get_voice(agent: CurrentAgent) -> Response:
    """How the agent's slides are spoken."""
    return agent_response(agent, voice.show(agent))


@router.put(
    "/question-suggestions",
    response_model=suggestions.SuggestionsSaved,
    dependencies=[require(Permission.agents_manage)],
    responses=documented(
        AgentNotFound, ValidationFailed, SuggestionsIncomplete, ApiKeyNotFound, InvalidModel, StaleWrite
    ),
)
async def save_suggestions(target: Target, body: SuggestionsInput) -> Response:
    """Change how follow-up questions are suggested; what is absent stays."""
    agent = await suggestions.save_suggestions(target, body)
    return agent_response(agent, suggestions.show_saved(agent))


@router.get(
    "/question-suggestions",
    response_model=suggestions.SuggestionsRead,
    dependencies=[require(Permission.agents_read)],
    responses=documented(AgentNotFound),
)
async def get_suggestions(agent: CurrentAgent) -> Response:
    """How follow-up questions are suggested."""
    return agent_response(agent, suggestions.show(agent))


@router.post(
    "/hooks",
    response_model=hooks.HooksRead,
    dependencies=[require(Permission.agents_manage)],
    responses=documented(AgentNotFound, ValidationFailed, InvalidHook, SecretRequired, StaleWrite),
)
async def save_hooks(target: Target, body: hooks.HooksInput, runtime: CurrentRuntime) -> Response:
    """Replace the hooks of the agent; a secret sent as `***` stays as it is, for the same server."""
    agent = await hooks.save_hooks(target, body, runtime.keyring)
    return agent_response(agent, hooks.show(agent))


@router.get(
    "/hooks",
    response_model=hooks.HooksRead,
    dependencies=[require(Permission.agents_read)],
    responses=documented(AgentNotFound),
)
async def get_hooks(agent: CurrentAgent) -> Response:
    """The hooks of the agent; their secrets are masked."""
    return agent_response(agent, hooks.show(agent))
