"""The texts that a model is sent: a prompt's, filled in."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from crafter.prompts import mustache
from crafter.prompts.documents import Prompt
from crafter.prompts.errors import InvalidTemplate, RenderingTooLarge
from crafter.prompts.variables import bind, require_bound


@dataclass(frozen=True, slots=True)
class Rendered:
    """What the user and the system say; None where a prompt has no words for the system."""

    content: str
    system_prompt: str | None


def render_prompt(prompt: Prompt, given: Mapping[str, Any]) -> Rendered:
    """The texts of a prompt for these variables.

    Of a template, each variable outside of its sections must have a value. Raises ValidationFailed,
    InvalidTemplate and RenderingTooLarge.
    """
    values = bind(prompt.variables, given)
    content, system_prompt = prompt.content or "", prompt.system_prompt or ""
    rendered = render_texts(content, system_prompt, values)
    if prompt.is_template:
        require_bound([*mustache.free_names(content), *mustache.free_names(system_prompt)], values)
    return rendered


def render_texts(content: str, system_prompt: str | None, values: Mapping[str, Any]) -> Rendered:
    """Both texts with the same values. Raises InvalidTemplate and RenderingTooLarge, which name the text."""
    return Rendered(
        _render("content", content, values),
        _render("system_prompt", system_prompt, values) if system_prompt else None,
    )


def _render(field: str, template: str, values: Mapping[str, Any]) -> str:
    try:
        return mustache.render(template, values)
    except (InvalidTemplate, RenderingTooLarge) as error:
        error.details["field"] = field
        raise
