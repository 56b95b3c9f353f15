"""Erasure: an end user is gone from a whole organization, and only from there."""

from urllib.parse import quote

import httpx2
import pytest
from bson import encode
from fastapi import FastAPI

from crafter.agent_executions import service as execution_service
from crafter.agent_executions.documents import AgentExecution, TaskError
from crafter.agents.documents import Agent
from crafter.core.runtime import Runtime
from crafter.organizations.documents import Organization
from crafter.sessions.documents import SessionToken
from tests.factories import make_agent, make_project
from tests.fixtures import Cast
from tests.gdpr.planting import SECRET, conversations_in, run, segments_in, talk
from tests.programs import make_platform_key, make_session, program

NAMES = [
    ("u9", "u9"),
    ("a/b", "a%2Fb"),
    ("a/b/export", "a%2fb%2Fexport"),
    ("a/", "a%2F"),
    ("/", "%2F"),
    ("a@b.c", "a@b.c"),
    ("..", "%2e%2e"),
    ("%2e%2e", "%252e%252e"),
    ("$ne", "$ne"),
    ("a:transfer", "a:transfer"),
    ("export", "export"),
    ("Zażółć 日本 +?#", quote("Zażółć 日本 +?#")),
]


@pytest.fixture
async def agent(cast: Cast, runtime: Runtime) -> Agent:
    made: Agent = await make_agent(cast.project, runtime.keyring, name="worker", type="task")
    return made


def url_of(organization: Organization, segment: str) -> str:
    return f"/organizations/{organization.id}/gdpr/users/{segment}"


async def stored(execution: AgentExecution) -> dict[str, object]:
    raw = await AgentExecution.within(execution.scope).find_one({"_id": execution.id})
    assert raw is not None
    return raw


async def test_conversations_in_all_projects_go_with_their_segments(
    as_admin: httpx2.AsyncClient, cast: Cast, agent: Agent, runtime: Runtime
) -> None:
    second = await make_project(cast.organization, "Second")
    elsewhere = await make_agent(second, runtime.keyring, name="elsewhere")
    foreign = await make_agent(cast.other_project, runtime.keyring, name="foreign")
    await talk(agent, runtime, messages=150)
    await talk(elsewhere, runtime, lifecycle="archived")
    kept = {(await talk(agent, runtime, user=user)).id for user in ("u", "U9", "u99")}
    theirs = await talk(foreign, runtime, messages=150)

    response = await as_admin.delete(url_of(cast.organization, "u9"))

    assert response.json() == {
        "message": "Erasure complete",
        "user_identifier": "u9",
        "deleted": {"conversations": 2, "session_tokens": 0},
        "anonymised": {"agent_executions": 0},
    }
    assert await conversations_in(agent.scope) == kept
    assert await conversations_in(elsewhere.scope) == set()
    assert await segments_in(agent.scope) == 0
    assert await conversations_in(foreign.scope) == {theirs.id}
    assert await segments_in(foreign.scope) > 0


async def test_of_a_run_stays_what_it_took_but_not_what_was_said(
    as_admin: httpx2.AsyncClient, cast: Cast, agent: Agent
) -> None:
    execution = await run(agent, execution_time_ms=7)
    failed = await run(agent, status="failed", error=TaskError(message=SECRET, code="PROVIDER_ERROR"))
    other = await run(agent, user="u")

    body = (await as_admin.delete(url_of(cast.organization, "u9"))).json()
    again = (await as_admin.delete(url_of(cast.organization, "u9"))).json()

    assert (body["anonymised"], again["anonymised"]) == ({"agent_executions": 2}, {"agent_executions": 0})
    for one in (execution, failed):
        assert SECRET.encode() not in encode(await stored(one))
        assert b"u9" not in encode(await stored(one))
    url = f"/organizations/{agent.organization}/projects/{agent.project}/agents/{agent.id}/executions"
    shown = (await as_admin.get(f"{url}/{execution.id}")).json()
    assert (shown["status"], shown["execution_time_ms"], shown["metadata"]) == (
        "completed",
        7,
        {"priority": "normal"},
    )
    assert (await stored(failed))["error"] == {"code": "PROVIDER_ERROR"}
    assert SECRET.encode() in encode(await stored(other))


async def test_a_run_that_is_still_going_is_ended_and_cannot_write_any_more(
    as_admin: httpx2.AsyncClient, cast: Cast, agent: Agent
) -> None:
    execution = await run(agent, status="running")

    await as_admin.delete(url_of(cast.organization, "u9"))
    written = await execution_service.finish(execution, {"status": "completed", "output": SECRET})

    assert not written
    after = await stored(execution)
    assert (after["status"], after["error"]) == ("failed", {"code": "USER_ERASED"})
    assert SECRET.encode() not in encode(after)


async def test_the_session_that_an_end_user_is_called_after_is_deleted(
    as_admin: httpx2.AsyncClient, app: FastAPI, cast: Cast, agent: Agent, runtime: Runtime
) -> None:
    _, key = await make_platform_key(cast.admin, cast.organization)
    token, session = await make_session(key, cast.project, agent.id)
    _, other = await make_session(key, cast.project, agent.id)
    _, foreign_key = await make_platform_key(cast.outsider, cast.other_organization)
    foreign_agent = await make_agent(cast.other_project, runtime.keyring, name="foreign")
    _, foreign = await make_session(foreign_key, cast.other_project, foreign_agent.id)
    await talk(agent, runtime, user=f"session_{session.id}")

    body = (await as_admin.delete(url_of(cast.organization, f"session_{session.id}"))).json()
    theirs = (await as_admin.delete(url_of(cast.organization, f"session_{foreign.id}"))).json()

    assert body["deleted"] == {"conversations": 1, "session_tokens": 1}
    assert theirs["deleted"] == {"conversations": 0, "session_tokens": 0}
    left = await SessionToken.across_tenants().find({}).to_list()
    assert {row["_id"] for row in left} == {other.id, foreign.id}
    async with program(app, X_Session_Token=token) as visitor:
        assert (await visitor.post("/external/agents/chat", json={"message": "Hello"})).status_code == 401


@pytest.mark.parametrize(("name", "segment"), NAMES)
async def test_an_end_user_may_be_called_anything(
    as_admin: httpx2.AsyncClient, cast: Cast, agent: Agent, runtime: Runtime, name: str, segment: str
) -> None:
    await talk(agent, runtime, user=name)
    other = await talk(agent, runtime, user="somebody else")

    exported = (await as_admin.get(url_of(cast.organization, segment) + "/export")).json()
    body = (await as_admin.delete(url_of(cast.organization, segment))).json()

    assert (exported["user_identifier"], len(exported["conversations"])) == (name, 1)
    assert (body["user_identifier"], body["deleted"]["conversations"]) == (name, 1)
    assert await conversations_in(agent.scope) == {other.id}


async def test_everything_goes_however_much_there_is(
    as_admin: httpx2.AsyncClient, cast: Cast, agent: Agent, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crafter.conversations.service._BATCH", 2)
    monkeypatch.setattr("crafter.agent_executions.service._BATCH", 2)
    for _ in range(5):
        await talk(agent, runtime)
        await run(agent)

    body = (await as_admin.delete(url_of(cast.organization, "u9"))).json()

    assert (body["deleted"]["conversations"], body["anonymised"]["agent_executions"]) == (5, 5)


async def test_a_run_with_damaged_metadata_does_not_keep_the_others(
    as_admin: httpx2.AsyncClient, cast: Cast, agent: Agent
) -> None:
    damaged, sound = await run(agent), await run(agent)
    await AgentExecution.within(agent.scope).update_one(
        {"_id": damaged.id}, {"$set": {"metadata": [{"user_identifier": "u9"}], "error": None}}
    )

    response = await as_admin.delete(url_of(cast.organization, "u9"))

    assert response.status_code == 200
    assert SECRET.encode() not in encode(await stored(sound))


async def test_only_admins_of_the_organization_may_erase_and_export(
    as_viewer: httpx2.AsyncClient,
    as_member: httpx2.AsyncClient,
    as_outsider: httpx2.AsyncClient,
    cast: Cast,
    agent: Agent,
    runtime: Runtime,
) -> None:
    await talk(agent, runtime)

    for client, sentence in (
        (as_viewer, "Access denied: admin role required"),
        (as_member, "Access denied: admin role required"),
        (as_outsider, "Access denied: Not a member of this organization"),
    ):
        url = url_of(cast.organization, "u9")
        for answer in (await client.delete(url), await client.get(f"{url}/export")):
            assert (answer.status_code, answer.json()["error"]) == (403, sentence)
    assert len(await conversations_in(agent.scope)) == 1
