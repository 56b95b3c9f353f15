"""What stands before an entry is played: everybody's clients, the ids of what there is, and what was arranged."""

import json
import re
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx2
from fastapi import FastAPI

from crafter.agents.configuration import QuestionSuggestions
from crafter.agents.documents import Agent, AgentTool
from crafter.api_keys.documents import ApiKey
from crafter.conversations.documents import Conversation
from crafter.core.ids import new_id
from crafter.core.runtime import Runtime
from crafter.core.time import utc_now
from tests.contract.callers import Headers, headers_of
from tests.contract.entries import Step
from tests.factories import make_agent
from tests.fakes.provider import FakeProvider
from tests.fakes.replies import Failure, Reply, calling
from tests.fixtures import BASE_URL
from tests.programs import make_platform_key, make_session
from tests.world import World


@dataclass
class Scene:
    """One entry's place in the world: ``ids`` are what ``{name}`` stands for, and ``who`` is playing."""

    app: FastAPI
    world: World
    provider: FakeProvider
    clients: Mapping[str, httpx2.AsyncClient]
    who: str
    ids: dict[str, str]
    own_headers: Headers | None = None

    @property
    def runtime(self) -> Runtime:
        runtime: Runtime = self.app.state.runtime
        return runtime

    @property
    def by_program(self) -> bool:
        """Whether a platform key is what the caller comes in with."""
        return self.who.startswith("key")

    def filled(self, value: Any) -> Any:
        """The same, with ids for their names; names of nothing stay as they are."""
        if isinstance(value, str):
            return re.sub(r"\{(\w+)\}", lambda match: self.named(match[1]) or match[0], value)
        if isinstance(value, Mapping):
            return {name: self.filled(inner) for name, inner in value.items()}
        return [self.filled(inner) for inner in value] if isinstance(value, list) else value

    def named(self, name: str) -> str | None:
        """What a name stands for; ``random`` for something else each time."""
        return secrets.token_hex(6) if name == "random" else self.ids.get(name)

    async def headers_of(self, who: str) -> Headers:
        """What somebody comes in with."""
        return await headers_of(who, self.world, self.clients, self.app.state.settings)

    async def caller(self) -> Headers:
        """What the one who plays comes in with, always the same."""
        if self.own_headers is None:
            self.own_headers = await self.headers_of(self.who)
        return self.own_headers

    async def send(
        self,
        method: str,
        path: str,
        *,
        headers: Headers,
        body: Any = None,
        query: Mapping[str, str] | None = None,
    ) -> httpx2.Response:
        """Send a request; without a body it says JSON all the same, as the SDK and the web UI do."""
        root = BASE_URL if not path.startswith(("/health", "/widget")) else BASE_URL.removesuffix("/api/v1")
        content = b"" if body is None else json.dumps(self.filled(body)).encode()
        return await self.clients["nobody"].request(
            method,
            root + self.filled(path),
            params=self.filled(query or {}),
            content=content,
            headers={"content-type": "application/json", "origin": "https://example.com", **headers},
        )

    async def take(self, step: Step) -> None:
        """Do what comes before."""
        own = step.who == "key" and self.by_program
        headers = await (self.caller() if own else self.headers_of(step.who))
        response = await self.send(step.method, step.path, headers=headers, body=step.body)
        assert response.status_code < 300, f"{step.method} {step.path}: {response.text}"
        for name, where in step.remember.items():
            value = response.json()
            for part in where.split("."):
                value = value[part]
            self.ids[name] = value

    async def arrange(self, given: str) -> None:
        """Set the scene of that name, if any."""
        if given:
            await ARRANGEMENTS[given](self)


def scene_ids(world: World) -> dict[str, str]:
    """The ids of a world, and of what is nowhere."""
    return {**world.ids, "absent_id": new_id(), "key": world.key}


async def _viewers_key(scene: Scene) -> None:
    cast = scene.world.cast
    _, key = await make_platform_key(cast.viewer, cast.organization, allowed_projects=[cast.project.id])
    scene.ids["key_id"] = key.id


async def _second_key(scene: Scene) -> None:
    cast = scene.world.cast
    value, key = await make_platform_key(cast.admin, cast.organization)
    for _ in range(2):
        await make_session(key, cast.project, scene.world.ids["agent_id"])
    scene.own_headers = {"x-api-key": value}


async def _task_session(scene: Scene) -> None:
    scene.own_headers = {"x-session-token": scene.world.task_session}


async def _agent(scene: Scene, name: str, tool: str = "", **fields: Any) -> None:
    tools = [AgentTool(name=tool, description="d")] if tool else []
    made = await make_agent(
        scene.world.cast.project,
        scene.runtime.keyring,
        name=f"{name}-{secrets.token_hex(6)}",
        tools=tools,
        **fields,
    )
    scene.ids["agent_id"] = made.id


async def _calls_a_tool(scene: Scene) -> None:
    await _agent(scene, "counts", "calculator")
    scene.provider.script(calling(("calculator", {"expression": "2+2"})), Reply("4"))


async def _task_calls_a_tool(scene: Scene) -> None:
    await _agent(scene, "works", "calculator", type="task")
    scene.provider.script(calling(("calculator", {"expression": "2+2"})), Reply("4"))


async def _suggests(scene: Scene) -> None:
    wanted = QuestionSuggestions(
        enabled=True, count=2, api_key=scene.world.ids["api_key_id"], model="gpt-4o-mini"
    )
    await _agent(scene, "suggests", question_suggestions=wanted)
    scene.provider.script_aside("suggestions", Reply(json.dumps({"suggestions": ["One?", "Two?"]})))


async def _asks_for_a_human(scene: Scene) -> None:
    await _agent(scene, "asks", "request_human_handoff")
    wish = {"reason": "wants human", "urgency": "high", "context_summary": "ctx"}
    scene.provider.script(calling(("request_human_handoff", wish)), Reply("Wait a moment."))


async def _fails(scene: Scene) -> None:
    scene.provider.script(Failure(401, "Incorrect API key provided"))


async def _waits(scene: Scene) -> None:
    if scene.who in ("session", "visitor"):
        body = {"message": "Hello"}
        answer = await scene.send("POST", "/external/agents/chat", headers=await scene.caller(), body=body)
        conversation_id = answer.json()["conversation_id"]
    else:
        await scene.take(
            Step(
                "POST",
                "/organizations/{organization_id}/projects/{project_id}/agents/{agent_id}/chat",
                {"message": "Hello", "user_identifier": "u"},
                {"conversation_id": "conversation_id"},
            )
        )
        conversation_id = scene.ids["conversation_id"]
    wish = {"requested_by": "agent", "requested_at": utc_now(), "reason": "wants human", "urgency": "high"}
    stored = {f"handoff_info.{name}": value for name, value in wish.items()}
    await Conversation.within(scene.world.cast.project.scope).update_one(
        {"_id": conversation_id}, {"$set": {"status": "handoff_requested", **stored}}
    )
    scene.ids["conversation_id"] = conversation_id


async def _with_a_human(scene: Scene) -> None:
    await _waits(scene)
    hello = {"message": "Hi"}
    await scene.take(Step("POST", "/handoffs/conversations/{conversation_id}/takeover", hello, who="member"))


async def _handed_back(scene: Scene) -> None:
    await _with_a_human(scene)
    await scene.take(Step("POST", "/handoffs/conversations/{conversation_id}/handback", who="member"))


async def _without_its_key(scene: Scene) -> None:
    await _agent(scene, "keyless")
    gone = await Agent.within(scene.world.cast.project.scope).find_one({"_id": scene.ids["agent_id"]})
    assert gone is not None
    await ApiKey.within(scene.world.cast.project.scope).delete_one({"_id": gone["api_key"]})


async def _with_the_caller(scene: Scene) -> None:
    if not scene.by_program:
        await _with_a_human(scene)
        return
    await _waits(scene)
    path = "/external/organizations/{organization_id}/projects/{project_id}/conversations/{conversation_id}/takeover"
    operator = {"external_operator": {"external_id": "eve", "name": "Eve"}}
    await scene.take(Step("POST", path, operator, who="key"))


ARRANGEMENTS: dict[str, Callable[[Scene], Awaitable[None]]] = {
    "a key of the viewer": _viewers_key,
    "a second key with two sessions": _second_key,
    "a session with the task agent": _task_session,
    "a tool that is called": _calls_a_tool,
    "a task agent that calls a tool": _task_calls_a_tool,
    "an agent that suggests questions": _suggests,
    "a model that asks for a human": _asks_for_a_human,
    "a vendor that refuses": _fails,
    "a conversation that waits": _waits,
    "a conversation with a human": _with_a_human,
    "a conversation of the session with a human": _with_a_human,
    "a conversation of the session that was handed back": _handed_back,
    "an agent whose provider key was deleted": _without_its_key,
    "a conversation with the caller": _with_the_caller,
}
