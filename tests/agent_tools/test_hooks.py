"""The hooks of an agent."""

from typing import Any

import httpx2
import pytest

from crafter.agents.documents import Agent
from crafter.agents.secrets import HOOKS, secret_place
from crafter.core.runtime import Runtime
from tests.agent_tools.support import ok, url
from tests.agents.bodies import stored_agent

ADDRESS = "https://hooks.example/in"
LLM = {"name": "h", "type": "llm", "trigger": "every_message", "prompt": "Look for complaints."}
WEBHOOK = {
    "name": "w",
    "type": "webhook",
    "trigger": "inactivity",
    "webhook_url": ADDRESS,
    "webhook_secret": "secret",
    "inactivity_seconds": 120,
    "inactivity_condition": "human_controlled_only",
}


async def secret_of(agent: Agent, runtime: Runtime, position: int = 0) -> str | None:
    """The stored secret of a hook, which must be encrypted for its place."""
    value = (await stored_agent(agent))["hooks"][position]["webhook_secret"]
    if value is None:
        return None
    assert value.startswith("crafter:1:A256GCM:")
    return runtime.keyring.decrypt(value, secret_place(agent, HOOKS))


async def test_hooks_are_stored_with_their_defaults_and_raise_the_version(
    as_member: httpx2.AsyncClient, bare: Agent, runtime: Runtime
) -> None:
    assert await ok(as_member, "GET", url(bare, "hooks")) == {"hooks": []}

    saved = await ok(as_member, "POST", url(bare, "hooks"), hooks=[LLM, WEBHOOK])

    llm, webhook = saved["hooks"]
    assert {k: v for k, v in llm.items() if k not in ("_id", "id")} == {
        **LLM,
        "enabled": True,
        "inactivity_seconds": 60,
        "inactivity_condition": "any",
        "model": None,
        "webhook_url": None,
        "webhook_secret": None,
        "context_messages": 5,
    }
    assert llm["_id"] == llm["id"]
    assert len(llm["_id"]) == 24
    assert webhook["webhook_secret"] == "***"
    assert await ok(as_member, "GET", url(bare, "hooks")) == saved
    assert await secret_of(bare, runtime, 1) == "secret"
    assert (await stored_agent(bare))["version"] == 2


async def test_hooks_replace_those_before_and_keep_their_ids_and_secrets_when_posted_back(
    as_member: httpx2.AsyncClient, bare: Agent, runtime: Runtime
) -> None:
    first = await ok(as_member, "POST", url(bare, "hooks"), hooks=[LLM, WEBHOOK])
    kept = {**first["hooks"][1], "name": "renamed", "webhook_url": f"{ADDRESS}/other"}

    second = await ok(as_member, "POST", url(bare, "hooks"), hooks=[kept, {**kept, "name": "twin"}])

    renamed, twin = second["hooks"]
    assert (renamed["name"], renamed["_id"]) == ("renamed", first["hooks"][1]["_id"])
    assert twin["_id"] != renamed["_id"]
    assert await secret_of(bare, runtime, 0) == await secret_of(bare, runtime, 1) == "secret"
    assert (await stored_agent(bare))["version"] == 3


async def test_an_id_of_the_callers_own_is_not_taken(as_member: httpx2.AsyncClient, bare: Agent) -> None:
    saved = await ok(as_member, "POST", url(bare, "hooks"), hooks=[{**LLM, "_id": "f" * 24}])

    assert saved["hooks"][0]["_id"] != "f" * 24


@pytest.mark.parametrize(
    "address", ["https://thief.example/in", "http://hooks.example/in", "https://hooks.example:8443/in"]
)
async def test_a_secret_does_not_follow_a_hook_to_another_server(
    as_member: httpx2.AsyncClient, bare: Agent, address: str
) -> None:
    first = await ok(as_member, "POST", url(bare, "hooks"), hooks=[WEBHOOK])
    moved = {**first["hooks"][0], "webhook_url": address}

    response = await as_member.post(url(bare, "hooks"), json={"hooks": [moved]})

    assert (response.status_code, response.json()["code"]) == (422, "SECRET_REQUIRED")
    assert (await stored_agent(bare))["hooks"][0]["webhook_url"] == ADDRESS


async def test_a_secret_is_replaced_and_removed(
    as_member: httpx2.AsyncClient, bare: Agent, runtime: Runtime
) -> None:
    await ok(as_member, "POST", url(bare, "hooks"), hooks=[WEBHOOK])

    await ok(as_member, "POST", url(bare, "hooks"), hooks=[{**WEBHOOK, "webhook_secret": "other"}])
    replaced = await secret_of(bare, runtime)
    await ok(as_member, "POST", url(bare, "hooks"), hooks=[{**WEBHOOK, "webhook_secret": None}])

    assert replaced == "other"
    assert await secret_of(bare, runtime) is None


async def test_a_plain_secret_of_the_node_server_is_encrypted_when_it_is_kept(
    as_member: httpx2.AsyncClient, bare: Agent, runtime: Runtime
) -> None:
    first = await ok(as_member, "POST", url(bare, "hooks"), hooks=[WEBHOOK])
    plain = {"hooks.0.webhook_secret": "from-node"}
    await Agent.within(bare.scope).update_one({"_id": bare.id}, {"$set": plain})

    shown = await ok(as_member, "GET", url(bare, "hooks"))
    await ok(as_member, "POST", url(bare, "hooks"), hooks=shown["hooks"])

    assert shown == first
    assert await secret_of(bare, runtime) == "from-node"


@pytest.mark.parametrize(
    ("hook", "sentence"),
    [
        ({**LLM, "prompt": None}, 'LLM hook "h" requires a prompt'),
        ({**LLM, "prompt": ""}, 'LLM hook "h" requires a prompt'),
        ({**WEBHOOK, "webhook_url": ""}, 'Webhook hook "w" requires a webhook_url'),
    ],
)
async def test_a_hook_needs_what_its_type_needs(
    as_member: httpx2.AsyncClient, bare: Agent, hook: dict[str, Any], sentence: str
) -> None:
    response = await as_member.post(url(bare, "hooks"), json={"hooks": [hook]})

    assert (response.status_code, response.json()["error"]) == (400, sentence)
    assert (await stored_agent(bare))["version"] == 1


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, "hooks"),
        ({"hooks": {}}, "hooks"),
        ({"hooks": [LLM] * 33}, "hooks"),
        ({"hooks": [{**LLM, "name": ""}]}, "hooks[0].name"),
        ({"hooks": [{**LLM, "type": "email"}]}, "hooks[0].type"),
        ({"hooks": [{**LLM, "trigger": "never"}]}, "hooks[0].trigger"),
        ({"hooks": [{**LLM, "inactivity_seconds": 9}]}, "hooks[0].inactivity_seconds"),
        ({"hooks": [{**LLM, "inactivity_condition": "x"}]}, "hooks[0].inactivity_condition"),
        ({"hooks": [{**LLM, "context_messages": 51}]}, "hooks[0].context_messages"),
        ({"hooks": [{**LLM, "context_messages": 0}]}, "hooks[0].context_messages"),
        ({"hooks": [{**WEBHOOK, "webhook_url": "ftp://x"}]}, "hooks[0].webhook_url"),
        ({"hooks": [{**WEBHOOK, "webhook_url": "https://u:p@x.io"}]}, "hooks[0].webhook_url"),
    ],
)
async def test_an_unusable_body_is_refused(
    as_member: httpx2.AsyncClient, bare: Agent, body: dict[str, Any], path: str
) -> None:
    response = await as_member.post(url(bare, "hooks"), json=body)

    assert response.status_code == 400
    assert [error["path"] for error in response.json()["errors"]] == [path]


async def test_hooks_are_removed(as_member: httpx2.AsyncClient, bare: Agent) -> None:
    await ok(as_member, "POST", url(bare, "hooks"), hooks=[LLM])

    assert await ok(as_member, "POST", url(bare, "hooks"), hooks=[]) == {"hooks": []}


async def test_a_change_from_an_older_revision_is_refused(as_member: httpx2.AsyncClient, bare: Agent) -> None:
    await ok(as_member, "POST", url(bare, "hooks"), hooks=[LLM])

    response = await as_member.post(url(bare, "hooks"), json={"hooks": []}, headers={"If-Match": '"0"'})

    assert response.status_code == 412
