"""Short texts in the languages that an agent needs them in."""

from collections.abc import Mapping

from crafter.execution.asides.aside import Aside
from crafter.execution.asides.asking import Asked, ask
from crafter.execution.asides.errors import UnreadableReply
from crafter.execution.asides.texts import json_in
from crafter.llm.base import ChatMessage

_INSTRUCTION = (
    "Translate the text that you are given into each of these languages: {languages}. Answer with nothing but one "
    "JSON object that has the languages, spelled as here, as its keys, and the translations as its values."
)


async def translate(aside: Aside, asked: Asked, text: str, *, longest: int) -> dict[str, str]:
    """The text in each of the agent's required languages, as far as the model knows them.

    Raises UnreadableReply, and what ``ask`` raises.
    """
    languages = aside.agent.config.required_languages
    if not languages:
        return {}
    instruction = _INSTRUCTION.format(languages=", ".join(languages))
    said = await ask(
        aside, asked, "translation", [ChatMessage("system", instruction), ChatMessage("user", text)]
    )
    found = json_in(said.text)
    if not isinstance(found, Mapping):
        raise UnreadableReply
    translated = {language: found.get(language) for language in languages}
    return {
        language: words.replace("\0", "")[:longest].strip()
        for language, words in translated.items()
        if isinstance(words, str) and words.strip()
    }
