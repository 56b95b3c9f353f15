"""What an append costs as a conversation grows, measured through the message store on a real MongoDB.

    python -m bench.conversation_growth --messages 20000

At each length, appends to the long conversation alternate with appends to one that has 100 messages: the ratio of
their medians is what counts. Then the largest document, and what a page costs at either end.
"""

import argparse
import asyncio
import statistics
import tempfile
from pathlib import Path
from time import perf_counter

from bson import encode

from crafter.agents.configuration import LlmSettings
from crafter.agents.documents import Agent
from crafter.conversations import messages as store
from crafter.conversations import service as conversation_service
from crafter.conversations.documents import Conversation, Message, MessageSegment
from crafter.core.config import load_settings
from crafter.core.database import Database
from crafter.core.embedded import EmbeddedMongo
from crafter.core.ids import new_id
from crafter.documents import ALL_DOCUMENTS
from indexes import sync

WINDOW = 300
CHECKPOINTS = (400, 1_000, 5_000, 10_000, 20_000, 50_000, 100_000)
TEXT = "A message of about one kilobyte. " * 30


async def grow(count: int) -> None:
    """Append ``count`` messages to one conversation and report."""
    with tempfile.TemporaryDirectory(prefix="crafter-bench-") as folder:
        mongo = await EmbeddedMongo.start(Path(folder))
        try:
            secret = "0123456789abcdef0123456789abcdef"
            settings = load_settings(
                {"MONGODB_URI": mongo.uri, "JWT_SECRET": secret, "ENCRYPTION_KEY": secret}
            )
            database = await Database.connect(mongo.uri, settings, ALL_DOCUMENTS)
            await sync.apply(database.db, ALL_DOCUMENTS)
            await _measure(count)
            await database.close()
        finally:
            await mongo.stop()


async def _measure(count: int) -> None:
    agent = Agent(
        organization=new_id(),
        project=new_id(),
        name="bench",
        api_key=new_id(),
        system_prompt="x",
        llm_settings=LlmSettings(model="gpt-4o-mini"),
    )
    conversation = await _begin(agent)
    print(f"{'messages':>10}  {'median ms':>10}  {'at 100, ms':>10}  {'ratio':>6}")
    length = 0
    for checkpoint in sorted({size for size in CHECKPOINTS if size < count} | {count}):
        while length < checkpoint - WINDOW:
            await _append(conversation)
            length += 1
        long, short = await _alternate(conversation, await _begin(agent, length=100))
        length += WINDOW
        ratio = statistics.median(long) / statistics.median(short)
        print(
            f"{length:>10}  {statistics.median(long):>10.2f}  {statistics.median(short):>10.2f}  {ratio:>6.2f}"
        )
    await _report_documents(conversation)
    await _report_pages(conversation, count)


async def _begin(agent: Agent, *, length: int = 0) -> Conversation:
    conversation = await conversation_service.create_conversation(agent, user=None, user_identifier="bench")
    for _ in range(length):
        await _append(conversation)
    return conversation


async def _append(conversation: Conversation) -> float:
    """Append one message; answers the milliseconds."""
    message = Message(role="user", content=TEXT)
    started = perf_counter()
    await store.append_messages(conversation.scope, conversation.id, [message])
    return (perf_counter() - started) * 1000


async def _alternate(long: Conversation, short: Conversation) -> tuple[list[float], list[float]]:
    """Append to the long and to a short conversation in turn, so that both see the same machine."""
    times: tuple[list[float], list[float]] = [], []
    for _ in range(WINDOW):
        times[0].append(await _append(long))
        times[1].append(await _append(short))
    return times


async def _report_documents(conversation: Conversation) -> None:
    largest = len(
        encode(await Conversation.within(conversation.scope).find_one({"_id": conversation.id}) or {})
    )
    segments = await MessageSegment.within(conversation.scope).find({}, limit=1_000_000)
    largest = max([largest, *(len(encode(segment)) for segment in segments)])
    print(f"segments: {len(segments)}; largest document: {largest / 1024:.0f} KiB")


async def _report_pages(conversation: Conversation, count: int) -> None:
    for name, where in (("newest", {}), ("oldest", {"after": 0}), ("middle", {"before": count // 2})):
        times = []
        for _ in range(50):
            started = perf_counter()
            page = await store.read_page(conversation.scope, conversation.id, limit=50, **where)
            times.append((perf_counter() - started) * 1000)
        print(
            f"page of 50, {name}: seq {page.rows[0].seq}..{page.rows[-1].seq}, "
            f"median {statistics.median(times):.2f} ms"
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--messages", type=int, default=20_000)
    asyncio.run(grow(parser.parse_args().messages))
