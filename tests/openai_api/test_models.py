"""What can be asked, as OpenAI's client lists it."""

from datetime import timedelta

import httpx2
import openai
from openai.types import Model

from crafter.agents.documents import Agent
from crafter.api_keys.documents import ApiKey
from crafter.calls.documents import Call
from crafter.core.runtime import Runtime
from crafter.core.time import utc_now
from tests.factories import make_key
from tests.fakes.provider import FakeProvider
from tests.fixtures import Cast
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


async def test_of_several_keys_the_default_one_is_used_or_else_the_newest_that_may_be(
    cast: Cast,
    client: openai.AsyncOpenAI,
    as_admin: httpx2.AsyncClient,
    runtime: Runtime,
    provider: FakeProvider,
    provider_key: ApiKey,
) -> None:
    newer = await make_key(cast.project, runtime.keyring, secret="sk-live-newer-0123456789")
    gone = await make_key(cast.project, runtime.keyring, secret="sk-live-gone-0123456789")
    over = {"$set": {"expires_at": utc_now() - timedelta(seconds=1)}}
    await ApiKey.within(gone.scope).update_one({"_id": gone.id}, over)

    async def used() -> str:
        await client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "Hello"}])
        [row] = await Call.within(cast.project.scope).find({}, sort=[("_id", -1)], limit=1)
        return str(row["credential"])

    assert await used() == newer.id
    home = f"/organizations/{cast.organization.id}/projects/{cast.project.id}/api-keys"
    assert (await as_admin.post(f"{home}/{provider_key.id}:set-default")).status_code == 200
    assert await used() == provider_key.id
