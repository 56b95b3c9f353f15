"""One document of every kind in one organization, and the same in another: what access and isolation are tried on."""

import hashlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx2
from bson import encode
from fastapi import FastAPI
from fastapi.routing import APIRoute

from crafter.agent_executions import service as execution_service
from crafter.agent_executions.documents import AgentExecution, ExecutedTool, TaskError, TaskMetadata, TaskStep
from crafter.agents.documents import Agent, AgentTool
from crafter.api_keys.documents import ApiKey
from crafter.budgets.documents import Budget, BudgetScope, Reset, Taken
from crafter.budgets.holds import service as hold_service
from crafter.budgets.holds.service import Need
from crafter.budgets.service import Account
from crafter.calls import service as call_service
from crafter.calls.documents import Call
from crafter.conversations import messages as message_store
from crafter.conversations import service as conversation_service
from crafter.conversations.documents import Message
from crafter.core.ids import new_id
from crafter.core.runtime import Runtime
from crafter.core.security import hash_key, new_key
from crafter.core.tenancy import Scope
from crafter.core.time import utc_now
from crafter.operators.documents import ExternalOperator
from crafter.organizations.documents import Member, Organization
from crafter.organizations.permissions import Role
from crafter.projects.documents import Project
from crafter.providers.documents import Provider
from crafter.user_api_keys.documents import UserApiKey
from crafter.users.documents import User
from tests.factories import make_agent, make_key, make_prompt, make_user, seal
from tests.fixtures import Cast, client_of, empty, make_cast
from tests.programs import make_platform_key, make_session

Ids = dict[str, str]

NOT_THERE = ("job", "document", "config", "template", "account", "outbound")
"""Things of which there are none, so that no id names one."""
TOOLS = ("api_caller", "faq", "web_search", "webpage_scraper", "google_calendar", "add_slide")


@dataclass(frozen=True)
class World:
    """The ids of one organization's things by the names of path parameters, and those of a rival's.

    ``key`` and ``foreign_key`` are the values of platform keys that may do everything there, and ``session`` and
    ``task_session`` are the tokens of sessions with the chatbot and with the agent that runs tasks.
    """

    cast: Cast
    second_admin: User
    ids: Ids
    foreign: Ids
    key: str
    foreign_key: str
    session: str
    task_session: str


async def make_world(cast: Cast, runtime: Runtime) -> World:
    """Fill both organizations."""
    second = await make_user("second@example.com")
    seat = Member(user=second.id, role=Role.admin).model_dump(by_alias=True)
    await Organization.collection().update_one({"_id": cast.organization.id}, {"$push": {"members": seat}})
    key, its_key = await make_platform_key(cast.admin, cast.organization)
    foreign_key, its_foreign_key = await make_platform_key(cast.outsider, cast.other_organization)
    ids = await things_of(cast.project, cast.member, runtime)
    foreign = await things_of(cast.other_project, cast.outsider, runtime)
    session, its_session = await make_session(its_key, cast.project, ids["agent_id"])
    _, its_foreign_session = await make_session(its_foreign_key, cast.other_project, foreign["agent_id"])
    task_session, _ = await make_session(its_key, cast.project, ids["task_agent_id"])
    ids["session_id"], foreign["session_id"] = its_session.id, its_foreign_session.id
    return World(cast, second, ids, foreign, key, foreign_key, session, task_session)


async def things_of(project: Project, person: User, runtime: Runtime) -> Ids:
    """One document of every kind in a project: their ids by the names of path parameters."""
    provider = await Provider.collection().find_one({"name": "openai"})
    assert provider is not None
    key = await make_key(project, runtime.keyring, secret="sk-live-world-0123456789")
    agent = await _agent_with_tools(project, key, runtime)
    conversation = await conversation_service.create_conversation(agent, user=person.id, user_identifier="u")
    await message_store.append_messages(
        project.scope, conversation.id, [Message(role="user", content="canary")]
    )
    prompt_name = "greet_" + project.id.replace("-", "_")
    prompt = await make_prompt(project, name=prompt_name, key=key)
    platform_key = UserApiKey(
        organization=project.organization,
        name="key",
        key_hash=hash_key(new_key()),
        user=person.id,
        created_by=person.id,
        scopes=["agents:chat"],
    )
    await UserApiKey.within(platform_key.scope).insert(platform_key.to_stored())
    return {
        "organization_id": project.organization,
        "project_id": project.id,
        "user_id": person.id,
        "agent_id": agent.id,
        "chatbot_id": agent.id,
        "task_agent_id": (await make_agent(project, runtime.keyring, name="worker", type="task", key=key)).id,
        "conversation_id": conversation.id,
        "execution_id": await _execution(agent),
        "external_id": await _operator(project),
        "api_key_id": key.id,
        "prompt_id": prompt.id,
        "prompt_name": prompt.name,
        "model_name": "gpt-4o-mini",
        "version_number": "1",
        "label": "production",
        "call_id": await _call(agent, key),
        "budget_id": await _budget(agent, key, person),
        "key_id": platform_key.id,
        "user_api_key_id": platform_key.id,
        "provider_id": provider["_id"],
        "tool_name": "calculator",
        "provider": "google",
        "file_name": "latest.js",
        "channel": "website",
        **{f"{name}_id": new_id() for name in NOT_THERE},
        "endpoint_name": "lookup",
        "user_identifier": "u",
    }


async def _agent_with_tools(project: Project, key: ApiKey, runtime: Runtime) -> Agent:
    agent_id = new_id()
    place = "tools.api_caller.endpoints.lookup.authentication.token"
    token = seal(runtime.keyring, project.organization, "agents", agent_id, place, "sk-live-world-endpoint")
    credentials = {"type": "bearer_token", "token": token}
    endpoint = {"base_url": "https://api.example.com", "path": "/v1", "authentication": credentials}
    tools = [AgentTool(name=name, description="d") for name in TOOLS]
    tools[0].parameters = {"endpoints": {"lookup": endpoint}}
    agent: Agent = await make_agent(
        project, runtime.keyring, name="helper", id=agent_id, key=key, tools=tools
    )
    return agent


async def _execution(agent: Agent) -> str:
    """A run with all that can be in one, so that there is none that holds more."""
    execution = AgentExecution(
        organization=agent.organization,
        project=agent.project,
        agent=agent.id,
        input="canary",
        output="long " * 1_000,
        status="failed",
        thinking_process=[TaskStep(step="analyze_task", reasoning="r")],
        tools_executed=[ExecutedTool(tool_name="calculator", parameters={"expression": "1"}, result=1)],
        output_files=[{"filename": "f"}],
        metadata=TaskMetadata(user_identifier="u"),
        error=TaskError(message="m", code="INTERRUPTED"),
        execution_time_ms=1,
        started_at=utc_now(),
        completed_at=utc_now(),
        user=agent.id,
        user_api_key=agent.id,
    )
    await execution_service.add_execution(execution)
    return execution.id


async def _call(agent: Agent, key: ApiKey) -> str:
    call = Call(
        organization=agent.organization,
        project=agent.project,
        kind="chat",
        provider="openai",
        model="gpt-4o-mini",
        credential=key.id,
        agent=agent.id,
        outcome="success",
    )
    await call_service.begin(call)
    return call.id


async def _budget(agent: Agent, key: ApiKey, person: User) -> str:
    """A budget of the agent, which a call has held something on."""
    scope = Scope(agent.organization)
    now = utc_now()
    budget = Budget(
        organization=agent.organization,
        name="canary",
        covers=BudgetScope(type="agent", id=agent.id),
        unit="tokens",
        limit=10**12,
        window="week",
        period_start=now,
        spent=5,
        resets=[Reset(at=now, by=person.id, reason="canary", spent=1)],
    )
    await Budget.within(scope).insert(budget.to_stored())
    account = Account(agent.scope, key.id, agent=agent.id)
    need = Need("openai", "gpt-4o-mini", tokens=7, cost=None)
    hold = await hold_service.hold(new_id(), account, [budget], need, now)
    await hold_service.settle(hold, Taken(tokens=3, requests=1))
    return budget.id


async def _operator(project: Project) -> str:
    external_id = f"operator-of-{project.id}"
    operator = ExternalOperator(
        organization=project.organization, project=project.id, external_id=external_id, name="Eve"
    )
    await ExternalOperator.within(project.scope).insert(operator.to_stored())
    return external_id


def fill(route: APIRoute, ids: Ids) -> str:
    """The URL of a route for these ids. Raises KeyError for a parameter that nobody has thought of."""
    return "http://crafter.test" + re.sub(r"\{(\w+)\}", lambda match: ids[match[1]], route.path)


@dataclass
class Watched:
    """The database of a process, and whether it is still as it was."""

    runtime: Runtime
    stored: dict[str, str] = field(default_factory=dict, init=False)

    async def changed(self) -> list[str]:
        """The collections that are not as they were when this was last asked."""
        before, self.stored = self.stored, (await self.runtime.database.db.command("dbHash"))["collections"]
        return [name for name in {*before, *self.stored} if self.stored.get(name) != before.get(name)]


@dataclass
class Besieged(Watched):
    """A world that stands for a whole module of tests, and everybody's client."""

    world: World
    clients: dict[str, httpx2.AsyncClient]


@asynccontextmanager
async def standing_world(app: FastAPI) -> AsyncIterator[Besieged]:
    """A world for a while; not for tests that use the fixture ``runtime``, which ends by emptying the database."""
    runtime: Runtime = app.state.runtime
    world = await make_world(await make_cast(), runtime)
    besieged = Besieged(runtime, world, clients_of(app, world))
    await besieged.changed()
    yield besieged
    for client in besieged.clients.values():
        await client.aclose()
    await empty(runtime)


def clients_of(app: FastAPI, world: World) -> dict[str, httpx2.AsyncClient]:
    """A client for everybody, by what they are to the organization."""
    cast = world.cast
    people = {
        "nobody": None,
        "outsider": cast.outsider,
        "viewer": cast.viewer,
        "member": cast.member,
        "admin": world.second_admin,
        "owner": cast.admin,
    }
    return {name: client_of(app, user) for name, user in people.items()}


async def snapshot(runtime: Runtime) -> str:
    """A hash of everything that is stored."""
    digest = hashlib.sha256()
    db = runtime.database.db
    for name in sorted(await db.list_collection_names()):
        async for document in db[name].find({}, sort=[("_id", 1)]):
            digest.update(name.encode() + encode(document))
    return digest.hexdigest()
