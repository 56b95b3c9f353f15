"""An agent's status: switched by people, moved by what its provider does, with a history."""

import asyncio

import httpx2
import pytest

from crafter.agents import service as agent_service
from crafter.agents.documents import Agent
from crafter.core.runtime import Runtime
from crafter.projects.documents import Project
from tests.agents.bodies import agent_url, stored_agent
from tests.factories import make_agent


@pytest.fixture
async def agent(runtime: Runtime, project: Project) -> Agent:
    made: Agent = await make_agent(project, runtime.keyring)
    return made


async def fail(agent: Agent, times: int, reason: str = "openai API Error: 500") -> None:
    for _ in range(times):
        await agent_service.record_failure(agent, reason)


@pytest.mark.parametrize(
    ("is_active", "done", "status"), [(False, "disabled", "inactive"), (True, "enabled", "active")]
)
async def test_switching_answers_as_the_contract_says(
    as_member: httpx2.AsyncClient, agent: Agent, is_active: bool, done: str, status: str
) -> None:
    response = await as_member.put(f"{agent_url(agent)}/status", json={"is_active": is_active})

    assert response.status_code == 200
    assert response.json() == {
        "success": True,
        "message": f"Agent {done} successfully",
        "agent": {"id": agent.id, "name": "helper", "is_active": is_active},
    }
    raw = await stored_agent(agent)
    assert (raw["is_active"], raw["status"], raw["version"]) == (is_active, status, 1)


@pytest.mark.parametrize("body", [{}, {"is_active": None}, {"is_active": "maybe"}])
async def test_switching_needs_to_know_which_way(
    as_member: httpx2.AsyncClient, agent: Agent, body: dict[str, object]
) -> None:
    response = await as_member.put(f"{agent_url(agent)}/status", json=body)

    assert response.status_code == 400
    assert response.json()["errors"][0]["path"] == "is_active"


async def test_three_failures_in_a_row_are_an_error_with_its_reason(
    as_viewer: httpx2.AsyncClient, agent: Agent
) -> None:
    await fail(agent, 2)
    before = (await as_viewer.get(agent_url(agent))).json()
    await fail(agent, 1, "$timeout")
    after = (await as_viewer.get(agent_url(agent))).json()

    assert (before["status"], "status_reason" in before) == ("active", False)
    assert (after["status"], after["status_reason"], after["is_active"]) == ("error", "$timeout", True)


async def test_a_success_in_between_starts_the_count_again(agent: Agent) -> None:
    await fail(agent, 2)
    await agent_service.record_success(agent)
    await fail(agent, 2)

    raw = await stored_agent(agent)
    assert (raw["status"], raw["consecutive_failures"]) == ("active", 2)


async def test_one_failure_is_enough_where_the_caller_says_so(agent: Agent) -> None:
    await agent_service.record_failure(agent, "The model is no longer offered.", threshold=1)

    assert (await stored_agent(agent))["status"] == "error"


async def test_a_success_ends_an_error_and_the_history_tells_it(
    as_viewer: httpx2.AsyncClient, agent: Agent
) -> None:
    await fail(agent, 4)
    await agent_service.record_success(agent)

    status = (await as_viewer.get(f"{agent_url(agent)}/status")).json()

    assert (status["status"], status["reason"]) == ("active", None)
    assert status["since"] == status["history"][0]["at"]
    assert [(c["from"], c["to"], c["reason"]) for c in status["history"]] == [
        ("error", "active", None),
        ("active", "error", "openai API Error: 500"),
    ]


async def test_a_status_that_never_changed_holds_since_the_beginning(
    as_viewer: httpx2.AsyncClient, agent: Agent
) -> None:
    made = (await as_viewer.get(agent_url(agent))).json()
    status = (await as_viewer.get(f"{agent_url(agent)}/status")).json()

    assert status == {"status": "active", "reason": None, "since": made["createdAt"], "history": []}


async def test_the_history_keeps_the_last_twenty_changes(as_member: httpx2.AsyncClient, agent: Agent) -> None:
    for turn in range(25):
        await as_member.put(f"{agent_url(agent)}/status", json={"is_active": turn % 2 == 1})

    history = (await as_member.get(f"{agent_url(agent)}/status")).json()["history"]

    assert len(history) == 20
    assert [change["to"] for change in history[:3]] == ["inactive", "active", "inactive"]


async def test_switching_to_what_it_is_changes_no_history(
    as_member: httpx2.AsyncClient, agent: Agent
) -> None:
    await as_member.put(f"{agent_url(agent)}/status", json={"is_active": True})

    assert (await stored_agent(agent))["status_history"] == []


async def test_failures_and_successes_do_not_switch_an_agent_on(agent: Agent) -> None:
    await agent_service.set_active(agent.scope, agent.id, False, None)
    await fail(agent, 5)
    await agent_service.record_success(agent)

    raw = await stored_agent(agent)
    assert (raw["status"], raw["is_active"], raw["consecutive_failures"]) == ("inactive", False, 0)


async def test_switching_on_ends_an_error(as_member: httpx2.AsyncClient, agent: Agent) -> None:
    await fail(agent, 3)

    await as_member.put(f"{agent_url(agent)}/status", json={"is_active": True})

    raw = await stored_agent(agent)
    assert (raw["status"], raw["consecutive_failures"]) == ("active", 0)
    assert "status_reason" not in raw


async def test_an_agent_in_error_can_be_switched_off(as_member: httpx2.AsyncClient, agent: Agent) -> None:
    await fail(agent, 3)

    await as_member.put(f"{agent_url(agent)}/status", json={"is_active": False})

    status = (await as_member.get(f"{agent_url(agent)}/status")).json()
    assert (status["status"], status["history"][0]["from"]) == ("inactive", "error")


async def test_a_form_that_repeats_is_active_does_not_hide_an_error(
    as_member: httpx2.AsyncClient, agent: Agent
) -> None:
    await fail(agent, 3)

    body = (await as_member.put(agent_url(agent), json={"is_active": True, "description": "new"})).json()

    assert (body["status"], body["is_active"]) == ("error", True)


async def test_a_change_that_switches_the_agent_off_and_on_keeps_the_status_in_step(
    as_member: httpx2.AsyncClient, agent: Agent
) -> None:
    await fail(agent, 3)

    off = (await as_member.put(agent_url(agent), json={"is_active": False})).json()
    on = (await as_member.put(agent_url(agent), json={"is_active": True})).json()

    assert (off["status"], off["is_active"], on["status"]) == ("inactive", False, "active")
    raw = await stored_agent(agent)
    assert [change["to"] for change in raw["status_history"]] == ["error", "inactive", "active"]
    assert raw["consecutive_failures"] == 0


async def test_of_many_failures_at_once_one_makes_the_error(agent: Agent) -> None:
    await asyncio.gather(*(agent_service.record_failure(agent, f"failure {n}") for n in range(30)))

    raw = await stored_agent(agent)
    assert (raw["consecutive_failures"], raw["status"]) == (30, "error")
    assert len(raw["status_history"]) == 1
    assert raw["status_reason"] == raw["status_history"][0]["reason"]


async def test_the_count_of_failures_does_not_make_an_editor_stale(
    as_member: httpx2.AsyncClient, agent: Agent
) -> None:
    tag = (await as_member.get(agent_url(agent))).headers["etag"]
    await fail(agent, 2)

    response = await as_member.put(agent_url(agent), json={"description": "x"}, headers={"If-Match": tag})

    assert response.status_code == 200


async def test_a_stale_switch_is_refused(as_member: httpx2.AsyncClient, agent: Agent) -> None:
    await as_member.put(agent_url(agent), json={"description": "new"})
    url = f"{agent_url(agent)}/status"

    stale = await as_member.put(url, json={"is_active": False}, headers={"If-Match": '"0"'})
    fresh = await as_member.put(url, json={"is_active": False}, headers={"If-Match": '"1"'})

    assert (stale.status_code, fresh.status_code, fresh.headers["etag"]) == (412, 200, '"2"')


async def test_an_unknown_agent_cannot_be_switched(as_member: httpx2.AsyncClient, agent: Agent) -> None:
    url = agent_url(agent).replace(agent.id, "no-such-agent")

    response = await as_member.put(f"{url}/status", json={"is_active": False})

    assert (response.status_code, response.json()["error"]) == (404, "Agent not found")


async def test_an_agent_that_is_gone_is_not_brought_back(agent: Agent) -> None:
    await Agent.within(agent.scope).delete_one({"_id": agent.id})

    await agent_service.record_failure(agent, "late")
    await agent_service.record_success(agent)

    assert not await Agent.within(agent.scope).exists({"_id": agent.id})
