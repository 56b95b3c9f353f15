"""How long the dashboard of an organization takes, at a tenth of the rows and at all of them, on a real MongoDB.

    python -m bench.statistics --rows 100000

The rows are of the last 30 days: prompts, runs of task agents and conversations, a third each. Every period is asked
for several times; the median counts.
"""

import argparse
import asyncio
import random
import statistics
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import Any

from crafter.agent_executions.documents import AgentExecution, TaskUsage
from crafter.conversations.documents import Conversation, Message
from crafter.core.config import load_settings
from crafter.core.database import Database
from crafter.core.documents import TenantDocument
from crafter.core.embedded import EmbeddedMongo
from crafter.core.ids import new_id
from crafter.core.tenancy import Scope
from crafter.core.time import utc_now
from crafter.documents import ALL_DOCUMENTS
from crafter.prompt_execution.documents import ExecutionUsage, PromptExecution
from crafter.statistics import service as statistics_service
from crafter.statistics.periods import ROLLING, rolling
from indexes import sync

AGENTS = 20
BATCH = 1_000
ROUNDS = 5
MESSAGE = "A message of about one kilobyte. " * 30


async def main(rows: int) -> None:
    """Plant and measure twice, on one database."""
    with tempfile.TemporaryDirectory(prefix="crafter-bench-") as folder:
        mongo = await EmbeddedMongo.start(Path(folder))
        try:
            secret = "0123456789abcdef0123456789abcdef"
            settings = load_settings(
                {"MONGODB_URI": mongo.uri, "JWT_SECRET": secret, "ENCRYPTION_KEY": secret}
            )
            database = await Database.connect(mongo.uri, settings, ALL_DOCUMENTS)
            await sync.apply(database.db, ALL_DOCUMENTS)
            scope, agents = Scope(new_id(), new_id()), [new_id() for _ in range(AGENTS)]
            print(f"{'rows':>10}  " + "  ".join(f"{f'{name}, ms':>10}" for name in ROLLING))
            planted = 0
            for target in (rows // 10, rows):
                await plant(scope, agents, target - planted)
                planted = target
                times = [await measure(scope, name) for name in ROLLING]
                print(f"{planted:>10}  " + "  ".join(f"{each:>10.1f}" for each in times))
            await database.close()
        finally:
            await mongo.stop()


async def plant(scope: Scope, agents: list[str], rows: int) -> None:
    """Store so many rows, spread over 30 days."""
    for model in (PromptExecution, AgentExecution, Conversation):
        documents = documents_of(model, scope, agents, rows // 3)
        while batch := list(islice(documents, BATCH)):
            await model.across_tenants().insert_many(batch, ordered=False)


def documents_of(
    model: type[TenantDocument], scope: Scope, agents: list[str], rows: int
) -> Iterator[dict[str, Any]]:
    """Rows as they are stored; of each kind they are all alike but for their agent and their time."""
    some = {"organization": scope.organization, "project": scope.project, "agent": agents[0]}
    pattern = {
        PromptExecution: lambda: PromptExecution(
            **some,
            prompt=agents[0],
            api_key=agents[0],
            status="success",
            usage=ExecutionUsage(total_tokens=30, cost=0.0001),
        ),
        AgentExecution: lambda: AgentExecution(
            **some,
            status="completed",
            usage=TaskUsage(total_tokens=300, cost=0.001),
            execution_time_ms=900,
        ),
        Conversation: lambda: Conversation(
            **some,
            user_identifier="u",
            messages=[Message(role="user", content=MESSAGE) for _ in range(4)],
        ),
    }[model]().to_stored()
    begun = "created_at" if "created_at" in pattern else "createdAt"
    for _ in range(rows):
        moment = utc_now() - timedelta(seconds=random.uniform(1, 30 * 86_400))
        yield {**pattern, "_id": new_id(), "agent": random.choice(agents), begun: moment}


async def measure(scope: Scope, name: str) -> float:
    """The median of some rounds in milliseconds."""
    times = []
    for _ in range(ROUNDS):
        started = perf_counter()
        await statistics_service.get_dashboard(Scope(scope.organization), rolling(name, utc_now()))
        times.append((perf_counter() - started) * 1000)
    return statistics.median(times)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=100_000)
    asyncio.run(main(parser.parse_args().rows))
