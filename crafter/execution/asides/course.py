"""What runs beside a turn, and when: with the question, before the answer is sent, and after it."""

from crafter.conversations.messages import Appended
from crafter.execution.asides import languages, summaries, titles
from crafter.execution.asides.aside import Aside, quietly, start
from crafter.execution.asides.suggestions import Suggestions, suggest
from crafter.execution.reasoning import Reasoning


def asked(aside: Aside, text: str) -> None:
    """A model is about to answer what the user said."""
    if languages.is_wanted(aside):
        start(aside, "language", languages.detect_language(aside, text))


async def suggestions_for(aside: Aside, reasoning: Reasoning) -> Suggestions | None:
    """The questions that may follow on a stored answer; None where there are none."""
    said = [(message.role, message.content) for message in reasoning.request.messages]
    dialogue = [one for one in said if one[0] != "system"]
    return await quietly(aside, "suggestions", suggest(aside, [*dialogue, ("assistant", reasoning.text)]))


def answered(aside: Aside, number: int, stored: Appended) -> None:
    """The answer to the user's message of this number is on its way: whatever nobody waits for begins."""
    if aside.is_private:
        return
    if titles.is_due(number):
        start(aside, "title", titles.give_title(aside))
    if summaries.is_due(stored.total, stored.last_summary_index):
        start(aside, "summary", summaries.summarize(aside))
