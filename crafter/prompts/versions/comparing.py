"""What is different between two versions of a prompt."""

import asyncio
import difflib

from crafter.prompts.documents import PromptVersion
from crafter.prompts.errors import TooLongToCompare
from crafter.prompts.schemas import PromptDifference

MOST_LINES = 2_000
"""Of one text: comparing takes time that grows with the product of both."""

_TEXTS = ("content", "system_prompt")
_OTHERS = ("llm_settings", "variables")


async def compare(earlier: PromptVersion, later: PromptVersion) -> PromptDifference:
    """The texts line by line, as unified diffs, and which of the rest differs. Raises TooLongToCompare."""
    texts: dict[str, str | None] = {}
    for name in _TEXTS:
        before, after = getattr(earlier, name) or "", getattr(later, name) or ""
        if before != after:
            texts[name] = await asyncio.to_thread(_unified, before, after, earlier.number, later.number)
    changed = [name for name in _OTHERS if getattr(earlier, name) != getattr(later, name)]
    return PromptDifference(
        prompt=later.prompt,
        before=earlier.number,
        after=later.number,
        changed=[*texts, *changed],
        **texts,
    )


def _unified(before: str, after: str, first: int, second: int) -> str:
    old, new = before.splitlines(), after.splitlines()
    if max(len(old), len(new)) > MOST_LINES:
        raise TooLongToCompare
    names = (f"version {first}", f"version {second}")
    return "\n".join(difflib.unified_diff(old, new, *names, lineterm=""))
