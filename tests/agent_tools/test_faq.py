"""The questions that an agent can answer by heart."""

from typing import Any

import httpx2
import pytest

from crafter.agents.documents import Agent
from tests.agent_tools.support import ok, settings_of, store_settings, url

FAQS = [
    {"question": "Open?", "answer": "Nine to five.", "category": "hours"},
    {"question": "Where?", "answer": "Here."},
]


async def test_questions_are_stored_and_answered_as_the_contract_says(
    as_member: httpx2.AsyncClient, agent: Agent
) -> None:
    empty = await ok(as_member, "GET", url(agent, "faq-config"))

    saved = await ok(as_member, "POST", url(agent, "faq-config"), faqs=FAQS)
    read = await ok(as_member, "GET", url(agent, "faq-config"))

    matching = {"enable_partial_matching": True, "default_threshold": 0.7}
    assert empty == {"faqs": [], **matching, "count": 0}
    assert saved == {"message": "FAQ configuration updated successfully", "faqs": FAQS, "count": 2}
    assert read == {"faqs": FAQS, **matching, "count": 2}
    assert await settings_of(agent, "faq") == {"faqs": FAQS}


async def test_new_questions_replace_the_old_and_how_they_are_matched_stays(
    as_member: httpx2.AsyncClient, agent: Agent
) -> None:
    await ok(
        as_member,
        "POST",
        url(agent, "faq-config"),
        faqs=FAQS,
        enable_partial_matching=False,
        default_threshold=0.5,
    )

    await ok(as_member, "POST", url(agent, "faq-config"), faqs=FAQS[:1])
    untouched = await ok(as_member, "POST", url(agent, "faq-config"), default_threshold=1)

    assert untouched["faqs"] == FAQS[:1]
    assert await ok(as_member, "GET", url(agent, "faq-config")) == {
        "faqs": FAQS[:1],
        "enable_partial_matching": False,
        "default_threshold": 1.0,
        "count": 1,
    }


@pytest.mark.parametrize(
    ("body", "path", "sentence"),
    [
        ({"faqs": [{"question": "q", "answer": ""}]}, "faqs[0].answer", "FAQ answer is required"),
        ({"faqs": [{"question": "", "answer": "a"}]}, "faqs[0].question", "FAQ question is required"),
        ({"faqs": [{"question": "q", "answer": 5}]}, "faqs[0].answer", "FAQ answer is required"),
        (
            {"faqs": [FAQS[0], {"question": "q", "answer": "a", "category": 5}]},
            "faqs[1].category",
            "FAQ category must be a string",
        ),
        ({"faqs": {}}, "faqs", "Invalid value: must be a list"),
        ({"faqs": [FAQS[0]] * 1_001}, "faqs", "Invalid value: must have at most 1000 items"),
        ({"default_threshold": 1.1}, "default_threshold", "Invalid value: must be at most 1"),
    ],
)
async def test_what_is_wrong_is_said(
    as_member: httpx2.AsyncClient, agent: Agent, body: dict[str, Any], path: str, sentence: str
) -> None:
    response = await as_member.post(url(agent, "faq-config"), json=body)

    assert response.status_code == 400
    assert [(error["path"], error["msg"]) for error in response.json()["errors"]] == [(path, sentence)]


async def test_a_missing_answer_is_named(as_member: httpx2.AsyncClient, agent: Agent) -> None:
    response = await as_member.post(url(agent, "faq-config"), json={"faqs": [{"question": "q"}]})

    assert response.status_code == 400
    assert response.json()["errors"][0]["path"] == "faqs[0].answer"


async def test_whatever_is_stored_can_be_read(as_member: httpx2.AsyncClient, agent: Agent) -> None:
    await store_settings(
        agent, "faq", {"faqs": ["nonsense", {"question": 5}, FAQS[0]], "default_threshold": "x"}
    )

    read = await ok(as_member, "GET", url(agent, "faq-config"))

    assert read["faqs"][-1] == FAQS[0]
