"""``faq``: which of the agent's stored questions is the one that was asked.

Questions are compared by their words, in two steps, with nothing but the standard library:

1. Of all stored questions those are chosen that share most sequences of three characters with the question.
2. Of these, each word is paired with the most similar word of the other question (difflib, so that small typing
   errors do not matter). Words count by their length, and their order does not. The confidence is the share of
   both questions that is paired; with partial matching, a question that is wholly within the other counts too.

Accents, upper case and punctuation do not matter. The same question always gets the same answer.
"""

import asyncio
import heapq
import re
import time
import unicodedata
from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any, NamedTuple

from crafter.agent_tools.faq import complete
from crafter.tool_runtime.context import Arguments, Result, ToolContext
from crafter.tool_runtime.errors import ToolFailed
from crafter.tool_runtime.texts import milliseconds_since, shortened

MAX_QUESTION = 2_000
MAX_FAQS = 10_000
MAX_MATCHES = 5

_COMPARED_CHARACTERS = 300
_CHOSEN = 20
_SIMILAR = 0.75
"""How alike two words are at least that count as one with a typing error."""

_PARTIAL = 0.9
"""What a question that is wholly within the other counts for."""

_PARTIAL_WORDS = 2
_DEFAULT_THRESHOLD = 0.7
_ANSWER_LENGTH = 8_000
_OTHER_ANSWER_LENGTH = 1_000
_LANGUAGE_LENGTH = 35

_ACCENTS = re.compile("[\u0300-\u036f]")
_UNSPACED = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_WORDS = re.compile(f"[{_UNSPACED}]|(?:(?![{_UNSPACED}])[^\\W_])+")
"""Words; each character is one in scripts that have no spaces, or where words take many endings."""


class _Entry(NamedTuple):
    """A stored question."""

    question: str
    answer: str
    category: str | None


class _Match(NamedTuple):
    confidence: float
    entry: _Entry


async def look_up(arguments: Arguments, context: ToolContext) -> Result:
    """The stored questions that are like the one that was asked, the most similar first. Raises ToolFailed."""
    started = time.perf_counter()
    question: str = arguments["question"]
    if len(question) > MAX_QUESTION:
        raise ToolFailed(f"The question is longer than {MAX_QUESTION} characters. Ask a shorter one.")
    settings = complete(dict(context.settings))
    threshold = _threshold(arguments.get("search_threshold"), settings.get("default_threshold"))
    partial = settings.get("enable_partial_matching") is not False
    # Thousands of questions take longer than others may be kept waiting.
    found = await asyncio.to_thread(_matches, question, _entries(settings.get("faqs")), partial)
    matches = [match for match in found if match.confidence >= threshold][:MAX_MATCHES]
    language = arguments.get("language", "auto")
    return {
        "question": question,
        "detected_language": None if language == "auto" else language[:_LANGUAGE_LENGTH],
        "matched_faq": _shown(matches[0], _ANSWER_LENGTH) if matches else None,
        "all_matches": [_shown(match, _OTHER_ANSWER_LENGTH) for match in matches],
        "success": True,
        "execution_time_ms": milliseconds_since(started),
    }


def _threshold(*wanted: Any) -> float:
    """The first that is a share; whatever else was stored is none."""
    numbers = (one for one in wanted if isinstance(one, int | float) and not isinstance(one, bool))
    return next((float(number) for number in numbers if 0 <= number <= 1), _DEFAULT_THRESHOLD)


def _entries(stored: Any) -> list[_Entry]:
    """The questions that are stored; whatever else was stored is none."""
    entries = []
    for faq in stored[:MAX_FAQS] if isinstance(stored, list) else ():
        if not isinstance(faq, Mapping):
            continue
        question, answer, category = (faq.get(name) for name in ("question", "answer", "category"))
        if isinstance(question, str) and isinstance(answer, str):
            entries.append(_Entry(question, answer, category if isinstance(category, str) else None))
    return entries


def _matches(question: str, entries: Sequence[_Entry], partial: bool) -> list[_Match]:
    asked = _words(question)
    pieces = _pieces(asked)
    stored = [_words(entry.question) for entry in entries]
    chosen = heapq.nsmallest(  # the first ones, if several are alike
        _CHOSEN, range(len(entries)), key=lambda number: (-_overlap(pieces, _pieces(stored[number])), number)
    )
    matches = [_Match(_confidence(asked, stored[number], partial), entries[number]) for number in chosen]
    return sorted(matches, key=lambda match: -match.confidence)


def _words(text: str) -> list[str]:
    """The different words of a text, in their order."""
    plain = unicodedata.normalize("NFKD", text[:_COMPARED_CHARACTERS].casefold())
    return list(dict.fromkeys(_WORDS.findall(unicodedata.normalize("NFC", _ACCENTS.sub("", plain)))))


def _pieces(words: Sequence[str]) -> set[str]:
    text = f"  {'  '.join(words)}  "
    return {text[at : at + 3] for at in range(len(text) - 2)}


def _overlap(one: set[str], other: set[str]) -> float:
    """How much two texts have in common, in relation to both, and to the shorter one."""
    common = len(one & other)
    return 2 * common / (len(one) + len(other)) + common / min(len(one), len(other))


def _confidence(asked: Sequence[str], stored: Sequence[str], partial: bool) -> float:
    """How alike two questions are, from 0 to 1."""
    if not asked or not stored:
        return 0.0
    ours, theirs = _paired(asked, stored), _paired(stored, asked)
    if not ours or not theirs:
        return 0.0
    confidence = 2 * ours * theirs / (ours + theirs)
    if partial:
        if len(asked) >= _PARTIAL_WORDS:
            confidence = max(confidence, _PARTIAL * ours)
        if len(stored) >= _PARTIAL_WORDS:
            confidence = max(confidence, _PARTIAL * theirs)
    return round(confidence, 3)


def _paired(words: Sequence[str], others: Sequence[str]) -> float:
    """The share of the words that the others have too; a longer word counts for more."""
    known = frozenset(others)
    found = sum(len(word) * (1.0 if word in known else _similar(word, others)) for word in words)
    return found / sum(map(len, words))


def _similar(word: str, others: Sequence[str]) -> float:
    """How alike the most similar of the others is; 0 for no more than a slight resemblance."""
    matcher = SequenceMatcher(b=word, autojunk=False)
    best = 0.0
    for other in others:
        matcher.set_seq1(other)
        if matcher.real_quick_ratio() >= _SIMILAR and matcher.quick_ratio() >= _SIMILAR:
            best = max(best, matcher.ratio())
    return best if best >= _SIMILAR else 0.0


def _shown(match: _Match, answer_length: int) -> dict[str, Any]:
    entry = match.entry
    return {
        "question": entry.question[:MAX_QUESTION],
        "answer": shortened(entry.answer, answer_length),
        "category": entry.category,
        "confidence": match.confidence,
    }
