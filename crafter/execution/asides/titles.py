"""What conversations are called: found out from how they began, now and then anew."""

from crafter.conversations import beside, privacy
from crafter.conversations import messages as message_store
from crafter.execution.asides.aside import Aside, quietly
from crafter.execution.asides.asking import ask, cheap_model_of
from crafter.execution.asides.errors import UnreadableReply
from crafter.execution.asides.texts import transcript
from crafter.execution.asides.translations import translate
from crafter.llm.base import ChatMessage

MOST_WORDS = 10

_FIRST = 2
_EVERY = 5
_MESSAGES = 10
_LENGTH = 200
_INSTRUCTION = (
    f"Give the conversation that you are shown a title of at most {MOST_WORDS} words, in the language of its user. "
    "Answer with nothing but the title."
)


def is_due(number: int) -> bool:
    """Whether the user's message of this number, from 1, is one of those after which a title is made."""
    return number >= _FIRST and (number - _FIRST) % _EVERY == 0


async def give_title(aside: Aside) -> None:
    """Name the conversation after its first messages, also in the agent's required languages.

    One that a person has named keeps its name. Raises UnreadableReply, and what ``ask`` raises.
    """
    conversation = aside.conversation
    page = await message_store.read_page(conversation.scope, conversation.id, after=0, limit=_MESSAGES)
    said = privacy.unseal(conversation, (row.message for row in page.rows), aside.runtime.keyring)
    shown = transcript((message.role, message.content) for message in said)
    instruction = aside.agent.config.title_generation_prompt or _INSTRUCTION
    asked = await cheap_model_of(aside)
    reply = await ask(aside, asked, "title", [ChatMessage("system", instruction), ChatMessage("user", shown)])
    title = _title_in(reply.text)
    if not title:
        raise UnreadableReply
    translated = await quietly(aside, "title translations", translate(aside, asked, title, longest=_LENGTH))
    await beside.set_title(conversation.scope, conversation.id, title, translated or {})


def _title_in(reply: str) -> str:
    """The first line, without what models like to put around a title."""
    lines = [line.strip() for line in reply.replace("\0", "").splitlines() if line.strip()]
    words = lines[0].removeprefix("Title:").strip(" \t#*\"'`“”„«»").split() if lines else []
    return " ".join(words[:MOST_WORDS])[:_LENGTH]
