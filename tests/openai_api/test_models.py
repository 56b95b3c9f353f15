"""What can be asked, as OpenAI's client lists it."""

import openai
from openai.types import Model

from crafter.agents.documents import Agent
from tests.openai_api.conftest import MODEL


async def test_models_with_a_key_and_agents_are_listed(client: openai.AsyncOpenAI, agent: Agent) -> None:
    listed = {model.id: model async for model in client.models.list()}

    for model in listed.values():
        Model.model_validate(model.model_dump(), strict=True)
    assert listed[MODEL].owned_by == "openai"
    assert listed["agent:Helper"].owned_by == "crafter"
    assert listed["agent:Helper"].created == int(agent.created_at.timestamp())
    assert not [name for name in listed if name.startswith("claude")]


async def test_one_is_found_by_each_of_its_names(client: openai.AsyncOpenAI, agent: Agent) -> None:
    for name in (MODEL, f"openai/{MODEL}", "agent:Helper", f"agent:{agent.id}", agent.id):
        assert (await client.models.retrieve(name)).id == name
