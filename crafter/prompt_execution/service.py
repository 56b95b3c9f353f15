"""Every query about the history and the cache of prompts."""

from contextlib import suppress
from datetime import datetime
from typing import Any

from pymongo.errors import DuplicateKeyError

from crafter.core.pagination import NumberedPage
from crafter.core.tenancy import Scope
from crafter.core.time import utc_now
from crafter.prompt_execution import pipelines
from crafter.prompt_execution.documents import PromptCache, PromptExecution
from crafter.prompt_execution.schemas import ExecutionRead
from crafter.prompts.documents import Prompt

_NEWEST_FIRST = (("createdAt", -1), ("_id", -1))


async def record_execution(execution: PromptExecution) -> None:
    """Add a run to the history."""
    await PromptExecution.within(execution.scope).insert(execution.to_stored())


async def list_executions(prompt: Prompt, page: NumberedPage) -> tuple[list[ExecutionRead], int]:
    """A page of a prompt's history, the newest first, and how many runs there are (counted up to 10,000)."""
    executions = PromptExecution.within(prompt.scope)
    where = {"prompt": prompt.id}
    rows = await executions.find(
        where, fields=ExecutionRead.fields(), sort=_NEWEST_FIRST, skip=page.skip, limit=page.limit
    )
    return [ExecutionRead.from_stored(row) for row in rows], await executions.count(where)


async def sum_up(scope: Scope, since: datetime, until: datetime) -> list[dict[str, Any]]:
    """The figures of the executions in a time: one row for each day, in order, named by the day's first moment.

    ``[{"_id", "calls", "tokens", "cost" (dollars), "success", "error", "cached"}]``, the last three in calls.
    """
    return await PromptExecution.within(scope).aggregate(pipelines.summed_up(since, until))


async def find_result(scope: Scope, request_hash: str) -> PromptCache | None:
    """The earlier answer to this request, which counts as used; None when there is none."""
    raw = await PromptCache.within(scope).change_one(
        {"hash": request_hash}, {"$inc": {"hits": 1}, "$set": {"last_accessed": utc_now()}}
    )
    return PromptCache.from_stored(raw) if raw is not None else None


async def keep_result(result: PromptCache) -> None:
    """Keep an answer for the next request of the kind; of several at once the first stays."""
    with suppress(DuplicateKeyError):
        await PromptCache.within(result.scope).insert(result.to_stored())


async def forget_results(prompt: Prompt) -> int:
    """Drop the answers that are kept for a prompt; tells how many there were."""
    return await PromptCache.within(prompt.scope).delete_many({"prompt": prompt.id})
