"""Which language the user writes in, found out beside the answer, for agents that must speak some languages."""

import re

from crafter.conversations import beside
from crafter.execution.asides.aside import Aside
from crafter.execution.asides.asking import ask, cheap_model_of
from crafter.execution.asides.errors import UnreadableReply
from crafter.llm.base import ChatMessage, ChatParameters

_DEFAULT = "en"
_LONGEST_TEXT = 1_000
_LONE_ADDRESS = re.compile(r"[^\s@]+@[^\s@]+|(https?://|www\.)\S+", re.IGNORECASE)
_CODE = re.compile(r"[\s\"'`]*([a-z]{2})(?![a-z])", re.IGNORECASE)
_INSTRUCTION = (
    "Which language is the text that you are given written in? Answer with nothing but its ISO 639-1 code."
)
_PARAMETERS = ChatParameters(temperature=0, max_tokens=5)


def is_wanted(aside: Aside) -> bool:
    """Whether the agent has its user's language found out."""
    config = aside.agent.config
    return config.enforce_language_detection and bool(config.required_languages)


async def detect_language(aside: Aside, text: str) -> None:
    """Store the language of what the user said. Raises UnreadableReply, and what ``ask`` raises."""
    conversation = aside.conversation
    known = conversation.current_turn_language
    language = known_language(text, known) or await _detected(aside, text)
    if language != known:
        await beside.set_language(conversation.scope, conversation.id, language)


def known_language(text: str, before: str | None) -> str | None:
    """The language of a text that says nothing about it: the one ``before``, or English. None: it may say something."""
    said = text.strip()
    if not any(character.isalpha() for character in said) or _LONE_ADDRESS.fullmatch(said):
        return before or _DEFAULT
    return before if before and len(said.split()) == 1 else None


async def _detected(aside: Aside, text: str) -> str:
    messages = [ChatMessage("system", _INSTRUCTION), ChatMessage("user", text[:_LONGEST_TEXT])]
    said = await ask(aside, await cheap_model_of(aside), "language", messages, _PARAMETERS)
    code = _CODE.match(said.text)
    if code is None:
        raise UnreadableReply
    return code[1].lower()
