"""How long a provider's first token takes through the service to the one who reads the stream.

    python -m bench.first_token --rounds 200

A real service between a provider that says one word and then waits, and a client: from the moment at which the
provider writes the word to the moment at which the client has read the frame with it. The provider goes on only
after that, so a frame that were held back would never come.
"""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import httpx2

from bench.startup import running_database, verdict
from tests.database import with_database
from tests.fakes.provider import fake_provider
from tests.fakes.replies import Exchange, Reply
from tests.process.service import SECRETS, serving
from tests.process.tenant import Tenant, settle

BAR_MS = 50.0


class Hesitating:
    """An answer that stops after its first word until ``heard`` is set; ``written`` is when that word went out."""

    def __init__(self) -> None:
        self.written = 0.0
        self.heard = asyncio.Event()

    async def __call__(self, exchange: Exchange) -> None:
        answer = Reply("Hello there.").answer_to(exchange.request)
        frames = exchange.dialect.frames(answer, include_usage=True)
        await exchange.open_body()
        await exchange.send_part(*frames.opening)
        self.written = perf_counter()
        await exchange.send_part(frames.pieces[0])
        await exchange.wait_for(self.heard)
        await exchange.send_part(*frames.pieces[1:], *frames.closing)
        await exchange.close_body()


async def main(rounds: int) -> bool:
    """Measure and print; whether the bar is met."""
    with tempfile.TemporaryDirectory(prefix="crafter-bench-") as name:
        folder = Path(name)
        async with running_database(folder / "database") as uri, fake_provider() as provider:
            vendor = {
                "OPENAI_BASE_URL": provider.base_url,
                "CRAFTER_EGRESS_ALLOW": f"127.0.0.1:{provider.port}",
                "CRAFTER_RATE_LIMITS": "off",
            }
            async with (
                serving(
                    folder / "service", MONGODB_URI=with_database(uri, "bench"), **SECRETS, **vendor
                ) as service,
                service.client() as client,
            ):
                tenant = await settle(client)
                delays = []
                for _ in range(rounds):
                    script = Hesitating()
                    provider.script(script)
                    delays.append(await first_frame(client, tenant, script))
    delays.sort()
    print(f"{'first token, provider to reader':<34}{'median':>9}{'p99':>9}{'slowest':>9}{'bar':>9}")
    median, p99 = statistics.median(delays), delays[int(len(delays) * 0.99)]
    print(
        f"{rounds:>6} streams{'':<20}{median:>7.1f}ms{p99:>7.1f}ms{delays[-1]:>7.1f}ms{BAR_MS:>7.0f}ms",
        end="",
    )
    print(verdict(p99, BAR_MS))
    return p99 <= BAR_MS


async def first_frame(client: httpx2.AsyncClient, tenant: Tenant, script: Hesitating) -> float:
    """The milliseconds that the first word took, in one stream that is then read to its end."""
    delay: float | None = None
    last = ""
    async with client.stream("POST", f"{tenant.chat}/stream", json=tenant.says("Hello")) as response:
        async for line in response.aiter_lines():
            if not line:
                continue
            last = json.loads(line.removeprefix("data: "))["type"]
            if last == "response_chunk" and delay is None:
                delay = (perf_counter() - script.written) * 1_000
                script.heard.set()
    assert delay is not None, "there was no answer"
    assert last == "complete", last
    return delay


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=200)
    sys.exit(0 if asyncio.run(main(parser.parse_args().rounds)) else 1)
