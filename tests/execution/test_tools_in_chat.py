"""Agents that use tools: what the model is offered, what it gets back, and what people see of it."""

import asyncio
import json
from typing import Any

import httpx2
import pytest

from crafter.agents.configuration import AgentConfig, HandoffConfig
from crafter.agents.documents import Agent, AgentTool
from crafter.core.runtime import Runtime
from crafter.execution.reasoning import OUT_OF_ROUNDS
from crafter.execution.toolbox import LIMIT_REACHED
from crafter.tools.documents import Tool
from tests.execution.test_chat import ASK, conversation_of, frames, url
from tests.factories import make_agent
from tests.fakes.provider import FakeProvider
from tests.fakes.replies import Failure, Reply, calling
from tests.fixtures import Cast

SUM = ("calculator", {"expression": "2+2"})
WISH = {"reason": "wants a refund", "urgency": "high", "context_summary": "order 7"}
ENDS = pytest.mark.parametrize("tail", ["/chat", "/chat/stream"], ids=["whole", "streamed"])


@pytest.fixture
async def agent(cast: Cast, runtime: Runtime) -> Agent:
    return await agent_with(cast, runtime, "calculator", "current_time")


async def agent_with(cast: Cast, runtime: Runtime, *names: str, **fields: Any) -> Agent:
    tools = [AgentTool(name=name, description="d") for name in names]
    made: Agent = await make_agent(cast.project, runtime.keyring, name="tooled", **{"tools": tools, **fields})
    return made


async def test_a_model_gets_its_tools_their_results_and_answers(
    as_member: httpx2.AsyncClient, agent: Agent, provider: FakeProvider
) -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    provider.script(calling(SUM), Reply("It is 4.", usage=usage))

    body = (await as_member.post(url(agent), json=ASK)).json()

    assert body["response"] == "It is 4."
    [used] = body["tools_used"]
    assert (used.pop("execution_time_ms") >= 0, used) == (
        True,
        {
            "tool_name": "calculator",
            "parameters": {"expression": "2+2"},
            "result": {"expression": "2+2", "result": 4, "type": "number"},
            "success": True,
        },
    )
    assert [(step["step"], step.get("tool_name")) for step in body["thinking_process"]] == [
        ("analyze_input", None),
        ("tool_execution", "calculator"),
        ("final_response", None),
    ]
    first, second = (request.body for request in provider.requests)
    assert [tool["function"]["name"] for tool in first["tools"]] == ["calculator", "current_time"]
    assert first["tools"] == second["tools"]
    assert [message["role"] for message in second["messages"]][-2:] == ["assistant", "tool"]
    assert json.loads(second["messages"][-1]["content"])["result"] == 4
    assert body["token_usage"]["total_tokens"] > 15  # the first call counts too


async def test_what_tools_did_is_stored_in_the_contracts_shape_and_counted(
    as_member: httpx2.AsyncClient, agent: Agent, provider: FakeProvider
) -> None:
    provider.script(calling(SUM, ("calculator", {"expression": "1/"})), Reply("Done."))
    body = (await as_member.post(url(agent), json=ASK)).json()

    stored = await conversation_of(as_member, agent, body["conversation_id"])
    good, bad = stored["messages"][-1]["tools_used"]
    assert good.keys() == {"_id", "tool_name", "parameters", "result", "execution_time_ms", "timestamp"}
    assert len(good["_id"]) == 24
    assert "result" not in bad
    assert bad["error"] == body["tools_used"][1]["error"]
    assert body["tools_used"][1]["success"] is False
    assert stored["metadata"]["tools_executed_count"] == 2
    assert stored["metadata"]["total_tokens_used"] == body["token_usage"]["total_tokens"]
    steps = [step["step"] for step in stored["messages"][-1]["thinking_process"]]
    assert steps == ["analyze_input", "tool_execution", "tool_failed", "final_response"]


@pytest.mark.parametrize(
    ("call", "step", "told"),
    [
        (("web_search", {"query": "x"}), "tool_not_available", "not available"),
        (("faq", {"question": "x"}), "tool_not_available", "not available"),
        (("calculator", "{not json"), "tool_failed", "not valid JSON"),
        (("calculator", "[1]"), "tool_failed", "one JSON object"),
        (("calculator", "[" * 100_000), "tool_failed", "not valid JSON"),
        (("calculator", {}), "tool_failed", "'expression' is required"),
        (("calculator", {"expression": 7}), "tool_failed", "must be of type string"),
        (("", {}), "tool_not_available", "not available"),
    ],
    ids=[
        "not on the list",
        "switched off",
        "broken",
        "no object",
        "deep",
        "missing",
        "wrong type",
        "no name",
    ],
)
async def test_a_call_that_cannot_be_done_is_explained_to_the_model(
    as_member: httpx2.AsyncClient,
    cast: Cast,
    runtime: Runtime,
    provider: FakeProvider,
    call: tuple[str, Any],
    step: str,
    told: str,
) -> None:
    tools = [
        AgentTool(name="calculator", description="d"),
        AgentTool(name="faq", description="d", enabled=False),
    ]
    agent = await agent_with(cast, runtime, tools=tools)
    provider.script(calling(call), Reply("Sorry."))
    body = (await as_member.post(url(agent), json=ASK)).json()
    assert body["response"] == "Sorry."
    assert body["thinking_process"][1]["step"] == step
    assert told in body["tools_used"][0]["error"]
    assert told in provider.requests[1].body["messages"][-1]["content"]


async def test_a_tool_that_is_switched_off_or_retired_is_not_offered(
    as_member: httpx2.AsyncClient, agent: Agent, provider: FakeProvider
) -> None:
    await Tool.collection().update_one({"name": "current_time"}, {"$set": {"is_active": False}})
    try:
        await as_member.post(url(agent), json=ASK)
    finally:
        await Tool.collection().update_one({"name": "current_time"}, {"$set": {"is_active": True}})
    [request] = provider.requests
    assert [tool["function"]["name"] for tool in request.body["tools"]] == ["calculator"]


async def test_the_limit_of_calls_ends_the_search_and_the_model_must_answer(
    as_member: httpx2.AsyncClient, cast: Cast, runtime: Runtime, provider: FakeProvider
) -> None:
    agent = await agent_with(cast, runtime, "calculator", config=AgentConfig(max_tool_calls=2))
    provider.script(calling(SUM, SUM, SUM), Reply("About 4."))
    body = (await as_member.post(url(agent), json=ASK)).json()
    assert [run["success"] for run in body["tools_used"]] == [True, True, False]
    assert body["tools_used"][2]["error"] == LIMIT_REACHED
    assert body["thinking_process"][-1]["step"] == "forced_final_response"
    assert provider.requests[1].body["tool_choice"] == "none"
    assert "tool_choice" not in provider.requests[0].body


async def test_a_model_that_only_ever_calls_is_answered_for(
    as_member: httpx2.AsyncClient, cast: Cast, runtime: Runtime, provider: FakeProvider
) -> None:
    agent = await agent_with(cast, runtime, "calculator", config=AgentConfig(max_tool_calls=1))
    provider.script(calling(SUM), calling(SUM))
    body = (await as_member.post(url(agent), json=ASK)).json()
    assert body["response"] == OUT_OF_ROUNDS
    assert len(provider.requests) == 2


async def test_without_calls_allowed_no_tools_are_offered(
    as_member: httpx2.AsyncClient, cast: Cast, runtime: Runtime, provider: FakeProvider
) -> None:
    agent = await agent_with(cast, runtime, "calculator", config=AgentConfig(max_tool_calls=0))
    body = (await as_member.post(url(agent), json=ASK)).json()
    assert body["thinking_process"][-1]["step"] == "final_response"
    assert "tools" not in provider.requests[0].body


async def test_a_stream_is_the_whole_answer_also_around_tools(
    as_member: httpx2.AsyncClient, agent: Agent, provider: FakeProvider
) -> None:
    provider.script(calling(SUM, text="Let me see."), Reply("It is 4."))
    response = await as_member.post(url(agent, "/chat/stream"), json=ASK)
    _, *pieces, complete = frames(response.text)
    said = "".join(piece["content"] for piece in pieces)
    assert said == "Let me see.\n\nIt is 4."
    stored = await conversation_of(as_member, agent, complete["conversation_id"])
    assert stored["messages"][-1]["content"] == said
    assert complete["message_id"] == stored["messages"][-1]["_id"]


async def test_a_failure_after_a_tool_keeps_what_was_done_and_spent(
    as_member: httpx2.AsyncClient, agent: Agent, provider: FakeProvider
) -> None:
    provider.script(calling(SUM), Failure(500))
    response = await as_member.post(url(agent), json=ASK)
    assert response.status_code == 502
    [conversation] = (await as_member.get(url(agent, "/conversations"))).json()["conversations"]
    stored = await conversation_of(as_member, agent, conversation["_id"])
    answer = stored["messages"][-1]
    assert (answer["role"], answer["content"], answer["metadata"]["state"]) == ("assistant", "", "partial")
    assert [run["tool_name"] for run in answer["tools_used"]] == ["calculator"]
    assert stored["metadata"]["total_tokens_used"] == answer["token_usage"]["total_tokens"] > 0


async def test_an_agent_has_only_so_much_time(
    as_member: httpx2.AsyncClient, cast: Cast, runtime: Runtime, provider: FakeProvider
) -> None:
    agent = await agent_with(cast, runtime, "calculator", config=AgentConfig(timeout_seconds=1))
    provider.script(calling(SUM), Reply("Too late", gate=asyncio.Event(), gate_after=0))
    response = await as_member.post(url(agent), json=ASK)
    assert response.status_code == 504
    assert response.json()["error"] == "The agent took longer than 1 seconds."


async def test_large_results_are_cut_for_the_store_and_for_the_model(
    as_member: httpx2.AsyncClient, cast: Cast, runtime: Runtime, provider: FakeProvider
) -> None:
    agent = await agent_with(cast, runtime, "json_processor")
    data = json.dumps({"text": "ä" * 30_000})
    provider.script(calling(("json_processor", {"data": data, "operation": "parse"})), Reply("Read."))
    body = (await as_member.post(url(agent), json=ASK)).json()
    [used] = body["tools_used"]
    assert used["success"]
    assert used["result"]["truncated"] is True
    assert used["parameters"]["truncated"] is True
    told = provider.requests[1].body["messages"][-1]["content"]
    assert "more characters are left out" in told
    assert len(told) < 25_000


@ENDS
async def test_asking_for_a_human_ends_the_turn(
    as_member: httpx2.AsyncClient, cast: Cast, runtime: Runtime, provider: FakeProvider, tail: str
) -> None:
    agent = await agent_with(cast, runtime, "request_human_handoff")
    provider.script(calling(("request_human_handoff", {**WISH, "handoff_message": "One moment!"})))
    response = await as_member.post(url(agent, tail), json=ASK)
    if tail == "/chat":
        body = response.json()
        assert body["response"] == "One moment!"
    else:
        _, *pieces, body = frames(response.text)
        assert [piece["content"] for piece in pieces] == ["One moment!"]
    assert body["handoff_requested"] is True
    info = body["handoff_info"]
    assert info.pop("requested_at").endswith("Z")
    assert info == {**WISH, "status": "handoff_requested"}
    assert len(provider.requests) == 1
    stored = await conversation_of(as_member, agent, body["conversation_id"])
    assert (stored["status"], stored["current_handler"]) == ("handoff_requested", "agent")
    assert (stored["handoff_info"]["reason"], stored["handoff_info"]["handoff_message"]) == (
        "wants a refund",
        "order 7",
    )
    steps = [step["step"] for step in stored["messages"][-1]["thinking_process"]]
    assert steps == ["analyze_input", "tool_execution", "human_handoff_requested"]
    waiting = (
        await as_member.post(url(agent), json={**ASK, "conversation_id": body["conversation_id"]})
    ).json()
    assert waiting["response"].startswith("Your request has been forwarded")


async def test_without_a_message_of_the_models_the_agents_own_sentence_is_said(
    as_member: httpx2.AsyncClient, cast: Cast, runtime: Runtime, provider: FakeProvider
) -> None:
    config = AgentConfig(handoff_config=HandoffConfig(handoff_message_template="Somebody will come."))
    agent = await agent_with(cast, runtime, "request_human_handoff", config=config)
    provider.script(calling(("request_human_handoff", {"reason": "r"})))
    body = (await as_member.post(url(agent), json=ASK)).json()
    assert body["response"] == "Somebody will come."


async def test_an_agent_that_may_not_hand_over_is_told_so_and_goes_on(
    as_member: httpx2.AsyncClient, cast: Cast, runtime: Runtime, provider: FakeProvider
) -> None:
    config = AgentConfig(handoff_config=HandoffConfig(require_online_operator=True))
    agent = await agent_with(cast, runtime, "request_human_handoff", config=config)
    provider.script(calling(("request_human_handoff", WISH)), Reply("Nobody is there."))
    body = (await as_member.post(url(agent), json=ASK)).json()
    assert body["response"] == "Nobody is there."
    assert "handoff_requested" not in body
    assert body["tools_used"][0]["error"] == "No human operator is online right now."
    stored = await conversation_of(as_member, agent, body["conversation_id"])
    assert stored["status"] == "agent_controlled"
