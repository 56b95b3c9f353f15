"""What agents have done beside their conversations: hooks of both kinds, on everything that triggers them."""

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from crafter.agents.configuration import AgentPrivacy
from crafter.agents.documents import Agent, AgentHook
from crafter.agents.secrets import HOOKS, secret_place
from crafter.conversations.documents import Conversation
from crafter.core.runtime import Runtime
from crafter.core.time import utc_now
from crafter.execution.asides.silence import keep_sweeping, sweep
from crafter.llm.providers import ChatModels
from tests.execution.talking import settled, talk
from tests.execution.test_chat import ASK, url
from tests.factories import make_agent
from tests.fakes.listener import listening, silent
from tests.fakes.provider import FakeProvider
from tests.fakes.replies import Failure, Reply
from tests.fakes.service import FakeService, Said, fake_service
from tests.fixtures import Cast

USAGE = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}


@pytest.fixture
async def receiver(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FakeService]:
    """Where webhooks lead, on loopback, which is allowed for once."""
    async with fake_service() as service:
        allowed = [*runtime.settings.tenant_egress_allow, f"127.0.0.1:{service.port}"]
        monkeypatch.setattr(runtime.settings, "tenant_egress_allow", allowed)
        yield service


@pytest.fixture
def models(app: FastAPI) -> ChatModels:
    found: ChatModels = app.state.models
    return found


async def agent_with(cast: Cast, runtime: Runtime, *hooks: AgentHook, **fields: Any) -> Agent:
    made: Agent = await make_agent(cast.project, runtime.keyring, hooks=list(hooks), **fields)
    return made


def webhook(trigger: Any, receiver: FakeService, **fields: Any) -> AgentHook:
    return AgentHook(
        name=fields.pop("name", trigger),
        type="webhook",
        trigger=trigger,
        webhook_url=f"{receiver.url}/{fields.pop('path', trigger)}",
        **fields,
    )


def llm(trigger: Any = "every_message", **fields: Any) -> AgentHook:
    return AgentHook(name="llm", type="llm", trigger=trigger, prompt="Rate the mood.", **fields)


async def change(agent: Agent, conversation_id: str, **fields: Any) -> None:
    await Conversation.within(agent.scope).update_one({"_id": conversation_id}, {"$set": fields})


def paths(receiver: FakeService) -> list[str]:
    return sorted(request.path for request in receiver.requests)


async def test_a_webhook_gets_the_contracts_body_signed(
    as_member: httpx2.AsyncClient, cast: Cast, runtime: Runtime, receiver: FakeService
) -> None:
    agent = await agent_with(cast, runtime, webhook("every_message", receiver, name="crm"))
    sealed = runtime.keyring.encrypt("whsec", secret_place(agent, HOOKS))
    await Agent.within(agent.scope).update_one(
        {"_id": agent.id}, {"$set": {"hooks.0.webhook_secret": sealed}}
    )

    conversation_id = await talk(as_member, agent, "Grüße")

    shown = await settled(as_member, agent, runtime, conversation_id)
    request = receiver.asked
    body = request.json
    assert body.pop("timestamp").endswith("Z")
    assert body == {
        "event": "message_hook",
        "hook_name": "crm",
        "agent_id": agent.id,
        "conversation_id": conversation_id,
        "user_identifier": "user-123",
        "message": {"role": "user", "content": "Grüße"},
        "conversation_status": "agent_controlled",
        "current_handler": "agent",
    }
    mark = hmac.new(b"whsec", request.body, hashlib.sha256).hexdigest()
    assert request.headers["x-webhook-signature"] == mark
    assert request.headers["content-type"] == "application/json"
    [execution] = shown["hook_executions"]
    assert execution.pop("_id")
    assert execution.pop("triggered_at")
    assert execution == {
        "hook_name": "crm",
        "trigger": "every_message",
        "type": "webhook",
        "success": True,
        "tools_used": [],
        "rejected_tools": [],
        "llm_response": None,
        "error": None,
    }


async def test_each_trigger_has_its_messages(
    as_member: httpx2.AsyncClient, cast: Cast, runtime: Runtime, receiver: FakeService
) -> None:
    triggers = (
        "every_message",
        "user_message_only",
        "human_controlled_only",
        "new_conversation",
        "inactivity",
    )
    agent = await agent_with(
        cast,
        runtime,
        *(webhook(trigger, receiver) for trigger in triggers),
        webhook("every_message", receiver, path="switched-off", enabled=False),
    )

    async def fired(path: str, **body: Any) -> list[str]:
        receiver.requests.clear()
        response = await as_member.post(path, json=body)
        assert response.status_code == 200, response.text
        async with asyncio.timeout(20):
            await runtime.tasks.idle()
        return paths(receiver)

    began = await fired(url(agent), **ASK)
    [found] = (await as_member.get(url(agent, "/conversations"))).json()["conversations"]
    again = {**ASK, "conversation_id": found["_id"]}
    operator = f"/handoffs/conversations/{found['_id']}"

    assert began == ["/every_message", "/new_conversation", "/user_message_only"]
    assert await fired(url(agent, "/chat/stream"), **again) == ["/every_message", "/user_message_only"]
    assert await fired(f"{operator}/takeover", message="I am Ann") == [
        "/every_message",
        "/human_controlled_only",
    ]
    assert await fired(url(agent), **again) == [
        "/every_message",
        "/human_controlled_only",
        "/user_message_only",
    ]
    assert await fired(f"{operator}/message", message="Hello") == ["/every_message", "/human_controlled_only"]
    assert receiver.requests[0].json["message"] == {"role": "human_operator", "content": "Hello"}
    assert receiver.requests[0].json["conversation_status"] == "human_controlled"


async def test_a_webhook_is_told_which_operator_of_another_system_has_the_conversation(
    as_member: httpx2.AsyncClient, cast: Cast, runtime: Runtime, receiver: FakeService
) -> None:
    agent = await agent_with(cast, runtime, webhook("human_controlled_only", receiver))
    conversation_id = await talk(as_member, agent, "Hello")
    them = {"external_id": "e1", "name": "Eve", "email": "eve@example.com"}

    await as_member.post(
        f"/handoffs/conversations/{conversation_id}/takeover",
        json={"external_operator": them, "message": "I am Eve"},
    )

    await settled(as_member, agent, runtime, conversation_id)
    assert receiver.asked.json["external_operator"] == them


async def test_a_message_to_an_agent_that_is_switched_off_fires_with_what_became_of_the_conversation(
    as_member: httpx2.AsyncClient, cast: Cast, runtime: Runtime, receiver: FakeService
) -> None:
    hooks = [webhook(trigger, receiver) for trigger in ("new_conversation", "human_controlled_only")]
    agent = await agent_with(cast, runtime, *hooks, is_active=False)

    conversation_id = await talk(as_member, agent, "Hello")

    await settled(as_member, agent, runtime, conversation_id)
    assert paths(receiver) == ["/human_controlled_only", "/new_conversation"]
    assert {request.json["conversation_status"] for request in receiver.requests} == {"human_controlled"}
    assert {request.json["current_handler"] for request in receiver.requests} == {"human"}


async def test_a_model_is_asked_about_the_latest_messages_and_its_answer_is_recorded(
    as_member: httpx2.AsyncClient, cast: Cast, runtime: Runtime, provider: FakeProvider
) -> None:
    agent = await agent_with(cast, runtime, llm("human_controlled_only", model="gpt-4o", context_messages=2))
    conversation_id = await talk(as_member, agent, "one")
    before = await settled(as_member, agent, runtime, conversation_id)
    await change(agent, conversation_id, status="human_controlled", current_handler="human")
    provider.script_aside("hook", Reply("calm", usage=USAGE))

    await talk(as_member, agent, "two", conversation_id=conversation_id)

    shown = await settled(as_member, agent, runtime, conversation_id)
    [request] = provider.asides["hook"]
    assert request.body["model"] == "gpt-4o"
    assert request.body["messages"] == [
        {"role": "system", "content": "Rate the mood."},
        {"role": "user", "content": "Assistant: You said: one\n\nUser: two"},
    ]
    [execution] = shown["hook_executions"]
    assert (execution["type"], execution["success"], execution["llm_response"]) == ("llm", True, "calm")
    assert execution["token_usage"] == {**USAGE, "cost": pytest.approx(7.5e-05)}
    assert shown["metadata"]["total_tokens_used"] == before["metadata"]["total_tokens_used"] + 15


async def test_without_a_model_of_its_own_it_asks_the_agents_with_the_agents_key(
    as_member: httpx2.AsyncClient, cast: Cast, runtime: Runtime, provider: FakeProvider
) -> None:
    agent = await agent_with(cast, runtime, llm())

    conversation_id = await talk(as_member, agent, "one")

    await settled(as_member, agent, runtime, conversation_id)
    [request] = provider.asides["hook"]
    assert (request.body["model"], request.key) == ("gpt-4o-mini", "sk-live-helper-0123456789")


async def test_what_goes_wrong_is_recorded_and_tried_once(
    as_member: httpx2.AsyncClient,
    cast: Cast,
    runtime: Runtime,
    receiver: FakeService,
    provider: FakeProvider,
) -> None:
    forbidden = AgentHook(
        name="metadata", type="webhook", trigger="every_message", webhook_url="http://169.254.169.254/latest"
    )
    agent = await agent_with(cast, runtime, webhook("every_message", receiver, name="crm"), llm(), forbidden)
    receiver.said = Said(status=500)
    provider.script_aside("hook", Failure(401, "Wrong key {key}."))

    conversation_id = await talk(as_member, agent, "Hello")

    shown = await settled(as_member, agent, runtime, conversation_id)
    errors = {one["hook_name"]: one["error"] for one in shown["hook_executions"]}
    assert [one["success"] for one in shown["hook_executions"]] == [False] * 3
    assert "500" in errors["crm"]
    assert errors["llm"].startswith("openai API Error: ")
    assert "sk-live" not in errors["llm"]
    assert errors["metadata"]
    assert len(receiver.requests) == len(provider.asides["hook"]) == 1
    assert [message["content"] for message in shown["messages"]] == ["Hello", "You said: Hello"]


async def test_a_webhook_that_hangs_holds_nothing_up(
    as_member: httpx2.AsyncClient,
    cast: Cast,
    runtime: Runtime,
    receiver: FakeService,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("crafter.execution.asides.hook_webhook.DEADLINE_SECONDS", 0.2)
    async with listening(silent) as listener:
        receiver.port = listener.port
        allowed = [*runtime.settings.tenant_egress_allow, f"127.0.0.1:{listener.port}"]
        monkeypatch.setattr(runtime.settings, "tenant_egress_allow", allowed)
        agent = await agent_with(cast, runtime, webhook("every_message", receiver))

        conversation_id = await talk(as_member, agent, "Hello")

        shown = await settled(as_member, agent, runtime, conversation_id)
    assert [one["success"] for one in shown["hook_executions"]] == [False]


async def test_the_last_hundred_runs_are_kept(
    as_member: httpx2.AsyncClient, cast: Cast, runtime: Runtime, receiver: FakeService
) -> None:
    agent = await agent_with(cast, runtime, webhook("every_message", receiver, name="new"))
    conversation_id = await talk(as_member, agent, "Hello")
    await settled(as_member, agent, runtime, conversation_id)
    await change(agent, conversation_id, hook_executions=[{"hook_name": str(n)} for n in range(100)])

    await talk(as_member, agent, "Hello", conversation_id=conversation_id)

    shown = await settled(as_member, agent, runtime, conversation_id)
    names = [one["hook_name"] for one in shown["hook_executions"]]
    assert (len(names), names[0], names[-1]) == (100, "1", "new")


async def test_what_a_model_makes_of_encrypted_messages_is_not_kept(
    as_member: httpx2.AsyncClient, cast: Cast, runtime: Runtime, provider: FakeProvider
) -> None:
    agent = await agent_with(cast, runtime, llm(), gdpr=AgentPrivacy(encrypt_messages=True))

    conversation_id = await talk(as_member, agent, "canary")

    await settled(as_member, agent, runtime, conversation_id)
    raw = await Conversation.within(agent.scope).find_one({"_id": conversation_id})
    assert provider.asides["hook"][0].last_words == "User: canary"
    assert "canary" not in str(raw)


class TestSilence:
    """Hooks for inactivity."""

    async def quiet(self, agent: Agent, conversation_id: str, seconds: float) -> None:
        """Let so many seconds go by since the last message."""
        raw = await Conversation.within(agent.scope).find_one({"_id": conversation_id})
        assert raw is not None
        gone = timedelta(seconds=seconds)
        fields = {f"asides.{name}": raw["asides"][name] - gone for name in ("quiet_since", "quiet_due_at")}
        await change(agent, conversation_id, **fields)

    async def test_each_runs_once_when_nobody_has_said_anything_for_long_enough(
        self,
        as_member: httpx2.AsyncClient,
        cast: Cast,
        runtime: Runtime,
        receiver: FakeService,
        models: ChatModels,
    ) -> None:
        agent = await agent_with(
            cast,
            runtime,
            webhook("inactivity", receiver, inactivity_seconds=60, path="short"),
            webhook("inactivity", receiver, inactivity_seconds=3600, path="long"),
        )
        conversation_id = await talk(as_member, agent, "Hello")

        ran = []
        for seconds in (0, 70, 0, 3600):
            await self.quiet(agent, conversation_id, seconds)
            ran.append(await sweep(runtime, models))
        ran.append(await sweep(runtime, models))

        assert ran == [0, 1, 0, 1, 0]
        assert [request.path for request in receiver.requests] == ["/short", "/long"]
        assert receiver.requests[0].json["message"] == {"role": "assistant", "content": "You said: Hello"}

    async def test_of_many_processes_one_runs_it(
        self,
        as_member: httpx2.AsyncClient,
        cast: Cast,
        runtime: Runtime,
        receiver: FakeService,
        models: ChatModels,
    ) -> None:
        agent = await agent_with(cast, runtime, webhook("inactivity", receiver))
        conversation_id = await talk(as_member, agent, "Hello")
        await self.quiet(agent, conversation_id, 61)

        ran = await asyncio.gather(*(sweep(runtime, models) for _ in range(6)))

        assert sum(ran) == len(receiver.requests) == 1

    async def test_a_message_of_either_side_starts_the_time_anew(
        self,
        as_member: httpx2.AsyncClient,
        cast: Cast,
        runtime: Runtime,
        receiver: FakeService,
        models: ChatModels,
    ) -> None:
        agent = await agent_with(cast, runtime, webhook("inactivity", receiver))
        conversation_id = await talk(as_member, agent, "Hello")
        operator = f"/handoffs/conversations/{conversation_id}"
        ran = []
        for said in (
            lambda: as_member.post(url(agent), json={**ASK, "conversation_id": conversation_id}),
            lambda: as_member.post(f"{operator}/takeover", json={"message": "I am Ann"}),
            lambda: as_member.post(f"{operator}/message", json={"message": "Hello"}),
        ):
            await self.quiet(agent, conversation_id, 61)
            await said()
            await settled(as_member, agent, runtime, conversation_id)
            ran.append(await sweep(runtime, models))

        assert ran == [0, 0, 0]

    @pytest.mark.parametrize(
        ("condition", "status", "runs"),
        [
            ("any", "handoff_requested", 1),
            ("human_controlled_only", "human_controlled", 1),
            ("human_controlled_only", "agent_controlled", 0),
            ("agent_controlled_only", "agent_controlled", 1),
            ("agent_controlled_only", "handoff_requested", 0),
        ],
    )
    async def test_it_depends_on_who_is_in_charge(
        self,
        as_member: httpx2.AsyncClient,
        cast: Cast,
        runtime: Runtime,
        receiver: FakeService,
        models: ChatModels,
        condition: Any,
        status: str,
        runs: int,
    ) -> None:
        agent = await agent_with(
            cast, runtime, webhook("inactivity", receiver, inactivity_condition=condition)
        )
        conversation_id = await talk(as_member, agent, "Hello")
        await change(agent, conversation_id, status=status)
        await self.quiet(agent, conversation_id, 61)

        assert await sweep(runtime, models) == runs

    async def test_what_is_no_longer_wanted_does_not_run(
        self,
        as_member: httpx2.AsyncClient,
        cast: Cast,
        runtime: Runtime,
        receiver: FakeService,
        models: ChatModels,
    ) -> None:
        agent = await agent_with(cast, runtime, webhook("inactivity", receiver))
        conversations = [await talk(as_member, agent, "Hello") for _ in range(2)]
        for conversation_id in conversations:
            await self.quiet(agent, conversation_id, 61)
        await change(agent, conversations[0], lifecycle="archived")
        await Agent.within(agent.scope).update_one({"_id": agent.id}, {"$set": {"hooks.0.enabled": False}})

        assert await sweep(runtime, models) == 0
        left = {"asides.quiet_due_at": {"$lte": utc_now()}}
        assert await Conversation.within(agent.scope).count(left) == 0

    async def test_a_process_looks_at_every_interval_until_it_ends(
        self,
        as_member: httpx2.AsyncClient,
        cast: Cast,
        runtime: Runtime,
        models: ChatModels,
        provider: FakeProvider,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(runtime.settings, "handoff_fallback_interval_seconds", 0.01)
        agent = await agent_with(cast, runtime, llm("inactivity"))
        conversation_id = await talk(as_member, agent, "Hello")
        await self.quiet(agent, conversation_id, 61)

        sweeping = asyncio.create_task(keep_sweeping(runtime, models))
        async with asyncio.timeout(10):
            await provider.received_aside("hook")
        sweeping.cancel()
        await asyncio.gather(sweeping, return_exceptions=True)

        assert len(provider.asides["hook"]) == 1
