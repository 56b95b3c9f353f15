"""What an agent becomes: from what a caller sent to what is stored, as pure functions."""

from collections.abc import Mapping
from typing import Any

from pydantic_core import to_json

from crafter.agents.configuration import AgentConfig, AgentPrivacy, LlmSettings, QuestionSuggestions
from crafter.agents.documents import Agent, AgentFallback
from crafter.agents.errors import MetadataTooLarge
from crafter.core.documents import Stored

MAX_METADATA_BYTES = 64 * 1024

_SETTINGS: Mapping[str, type[Stored]] = {
    "llm_settings": LlmSettings,
    "config": AgentConfig,
    "question_suggestions": QuestionSuggestions,
    "gdpr": AgentPrivacy,
}
_PLAIN = ("name", "description", "system_prompt", "api_key", "prompt", "prompt_variables")
_EMBEDDED = ("tools", "message_transformers", "fallbacks")


def merged(agent: Agent, given: Mapping[str, Any]) -> Agent:
    """The agent with what was given, but for its tools and transformers.

    In the settings each field that is given takes the place of the stored one: what an object leaves out is
    the default again. Raises MetadataTooLarge.
    """
    parts: dict[str, Any] = {name: given[name] for name in _PLAIN if name in given}
    for name, settings in _SETTINGS.items():
        if name in given:
            parts[name] = settings.model_validate({**getattr(agent, name).model_dump(), **given[name]})
    if "fallbacks" in given:
        parts["fallbacks"] = [AgentFallback(**one) for one in given["fallbacks"]] or None
    if "metadata" in given:
        parts["metadata"] = _json_text(given["metadata"])
    after: Agent = agent.model_copy(update=parts)
    return after


def changed_paths(given: Mapping[str, Any], after: Agent) -> dict[str, dict[str, Any]]:
    """The ``$set`` and ``$unset`` that store what was given; of the settings just the fields that were."""
    stored = after.to_stored()
    kept: dict[str, Any] = {}
    removed: dict[str, Any] = {}
    for name in (*_PLAIN, *_EMBEDDED, "metadata", *_SETTINGS):
        if name not in given:
            continue
        holder, keys, path = (
            (stored[name], given[name], f"{name}.") if name in _SETTINGS else (stored, (name,), "")
        )
        for key in keys:
            if key in holder:
                kept[path + key] = holder[key]
            else:
                removed[path + key] = ""
    return {operator: fields for operator, fields in (("$set", kept), ("$unset", removed)) if fields}


def _json_text(metadata: Any) -> str | None:
    if metadata is None:
        return None
    text = to_json(metadata)
    if len(text) > MAX_METADATA_BYTES:
        raise MetadataTooLarge
    return text.decode()
