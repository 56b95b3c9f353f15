"""What leaked from one tenant to another elsewhere: by ids in paths and bodies, by names, by work that is shared."""

import asyncio
import json
import random
import re
from collections.abc import Mapping
from typing import Any

import httpx2
import pytest
from bson import encode
from fastapi import FastAPI
from fastapi.routing import APIRoute

from crafter.agents.configuration import AgentConfig, QuestionSuggestions
from crafter.agents.documents import Agent
from crafter.conversations import messages as message_store
from crafter.conversations import service as conversation_service
from crafter.conversations.documents import Message
from crafter.core.access import rule_of
from crafter.core.ids import new_id
from crafter.core.runtime import Runtime
from crafter.operators.documents import ExternalOperator
from crafter.organizations.documents import Organization
from crafter.projects.documents import Project
from crafter.users.documents import User
from tests.factories import make_agent, make_key, make_project, make_prompt
from tests.fakes.provider import FakeProvider
from tests.fakes.replies import RecordedRequest, Reply
from tests.fixtures import Cast, client_of
from tests.operations import OPERATIONS, Document
from tests.programs import make_platform_key, make_session, program
from tests.test_access import NOT_BUILT, ROUTES
from tests.world import World, fill, make_world, things_of

NAMES_NOBODYS = {"tool_name", "version_number", "endpoint_name", "channel", "user_id", "user_identifier"}
"""Path parameters that name what belongs to no project."""

BODY = {
    "name": "mine-now",
    "message": "x",
    "user_identifier": "u",
    "role": "user",
    "content": "x",
    "status": "online",
}


@pytest.fixture
async def world(cast: Cast, runtime: Runtime) -> World:
    return await make_world(cast, runtime)


def essence(response: httpx2.Response) -> tuple[int, dict[str, Any]]:
    """What a caller can tell answers apart by."""
    body = response.json()
    return response.status_code, {k: v for k, v in body.items() if k not in ("instance", "request_id")}


async def belongings(runtime: Runtime, tenant: Mapping[str, Any]) -> list[bytes]:
    """Everything that is stored of an organization, or of one project of it, to the byte."""
    db = runtime.database.db
    found = [
        encode(document)
        for name in await db.list_collection_names()
        async for document in db[name].find(tenant)
    ]
    assert found
    return sorted(found)


def below_a_project(kinds: tuple[str, ...]) -> list[tuple[str, APIRoute, str]]:
    """Every path parameter that names something in a project, on routes that declare such a rule."""
    return [
        (method, route, name)
        for method, route in ROUTES
        if (rule := rule_of(route)) is not None
        and rule.kind in kinds
        and route.status_code != NOT_BUILT
        and "{project_id}" in route.path
        for name in re.findall(r"\{(\w+)\}", route.path)
        if name not in NAMES_NOBODYS | {"organization_id", "project_id"}
    ]


@pytest.mark.parametrize(
    "kinds", [("member", "insider"), ("key", "member_or_key")], ids=["person", "program"]
)
async def test_what_is_in_one_project_is_not_found_through_another(
    kinds: tuple[str, ...], app: FastAPI, world: World, runtime: Runtime
) -> None:
    """Dify CVE-2026-41947 and CVE-2026-41949, between two projects of one organization."""
    cast = world.cast
    next_door = await make_project(cast.organization, "Next door")
    theirs = await things_of(next_door, cast.member, runtime)
    value, _ = await make_platform_key(cast.admin, cast.organization, allowed_projects=[cast.project.id])
    before = await belongings(runtime, {"project": next_door.id})
    attempts = below_a_project(kinds)
    failures = []

    async with program(app, x_api_key=value) as as_program, client_of(app, cast.admin) as as_owner:
        client = as_owner if "member" in kinds else as_program
        for method, route, name in attempts:
            answers = []
            for id_ in (theirs[name], new_id()):
                url = fill(route, world.ids | {name: id_})
                answers.append(
                    essence(await client.request(method, url, json=BODY, headers={"If-Match": '"0"'}))
                )
            if answers[0] != answers[1] or answers[0][0] not in (400, 404):
                failures.append((method, route.path, name, answers))

    assert len(attempts) > 10
    assert failures == []
    assert await belongings(runtime, {"project": next_door.id}) == before


async def others_conversations(world: World, agent: Agent, other: Agent) -> dict[str, str]:
    """The ids of conversations that the world's key has nothing to do with, by whose they are."""
    cast = world.cast

    async def begun(agent: Agent, user: str | None = None, key: str | None = None) -> str:
        made = await conversation_service.create_conversation(
            agent, user=user, user_identifier="u", user_api_key=key
        )
        await message_store.append_messages(agent.scope, made.id, [Message(role="user", content="canary")])
        return made.id

    _, another_key = await make_platform_key(cast.admin, cast.organization)
    return {
        "another tenant": world.foreign["conversation_id"],
        "a person": await begun(agent, user=cast.member.id),
        "another program": await begun(agent, key=another_key.id),
        "another agent": await begun(other),
    }


async def test_no_program_goes_on_in_a_conversation_of_others(
    app: FastAPI, world: World, runtime: Runtime, provider: FakeProvider
) -> None:
    """Open WebUI CVE-2026-45349 and Dify CVE-2026-41950: somebody else's id in the body of a chat."""
    cast, ids = world.cast, world.ids
    _, agent = await an_agent(cast.project, runtime, "first")
    _, other = await an_agent(cast.project, runtime, "second")
    _, key = await make_platform_key(cast.admin, cast.organization)
    token, _ = await make_session(key, cast.project, agent.id)
    place = f"/organizations/{ids['organization_id']}/projects/{ids['project_id']}/agents/{agent.id}"
    whose = await others_conversations(world, agent, other)
    before = await belongings(runtime, {"_id": {"$in": list(whose.values())}})

    for headers, paths in (
        ({"x_session_token": token}, ("/external/agents/chat", "/external/agents/chat/stream")),
        ({"x_api_key": world.key}, (f"/external{place}/chat", f"{place}/chat/stream")),
    ):
        async with program(app, **headers) as client:
            for path in paths:
                nobodys = await client.post(path, json={"message": "go on", "conversation_id": new_id()})
                assert nobodys.status_code == 404
                for owner, conversation_id in whose.items():
                    for name in ("conversation_id", "conversationId"):
                        theirs = await client.post(path, json={"message": "go on", name: conversation_id})
                        assert essence(theirs) == essence(nobodys), (owner, path)

    assert not provider.requests
    assert await belongings(runtime, {"_id": {"$in": list(whose.values())}}) == before


REFERENCES: Mapping[str, str] = {
    **dict.fromkeys(("agent", "agentId"), "test_ids_in_bodies…, test_an_agent_elsewhere_looks_like_one…"),
    **dict.fromkeys(("api_key", "api_key_id", "user_id", "allowed_projects"), "test_ids_in_bodies…"),
    **dict.fromkeys(("conversation_id", "conversationId"), "test_no_program_goes_on…, test_ids_in_bodies…"),
    **dict.fromkeys(
        ("id", "?scope_id"), "test_a_budget_is_for_what_is_in_the_organization_and_for_nothing_else"
    ),
    "prompt": "test_prompts_of_others_and_values_that_do_not_fit_are_refused",
    "operator_ids": "test_names_that_two_tenants_both_use_mean_ones_own",
    **dict.fromkeys(("external_operator_id", "external_id"), "names that another system gives"),
    **dict.fromkeys(
        ("provider", "tools", "tool_name", "model"), "of the catalogues, which belong to everybody"
    ),
    "files": "there are none: any id is 404",
    **dict.fromkeys(
        ("_id", "access_key_id", "calendar_id", "voice_id"), "kept as they are, nothing is looked up"
    ),
    **dict.fromkeys(("user_identifier", "userIdentifier"), "what an end user is called"),
    **dict.fromkeys(("key", "secret_access_key"), "secrets"),
    **dict.fromkeys(
        ("?agent", "?user", "?conversationIds", "?organizationId", "?projectId"),
        "test_no_filter_leads_to_others",
    ),
    **dict.fromkeys(
        ("?external_operator_id", "?user_identifier", "?since", "?project", "?provider"),
        "within what one may read anyway",
    ),
}
"""Whatever in a body or a query names something by its id, and which test tries it with somebody else's."""

A_REFERENCE = re.compile(
    r"(^|_|\?)(ids?|agents?|users?|prompts?|keys?|projects?|organizations?|conversations?|providers?|tools?|files?)$"
    r"|[a-z]Ids?$"
)
NO_REFERENCES = {
    "custom_prompt",
    "fallback_prompt",
    "display_summary_prompt",
    "system_prompt",
    "title_generation_prompt",
    "user",
    "prompt_cache_key",
}
"""Words of their own, which merely sound like references."""


def test_every_reference_in_a_body_or_a_query_is_tried(app: FastAPI) -> None:
    """Dify CVE-2026-41950: ids in bodies are checked like ids in paths."""
    document = Document.of(app)
    names = set()
    for operation in OPERATIONS:
        if not operation.is_absent:
            names |= {f"?{one['name']}" for one in document.query_parameters(operation)}
            fields = document.body_fields(operation) if operation.takes_body else []
            names |= {str(field.where[-1]) for field in fields if field.where}

    assert {name for name in names if A_REFERENCE.search(name)} - NO_REFERENCES <= REFERENCES.keys()


async def test_no_filter_leads_to_others(app: FastAPI, world: World) -> None:
    """Dify CVE-2026-41950, in the query: a filter with somebody else's id finds nothing."""
    ids, foreign = world.ids, world.foreign
    mine = f"/organizations/{ids['organization_id']}"
    handoffs = f"/handoffs{mine}"

    async with client_of(app, world.cast.admin) as client:
        for path, query in (
            (f"{mine}/projects/{ids['project_id']}/conversations", {"agent": foreign["agent_id"]}),
            (f"{mine}/projects/{ids['project_id']}/conversations", {"user": foreign["user_id"]}),
            (f"{handoffs}/conversations", {"conversationIds": foreign["conversation_id"]}),
            (f"{handoffs}/conversations", {"conversationIds": f"{foreign['conversation_id']},x"}),
            ("/handoffs/pending", {"organizationId": foreign["organization_id"]}),
            ("/handoffs/pending", {"projectId": foreign["project_id"]}),
            (f"{handoffs}/pending", {"projectId": foreign["project_id"]}),
        ):
            response = await client.get(path, params=query)
            found = response.json()
            assert response.status_code == 200, response.text
            assert found.get("data", found.get("conversations")) == [], (path, query)
            assert found.get("pagination", {"total": 0})["total"] == 0
        shown = await client.get(
            f"{handoffs}/conversations", params={"conversationIds": ids["conversation_id"]}
        )
    assert [row["_id"] for row in shown.json()["conversations"]] == [ids["conversation_id"]]


async def test_an_id_of_others_among_ones_own_spoils_the_whole_list(
    app: FastAPI, world: World, runtime: Runtime
) -> None:
    """Dify #38804 (GHSA-rjvp-wh38-3wpx): no partial success."""
    ids, foreign = world.ids, world.foreign
    keys = f"/organizations/{ids['organization_id']}/user-api-keys"
    before = await belongings(runtime, {})

    async with client_of(app, world.cast.member) as client:
        for projects in (
            [ids["project_id"], foreign["project_id"]],
            [foreign["project_id"], ids["project_id"]],
        ):
            body = {"name": "both", "scopes": ["agents:chat"], "allowed_projects": projects}
            for method, path in (("POST", keys), ("PUT", f"{keys}/{ids['key_id']}")):
                response = await client.request(method, path, json=body)
                assert response.status_code in (400, 404), response.text

    assert await belongings(runtime, {}) == before


async def give_both_the_same_names(world: World) -> None:
    """An operator ``desk-1`` of another system, an end user ``u`` and a prompt ``greet``, in both organizations."""
    for ids in (world.ids, world.foreign):
        await ExternalOperator.across_tenants().update_one(
            {"external_id": ids["external_id"]}, {"$set": {"external_id": "desk-1"}}
        )
    for project in (world.cast.project, world.cast.other_project):
        await make_prompt(project, name="greet")


async def test_names_that_two_tenants_both_use_mean_ones_own(
    app: FastAPI, world: World, runtime: Runtime
) -> None:
    """Dify #25378: each unique name of a tenant's thing includes the tenant."""
    ids, foreign = world.ids, world.foreign
    await give_both_the_same_names(world)
    theirs = {"organization": foreign["organization_id"]}
    before = await belongings(runtime, theirs)
    mine = f"/organizations/{ids['organization_id']}"
    project = f"{mine}/projects/{ids['project_id']}"
    operators = f"{project}/operators"
    users = f"{mine}/gdpr/users"

    async with program(app, x_api_key=world.key) as as_program, client_of(app, world.cast.admin) as as_owner:
        for base, client in ((f"/external{operators}", as_program), (f"/handoffs{operators}", as_owner)):
            some = {"status": "busy", "operator_ids": ["desk-1", foreign["external_id"]]}
            changed = await client.patch(f"{base}/bulk/status", json=some)
            assert changed.json()["modified_count"] == 1
            everybody = await client.patch(f"{base}/bulk/status", json={"status": "offline"})
            assert everybody.json()["modified_count"] == 1
            one = await client.patch(f"{base}/desk-1/status", json={"status": "online"})
            assert one.status_code == 200
            put = await client.put(base, json={"external_id": "desk-1", "name": "Mallory"})
            assert put.status_code == 200
            assert (await client.delete(f"{base}/desk-1")).status_code == 200
            assert (await client.delete(f"{base}/desk-1")).status_code == 404
            await client.put(base, json={"external_id": "desk-1", "name": "Eve"})
        prompt = await as_owner.get(f"{project}/prompts/by-name/greet")
        await as_owner.delete(f"{project}/prompts/{prompt.json()['_id']}", headers={"If-Match": '"0"'})
        exported = await as_owner.get(f"{users}/u/export")
        assert foreign["conversation_id"] not in exported.text
        assert ids["conversation_id"] in exported.text
        for name in ("u", f"session_{foreign['session_id']}"):
            erased = await as_owner.delete(f"{users}/{name}")
            assert erased.status_code == 200, erased.text

    assert await belongings(runtime, theirs) == before


async def an_agent(project: Project, runtime: Runtime, canary: str) -> tuple[str, Agent]:
    """An agent that has everything done beside its turns, and the secret of the only key it may use."""
    secret = f"sk-live-{canary}-0123456789"
    key = await make_key(project, runtime.keyring, secret=secret)
    agent: Agent = await make_agent(
        project,
        runtime.keyring,
        name=f"agent-{canary}",
        key=key,
        system_prompt=f"You serve {canary}.",
        config=AgentConfig(required_languages=["de"]),
        question_suggestions=QuestionSuggestions(
            enabled=True, count=1, api_key=key.id, model="gpt-4o-mini", custom_prompt=f"Suggest for {canary}."
        ),
    )
    return secret, agent


async def test_work_beside_turns_is_done_with_the_key_and_the_words_of_the_tenant_it_is_for(
    app: FastAPI, cast: Cast, runtime: Runtime, provider: FakeProvider
) -> None:
    """Dify #36122: what runs in the background for all tenants at once keeps them apart."""
    tenants = {}
    for canary, project, person in (
        ("alpha", cast.project, cast.member),
        ("omega", cast.other_project, cast.outsider),
    ):
        secret, agent = await an_agent(project, runtime, canary)
        tenants[canary] = (secret, agent, person)
    provider.script_aside("suggestions", *[Reply(json.dumps({"suggestions": ["More?"]}))] * 24)

    async def converse(canary: str, number: int) -> str:
        _, agent, person = tenants[canary]
        path = f"/organizations/{agent.organization}/projects/{agent.project}/agents/{agent.id}/chat"
        conversation_id = None
        async with client_of(app, person) as client:
            for turn in range(2):
                said = {
                    "message": f"{canary} {number}.{turn}",
                    "user_identifier": "u",
                    "conversation_id": conversation_id,
                }
                answer = await client.post(path, json=said)
                assert answer.status_code == 200, answer.text
                assert answer.json()["response"] == f"You said: {canary} {number}.{turn}"
                conversation_id = answer.json()["conversation_id"]
        return str(conversation_id)

    conversations = await asyncio.gather(
        *(converse(canary, number) for number in range(6) for canary in tenants)
    )
    async with asyncio.timeout(20):
        await runtime.tasks.idle()

    sent = [*provider.requests, *(request for aside in provider.asides.values() for request in aside)]
    assert provider.asides.keys() >= {"title", "suggestions"}
    assert {request.key for request in sent} == {secret for secret, _, _ in tenants.values()}
    for canary, (secret, _, _) in tenants.items():
        own = [request for request in sent if request.key == secret]
        [other] = tenants.keys() - {canary}
        assert len(own) > 12
        assert not [text for text in map(said_in, own) if other in text or canary not in text]
    assert len(set(conversations)) == 12


def said_in(request: RecordedRequest) -> str:
    return json.dumps(request.body)


async def test_a_request_that_was_given_up_leaves_nothing_to_the_next_one(
    app: FastAPI, cast: Cast, runtime: Runtime
) -> None:
    """OpenAI, March 2023 (redis-py): a cancelled request's reply was served to the next user."""
    people: tuple[tuple[User, Organization], ...] = (
        (cast.member, cast.organization),
        (cast.outsider, cast.other_organization),
    )
    chance = random.Random(2023)

    async def ask(number: int) -> None:
        person, organization = people[number % 2]
        async with client_of(app, person) as client:
            mine, me = await asyncio.gather(client.get("/organizations"), client.get("/auth/profile"))
        assert [row["_id"] for row in mine.json()] == [organization.id]
        assert me.json()["id"] == person.id

    tasks = [asyncio.create_task(ask(number)) for number in range(120)]
    for task in chance.sample(tasks, 40):
        await asyncio.sleep(chance.random() / 100)
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)

    cancelled = [result for result in results if isinstance(result, asyncio.CancelledError)]
    assert [result for result in results if result is not None and result not in cancelled] == []
    assert 0 < len(cancelled) < len(tasks)
