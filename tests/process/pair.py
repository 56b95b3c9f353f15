"""Two server processes on one database, and many calls at once that they share."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2

from tests.database import drop_database, with_database
from tests.fakes.provider import FakeProvider
from tests.process.conftest import vendor_of
from tests.process.service import SECRETS, Service, serving

AT_ONCE = 20
"""Calls that each process has to do with at the same time."""

Pair = tuple[Service, Service]


@asynccontextmanager
async def two_services(
    name: str, mongodb_uri: str, vendor: FakeProvider, folder: Path
) -> AsyncIterator[Pair]:
    """Both on a database of their own, which is dropped afterwards."""
    uri = with_database(mongodb_uri, f"crafter_{name}_{os.getpid()}")
    variables = {"MONGODB_URI": uri, **SECRETS, **vendor_of(vendor)}
    async with serving(folder / "a", **variables) as first, serving(folder / "b", **variables) as second:
        yield first, second
    drop_database(uri)


async def hammer(
    services: tuple[Service, Service],
    count: int,
    headers: dict[str, str],
    method: str,
    url: str,
    **request: Any,
) -> list[httpx2.Response]:
    """So many calls at once, half of them to each process."""
    room = asyncio.Semaphore(AT_ONCE * len(services))
    async with services[0].client(headers=headers) as first, services[1].client(headers=headers) as second:

        async def call(client: httpx2.AsyncClient) -> httpx2.Response:
            async with room:
                return await client.request(method, url, **request)

        return await asyncio.gather(*(call((first, second)[n % 2]) for n in range(count)))
