"""Questions that the user may want to ask next; the answer waits for them, but not for long."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from crafter.core.errors import UpstreamTimedOut
from crafter.execution.asides.aside import Aside
from crafter.execution.asides.asking import Said, ask, model_of
from crafter.execution.asides.errors import UnreadableReply
from crafter.execution.asides.texts import json_in, texts_in, transcript
from crafter.llm.base import ChatMessage

DEADLINE_SECONDS = 10.0

_MESSAGES = 5
_LONGEST_QUESTION = 300
_INSTRUCTION = (
    "Suggest short questions that the user may want to ask next in the conversation that you are shown, in the "
    "user's words and language."
)
_FORM = 'Answer with nothing but JSON: {{"suggestions": ["…"]}}, with {count} of them at most.'


@dataclass(frozen=True, slots=True)
class Suggestions:
    """The questions, and what they took."""

    questions: list[str]
    said: Said


async def suggest(aside: Aside, said: Sequence[tuple[str, str]]) -> Suggestions | None:
    """Questions that may follow on what was said (roles and texts); None if the agent suggests none.

    Raises UnreadableReply, UpstreamFailed, NoKeyConfigured, and what ``connect`` raises.
    """
    settings = aside.agent.question_suggestions
    if not (settings.enabled and settings.api_key and settings.model):
        return None
    form = _FORM.format(count=settings.count)
    messages = [
        ChatMessage("system", f"{settings.custom_prompt or _INSTRUCTION}\n\n{form}"),
        ChatMessage("user", transcript(said[-_MESSAGES:])),
    ]
    try:
        async with asyncio.timeout(DEADLINE_SECONDS):
            asked = await model_of(aside, settings.api_key, settings.model)
            reply = await ask(aside, asked, "suggestions", messages)
    except TimeoutError:
        raise UpstreamTimedOut from None
    found = json_in(reply.text)
    listed = found.get("suggestions") if isinstance(found, Mapping) else found
    questions = texts_in(listed, most=settings.count, longest=_LONGEST_QUESTION)
    if not questions:
        raise UnreadableReply
    return Suggestions(questions, reply)
