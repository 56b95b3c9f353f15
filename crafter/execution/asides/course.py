"""What runs beside a turn, and when: with the question, before the answer is sent, and after it."""

from crafter.execution.asides.aside import Aside, quietly
from crafter.execution.asides.suggestions import Suggestions, suggest
from crafter.execution.reasoning import Reasoning


async def suggestions_for(aside: Aside, reasoning: Reasoning) -> Suggestions | None:
    """The questions that may follow on a stored answer; None where there are none."""
    said = [(message.role, message.content) for message in reasoning.request.messages]
    dialogue = [one for one in said if one[0] != "system"]
    return await quietly(aside, "suggestions", suggest(aside, [*dialogue, ("assistant", reasoning.text)]))
