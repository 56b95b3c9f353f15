"""The follow-up questions that an agent suggests, set on their own."""

from typing import Any

from crafter.agent_tools.settings import AgentTarget
from crafter.agents import service as agent_service
from crafter.agents.checks import check_suggestions
from crafter.agents.configuration import QuestionSuggestions
from crafter.agents.documents import Agent
from crafter.agents.errors import InvalidModel, InvalidSuggestionModel, SuggestionKeyNotFound
from crafter.agents.merging import changed_paths, merged
from crafter.agents.service import AgentEdit
from crafter.agents.setting_schemas import SuggestionsInput
from crafter.api_keys.errors import ApiKeyNotFound
from crafter.core.documents import OmitNone
from crafter.core.schemas import ResponseBody


class SuggestionsSaved(ResponseBody):
    """The settings after a change."""

    message: str = "Question suggestions configuration updated successfully"
    configuration: QuestionSuggestions


class SuggestionsRead(ResponseBody):
    """The settings, with whether there is a key instead of its id."""

    enabled: bool
    count: int
    model: OmitNone[str] = None
    custom_prompt: OmitNone[str] = None
    api_key_configured: bool


async def save_suggestions(target: AgentTarget, given: SuggestionsInput) -> Agent:
    """Change some settings; the others stay.

    Raises AgentNotFound, StaleWrite, SuggestionsIncomplete, ApiKeyNotFound and InvalidModel.
    """
    fields: dict[str, Any] = {"question_suggestions": given.given()}

    async def plan(agent: Agent) -> AgentEdit:
        after = merged(agent, fields)
        try:
            await check_suggestions(agent.scope, after.question_suggestions, agent.question_suggestions)
        except SuggestionKeyNotFound:
            raise ApiKeyNotFound from None
        except InvalidSuggestionModel as refusal:
            raise InvalidModel(**refusal.details) from None
        return AgentEdit(changed_paths(fields, after))

    return await agent_service.edit_agent(target.scope, target.agent_id, target.revision, plan)


def show_saved(agent: Agent) -> SuggestionsSaved:
    """The answer to a change."""
    return SuggestionsSaved(configuration=agent.question_suggestions)


def show(agent: Agent) -> SuggestionsRead:
    """The settings."""
    settings = agent.question_suggestions
    return SuggestionsRead(**settings.model_dump(), api_key_configured=settings.api_key is not None)
