"""What the Node server has stored, read and changed through every route for people."""

import json
from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI

from crafter.auth.tokens import issue_token
from crafter.core.runtime import Runtime
from crafter.core.time import utc_now
from crafter.migrations.progress import Progress
from crafter.migrations.versions import m0001_tenants_of_adopted_documents as tenants
from tests import node_database as node
from tests.fakes.provider import FakeProvider
from tests.fixtures import KEPT
from tests.operations import READS, WITH_BODY, Document, Operation, check_answer
from tests.samples import sample_of
from tests.siege import TYPED
from tests.wire import Answer, Wire

HERE = "/organizations/{organization_id}/projects/{project_id}"
SHOWN = (
    "/organizations",
    "/organizations/{organization_id}",
    "/organizations/{organization_id}/projects",
    *(HERE, f"{HERE}/api-keys", f"{HERE}/api-keys/{{api_key_id}}", f"{HERE}/prompts"),
    *(f"{HERE}/agents", f"{HERE}/agents/{{agent_id}}", f"{HERE}/agents/{{agent_id}}/status"),
    *(f"{HERE}/conversations", f"{HERE}/conversations/{{conversation_id}}/messages"),
    *(f"{HERE}/conversations/{{conversation_id}}", f"{HERE}/agents/{{agent_id}}/conversations"),
    *("/providers", "/providers/{provider_id}", "/providers/{provider_id}/models", "/auth/profile"),
)
"""Routes that have something of it to show."""

CHANGED = (
    *(f"{HERE}/agents/{{agent_id}}/chat", f"{HERE}/conversations/{{conversation_id}}/messages"),
    *(f"{HERE}/agents/{{agent_id}}", f"{HERE}/agents/{{agent_id}}/status", HERE, f"{HERE}/conversations"),
    *("/organizations/{organization_id}", f"{HERE}/agents/{{agent_id}}/hooks", f"{HERE}/agents"),
)
"""Routes that have something of it to change."""


LEGITIMATE = {"CONVERSATION_NOT_FOUND"}
"""The conversation is with the other agent."""


class Ids(dict[str, str]):
    """What is there by the names of path parameters; of all else there is none."""

    def __missing__(self, name: str) -> str:
        return "none"


IDS = Ids(
    organization_id=node.ORGANIZATION,
    project_id=node.PROJECT,
    user_id=node.USER,
    agent_id=node.AGENT,
    conversation_id=node.CONVERSATION,
    api_key_id=node.KEY,
    provider_id=node.PROVIDER,
)
VARIANTS = {
    "the newer things": IDS,
    "an agent that lacks what came later": Ids(IDS, agent_id=node.OLD_AGENT),
    "an encrypted conversation": Ids(IDS, conversation_id=node.ENCRYPTED_CONVERSATION),
    "a key in clear text": Ids(IDS, api_key_id=node.PLAIN_KEY),
}


@pytest.fixture(autouse=True)
async def adopted(runtime: Runtime, provider: FakeProvider) -> AsyncIterator[None]:
    """A database of the Node server, of which only the tenants have been filled in."""
    db = runtime.database.db
    kept = {name: await db[name].find({}).to_list() for name in KEPT}
    await db["providers"].delete_many({})
    await node.write_node_database(db)
    await tenants.up(db, Progress("0001", _nowhere))
    yield
    for name, documents in kept.items():
        await db[name].delete_many({})
        await db[name].insert_many(documents)


async def _nowhere(_counts: dict[str, int]) -> None:
    """Nobody watches."""


async def ask(app: FastAPI, operation: Operation, ids: Ids) -> Answer:
    """What somebody of the Node server's is answered."""
    body = sample_of(operation, Document.of(app), ids)
    token = issue_token(node.USER, app.state.settings, utc_now())
    headers = {"Authorization": f"Bearer {token}", **TYPED}
    return await Wire(app).send(operation.method, operation.target(ids), json.dumps(body).encode(), headers)


@pytest.mark.parametrize("variant", VARIANTS)
async def test_everything_can_be_read(variant: str, app: FastAPI) -> None:
    shown = {}
    for operation in READS:
        if not operation.is_for_programs:
            answer = await ask(app, operation, VARIANTS[variant])
            check_answer(answer, operation, Document.of(app))
            shown[operation.key[1]] = answer

    assert {path: shown[path].status for path in SHOWN} == dict.fromkeys(SHOWN, 200)
    assert {agent["name"] for agent in shown[f"{HERE}/agents"].json()} == {"bot-0", "bot-1"}
    assert len(shown[f"{HERE}/conversations"].json()["data"]) == 2
    assert len(shown[f"{HERE}/api-keys"].json()["data"]) == 2


@pytest.mark.parametrize("variant", VARIANTS)
async def test_everything_can_be_changed(variant: str, app: FastAPI) -> None:
    refused = []
    for operation in WITH_BODY:
        if not operation.is_for_programs and operation.key[1] in CHANGED:
            answer = await ask(app, operation, VARIANTS[variant])
            check_answer(answer, operation, Document.of(app))
            if answer.status >= 300 and answer.json()["code"] not in LEGITIMATE:
                refused.append(f"{operation}: {answer.text}")

    assert refused == []
