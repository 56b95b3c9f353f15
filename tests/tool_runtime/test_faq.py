"""Stored questions: which is meant, how sure that is, and that no list and no question takes long."""

import random
import time
from typing import Any

import pytest

from crafter.tool_runtime.errors import ToolFailed
from tests.tool_runtime.support import Bench

QUESTIONS = (
    "What are your opening hours?",
    "How do I return a product?",
    "What is your phone number?",
    "What is your fax number?",
    "How can I reset my password?",
    "営業時間は何時ですか",
    "Wie lange dauert der Versand nach Österreich?",
    "Do you ship abroad?",
)
LIST: dict[str, Any] = {
    "faqs": [{"question": question, "answer": f"A: {question}"} for question in QUESTIONS],
}
STRICT = {**LIST, "enable_partial_matching": False}


async def best(bench: Bench, question: str, settings: dict[str, Any] = LIST, **more: Any) -> str | None:
    answer = await bench.use("faq", settings, question=question, **more)
    return answer["matched_faq"] and answer["matched_faq"]["question"]


async def test_a_stored_question_is_answered_with_all_keys_of_the_contract(bench: Bench) -> None:
    faqs = [{"question": "Do you ship abroad?", "answer": "Yes.", "category": "shipping"}]

    answer = await bench.use("faq", {"faqs": faqs}, question="do you SHIP abroad", language="en")

    match = {"question": "Do you ship abroad?", "answer": "Yes.", "category": "shipping", "confidence": 1.0}
    assert answer.pop("execution_time_ms") >= 0
    assert answer == {
        "question": "do you SHIP abroad",
        "detected_language": "en",
        "matched_faq": match,
        "all_matches": [match],
        "success": True,
    }


@pytest.mark.parametrize(
    ("question", "meant"),
    [
        ("What are your opening hours?", 0),
        ("what are you openning hours", 0),
        ("hours opening your are what", 0),
        ("opening hours", 0),
        ("How to return product?", 1),
        ("I would like to know how do I return a product that I bought last week please", 1),
        ("what's your phone number", 2),
        ("what is your fax number", 3),
        ("passwort reset", 4),
        ("営業時間", 5),
        ("wie lang dauert der versand nach osterreich", 6),
        ("who is the president", None),
        ("do you have a shop in Berlin?", None),
        ("???", None),
        ("\ud800", None),
    ],
)
async def test_small_errors_and_the_order_of_words_do_not_matter(
    bench: Bench, question: str, meant: int | None
) -> None:
    assert await best(bench, question) == (None if meant is None else QUESTIONS[meant])


async def test_without_partial_matching_the_whole_question_must_be_alike(bench: Bench) -> None:
    long = "Please tell me, how can I reset my password, which I have forgotten on holiday?"

    assert await best(bench, long) == QUESTIONS[4]
    assert await best(bench, long, STRICT) is None
    assert await best(bench, "how can i reset the password", STRICT) == QUESTIONS[4]


async def test_the_model_may_lower_the_threshold_of_the_settings(bench: Bench) -> None:
    settings = {**LIST, "default_threshold": 0.95}

    assert await best(bench, "How to return product?", settings) is None
    assert await best(bench, "How to return product?", settings, search_threshold=0.5) == QUESTIONS[1]
    assert await best(bench, "How do I return a product", settings) == QUESTIONS[1]


async def test_the_best_five_are_listed_and_the_first_stored_comes_first(bench: Bench) -> None:
    faqs = [{"question": "How do I pay?", "answer": str(number)} for number in range(30)]

    answer = await bench.use("faq", {"faqs": faqs}, question="how do i pay")

    assert [match["answer"] for match in answer["all_matches"]] == ["0", "1", "2", "3", "4"]
    assert answer["matched_faq"] == answer["all_matches"][0]


async def test_nothing_stored_and_nothing_alike_is_no_failure(bench: Bench) -> None:
    for settings in ({}, {"faqs": []}, LIST):
        answer = await bench.use("faq", settings, question="Is there life on Mars?", language="auto")
        assert (answer["matched_faq"], answer["all_matches"], answer["success"]) == (None, [], True)
        assert answer["detected_language"] is None


async def test_what_else_was_stored_in_its_place_is_passed_over(bench: Bench) -> None:
    faqs = [None, 7, "x", {"question": 7, "answer": "x"}, {"question": "", "answer": ""}, *LIST["faqs"]]
    settings = {"faqs": faqs, "default_threshold": "high", "enable_partial_matching": None}

    assert await best(bench, "Do you ship abroad?", settings) == "Do you ship abroad?"
    assert await best(bench, "x", {"faqs": "x"}) is None


async def test_long_answers_are_cut_and_long_questions_refused(bench: Bench) -> None:
    faqs = [{"question": f"How do I pay {number}?", "answer": "a" * 20_000} for number in range(9)]

    answer = await bench.use("faq", {"faqs": faqs}, question="how do i pay")

    assert len(str(answer)) < 20_000
    assert answer["matched_faq"]["answer"].endswith("a…")
    with pytest.raises(ToolFailed, match="longer than 2000 characters"):
        await best(bench, "a" * 2_001)


async def test_ten_thousand_questions_are_searched_within_seconds(bench: Bench) -> None:
    random_ = random.Random(7)
    words = ["".join(random_.choices("abcdefgh", k=6)) for _ in range(5_000)]
    texts = [" ".join(random_.choices(words, k=60)) for _ in range(10_000)]
    faqs = [{"question": text, "answer": str(number)} for number, text in enumerate(texts)]

    started = time.perf_counter()
    answer = await bench.use("faq", {"faqs": faqs}, question=texts[9_999])

    assert time.perf_counter() - started < 10
    assert answer["matched_faq"]["answer"] == "9999"
