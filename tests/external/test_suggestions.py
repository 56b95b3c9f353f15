"""Questions that are suggested to programs and to the end users of their sessions."""

import httpx2
import pytest

from crafter.agents.documents import Agent
from crafter.core.runtime import Runtime
from tests.execution.test_chat import frames
from tests.factories import make_key
from tests.fakes.provider import FakeProvider
from tests.fakes.replies import Reply
from tests.fixtures import Cast

SAY = {"message": "Hello", "user_identifier": "u"}


@pytest.fixture(autouse=True)
async def suggesting(agent: Agent, cast: Cast, runtime: Runtime, provider: FakeProvider) -> None:
    key = await make_key(cast.project, runtime.keyring)
    wanted = {"enabled": True, "count": 3, "api_key": key.id, "model": "gpt-4o-mini"}
    await Agent.within(agent.scope).update_one({"_id": agent.id}, {"$set": {"question_suggestions": wanted}})
    provider.script_aside("suggestions", Reply('["One?"]'), Reply("nothing"))


async def test_an_end_user_gets_them_without_what_they_took(
    as_visitor: httpx2.AsyncClient, agent: Agent
) -> None:
    first = (await as_visitor.post("/external/agents/chat", json=SAY)).json()
    second = (await as_visitor.post("/external/agents/chat", json=SAY)).json()

    assert first["suggestions"] == first["data"]["suggestions"] == ["One?"]
    assert "suggestion_usage" not in first
    assert "suggestions" not in second
    assert "suggestions" not in second["data"]


async def test_the_last_frame_for_an_end_user_has_them_only_if_there_are_some(
    as_visitor: httpx2.AsyncClient, agent: Agent
) -> None:
    first, second = [
        frames((await as_visitor.post("/external/agents/chat/stream", json=SAY)).text)[-1] for _ in range(2)
    ]

    assert (first["type"], first["suggestions"]) == ("complete", ["One?"])
    assert second["type"] == "complete"
    assert "suggestions" not in second
