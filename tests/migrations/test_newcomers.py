"""What the Node server adds while Crafter runs is seen a little later."""

import asyncio

import httpx2

from crafter.core.ids import new_id
from crafter.core.runtime import Runtime
from crafter.migrations import newcomers
from tests.factories import make_agent
from tests.fixtures import Cast


async def test_a_conversation_that_the_node_server_adds_is_taken_in_once(
    as_member: httpx2.AsyncClient, cast: Cast, runtime: Runtime
) -> None:
    agent = await make_agent(cast.project, runtime.keyring)
    added = {"_id": new_id(), "agent": agent.id, "user_identifier": "user-123", "messages": []}
    await runtime.database.db.conversations.insert_one(added)
    path = f"/organizations/{agent.organization}/projects/{agent.project}/agents/{agent.id}/conversations"
    assert (await as_member.get(path)).json()["total"] == 0

    taken = await asyncio.gather(*(newcomers.take_in(runtime) for _ in range(2)))

    assert sum(one.get("conversations", 0) for one in taken) == 1
    [seen] = (await as_member.get(path)).json()["conversations"]
    assert seen["_id"] == added["_id"]
    assert await newcomers.take_in(runtime) == {}


async def test_what_belongs_to_nobody_stays_where_nobody_sees_it(cast: Cast, runtime: Runtime) -> None:
    await runtime.database.db.conversations.insert_one({"_id": new_id(), "agent": new_id(), "messages": []})
    assert await newcomers.take_in(runtime) == {}
    [orphan] = await runtime.database.db.conversations.find({}).to_list()
    assert "organization" not in orphan


async def test_looking_for_newcomers_ends_with_the_process(cast: Cast, runtime: Runtime) -> None:
    prompt = {"_id": new_id(), "project": cast.project.id, "name": "greet", "content": "Hi"}
    quick = runtime.settings.model_copy(update={"adoption_interval_seconds": 0.01})
    impatient = Runtime(
        settings=quick, database=runtime.database, keyring=runtime.keyring, cursors=runtime.cursors
    )
    sweeping = impatient.tasks.start(newcomers.keep_taking_in(impatient), name="newcomers")
    await runtime.database.db.prompts.insert_one(prompt)
    async with asyncio.timeout(10):
        while not await runtime.database.db.prompts.find_one({"organization": cast.organization.id}):
            await asyncio.sleep(0.01)
        impatient.tasks.stop_within(5)
        await sweeping
