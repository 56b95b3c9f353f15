"""End users have tasks done by the agent of their session: answers, streams, and what it uses up."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from crafter.agent_executions.documents import AgentExecution
from crafter.agents.documents import Agent, AgentTool
from crafter.core.runtime import Runtime
from crafter.sessions.documents import SessionToken
from crafter.user_api_keys.documents import UserApiKey
from tests.external.test_chat import frames
from tests.factories import make_agent
from tests.fakes.provider import FakeProvider
from tests.fakes.replies import Failure, Reply, calling, half_stream
from tests.fixtures import Cast
from tests.programs import make_platform_key, make_session, program, stored_session

EXECUTE = "/external/agents/execute"
STREAM = f"{EXECUTE}/stream"
ORDER: dict[str, Any] = {"input": "Summarize this.", "context": {"plan": "pro"}}
ENDS = pytest.mark.parametrize("route", [EXECUTE, STREAM], ids=["whole", "streamed"])


@pytest.fixture
async def agent(cast: Cast, runtime: Runtime) -> Agent:
    """The agent of the session: one that runs tasks."""
    tools = [AgentTool(name="calculator", description="d")]
    made: Agent = await make_agent(cast.project, runtime.keyring, name="worker", type="task", tools=tools)
    return made


async def runs_of(agent: Agent) -> list[dict[str, Any]]:
    return await AgentExecution.within(agent.scope).find({}, limit=10)


async def used(session: SessionToken) -> int:
    count: int = (await stored_session(session))["interactions_used"]
    return count


async def test_an_end_user_gets_the_output_and_what_is_left_of_the_session(
    as_visitor: httpx2.AsyncClient,
    session: SessionToken,
    agent: Agent,
    key: UserApiKey,
    provider: FakeProvider,
) -> None:
    provider.script(calling(("calculator", {"expression": "2+2"})), Reply("It is 4."))

    response = await as_visitor.post(EXECUTE, json=ORDER)

    body = response.json()
    [run] = await runs_of(agent)
    assert response.status_code == 200, response.text
    assert body.keys() == {
        *(
            "execution_id",
            "output",
            "output_files",
            "thinking_process",
            "tools_used",
            "token_usage",
            "status",
        ),
        "session_info",
    }
    assert (body["execution_id"], body["output"], body["status"]) == (run["_id"], "It is 4.", "completed")
    assert [(used["tool_name"], used["result"]["result"]) for used in body["tools_used"]] == [
        ("calculator", 4)
    ]
    assert body["session_info"]["session_id"] == session.id
    assert body["session_info"]["remaining_interactions"] == 99
    assert body["session_info"]["expires_at"].endswith("Z")
    assert (run["user_api_key"], run["metadata"]["user_identifier"]) == (key.id, f"session_{session.id}")
    assert "user" not in run
    assert '{"plan": "pro"}' in provider.requests[0].body["messages"][1]["content"]


async def test_an_end_users_stream_ends_with_the_session(
    as_visitor: httpx2.AsyncClient, session: SessionToken, agent: Agent, provider: FakeProvider
) -> None:
    provider.script(Reply("Hel lo ünd"))

    response = await as_visitor.post(STREAM, json=ORDER)

    first, *chunks, last = frames(response.text)
    [run] = await runs_of(agent)
    assert first == {"type": "connected", "message": "Stream established"}
    assert "".join(chunk["content"] for chunk in chunks) == run["output"] == "Hel lo ünd"
    assert last.keys() == {"type", "execution_id", "status", "session_info"}
    assert (last["type"], last["execution_id"], last["status"]) == ("complete", run["_id"], "completed")
    assert last["session_info"]["session_id"] == session.id
    assert last["session_info"]["remaining_interactions"] == 99


@pytest.mark.parametrize(
    ("body", "path", "sentence"),
    [
        ({}, "input", ""),
        ({"input": None}, "input", ""),
        ({"input": " "}, "input", ""),
        ({"input": {}}, "input", ""),
        ({"input": "x" * 26_001}, "input", "Input must be less than 12000 characters"),
        ({"input": ["x" * 25_997]}, "input", "Input must be less than 12000 characters"),
        ({"input": {"$ne": 1}}, "input", ""),
        ({"input": "x", "context": []}, "context", ""),
        ({"input": "x", "context": {"a.b": 1}}, "context", ""),
    ],
)
@ENDS
async def test_a_field_that_is_wrong_is_named(
    as_visitor: httpx2.AsyncClient,
    agent: Agent,
    provider: FakeProvider,
    route: str,
    body: dict[str, Any],
    path: str,
    sentence: str,
) -> None:
    response = await as_visitor.post(route, json=body)

    error = response.json()["errors"][0]
    assert (response.status_code, error["path"]) == (400, path)
    assert sentence in error["msg"]
    assert len(provider.requests) == 0
    assert await runs_of(agent) == []


async def test_an_input_may_have_26000_characters(
    as_visitor: httpx2.AsyncClient, agent: Agent, provider: FakeProvider
) -> None:
    provider.script(Reply("Read."), Reply("Read."))

    text = await as_visitor.post(EXECUTE, json={"input": "\U0001f600" * 26_000, "context": None})
    listed = await as_visitor.post(EXECUTE, json={"input": ["x" * 25_996]})

    assert (text.status_code, listed.status_code) == (200, 200)


@ENDS
async def test_a_failure_is_recorded_and_costs_no_interaction(
    as_visitor: httpx2.AsyncClient, session: SessionToken, agent: Agent, provider: FakeProvider, route: str
) -> None:
    provider.script(Failure(500, "boom"))

    response = await as_visitor.post(route, json=ORDER)

    told = response.json() if route == EXECUTE else frames(response.text)[-1]
    [run] = await runs_of(agent)
    assert response.status_code == (502 if route == EXECUTE else 200)
    assert told["code"] == "EXECUTION_FAILED"
    assert told["error"].startswith("openai API Error:")
    assert (run["status"], run["error"]["code"]) == ("failed", "PROVIDER_ERROR")
    assert await used(session) == 0


async def test_an_output_that_breaks_off_costs_an_interaction(
    as_visitor: httpx2.AsyncClient, session: SessionToken, agent: Agent, provider: FakeProvider
) -> None:
    provider.script(half_stream)

    shown = frames((await as_visitor.post(STREAM, json=ORDER)).text)

    [run] = await runs_of(agent)
    assert (shown[-1]["type"], run["status"]) == ("error", "failed")
    assert run["output"]
    assert await used(session) == 1


@ENDS
async def test_the_last_interaction_is_the_last(
    app: FastAPI, cast: Cast, key: UserApiKey, agent: Agent, route: str
) -> None:
    token, session = await make_session(key, cast.project, agent.id, max_interactions=2)
    async with program(app, x_session_token=token) as client:
        responses = await asyncio.gather(*(client.post(route, json=ORDER) for _ in range(5)))
        refused = await client.post(route, json=ORDER)

    assert sorted(response.status_code for response in responses) == [200, 200, 429, 429, 429]
    assert (refused.status_code, refused.json()["code"]) == (429, "INTERACTION_LIMIT_EXCEEDED")
    assert len(await runs_of(agent)) == 2
    assert await used(session) == 2


@ENDS
async def test_an_agent_that_cannot_run_tasks_says_why(
    app: FastAPI, cast: Cast, runtime: Runtime, key: UserApiKey, provider: FakeProvider, route: str
) -> None:
    chatbot = await make_agent(cast.project, runtime.keyring, name="chatbot")
    disabled = await make_agent(cast.project, runtime.keyring, name="off", type="task", is_active=False)

    told = []
    for one in (chatbot, disabled):
        token, _ = await make_session(key, cast.project, one.id)
        async with program(app, x_session_token=token) as client:
            response = await client.post(route, json=ORDER)
        told.append((response.status_code, response.json()["error"]))

    assert told == [
        (400, "Agent is not a task type"),
        (400, "Agent is currently disabled. Please contact your administrator."),
    ]
    assert len(provider.requests) == 0


@pytest.fixture
async def as_chatting_visitor(app: FastAPI, cast: Cast, agent: Agent) -> AsyncIterator[httpx2.AsyncClient]:
    """An end user whose program may talk to agents, but not have them work."""
    _, key = await make_platform_key(cast.member, cast.organization, scopes=["agents:chat"])
    token, _ = await make_session(key, cast.project, agent.id)
    async with program(app, x_session_token=token) as client:
        yield client


@ENDS
async def test_a_session_can_do_no_more_than_its_key(
    as_chatting_visitor: httpx2.AsyncClient, agent: Agent, route: str
) -> None:
    response = await as_chatting_visitor.post(route, json=ORDER)

    assert (response.status_code, response.json()["code"]) == (403, "INSUFFICIENT_PERMISSIONS")
    assert await runs_of(agent) == []


@ENDS
async def test_files_are_said_to_be_to_come_and_cost_nothing(
    as_visitor: httpx2.AsyncClient, session: SessionToken, route: str
) -> None:
    response = await as_visitor.post(route, data={"input": "x"}, files={"a": ("a.txt", b"text")})

    assert (response.status_code, response.json()["code"]) == (501, "NOT_IMPLEMENTED")
    assert await used(session) == 0
