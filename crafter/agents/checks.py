"""What an agent refers to: whether the key, the models, the tools and the webhooks may be used."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from crafter.agents.configuration import QuestionSuggestions
from crafter.agents.documents import Agent, AgentTool, MessageTransformer
from crafter.agents.errors import (
    InvalidModel,
    InvalidSuggestionModel,
    InvalidTools,
    InvalidTransformer,
    MaxTokensTooLarge,
    SuggestionKeyNotFound,
    SuggestionsIncomplete,
)
from crafter.agents.webhooks import address_problem, pattern_problem
from crafter.api_keys import service as api_key_service
from crafter.api_keys.documents import ApiKey
from crafter.api_keys.errors import ApiKeyNotFound
from crafter.core.tenancy import Scope
from crafter.prompts import service as prompt_service
from crafter.prompts.rendering import render_prompt
from crafter.providers import service as provider_service
from crafter.tools import service as tool_service
from crafter.tools.documents import Tool


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """A model, the key it is paid with, and how much it may write."""

    api_key: str
    model: str
    max_tokens: int

    @classmethod
    def of(cls, agent: Agent) -> Self:
        """What the agent works with."""
        settings = agent.llm_settings
        return cls(agent.api_key, settings.model, settings.parameters.max_tokens)


def fallbacks_of(agent: Agent) -> list[ModelChoice]:
    """What is asked where the agent's own model fails; it may write as much as that."""
    most = agent.llm_settings.parameters.max_tokens
    return [ModelChoice(one.api_key, one.model, most) for one in agent.fallbacks or ()]


async def check_fallbacks(agent: Agent, previous: Agent | None) -> None:
    """Raises what ``check_model`` raises."""
    known = {(one.api_key, one.model): one for one in (fallbacks_of(previous) if previous else ())}
    for wanted in fallbacks_of(agent):
        await check_model(agent.scope, wanted, known.get((wanted.api_key, wanted.model)))


async def check_model(scope: Scope, wanted: ModelChoice, previous: ModelChoice | None) -> None:
    """What is as it was is not looked at again, so an agent whose model was retired can still be renamed.

    Raises ApiKeyNotFound, InvalidModel and MaxTokensTooLarge.
    """
    if previous is None or (wanted.api_key, wanted.model) != (previous.api_key, previous.model):
        key = await api_key_service.get_key(scope, wanted.api_key)
        await _check_offer(key, wanted.model, InvalidModel)
    limit = provider_service.max_output_tokens(wanted.model)
    if wanted != previous and limit is not None and wanted.max_tokens > limit:
        raise MaxTokensTooLarge(
            f"max_tokens is {wanted.max_tokens}, but {wanted.model} writes at most {limit}", limit=limit
        )


async def check_shared_prompt(agent: Agent) -> None:
    """Whether the agent's prompt is there and can be filled in with its values.

    Raises PromptNotFound, ValidationFailed, InvalidTemplate and RenderingTooLarge.
    """
    if agent.prompt is not None:
        prompt = await prompt_service.get_prompt(agent.scope, agent.prompt)
        render_prompt(prompt, agent.prompt_variables or {})


async def choose_tools(names: Sequence[str], present: Sequence[AgentTool]) -> list[AgentTool]:
    """The tools of these names; those that the agent has keep their settings. Raises InvalidTools."""
    known = await tool_service.find_active(names)
    if unknown := [name for name in names if name not in known]:
        raise InvalidTools("Invalid tools: " + ", ".join(unknown))
    settings = {tool.name: tool for tool in present}
    return [_tool(known[name], settings.get(name)) for name in names]


async def check_suggestions(
    scope: Scope, wanted: QuestionSuggestions, previous: QuestionSuggestions | None
) -> None:
    """Raises SuggestionsIncomplete, SuggestionKeyNotFound and InvalidSuggestionModel."""
    if wanted == previous:
        return
    if wanted.enabled and not (wanted.api_key and wanted.model):
        raise SuggestionsIncomplete
    if wanted.api_key is None:
        return
    try:
        key = await api_key_service.get_key(scope, wanted.api_key)
    except ApiKeyNotFound:
        raise SuggestionKeyNotFound from None
    if wanted.enabled and wanted.model is not None:
        await _check_offer(key, wanted.model, InvalidSuggestionModel)


def read_transformers(given: Sequence[Mapping[str, Any]]) -> list[MessageTransformer]:
    """The transformers that a caller sent. Raises InvalidTransformer, which says which one and why."""
    return [_transformer(f"message_transformers[{position}]", one) for position, one in enumerate(given)]


def _tool(tool: Tool, present: AgentTool | None) -> AgentTool:
    chosen = AgentTool(name=tool.name, description=tool.description)
    if present is not None:
        chosen.parameters, chosen.enabled = present.parameters, present.enabled
    return chosen


def _transformer(where: str, given: Mapping[str, Any]) -> MessageTransformer:
    if not (given.get("name") and given.get("pattern") and given.get("webhook_url")):
        raise InvalidTransformer(f"{where}: name, pattern, and webhook_url are required")
    if problem := pattern_problem(given["pattern"]):
        raise InvalidTransformer(f"{where}: invalid regex pattern — {problem}")
    if problem := address_problem(given["webhook_url"]):
        raise InvalidTransformer(f"{where}: invalid webhook_url — {problem}")
    return MessageTransformer.model_validate({key: value for key, value in given.items() if key != "id"})


async def _check_offer(
    key: ApiKey, model: str, refusal: type[InvalidModel] | type[InvalidSuggestionModel]
) -> None:
    """A provider that is gone offers nothing."""
    provider = (await provider_service.find_providers([key.provider])).get(key.provider)
    if provider is None or not provider_service.offers(provider, model):
        raise refusal(nearest=provider_service.nearest_models(provider, model) if provider else [])
