"""Defects of LLM Crafter that hold for many routes at once; those of one feature are tried in its own tests."""

import json
from typing import Any

import pytest
from fastapi import FastAPI
from pydantic import BaseModel, ValidationError

from crafter.agents.configuration import AgentPrivacy
from crafter.auth.tokens import issue_token
from crafter.conversations import messages as message_store
from crafter.conversations import privacy
from crafter.conversations import service as conversation_service
from crafter.conversations.documents import Message
from crafter.core.ids import new_id
from crafter.core.runtime import Runtime
from crafter.core.schemas import ContractBody
from crafter.core.time import utc_now
from crafter.handoffs import streaming
from tests.factories import make_agent
from tests.fixtures import Cast, client_of
from tests.operations import READS, WITH_BODY, Document, Operation
from tests.samples import sample_of
from tests.world import World, make_world

MOST_ROWS = 200


@pytest.fixture
async def world(cast: Cast, runtime: Runtime) -> World:
    return await make_world(cast, runtime)


def body_of(operation: Operation) -> type[BaseModel]:
    field = operation.route.body_field
    assert field is not None
    shape = field.field_info.annotation
    assert isinstance(shape, type)
    return shape


def refuses(shape: type[BaseModel], wire_name: str, body: dict[str, Any]) -> bool:
    """Whether something is wrong with this field of a body."""
    try:
        shape.model_validate(body)
    except ValidationError as error:
        return any(found["loc"][:1] == (wire_name,) for found in error.errors())
    return False


async def test_null_counts_as_not_given_in_every_optional_field(app: FastAPI, world: World) -> None:
    """Contract 1.4: null was validated, and failed, which broke the SDK and a form of the web UI."""
    document = Document.of(app)
    failures, tried = [], 0
    for operation in WITH_BODY:
        shape = body_of(operation)
        if operation.is_absent or not issubclass(shape, ContractBody):
            continue
        sample = sample_of(operation, document, world.ids)
        for name, field in shape.model_fields.items():
            if field.is_required():
                continue
            wire_name = field.alias or name
            tried += 1
            absent = {other: value for other, value in sample.items() if other != wire_name}
            if refuses(shape, wire_name, {**sample, wire_name: None}) != refuses(shape, wire_name, absent):
                failures.append(f"{operation} {wire_name}")

    assert tried > 50
    assert failures == []


async def plant_many(world: World, runtime: Runtime) -> None:
    """More of everything that is listed than any page may have."""
    for name in ("agents", "conversations", "agentexecutions", "prompts"):
        collection = runtime.database.db[name]
        one = await collection.find_one({"project": world.ids["project_id"]})
        assert one is not None
        more = [{**one, "_id": new_id(), "name": f"copy_{number}"} for number in range(MOST_ROWS + 1)]
        await collection.insert_many(more)


async def test_no_list_is_longer_than_its_limit_whatever_limit_is_asked_for(
    app: FastAPI, world: World, runtime: Runtime
) -> None:
    """Contract 1.6: ``limit=0`` and ``limit=abc`` answered with everything."""
    document = Document.of(app)
    lists = [
        operation
        for operation in READS
        if any(one["name"] == "limit" for one in document.query_parameters(operation))
    ]
    await plant_many(world, runtime)
    lengths = set()
    async with client_of(app, world.cast.admin) as person:
        for operation in lists:
            credentials = operation.credentials(
                world, issue_token(world.cast.admin.id, runtime.settings, utc_now())
            )
            for limit in ("0", "-1", "1000000", "9223372036854775808", "abc", "1e3", "NaN"):
                url = f"http://crafter.test{operation.target(world.ids)}"
                answer = await person.get(url, params={"limit": limit}, headers=credentials)
                assert answer.status_code in (200, 400), (operation, answer.text)
                lengths.add(longest_list(answer.json()))

    assert len(lists) > 5
    assert 1 < max(lengths) <= MOST_ROWS


def longest_list(body: Any) -> int:
    """Of an answer, or of its members."""
    members = body.values() if isinstance(body, dict) else [body]
    return max((len(member) for member in members if isinstance(member, list)), default=0)


async def test_an_operator_reads_what_is_encrypted_at_rest(cast: Cast, runtime: Runtime) -> None:
    """Contract 4.7: the operators' stream answered with ciphertext."""
    agent = await make_agent(cast.project, runtime.keyring, gdpr=AgentPrivacy(encrypt_messages=True))
    conversation = await conversation_service.create_conversation(agent, user=None, user_identifier="u")
    said = privacy.seal(conversation, Message(role="user", content="my address"), runtime.keyring)
    await message_store.append_messages(conversation.scope, conversation.id, [said])
    assert "my address" not in said.content

    async def always() -> bool:
        return True

    frames = streaming.frames(conversation, runtime, always)
    received: list[dict[str, Any]] = []
    async for raw in frames:
        received.append(json.loads(raw.removeprefix(b"data: ")))
        if received[-1]["type"] == "status_update":
            break
    await frames.aclose()

    [history] = [frame for frame in received if frame["type"] == "new_messages"]
    assert [message["content"] for message in history["messages"]] == ["my address"]


async def test_there_is_no_page_that_shows_the_token_of_a_login(app: FastAPI) -> None:
    """Contract 5.1: a page for debugging repeated the token of its address, unescaped."""
    async with client_of(app, None) as client:
        answer = await client.get("/auth/success", params={"token": "<script>canary</script>"})

    assert answer.status_code == 404
    assert "canary" not in answer.text
