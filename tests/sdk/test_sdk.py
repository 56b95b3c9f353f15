"""The published SDK against a live service: its methods with its own defaults, its streams, errors and retries."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.fakes.provider import FakeProvider
from tests.fakes.replies import Failure, Reply, calling
from tests.process.service import until
from tests.sdk.conftest import Program, requests_to
from tests.sdk.sdk import Sdk

pytestmark = pytest.mark.slow

TOKEN = {"$": "0.data.session_token"}

TRIED = {
    "executeTaskAgent",
    "executeTaskAgentStream",
    "executeTaskAgentDirectStream",
    "executePrompt",
    "createAgentSession",
    "getSessions",
    "getSession",
    "revokeSession",
    "revokeAllSessions",
    "chatWithAgent",
    "chatWithAgentStream",
    "chatWithAgentDirect",
    "chatWithAgentDirectStream",
    "getAgent",
    "getAgents",
    "getProject",
    "getProjects",
    "getUsage",
    "getLatestMessages",
    "getLatestMessagesDirect",
    "pollForHumanMessages",
    "startAgentChat",
    "testConnection",
}


async def test_nothing_that_the_sdk_can_do_is_forgotten(sdk: Sdk) -> None:
    assert await sdk.methods() == TRIED


async def test_an_end_user_chats_with_the_defaults_of_the_sdk(
    program: Program, provider: FakeProvider
) -> None:
    provider.script(Reply("Hello to you"), Reply("And again"))

    session, first, second, listed, one = await program.run(
        ("createAgentSession", program.tenant.agent),
        ("chatWithAgent", TOKEN, "Hello!"),
        ("chatWithAgent", TOKEN, "Again", {"$": "1.conversation_id"}, "user-7", {"page": "/cart"}),
        ("getSessions",),
        ("getSession", {"$": "0.data.session_id"}),
    )

    assert session.value["data"]["max_interactions"] == 100
    assert first.error is None
    assert first.value["response"] == "Hello to you"
    assert first.value["data"]["response"] == "Hello to you"
    assert first.value["session_info"]["remaining_interactions"] == 99
    assert second.value["conversation_id"] == first.value["conversation_id"]
    assert [row["_id"] for row in listed.value["data"]] == [session.value["data"]["session_id"]]
    assert one.value["data"]["is_valid"] is True
    assert one.value["data"]["remaining_interactions"] == 98


async def test_an_end_user_reads_a_stream_to_its_end(program: Program, provider: FakeProvider) -> None:
    text = 'Hel lo "th" ünd 🎉 ' * 40
    provider.script(Reply(text))

    _, stream = await program.run(
        ("createAgentSession", program.tenant.agent),
        ("chatWithAgentStream", TOKEN, "Tell me a story"),
    )

    assert stream.error is None
    assert "".join(stream.chunks) == text
    assert len(stream.chunks) > 1
    assert stream.complete["message_id"]
    assert stream.complete["session_info"]["remaining_interactions"] == 99


async def test_a_program_chats_with_its_key_and_streams_directly(
    program: Program, provider: FakeProvider
) -> None:
    provider.script(Reply("one"), Reply("two"))

    direct, stream = await program.run(
        ("chatWithAgentDirect", *program.place, program.tenant.agent, "Hello!"),
        ("chatWithAgentDirectStream", *program.place, program.tenant.agent, "Hello!"),
    )

    assert direct.value["response"] == "one"
    assert direct.value["api_key_info"]["daily_limit_remaining"] is None
    assert direct.value["token_usage"]["total_tokens"] > 0
    assert stream.error is None
    assert "".join(stream.chunks) == "two"
    assert stream.complete["conversation_id"] != direct.value["conversation_id"]


async def test_a_program_looks_around(program: Program) -> None:
    projects, project, agents, agent, usage, connection = await program.run(
        ("getProjects", program.tenant.organization),
        ("getProject", *program.place),
        ("getAgents", *program.place),
        ("getAgent", *program.place, program.tenant.agent),
        ("getUsage",),
        ("testConnection",),
    )

    assert [row["id"] for row in projects.value["data"]] == [program.tenant.project]
    assert project.value["data"]["accessible"] is True
    assert [row["id"] for row in agents.value["data"]] == [program.tenant.agent]
    assert agent.value["data"]["api_key"] == {"name": "live", "provider": "openai"}
    assert usage.value["data"]["usage"]["total_requests"] == 5
    assert connection.value["success"] is True
    assert connection.value["usage"]["usage"]["total_requests"] == 6


async def test_a_program_runs_a_prompt(program: Program, provider: FakeProvider) -> None:
    prompts = f"{program.tenant.home}/prompts"
    key = (await program.owner.get(f"{program.tenant.home}/api-keys")).json()["data"][0]["_id"]
    made = await program.owner.post(prompts, json={"name": "greet", "content": "Say hello to {{name}}."})
    settings = {"api_key": key, "llm_settings": {"model": "gpt-4o-mini"}}
    await program.owner.put(f"{prompts}/{made.json()['_id']}", json=settings)
    provider.script(Reply("Hello, Ada!"))

    run, unknown = await program.run(
        ("executePrompt", *program.place, "greet", {"name": "Ada"}),
        ("executePrompt", *program.place, "nobody"),
    )

    assert run.error is None
    assert run.value["data"]["result"] == "Hello, Ada!"
    assert run.value["data"]["prompt_name"] == "greet"
    assert provider.requests[-1].last_words == "Say hello to Ada."
    assert unknown.error is not None
    assert (unknown.error["status"], unknown.error["code"]) == (404, "PROMPT_NOT_FOUND")


@pytest.fixture
async def worker(program: Program) -> AsyncIterator[str]:
    """The id of an agent that runs tasks, and calculates."""
    home = program.tenant.home
    key = (await program.owner.get(f"{home}/api-keys")).json()["data"][0]["_id"]
    agent = {
        "name": "worker",
        "type": "task",
        "system_prompt": "You are precise.",
        "api_key": key,
        "llm_settings": {"model": "gpt-4o-mini"},
        "tools": ["calculator"],
    }
    made = await program.owner.post(f"{home}/agents", json=agent)
    assert made.status_code == 201, made.text
    yield made.json()["_id"]
    await program.owner.delete(f"{home}/agents/{made.json()['_id']}")


async def test_tasks_are_done_with_a_session_and_with_a_key(
    program: Program, worker: str, provider: FakeProvider
) -> None:
    provider.script(
        calling(("calculator", {"expression": "2+2"})),
        Reply("It is 4."),
        Reply("Half a book."),
        Reply("A book."),
    )

    _, whole, stream, direct, one = await program.run(
        ("createAgentSession", worker),
        ("executeTaskAgent", TOKEN, {"numbers": [2, 2]}, {"unit": "apples"}),
        ("executeTaskAgentStream", TOKEN, "Write half a book."),
        ("executeTaskAgentDirectStream", *program.place, worker, "Write a book."),
        ("getSession", {"$": "0.data.session_id"}),
    )

    assert whole.error is None
    assert (whole.value["output"], whole.value["status"]) == ("It is 4.", "completed")
    assert [run["tool_name"] for run in whole.value["tools_used"]] == ["calculator"]
    assert whole.value["session_info"]["remaining_interactions"] == 99
    assert "".join(stream.chunks) == "Half a book."
    assert stream.complete["session_info"]["remaining_interactions"] == 98
    assert "".join(direct.chunks) == "A book."
    assert direct.complete["token_usage"]["total_tokens"] > 0
    assert one.value["data"]["remaining_interactions"] == 98
    runs = (await program.owner.get(f"{program.tenant.home}/agents/{worker}/executions")).json()["executions"]
    ids = [run["_id"] for run in reversed(runs)]
    assert ids == [
        whole.value["execution_id"],
        stream.complete["execution_id"],
        direct.complete["execution_id"],
    ]
    assert {run["status"] for run in runs} == {"completed"}


async def test_a_task_that_its_agent_cannot_do_is_asked_for_once(program: Program) -> None:
    _, refused, too_long = await program.run(
        ("createAgentSession", program.tenant.agent),
        ("executeTaskAgent", TOKEN, "Do it"),
        ("executeTaskAgent", TOKEN, "x" * 26_001),
    )

    assert refused.error is not None
    assert (refused.error["status"], refused.error["message"]) == (400, "Agent is not a task type")
    assert too_long.error is not None
    assert too_long.error["message"] == "Input must be less than 12000 characters"


async def test_a_session_begins_with_its_first_message(program: Program) -> None:
    [started] = await program.run(("startAgentChat", program.tenant.agent, "Hi", {"maxInteractions": 2}))

    assert started.value["session"]["max_interactions"] == 2
    assert started.value["response"]["session_info"]["remaining_interactions"] == 1


async def test_new_messages_are_polled_for_with_a_session_and_with_a_key(
    program: Program, provider: FakeProvider
) -> None:
    provider.script(Reply("Hello to you"))
    conversation = {"$": "1.conversation_id"}

    _, _, by_session, by_key, one = await program.run(
        ("createAgentSession", program.tenant.agent),
        ("chatWithAgent", TOKEN, "Hello!"),
        ("getLatestMessages", TOKEN, conversation),
        ("getLatestMessagesDirect", *program.place, conversation),
        ("getSession", {"$": "0.data.session_id"}),
    )

    for polled in (by_session, by_key):
        assert [message["content"] for message in polled.value["new_messages"]] == ["Hello!", "Hello to you"]
        assert polled.value["data"]["messages"] == polled.value["new_messages"]
        assert polled.value["handoff_active"] is False
    assert one.value["data"]["remaining_interactions"] == 99


async def test_an_end_user_hears_an_operator_until_the_agent_is_back(program: Program) -> None:
    begun = await program.run(
        ("createAgentSession", program.tenant.agent), ("chatWithAgent", TOKEN, "I need a human")
    )
    session, conversation = begun[0].value["data"], begun[1].value["conversation_id"]
    desk = f"/handoffs/conversations/{conversation}"
    route = "/external/conversations/{conversation_id}/messages/latest"

    async def polled_twice() -> None:
        already = requests_to(program.service, route)
        await until(lambda: requests_to(program.service, route) >= already + 2)

    polling = asyncio.create_task(
        program.run(("pollForHumanMessages", session["session_token"], conversation))
    )
    await polled_twice()
    for step, body in (("takeover", {}), ("message", {"message": "How can I help?"}), ("handback", {})):
        done = await program.owner.post(f"{desk}/{step}", json=body)
        assert done.status_code == 200, done.text
        if step != "handback":
            await polled_twice()
    [heard] = await polling

    assert heard.chunks == ("How can I help?",)


async def test_revoked_sessions_are_over(program: Program) -> None:
    _, revoked, after, _, all_revoked = await program.run(
        ("createAgentSession", program.tenant.agent),
        ("revokeSession", {"$": "0.data.session_id"}),
        ("chatWithAgent", TOKEN, "Hello!"),
        ("createAgentSession", program.tenant.agent),
        ("revokeAllSessions",),
    )

    assert revoked.value["success"] is True
    assert after.error is not None
    assert (after.error["status"], after.error["code"]) == (401, "INVALID_SESSION_TOKEN")
    assert after.error["message"] == "Invalid or expired session token"
    assert all_revoked.value["data"]["revoked_count"] == 1


@pytest.mark.parametrize(
    ("call", "status", "message"),
    [
        (("getAgent", "{organization}", "{project}", "nobody"), 404, "Agent not found"),
        (("getProject", "elsewhere", "{project}"), 403, "Access denied to this organization"),
        (("createAgentSession", "nobody"), 404, "Agent not found"),
        (
            ("createAgentSession", "{agent}", {"expiresIn": 5}),
            400,
            "Expires in must be between 60 and 86400 seconds (1 minute to 24 hours)",
        ),
    ],
)
async def test_what_cannot_succeed_is_asked_for_once(
    program: Program, call: tuple[Any, ...], status: int, message: str
) -> None:
    known = {
        "{organization}": program.tenant.organization,
        "{project}": program.tenant.project,
        "{agent}": program.tenant.agent,
    }
    arguments = [known.get(part, part) if isinstance(part, str) else part for part in call]
    before = answered_with(program, status)

    [refused] = await program.run(tuple(arguments))

    assert refused.error is not None
    assert refused.error["status"] == status
    assert refused.error["message"] == message
    assert answered_with(program, status) == before + 1


def answered_with(program: Program, status: int) -> int:
    """How many requests were answered with a status; what the fixtures ask for never gets a refusal."""
    return sum(event.get("status") == status for event in program.service.events)


async def test_a_wrong_key_is_told_so(program: Program) -> None:
    [connection] = await program.run(("testConnection",), key="0" * 64)

    assert (connection.value["success"], connection.value["message"]) == (False, "Invalid API key")


async def test_a_call_that_fails_once_is_repeated_and_costs_one_interaction(
    program: Program, provider: FakeProvider
) -> None:
    provider.script(Failure(500, "boom"), Reply("Here I am"))
    before = requests_to(program.service, "/external/agents/chat")

    _, answered = await program.run(
        ("createAgentSession", program.tenant.agent), ("chatWithAgent", TOKEN, "Hello!")
    )

    assert answered.value["response"] == "Here I am"
    assert answered.value["session_info"]["remaining_interactions"] == 99
    assert requests_to(program.service, "/external/agents/chat") == before + 2


async def test_a_provider_that_stays_down_costs_no_interaction(
    program: Program, provider: FakeProvider
) -> None:
    provider.script(*(Failure(500, "boom") for _ in range(4)))

    _, failed, stream, one = await program.run(
        ("createAgentSession", program.tenant.agent),
        ("chatWithAgent", TOKEN, "Hello!"),
        ("chatWithAgentStream", TOKEN, "Hello!"),
        ("getSession", {"$": "0.data.session_id"}),
    )

    assert failed.error is not None
    assert (failed.error["status"], failed.error["code"]) == (502, "EXECUTION_FAILED")
    assert stream.error is not None
    assert stream.error["code"] == "EXECUTION_FAILED"
    assert stream.error["message"].startswith("openai API Error:")
    assert one.value["data"]["remaining_interactions"] == 100


async def test_the_last_interaction_is_the_last(program: Program) -> None:
    _, first, second, stream = await program.run(
        ("createAgentSession", program.tenant.agent, {"maxInteractions": 1}),
        ("chatWithAgent", TOKEN, "One"),
        ("chatWithAgent", TOKEN, "Two"),
        ("chatWithAgentStream", TOKEN, "Three"),
        retryDelay=1,
    )

    assert first.value["session_info"]["remaining_interactions"] == 0
    for refused in (second, stream):
        assert refused.error is not None
        assert (refused.error["status"], refused.error["code"]) == (429, "INTERACTION_LIMIT_EXCEEDED")
        assert refused.error["response"]["max_interactions"] == 1
