"""Readers of streams who leave all at once: what they were answered with is shared with everybody else."""

import asyncio
import random
from pathlib import Path
from urllib.parse import urlsplit

from tests.process.service import Service, serving
from tests.process.tenant import begin, settle

READERS = 200
ROUNDS = 2


async def look_in(service: Service, target: str, token: str, seconds: float) -> None:
    """Ask for a stream, and hang up after a while, whatever has come by then."""
    address = urlsplit(service.url)
    _, writer = await asyncio.open_connection(address.hostname, address.port)
    head = f"GET {target} HTTP/1.1\r\nHost: crafter.test\r\nAuthorization: Bearer {token}\r\n\r\n"
    writer.write(head.encode())
    await asyncio.sleep(seconds)
    writer.transport.abort()


async def test_readers_who_leave_all_at_once_leave_the_database_to_the_others(
    tmp_path: Path, on_server: dict[str, str]
) -> None:
    """OpenAI, March 2023 (redis-py): cancelled requests spoiled the connections that all users shared."""
    chance = random.Random(2023)
    async with serving(tmp_path, **on_server) as service, service.client() as client:
        tenant = await settle(client)
        conversation = await begin(client, tenant)
        stream = f"/api/v1/handoffs/conversations/{conversation}/stream"
        for _ in range(ROUNDS):
            await asyncio.gather(
                *(look_in(service, stream, tenant.token, chance.random() * 0.6) for _ in range(READERS))
            )

        async with asyncio.timeout(15):
            answers = await asyncio.gather(*(client.get("/organizations") for _ in range(50)))
        code = await service.stop()

    assert {answer.status_code for answer in answers} == {200}
    assert code == 0
