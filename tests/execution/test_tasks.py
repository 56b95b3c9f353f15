"""Having tasks done through HTTP: the output, the record that is kept of each run, and what ends it early."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from crafter.agent_executions import service as execution_service
from crafter.agent_executions.documents import AgentExecution
from crafter.agent_executions.sweeping import keep_sweeping, sweep
from crafter.agents.configuration import AgentConfig
from crafter.agents.documents import Agent, AgentTool
from crafter.api_keys.documents import ApiKey
from crafter.core.runtime import Runtime
from crafter.core.tasks import TaskGroup
from crafter.core.time import utc_now
from crafter.execution.reasoning import OUT_OF_ROUNDS
from crafter.execution.tasks import task as tasks
from tests.execution.test_chat import frames, url
from tests.factories import make_agent, make_prompt
from tests.fakes.provider import FakeProvider
from tests.fakes.replies import Failure, Reply, calling, half_stream, hang_before_head
from tests.fixtures import Cast
from tests.programs import make_platform_key, program

ORDER: dict[str, Any] = {"input": "Summarize this.", "user_identifier": "user-123"}
SUM = ("calculator", {"expression": "2+2"})
USAGE = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
ENDS = pytest.mark.parametrize("tail", ["/execute", "/execute/stream"], ids=["whole", "streamed"])


@pytest.fixture
async def worker(cast: Cast, runtime: Runtime) -> Agent:
    return await worker_with(cast, runtime)


async def worker_with(cast: Cast, runtime: Runtime, *names: str, **fields: Any) -> Agent:
    tools = [AgentTool(name=name, description="d") for name in names]
    fields = {"name": "worker", "type": "task", "tools": tools, **fields}
    made: Agent = await make_agent(cast.project, runtime.keyring, **fields)
    return made


async def record_of(
    client: httpx2.AsyncClient, agent: Agent, execution_id: str | None = None
) -> dict[str, Any]:
    """A run as it is read; the only one, unless it is named."""
    if execution_id is None:
        [row] = (await client.get(url(agent, "/executions"))).json()["executions"]
        execution_id = row["_id"]
    response = await client.get(url(agent, f"/executions/{execution_id}"))
    assert response.status_code == 200
    found: dict[str, Any] = response.json()
    return found


async def stored_runs(agent: Agent) -> list[dict[str, Any]]:
    return await AgentExecution.within(agent.scope).find({}, limit=10)


def names_of(steps: list[dict[str, Any]]) -> list[str]:
    return [step["step"] for step in steps]


async def test_a_task_is_done_and_its_run_is_recorded(
    as_member: httpx2.AsyncClient, worker: Agent, cast: Cast, provider: FakeProvider
) -> None:
    provider.script(Reply("It is short.", usage={**USAGE, "prompt_tokens_details": {"cached_tokens": 2}}))

    response = await as_member.post(url(worker, "/execute"), json=ORDER)

    body = response.json()
    assert response.status_code == 200, response.text
    assert body["token_usage"] == {**USAGE, "cached_tokens": 2, "cost": 4.23e-06}
    record = await record_of(as_member, worker, body["execution_id"])
    assert body == {
        "execution_id": record["_id"],
        "output": "It is short.",
        "output_files": [],
        "thinking_process": record["thinking_process"],
        "tools_used": [],
        "token_usage": body["token_usage"],
        "status": "completed",
    }
    assert names_of(record["thinking_process"]) == ["analyze_task", "task_completed"]
    assert (record["status"], record["input"], record["output"]) == (
        "completed",
        ORDER["input"],
        "It is short.",
    )
    assert {key: record["usage"][key] for key in (*USAGE, "cost", "tool_calls_count")} == {
        **USAGE,
        "cost": 4.23e-06,
        "tool_calls_count": 0,
    }
    assert record["metadata"] == {"user_identifier": "user-123", "priority": "normal"}
    assert record["execution_time_ms"] >= 0
    assert record["createdAt"] <= record["started_at"] <= record["completed_at"]
    [raw] = await stored_runs(worker)
    assert (raw["user"], "lease_until" in raw, "error" in raw) == (cast.member.id, False, False)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("plain\ntext", "plain\ntext"),
        ({"b": ["ü", 1], "a": None}, '{\n  "b": [\n    "ü",\n    1\n  ],\n  "a": null\n}'),
        ([1.5, True], "[\n  1.5,\n  true\n]"),
        (0, "0"),
        (False, "false"),
    ],
)
async def test_the_model_gets_text_as_it_is_and_all_else_as_readable_json(
    as_member: httpx2.AsyncClient, worker: Agent, provider: FakeProvider, given: Any, told: str
) -> None:
    context = {"customer": "Ada"}

    body = (await as_member.post(url(worker, "/execute"), json={"input": given, "context": context})).json()

    system, about, question = provider.requests[-1].body["messages"]
    assert (system["role"], system["content"]) == ("system", "You are kind.")
    assert '{"customer": "Ada"}' in about["content"]
    assert (question["role"], question["content"]) == ("user", told)
    assert (await record_of(as_member, worker, body["execution_id"]))["input"] == given


async def test_a_task_agent_takes_its_instructions_from_a_prompt_of_the_project(
    as_member: httpx2.AsyncClient, cast: Cast, runtime: Runtime, provider: FakeProvider
) -> None:
    prompt = await make_prompt(cast.project, content="Work for {{name}}.")
    worker = await worker_with(cast, runtime, prompt=prompt.id, prompt_variables={"name": "Ada"})

    await as_member.post(url(worker, "/execute"), json=ORDER)

    assert provider.requests[-1].body["messages"][0]["content"] == "Work for Ada."


async def test_what_tools_did_is_recorded_and_counted(
    as_member: httpx2.AsyncClient, cast: Cast, runtime: Runtime, provider: FakeProvider
) -> None:
    worker = await worker_with(cast, runtime, "calculator", "request_human_handoff")
    provider.script(
        calling(SUM, ("calculator", {"expression": "1/"}), ("request_human_handoff", {"reason": "r"})),
        Reply("It is 4."),
    )

    body = (await as_member.post(url(worker, "/execute"), json=ORDER)).json()

    record = await record_of(as_member, worker)
    good, bad, refused = record["tools_executed"]
    assert body["tools_used"] == record["tools_executed"]
    assert (good["status"], good["result"]["result"], good["error_message"]) == ("success", 4, None)
    assert (bad["status"], bad["result"]) == ("error", None)
    assert bad["error_message"]
    assert "not available" in refused["error_message"]
    assert record["usage"]["tool_calls_count"] == 3
    assert names_of(record["thinking_process"]) == [
        "analyze_task",
        "tool_execution",
        "tool_failed",
        "tool_failed",
        "task_completed",
    ]
    offered = provider.requests[0].body["tools"]
    assert [tool["function"]["name"] for tool in offered] == ["calculator"]


async def test_steps_and_tools_are_recorded_as_they_happen(
    as_member: httpx2.AsyncClient, cast: Cast, runtime: Runtime, provider: FakeProvider
) -> None:
    worker = await worker_with(cast, runtime, "calculator")
    gate = asyncio.Event()
    provider.script(calling(SUM), Reply("It is 4.", gate=gate, gate_after=0))

    asking = asyncio.create_task(as_member.post(url(worker, "/execute"), json=ORDER))
    await provider.received(2)
    meanwhile = await record_of(as_member, worker)
    gate.set()
    await asking

    assert meanwhile["status"] == "running"
    assert names_of(meanwhile["thinking_process"]) == ["analyze_task", "tool_execution"]
    assert [run["tool_name"] for run in meanwhile["tools_executed"]] == ["calculator"]
    assert "output" not in meanwhile
    assert (await record_of(as_member, worker))["status"] == "completed"


async def test_a_task_whose_calls_are_used_up_ends_with_an_answer(
    as_member: httpx2.AsyncClient, cast: Cast, runtime: Runtime, provider: FakeProvider
) -> None:
    worker = await worker_with(cast, runtime, "calculator", config=AgentConfig(max_tool_calls=1))
    provider.script(calling(SUM), calling(SUM))

    body = (await as_member.post(url(worker, "/execute"), json=ORDER)).json()

    assert body["output"] == OUT_OF_ROUNDS
    assert names_of(body["thinking_process"])[-1] == "max_iterations_reached"


async def test_without_thinking_no_steps_are_kept(
    as_member: httpx2.AsyncClient, cast: Cast, runtime: Runtime, provider: FakeProvider
) -> None:
    worker = await worker_with(cast, runtime, "calculator", config=AgentConfig(enable_thinking=False))
    provider.script(calling(SUM), Reply("It is 4."))

    body = (await as_member.post(url(worker, "/execute"), json=ORDER)).json()

    record = await record_of(as_member, worker)
    assert (body["thinking_process"], record["thinking_process"]) == ([], [])
    assert len(record["tools_executed"]) == 1


async def test_a_stream_has_the_contracts_frames_and_is_recorded_before_it_is_complete(
    as_member: httpx2.AsyncClient, cast: Cast, runtime: Runtime, provider: FakeProvider
) -> None:
    worker = await worker_with(cast, runtime, "calculator")
    provider.script(calling(SUM, text="Let me see."), Reply('Hel lo "th" ünd 🎉'))

    response = await as_member.post(url(worker, "/execute/stream"), json=ORDER)

    first, *chunks, last = frames(response.text)
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.text.isascii()
    assert first == {"type": "connected", "message": "Stream established"}
    assert {chunk["type"] for chunk in chunks} == {"response_chunk"}
    record = await record_of(as_member, worker, last["execution_id"])
    assert "".join(chunk["content"] for chunk in chunks) == record["output"]
    assert record["output"] == 'Let me see.\n\nHel lo "th" ünd 🎉'
    assert last.keys() == {"type", "execution_id", "token_usage", "tools_used", "status"}
    assert (last["type"], last["status"], record["status"]) == ("complete", "completed", "completed")
    assert last["token_usage"]["total_tokens"] == record["usage"]["total_tokens"] > 0
    assert [(run["tool_name"], run["status"]) for run in last["tools_used"]] == [("calculator", "success")]


async def test_the_last_frame_stays_small_whatever_tools_come_up_with(
    as_member: httpx2.AsyncClient, cast: Cast, runtime: Runtime, provider: FakeProvider
) -> None:
    worker = await worker_with(cast, runtime, "json_processor", config=AgentConfig(max_tool_calls=200))
    call = ("json_processor", {"data": json.dumps(["ü" * 300])})
    provider.script(calling(*([call] * 50)), calling(*([call] * 50)), Reply("Done."))

    response = await as_member.post(url(worker, "/execute/stream"), json=ORDER)

    last = frames(response.text)[-1]
    assert last["type"] == "complete", last
    assert last["tools_used"]
    assert max(map(len, response.text.split("\n\n"))) < 8_000
    assert (await record_of(as_member, worker))["usage"]["tool_calls_count"] == 100


@ENDS
async def test_a_vendor_that_refuses_is_recorded_and_told(
    as_member: httpx2.AsyncClient, worker: Agent, provider: FakeProvider, tail: str
) -> None:
    provider.script(Failure(500, "boom"))

    response = await as_member.post(url(worker, tail), json=ORDER)

    told = response.json() if tail == "/execute" else frames(response.text)[-1]
    record = await record_of(as_member, worker)
    assert response.status_code == (502 if tail == "/execute" else 200)
    assert told["error"].startswith("openai API Error:")
    assert record["status"] == "failed"
    assert record["error"] == {"message": told["error"], "code": told["code"]}
    assert "output" not in record
    assert names_of(record["thinking_process"]) == ["analyze_task"]


async def test_what_was_said_is_kept_when_the_vendor_dies_half_way(
    as_member: httpx2.AsyncClient, worker: Agent, provider: FakeProvider
) -> None:
    provider.script(half_stream)

    shown = frames((await as_member.post(url(worker, "/execute/stream"), json=ORDER)).text)

    said = "".join(frame["content"] for frame in shown if frame["type"] == "response_chunk")
    record = await record_of(as_member, worker)
    assert said
    assert (shown[-1]["type"], record["status"], record["output"]) == ("error", "failed", said)


async def test_a_task_that_takes_too_long_times_out(
    as_member: httpx2.AsyncClient, cast: Cast, runtime: Runtime, provider: FakeProvider
) -> None:
    worker = await worker_with(cast, runtime, config=AgentConfig(timeout_seconds=1))
    provider.script(hang_before_head)

    response = await as_member.post(url(worker, "/execute"), json=ORDER)

    record = await record_of(as_member, worker)
    assert (response.status_code, response.json()["code"]) == (504, "PROVIDER_TIMEOUT")
    assert (record["status"], record["error"]["code"]) == ("timeout", "PROVIDER_TIMEOUT")


async def test_three_failures_in_a_row_put_a_task_agent_into_error_and_a_success_clears_it(
    as_member: httpx2.AsyncClient, worker: Agent, provider: FakeProvider
) -> None:
    provider.script(*(Failure(500, "boom") for _ in range(3)))
    for _ in range(3):
        await as_member.post(url(worker, "/execute"), json=ORDER)
    failed = (await as_member.get(url(worker, "/status"))).json()
    await as_member.post(url(worker, "/execute"), json=ORDER)
    healthy = (await as_member.get(url(worker, "/status"))).json()

    assert (failed["status"], healthy["status"]) == ("error", "active")


async def test_a_server_that_stops_ends_the_run_and_keeps_what_was_said(
    as_member: httpx2.AsyncClient, worker: Agent, provider: FakeProvider, runtime: Runtime
) -> None:
    provider.script(Reply("one two three", gate=asyncio.Event()))
    reading = asyncio.create_task(as_member.post(url(worker, "/execute/stream"), json=ORDER))
    await until_running(worker)
    await provider.received()

    interrupt_the_task()
    shown = frames((await reading).text)

    record = await record_of(as_member, worker)
    assert (shown[-1]["type"], shown[-1]["code"]) == ("error", "TURN_INTERRUPTED")
    assert (record["status"], record["error"]["code"]) == ("failed", "TURN_INTERRUPTED")
    assert record.get("output", "") in ("", "one")


def interrupt_the_task() -> None:
    """What a process does with a run that is not over in time."""
    [running] = [task for task in asyncio.all_tasks() if task.get_name().startswith("task ")]
    running.cancel()


async def until_running(agent: Agent) -> dict[str, Any]:
    """The only run of an agent, once it has been begun."""
    async with asyncio.timeout(10):
        while not (rows := await AgentExecution.within(agent.scope).find({"status": "running"}, limit=2)):
            await asyncio.sleep(0.01)
    return rows[0]


async def test_a_running_task_holds_its_lease(
    as_member: httpx2.AsyncClient, worker: Agent, provider: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "RENEWAL_SECONDS", 0.01)
    gate = asyncio.Event()
    provider.script(Reply("one", gate=gate, gate_after=0))
    asking = asyncio.create_task(as_member.post(url(worker, "/execute"), json=ORDER))
    first = (await until_running(worker))["lease_until"]

    async with asyncio.timeout(10):
        while (await until_running(worker))["lease_until"] <= first:
            await asyncio.sleep(0.01)
    ended = await sweep()
    gate.set()

    assert ended == 0
    assert (await asking).json()["status"] == "completed"


async def test_a_run_that_was_swept_is_not_told_to_be_complete(
    as_member: httpx2.AsyncClient, worker: Agent, provider: FakeProvider
) -> None:
    gate = asyncio.Event()
    provider.script(Reply("one", gate=gate, gate_after=0))
    asking = asyncio.create_task(as_member.post(url(worker, "/execute"), json=ORDER))
    run = await until_running(worker)
    long_ago = {"lease_until": utc_now() - timedelta(seconds=1)}
    await AgentExecution.within(worker.scope).update_one({"_id": run["_id"]}, {"$set": long_ago})

    ended = await sweep()
    gate.set()
    response = await asking

    assert ended == 1
    assert (response.status_code, response.json()["code"]) == (503, "TURN_INTERRUPTED")
    assert (await record_of(as_member, worker))["error"]["code"] == "INTERRUPTED"


async def add_run(agent: Agent, seconds: float | None, **fields: Any) -> AgentExecution:
    """A stored run whose lease ends so many seconds from now; None: as the Node server writes it."""
    lease = {} if seconds is None else {"lease_until": utc_now() + timedelta(seconds=seconds)}
    execution = AgentExecution(
        organization=agent.organization, project=agent.project, agent=agent.id, input="x", **lease, **fields
    )
    await execution_service.add_execution(execution)
    return execution


@pytest.mark.parametrize(
    ("status", "seconds", "left"),
    [
        ("running", -1, "failed"),
        ("pending", -1, "failed"),
        ("running", 30, "running"),
        ("pending", 30, "pending"),
        ("running", None, "running"),
        ("completed", -1, "completed"),
        ("timeout", -1, "timeout"),
    ],
)
async def test_only_what_nobody_runs_any_more_is_swept(
    as_viewer: httpx2.AsyncClient, worker: Agent, status: str, seconds: float | None, left: str
) -> None:
    run = await add_run(worker, seconds, status=status)

    ended = await sweep()
    again = await sweep()

    record = await record_of(as_viewer, worker, run.id)
    swept = left == "failed"
    assert (ended, again, record["status"]) == (int(swept), 0, left)
    if swept:
        assert record["error"]["code"] == "INTERRUPTED"
        assert record["error"]["message"]
        assert record["completed_at"]


async def test_of_many_sweeps_at_once_each_run_is_ended_by_one(
    worker: Agent, cast: Cast, runtime: Runtime
) -> None:
    elsewhere: Agent = await make_agent(cast.other_project, runtime.keyring, type="task")
    runs = [await add_run(agent, -1, status="running") for agent in (worker, elsewhere) for _ in range(5)]

    ended = await asyncio.gather(*(sweep() for _ in range(4)))

    assert sum(ended) == len(runs)
    for agent in (worker, elsewhere):
        assert {raw["status"] for raw in await stored_runs(agent)} == {"failed"}


@pytest.mark.parametrize(
    "broken", [{"agent": {"$x": 1}}, {"agent": None}, {"error": 7}, {"tools_executed": 7}]
)
async def test_a_run_that_is_damaged_is_swept_as_well(worker: Agent, broken: dict[str, Any]) -> None:
    damaged, _ = await add_run(worker, -1), await add_run(worker, -1)
    await AgentExecution.within(worker.scope).update_one({"_id": damaged.id}, {"$set": broken})

    ended = await sweep()

    assert ended == 2
    assert [raw["status"] for raw in await stored_runs(worker)] == ["failed", "failed"]


async def test_sweeping_ends_with_the_process(worker: Agent) -> None:
    await add_run(worker, -1, status="running")
    group = TaskGroup()

    sweeping = asyncio.create_task(keep_sweeping(group))
    async with asyncio.timeout(10):
        while (await stored_runs(worker))[0]["status"] == "running":
            await asyncio.sleep(0.01)
        group.stop_within(0)
        await sweeping
        await group.stopped()


async def test_a_run_begins_and_ends_once(worker: Agent) -> None:
    run = await add_run(worker, 30)
    until = utc_now() + timedelta(seconds=30)

    begun = [await execution_service.begin(run, until) for _ in range(2)]
    ended = [await execution_service.finish(run, {"status": state}) for state in ("completed", "failed")]
    late = [await execution_service.renew(run, until), await execution_service.begin(run, until)]

    assert (begun, ended, late) == ([True, False], [True, False], [False, False])
    [raw] = await stored_runs(worker)
    assert (raw["status"], "lease_until" in raw) == ("completed", False)


@ENDS
async def test_what_can_be_refused_is_refused_before_there_is_a_record(
    as_member: httpx2.AsyncClient,
    as_viewer: httpx2.AsyncClient,
    as_outsider: httpx2.AsyncClient,
    cast: Cast,
    runtime: Runtime,
    worker: Agent,
    provider: FakeProvider,
    tail: str,
) -> None:
    chatbot = await make_agent(cast.project, runtime.keyring, name="chatbot")
    disabled = await worker_with(cast, runtime, name="disabled", is_active=False)
    keyless = await worker_with(cast, runtime, name="keyless")
    await ApiKey.within(keyless.scope).delete_one({"_id": keyless.api_key})
    elsewhere: Agent = await make_agent(cast.other_project, runtime.keyring, type="task")
    foreign = url(elsewhere, tail).replace(cast.other_organization.id, cast.organization.id)
    foreign = foreign.replace(cast.other_project.id, cast.project.id)

    refusals = {
        (400, "Agent is not a task type"): await as_member.post(url(chatbot, tail), json=ORDER),
        (400, "Agent is currently disabled. Please contact your administrator."): await as_member.post(
            url(disabled, tail), json=ORDER
        ),
        (400, "No API key configured for this agent"): await as_member.post(url(keyless, tail), json=ORDER),
        (404, "Agent not found"): await as_member.post(foreign, json=ORDER),
        (403, "Access denied: member role required"): await as_viewer.post(url(worker, tail), json=ORDER),
        (403, "Access denied: Not a member of this organization"): await as_outsider.post(
            url(worker, tail), json=ORDER
        ),
    }

    told = {(response.status_code, response.json()["error"]) for response in refusals.values()}
    assert told == refusals.keys()
    assert await stored_runs(worker) == []
    assert len(provider.requests) == 0


@ENDS
@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, "input"),
        ({"input": None}, "input"),
        ({"input": "  "}, "input"),
        ({"input": []}, "input"),
        ({"input": {}}, "input"),
        ({"input": "x" * (256 * 1024 + 1)}, "input"),
        ({"input": ["ü" * 131_072]}, "input"),
        ({"input": {"$where": "1"}}, "input"),
        ({"input": [{"a.b": 1}]}, "input"),
        ({"input": "x", "context": []}, "context"),
        ({"input": "x", "context": {"$where": "1"}}, "context"),
        ({"input": "x", "user_identifier": {"$ne": None}}, "user_identifier"),
    ],
)
async def test_a_wrong_field_is_named_before_anything_happens(
    as_member: httpx2.AsyncClient,
    worker: Agent,
    provider: FakeProvider,
    tail: str,
    body: dict[str, Any],
    path: str,
) -> None:
    response = await as_member.post(url(worker, tail), json=body)

    assert response.status_code == 400
    assert response.json()["errors"][0]["path"].startswith(path)
    assert len(provider.requests) == 0
    assert await stored_runs(worker) == []


async def test_an_input_may_have_256_kib_and_an_absent_context_may_be_null(
    as_member: httpx2.AsyncClient, worker: Agent, provider: FakeProvider
) -> None:
    provider.script(Reply("Read."))
    order = {"input": "ü" * 131_072, "context": None, "user_identifier": None}

    assert (await as_member.post(url(worker, "/execute"), json=order)).status_code == 200


@ENDS
async def test_files_are_said_to_be_to_come(as_member: httpx2.AsyncClient, worker: Agent, tail: str) -> None:
    response = await as_member.post(url(worker, tail), data={"input": "x"}, files={"a": ("a.txt", b"text")})

    assert (response.status_code, response.json()["code"]) == (501, "NOT_IMPLEMENTED")
    assert "JSON" in response.json()["error"]


async def test_a_program_streams_with_its_key_and_the_names_of_the_sdk(
    app: FastAPI, cast: Cast, worker: Agent
) -> None:
    value, key = await make_platform_key(cast.member, cast.organization, scopes=["agents:execute"])
    async with program(app, x_api_key=value) as client:
        plain = await client.post(url(worker, "/execute/stream"), json={"input": "x", "context": {}})
        named = await client.post(
            url(worker, "/execute/stream"),
            json={"input": "x", "userIdentifier": "u", "dynamicContext": {"a": 1}},
        )
        whole = await client.post(url(worker, "/execute"), json={"input": "x"})

    assert [frames(response.text)[-1]["type"] for response in (plain, named)] == ["complete"] * 2
    assert whole.status_code == 401
    runs = await stored_runs(worker)
    assert [raw["metadata"]["user_identifier"] for raw in runs] == [f"apikey_{key.id}", "u"]
    assert {(raw["user_api_key"], "user" in raw) for raw in runs} == {(key.id, False)}


async def test_a_key_without_the_scope_does_not_execute(app: FastAPI, cast: Cast, worker: Agent) -> None:
    value, _ = await make_platform_key(cast.member, cast.organization, scopes=["agents:chat"])
    async with program(app, x_api_key=value) as client:
        response = await client.post(url(worker, "/execute/stream"), json=ORDER)

    assert (response.status_code, response.json()["code"]) == (403, "INSUFFICIENT_PERMISSIONS")
    assert await stored_runs(worker) == []


async def test_twenty_tasks_at_once_are_all_recorded(as_member: httpx2.AsyncClient, worker: Agent) -> None:
    orders = [{"input": f"task {number}"} for number in range(20)]

    responses = await asyncio.gather(*(as_member.post(url(worker, "/execute"), json=one) for one in orders))

    assert {response.status_code for response in responses} == {200}
    rows = await AgentExecution.within(worker.scope).find({"status": "completed"}, limit=50)
    assert {(raw["input"], raw["output"]) for raw in rows} == {
        (one["input"], f"You said: {one['input']}") for one in orders
    }
