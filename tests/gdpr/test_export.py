"""Export: everything about an end user, whole and readable, in pieces that stay small."""

import json
from typing import Any

import httpx2
import pytest

from crafter.agents.configuration import AgentPrivacy
from crafter.agents.documents import Agent
from crafter.conversations.documents import Conversation
from crafter.core.runtime import Runtime
from crafter.core.tenancy import Scope
from crafter.core.time import utc_now
from crafter.gdpr.export import export
from tests.factories import make_agent
from tests.fixtures import Cast
from tests.gdpr.planting import SECRET, run, talk


@pytest.fixture
async def agent(cast: Cast, runtime: Runtime) -> Agent:
    privacy = AgentPrivacy(encrypt_messages=True)
    made: Agent = await make_agent(cast.project, runtime.keyring, name="discreet", gdpr=privacy)
    return made


def url_of(agent: Agent) -> str:
    return f"/organizations/{agent.organization}/gdpr/users/u9/export"


async def test_somebody_unknown_has_nothing(as_admin: httpx2.AsyncClient, agent: Agent) -> None:
    response = await as_admin.get(url_of(agent))

    body = response.json()
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    assert body.pop("exported_at").startswith(f"{utc_now():%Y-%m}")
    assert body == {"user_identifier": "u9", "conversations": [], "executions": []}


async def test_a_conversation_is_as_it_is_answered_elsewhere_but_with_all_its_messages(
    as_admin: httpx2.AsyncClient, agent: Agent, runtime: Runtime
) -> None:
    short, long = await talk(agent, runtime, messages=2), await talk(agent, runtime, messages=1_150)
    raw = await Conversation.within(agent.scope).find_one({"_id": short.id})
    assert raw is not None
    assert SECRET not in raw["messages"][0]["content"]

    exported = (await as_admin.get(url_of(agent))).json()["conversations"]

    project = f"/organizations/{agent.organization}/projects/{agent.project}"
    shown = (await as_admin.get(f"{project}/agents/{agent.id}/conversations/{short.id}")).json()
    assert exported[0] == shown
    assert exported[1]["_id"] == long.id
    assert [message["content"] for message in exported[1]["messages"]] == [
        f"{SECRET} {number}" for number in range(1, 1_151)
    ]
    assert (exported[1]["message_count"], exported[1]["messages_truncated"]) == (1_150, False)


async def test_runs_are_as_they_are_answered_elsewhere(as_admin: httpx2.AsyncClient, agent: Agent) -> None:
    runs = [await run(agent) for _ in range(12)]
    await run(agent, user="u")

    exported = (await as_admin.get(url_of(agent))).json()["executions"]

    project = f"/organizations/{agent.organization}/projects/{agent.project}"
    shown = (await as_admin.get(f"{project}/agents/{agent.id}/executions/{runs[0].id}")).json()
    assert [each["_id"] for each in exported] == [each.id for each in runs]
    assert exported[0] == shown


async def test_nothing_of_another_organization_and_nothing_deleted_is_in_it(
    as_admin: httpx2.AsyncClient, cast: Cast, agent: Agent, runtime: Runtime
) -> None:
    foreign = await make_agent(cast.other_project, runtime.keyring, name="foreign")
    await talk(foreign, runtime)
    await run(foreign)
    await talk(agent, runtime, lifecycle="deleted")
    archived = await talk(agent, runtime, lifecycle="archived")

    body = (await as_admin.get(url_of(agent))).json()

    assert [each["_id"] for each in body["conversations"]] == [archived.id]
    assert body["executions"] == []


async def test_the_pieces_do_not_grow_with_the_conversation(agent: Agent, runtime: Runtime) -> None:
    await talk(agent, runtime, messages=600)

    pieces = [piece async for piece in export(Scope(agent.organization), "u9", runtime.keyring)]

    assert len(b"".join(pieces)) > 20 * max(map(len, pieces))
    assert len(json.loads(b"".join(pieces))["conversations"][0]["messages"]) == 600


async def test_a_conversation_that_is_deleted_meanwhile_ends_in_good_order(
    agent: Agent, runtime: Runtime
) -> None:
    conversation = await talk(agent, runtime, messages=300)
    await talk(agent, runtime)
    pieces: list[bytes] = []

    async for piece in export(Scope(agent.organization), "u9", runtime.keyring):
        if len(pieces) == 50:
            await Conversation.within(agent.scope).delete_one({"_id": conversation.id})
        pieces.append(piece)

    body: dict[str, Any] = json.loads(b"".join(pieces))
    assert [len(each["messages"]) for each in body["conversations"]] == [100, 1]
