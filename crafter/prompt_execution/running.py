"""One run of a prompt: prepared while it can still be refused, then answered by the cache or by the model.

A model is asked by a task of its own: what it said and cost is stored even if the caller has left meanwhile.
"""

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from time import perf_counter
from typing import Any

from pydantic_core import to_json

from crafter.api_keys import service as api_key_service
from crafter.api_keys.documents import ApiKey
from crafter.api_keys.errors import ApiKeyNotFound
from crafter.calling.connection import Connection, connect
from crafter.calling.purposes import Purpose
from crafter.core.errors import CrafterError, UpstreamFailed
from crafter.core.runtime import Runtime
from crafter.core.tasks import to_its_end
from crafter.llm.base import ChatMessage, ChatParameters, ChatRequest, Finished, Usage
from crafter.llm.providers import ChatModels
from crafter.prompt_execution import service as execution_service
from crafter.prompt_execution.documents import (
    ExecutionError,
    ExecutionMetadata,
    ExecutionUsage,
    PromptCache,
    PromptExecution,
)
from crafter.prompt_execution.errors import (
    ExecutionInterrupted,
    ModelRequired,
    PromptKeyNotConfigured,
    PromptNotConfigured,
    in_short,
)
from crafter.prompt_execution.schemas import ExecutionAnswer, UsageRead
from crafter.prompts.documents import Prompt
from crafter.prompts.rendering import Rendered, render_prompt
from crafter.prompts.settings import PromptParameters

FAILED = "Failed to execute prompt"


@dataclass(frozen=True, slots=True)
class Run:
    """A prompt that is about to be answered."""

    prompt: Prompt
    key: ApiKey
    connection: Connection
    request: ChatRequest
    user: str

    @property
    def request_hash(self) -> str:
        """What tells this request from every other: of another tenant, of another prompt, with another text."""
        request = self.request
        told = (
            self.prompt.organization,
            self.prompt.id,
            self.key.provider,
            request.model,
            request.parameters,
            request.messages,
        )
        return hashlib.sha256(to_json(told)).hexdigest()


async def prepare(
    runtime: Runtime, models: ChatModels, prompt: Prompt, user: str, variables: Mapping[str, Any]
) -> Run:
    """Check everything that can be refused; nothing is sent or stored yet.

    Raises PromptNotConfigured, PromptKeyNotConfigured, ModelRequired, what rendering and connecting raise.
    """
    if not prompt.content:
        raise PromptNotConfigured
    key = await _key_of(prompt)
    settings = prompt.llm_settings
    if settings is None or not settings.model:
        raise ModelRequired
    rendered = render_prompt(prompt, variables)
    purpose = Purpose("prompt", prompt=prompt.id, prompt_version=prompt.version, user=user)
    connection = await connect(key, settings.model, purpose, runtime, models)
    return Run(prompt, key, connection, build_request(settings.model, settings.parameters, rendered), user)


async def execute(runtime: Runtime, run: Run) -> ExecutionAnswer:
    """The answer to a run. Raises UpstreamFailed, EgressRefused and ExecutionInterrupted."""
    kept = await execution_service.find_result(run.prompt.scope, run.request_hash)
    if kept is not None:
        return await _answer_from_cache(run, kept)
    task = runtime.tasks.start(_ask(run), name=f"prompt {run.prompt.id}")
    outcome = await asyncio.shield(task)
    if isinstance(outcome, CrafterError):
        raise outcome
    return outcome


def build_request(model: str, parameters: PromptParameters | None, rendered: Rendered) -> ChatRequest:
    """What the model is asked."""
    messages = [ChatMessage("user", rendered.content)]
    if rendered.system_prompt:
        messages.insert(0, ChatMessage("system", rendered.system_prompt))
    chosen = parameters.model_dump(exclude_none=True) if parameters else {}
    return ChatRequest(model=model, messages=messages, parameters=ChatParameters(**chosen))


def usage_read(usage: Usage, cost: Decimal | None) -> UsageRead:
    """What an answer took. A model whose price nobody knows costs 0."""
    return UsageRead(
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens,
        total_tokens=usage.total_tokens,
        cached_tokens=usage.cached_tokens,
        cost=float(cost or 0),
    )


async def _key_of(prompt: Prompt) -> ApiKey:
    if not prompt.api_key:
        raise PromptKeyNotConfigured
    try:
        return await api_key_service.get_key(prompt.scope, prompt.api_key)
    except ApiKeyNotFound:
        raise PromptKeyNotConfigured from None


async def _answer_from_cache(run: Run, kept: PromptCache) -> ExecutionAnswer:
    usage = kept.usage.model_copy(update={"cost": 0.0})
    execution = _execution(run, status="cached", usage=usage, metadata=kept.metadata)
    await execution_service.record_execution(execution)
    told = UsageRead(**kept.usage.model_dump())
    return ExecutionAnswer(execution_id=execution.id, result=kept.result, usage=told, cached=True)


async def _ask(run: Run) -> ExecutionAnswer | CrafterError:
    """Have the model answer, and store how it went; answers a failure instead of raising it."""
    started = perf_counter()
    try:
        outcome: Finished | CrafterError = await run.connection.model.complete(run.request)
    except asyncio.CancelledError:  # the server is stopping, and waits until we have stored what there is
        outcome = ExecutionInterrupted()
    except CrafterError as error:
        outcome = error
    latency_ms = round((perf_counter() - started) * 1000)
    if isinstance(outcome, CrafterError):
        return await to_its_end(_store_failure(run, outcome, latency_ms))
    return await to_its_end(_store_answer(run, outcome, latency_ms))


async def _store_failure(run: Run, error: CrafterError, latency_ms: int) -> CrafterError:
    tally = run.connection.model.tally
    spent = usage_read(tally.usage, tally.cost)
    execution = _execution(
        run,
        status="error",
        usage=ExecutionUsage(**spent.model_dump(exclude={"cached_tokens"})),
        metadata=ExecutionMetadata(model=run.request.model),
        error=ExecutionError(message=error.message, code=error.code),
        latency_ms=latency_ms,
    )
    await execution_service.record_execution(execution)
    return in_short(error, FAILED) if isinstance(error, UpstreamFailed) else error


async def _store_answer(run: Run, finished: Finished, latency_ms: int) -> ExecutionAnswer:
    """The row of the history first: it says what was spent."""
    cost = run.connection.model.tally.cost
    told = usage_read(finished.usage, cost)
    usage = ExecutionUsage(**told.model_dump(exclude={"cached_tokens"}))
    metadata = ExecutionMetadata(model=run.request.model, finish_reason=finished.finish_reason)
    execution = _execution(
        run,
        status="success",
        usage=usage,
        metadata=metadata,
        latency_ms=latency_ms,
        usage_estimated=True if finished.usage.estimated else None,
        cost_unknown=True if cost is None else None,
    )
    await execution_service.record_execution(execution)
    await execution_service.keep_result(_result(run, finished.text, usage, metadata))
    return ExecutionAnswer(execution_id=execution.id, result=finished.text, usage=told, cached=False)


def _execution(run: Run, **fields: Any) -> PromptExecution:
    return PromptExecution(
        organization=run.prompt.organization,
        project=run.prompt.project,
        prompt=run.prompt.id,
        prompt_version=run.prompt.version,
        api_key=run.key.id,
        user=run.user,
        **fields,
    )


def _result(run: Run, text: str, usage: ExecutionUsage, metadata: ExecutionMetadata) -> PromptCache:
    return PromptCache(
        organization=run.prompt.organization,
        project=run.prompt.project,
        hash=run.request_hash,
        prompt=run.prompt.id,
        result=text,
        usage=usage,
        metadata=metadata,
    )
