"""A database that the Node server wrote is served as it is: people, keys and conversations go on."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pymongo import AsyncMongoClient

from tests import node_database as node
from tests.factories import PASSWORD
from tests.fakes.provider import FakeProvider
from tests.process.service import Service, serving


@pytest.fixture
async def db(own_uri: str) -> AsyncIterator[Any]:
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(own_uri, tz_aware=True)
    await node.write_node_database(client.get_default_database())
    yield client.get_default_database()
    await client.close()


async def test_it_just_works(
    tmp_path: Path, on_server: dict[str, str], db: Any, provider: FakeProvider
) -> None:
    settings = {**on_server, "ENCRYPTION_KEY": node.ENCRYPTION_KEY}
    project = f"/organizations/{node.ORGANIZATION}/projects/{node.PROJECT}"
    async with serving(tmp_path, **settings) as service, service.client() as client:
        login = await client.post(
            "/auth/login", json={"email": "Alice.Smith+x@Gmail.com", "password": PASSWORD}
        )
        client.headers["Authorization"] = f"Bearer {login.json()['token']}"
        organizations = (await client.get("/organizations")).json()
        overview = (await client.get(project)).json()
        agents = {agent["_id"]: agent for agent in (await client.get(f"{project}/agents")).json()}
        agent = f"{project}/agents/{node.AGENT}"
        old = (await client.get(f"{agent}/conversations/{node.CONVERSATION}")).json()
        secret = (await client.get(f"{agent}/conversations/{node.ENCRYPTED_CONVERSATION}")).json()
        answer = await client.post(
            f"{agent}/chat",
            json={
                "message": "And today?",
                "user_identifier": "user-123",
                "conversation_id": node.CONVERSATION,
            },
        )
        keyless = await client.post(
            f"{project}/agents/{node.OLD_AGENT}/chat",
            json={"message": "Hello", "user_identifier": "user-123"},
        )

    assert [found["name"] for found in organizations] == ["Acme"]
    [key, _plain] = sorted(overview["apiKeys"], key=lambda found: found["_id"])
    assert key["usage"]["total_tokens"] == 30
    assert [entry["input_tokens"] for entry in key["usage"]["usage_by_model"]] == [20]
    assert agents[node.AGENT]["api_key"]["provider"]["name"] == "openai"
    assert agents[node.OLD_AGENT]["api_key"] == {}
    assert agents[node.OLD_AGENT]["config"]["max_tool_calls"] == 10
    assert [message["content"] for message in old["messages"]] == ["Do you remember me?", "Of course, Alice."]
    assert [message["content"] for message in secret["messages"]] == ["from-openssl-ü", "plain in between"]
    assert answer.status_code == 200
    assert provider.requests[-1].key == "sk-test-1234"
    said = [m["content"] for m in provider.requests[-1].body["messages"] if m["role"] != "system"]
    assert said == ["Do you remember me?", "Of course, Alice.", "And today?"]
    assert (keyless.status_code, keyless.json()["code"]) == (400, "NO_API_KEY")
    stored = await db.agents.find_one({"_id": node.AGENT})
    assert stored["legacy_field"] == "kept"
    conversation = await db.conversations.find_one({"_id": node.CONVERSATION})
    assert [m["content"] for m in conversation["messages"]][-2:] == ["And today?", answer.json()["response"]]
    assert conversation["organization"] == node.ORGANIZATION


async def test_another_encryption_key_is_named_at_the_start(
    tmp_path: Path, on_server: dict[str, str], db: Any
) -> None:
    async with serving(tmp_path, **{**on_server, "ENCRYPTION_KEY": "f" * 64}) as service:
        printed = service.out

    assert f"apikeys {node.KEY}: key cannot be decrypted" in printed
    assert "ENCRYPTION_KEY" in printed
    assert node.ENCRYPTED_KEY not in printed


async def test_duplicates_stop_the_traffic_and_are_named(
    tmp_path: Path, on_server: dict[str, str], db: Any
) -> None:
    await db.users.insert_one({"_id": "twin", "email": node.EMAIL, "name": "Twin"})
    service = Service(tmp_path, (), {**on_server, "ENCRYPTION_KEY": node.ENCRYPTION_KEY})
    try:
        await service.start()
        async with service.client() as client:
            ready = await client.get(f"{service.url}/health/ready")
    finally:
        await service.stop()

    assert (ready.status_code, ready.json()["code"]) == (503, "NOT_READY")
    assert "twin" in service.out
    assert "users.email_1" in service.out
