"""The worlds in which the sections of the contract are played."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from fastapi import FastAPI

from tests.contract.entries import Section
from tests.contract.scenes import Scene, scene_ids
from tests.fakes.provider import FakeProvider
from tests.fixtures import KEPT
from tests.world import Besieged, standing_world


class Theatre:
    """One world at a time, for all entries of a section that are played one after the other."""

    def __init__(self, app: FastAPI, provider: FakeProvider, exits: AsyncExitStack) -> None:
        self._app, self._provider, self._exits = app, provider, exits
        self._section: Section | None = None
        self._besieged: Besieged | None = None

    async def scene(self, section: Section, who: str) -> Scene:
        """A place of its own for one entry, in the world of its section."""
        if self._section is not section or self._besieged is None:
            await self._exits.aclose()
            self._besieged = await self._exits.enter_async_context(standing_world(self._app))
            self._section = section
        self._provider.forget()
        world = self._besieged.world
        return Scene(self._app, world, self._provider, self._besieged.clients, who, scene_ids(world))


@pytest.fixture(scope="module")
async def theatre(app: FastAPI, provider_server: FakeProvider) -> AsyncIterator[Theatre]:
    """Where the contract is played; the catalogues, which outlive it, are afterwards as they were before."""
    db = app.state.runtime.database.db
    kept = {name: await db[name].find({}).to_list() for name in KEPT}
    async with AsyncExitStack() as exits:
        yield Theatre(app, provider_server, exits)
    for name, documents in kept.items():
        await db[name].delete_many({})
        await db[name].insert_many(documents)
