"""Question suggestions, set on their own."""

from typing import Any

import httpx2
import pytest

from crafter.agents.documents import Agent
from crafter.api_keys.documents import ApiKey
from crafter.core.runtime import Runtime
from crafter.projects.documents import Project
from tests.agent_tools.support import ok, url
from tests.agents.bodies import stored_agent
from tests.factories import make_key

PART = "question-suggestions"


async def test_they_are_merged_and_answered_as_the_contract_says(
    as_member: httpx2.AsyncClient, bare: Agent, key: ApiKey
) -> None:
    empty = await ok(as_member, "GET", url(bare, PART))

    await ok(as_member, "PUT", url(bare, PART), api_key=key.id, model="gpt-4o-mini")
    saved = await ok(as_member, "PUT", url(bare, PART), enabled=True, count=2)
    read = await ok(as_member, "GET", url(bare, PART))

    assert empty == {"enabled": False, "count": 3, "api_key_configured": False}
    assert saved == {
        "message": "Question suggestions configuration updated successfully",
        "configuration": {"enabled": True, "count": 2, "api_key": key.id, "model": "gpt-4o-mini"},
    }
    assert read == {"enabled": True, "count": 2, "model": "gpt-4o-mini", "api_key_configured": True}
    assert (await stored_agent(bare))["version"] == 1


async def test_a_prompt_is_set_and_removed(as_member: httpx2.AsyncClient, bare: Agent) -> None:
    await ok(as_member, "PUT", url(bare, PART), custom_prompt="Ask about shoes.")
    read = await ok(as_member, "GET", url(bare, PART))

    await ok(as_member, "PUT", url(bare, PART), custom_prompt=None)

    assert read["custom_prompt"] == "Ask about shoes."
    assert "custom_prompt" not in await ok(as_member, "GET", url(bare, PART))


async def test_what_is_wrong_is_said(
    as_member: httpx2.AsyncClient, bare: Agent, key: ApiKey, other_project: Project, runtime: Runtime
) -> None:
    foreign = await make_key(other_project, runtime.keyring)
    cases: list[tuple[dict[str, Any], int, str]] = [
        ({"enabled": True}, 400, "API key and model are required when enabling question suggestions"),
        (
            {"enabled": True, "api_key": key.id},
            400,
            "API key and model are required when enabling question suggestions",
        ),
        (
            {"enabled": True, "api_key": "nobody's", "model": "gpt-4o"},
            404,
            "API key not found in this project",
        ),
        (
            {"enabled": True, "api_key": foreign.id, "model": "gpt-4o"},
            404,
            "API key not found in this project",
        ),
        (
            {"enabled": True, "api_key": key.id, "model": "gpt-4o-minni"},
            400,
            "Invalid model for selected provider",
        ),
    ]

    for body, status, sentence in cases:
        response = await as_member.put(url(bare, PART), json=body)

        assert (response.status_code, response.json()["error"]) == (status, sentence)
        if sentence.startswith("Invalid model"):
            assert "gpt-4o-mini" in response.json()["nearest"]


@pytest.mark.parametrize(
    ("body", "path"), [({"count": 6}, "count"), ({"count": 0}, "count"), ({"enabled": "x"}, "enabled")]
)
async def test_an_unusable_body_is_refused(
    as_member: httpx2.AsyncClient, bare: Agent, body: dict[str, Any], path: str
) -> None:
    response = await as_member.put(url(bare, PART), json=body)

    assert response.status_code == 400
    assert [error["path"] for error in response.json()["errors"]] == [path]


async def test_a_change_from_an_older_revision_is_refused(as_member: httpx2.AsyncClient, bare: Agent) -> None:
    await ok(as_member, "PUT", url(bare, PART), count=2)

    response = await as_member.put(url(bare, PART), json={"count": 4}, headers={"If-Match": '"0"'})

    assert response.status_code == 412
