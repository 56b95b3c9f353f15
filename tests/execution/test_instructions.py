"""What an agent is told to be: by itself, in sections, or by a prompt that several agents share."""

from typing import Any

import httpx2
import pytest

from crafter.agents.configuration import AgentConfig, PromptSections
from crafter.core.runtime import Runtime
from crafter.prompts.documents import Prompt
from crafter.prompts.settings import PromptVariable
from tests.execution.test_chat import ASK, url
from tests.factories import make_agent, make_key, make_prompt
from tests.fakes.provider import FakeProvider
from tests.fixtures import Cast


@pytest.fixture
async def prompt(cast: Cast) -> Prompt:
    made: Prompt = await make_prompt(
        cast.project,
        name="voice",
        content="Speak {{language}}.",
        system_prompt="You are kind.",
        variables=[PromptVariable(name="language", type="string", default_value="English")],
    )
    return made


def agents(cast: Cast) -> str:
    return f"/organizations/{cast.organization.id}/projects/{cast.project.id}/agents"


async def create(client: httpx2.AsyncClient, cast: Cast, runtime: Runtime, **fields: Any) -> httpx2.Response:
    key = await make_key(cast.project, runtime.keyring, secret=f"sk-live-{fields['name']}-0123456789")
    settings = {"model": "gpt-4o-mini"}
    return await client.post(
        agents(cast), json={"type": "chatbot", "api_key": key.id, "llm_settings": settings, **fields}
    )


async def told(client: httpx2.AsyncClient, cast: Cast, agent_id: str, provider: FakeProvider) -> str:
    """The system message of a chat with the agent."""
    assert (await client.post(f"{agents(cast)}/{agent_id}/chat", json=ASK)).status_code == 200
    message: dict[str, str] = provider.requests[-1].body["messages"][0]
    assert message["role"] == "system"
    return message["content"]


async def test_one_prompt_instructs_two_agents_and_changing_it_shows_both(
    as_admin: httpx2.AsyncClient, cast: Cast, runtime: Runtime, provider: FakeProvider, prompt: Prompt
) -> None:
    one = (await create(as_admin, cast, runtime, name="one", prompt=prompt.id)).json()
    german = {"language": "German"}
    two = await create(as_admin, cast, runtime, name="two", prompt=prompt.id, prompt_variables=german)
    assert (two.json()["prompt"], two.json()["prompt_variables"]) == (prompt.id, german)
    assert await told(as_admin, cast, one["_id"], provider) == "You are kind.\n\nSpeak English."
    assert await told(as_admin, cast, two.json()["_id"], provider) == "You are kind.\n\nSpeak German."

    path = f"{agents(cast).removesuffix('/agents')}/prompts/{prompt.id}"
    changed = await as_admin.put(path, json={"content": "Write {{language}}."})
    [dependants] = changed.json()["dependants"]
    assert (dependants["type"], dependants["count"]) == ("agents", 2)
    assert {row["name"] for row in dependants["items"]} == {"one", "two"}
    assert (await as_admin.get(f"{path}/dependants")).json()["dependants"] == [dependants]
    assert await told(as_admin, cast, one["_id"], provider) == "You are kind.\n\nWrite English."

    refused = await as_admin.delete(path)
    assert (refused.status_code, refused.json()["code"]) == (409, "PROMPT_IN_USE")
    assert refused.json()["dependants"] == [dependants]
    assert (await as_admin.delete(path, params={"force": "true"})).status_code == 200
    gone = await as_admin.post(f"{agents(cast)}/{one['_id']}/chat", json=ASK)
    assert (gone.status_code, gone.json()["code"]) == (400, "PROMPT_GONE")


async def test_an_agent_can_leave_a_prompt_for_words_of_its_own(
    as_admin: httpx2.AsyncClient, cast: Cast, runtime: Runtime, provider: FakeProvider, prompt: Prompt
) -> None:
    agent = (await create(as_admin, cast, runtime, name="one", prompt=prompt.id)).json()
    path = f"{agents(cast)}/{agent['_id']}"
    assert (await as_admin.put(path, json={"prompt": None})).json()["errors"][0]["path"] == "system_prompt"
    changed = await as_admin.put(path, json={"prompt": None, "system_prompt": "Be brief."})
    assert "prompt" not in changed.json()
    assert await told(as_admin, cast, agent["_id"], provider) == "Be brief."


async def test_prompts_of_others_and_values_that_do_not_fit_are_refused(
    as_admin: httpx2.AsyncClient, cast: Cast, runtime: Runtime, prompt: Prompt
) -> None:
    foreign = await make_prompt(cast.other_project, name="theirs")
    answer = await create(as_admin, cast, runtime, name="one", prompt=foreign.id)
    assert (answer.status_code, answer.json()["error"]) == (404, "Prompt not found")
    wrong = {"prompt": prompt.id, "prompt_variables": {"language": 7}}
    answer = await create(as_admin, cast, runtime, name="two", **wrong)
    assert answer.json()["errors"][0]["path"] == "variables.language"


async def test_without_a_prompt_of_any_kind_there_is_no_agent(
    as_admin: httpx2.AsyncClient, cast: Cast, runtime: Runtime
) -> None:
    answer = await create(as_admin, cast, runtime, name="one")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["path"] == "system_prompt"


async def test_sections_are_put_together_where_there_is_no_system_prompt(
    as_member: httpx2.AsyncClient, cast: Cast, runtime: Runtime, provider: FakeProvider
) -> None:
    sections = PromptSections(identity_and_tone="You are kind.", guardrails=" Never lie. ")
    config = AgentConfig(enable_small_agent_graph=True, prompt_sections=sections)
    agent = await make_agent(cast.project, runtime.keyring, system_prompt="", config=config)
    assert (await as_member.post(url(agent), json=ASK)).status_code == 200
    assert provider.requests[0].body["messages"][0]["content"] == (
        "# Identity and tone\n\nYou are kind.\n\n# Guardrails\n\nNever lie."
    )
