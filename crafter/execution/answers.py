"""A finished turn as one JSON answer."""

from typing import Any

from crafter.core.time import wire_time
from crafter.execution.asides.suggestions import Suggestions
from crafter.execution.reasoning import Reasoning
from crafter.execution.schemas import ChatAnswer, StepRead, SuggestionUsageRead, ToolUsedRead, UsageRead
from crafter.execution.turn import Completed, Turn, completion_of, start


def usage_of(completed: Completed | None) -> UsageRead:
    """What a turn took; nothing, when no model answered."""
    if completed is None:
        return UsageRead(prompt_tokens=0, completion_tokens=0, total_tokens=0, cost=0)
    return spent(completed.reasoning)


def spent(reasoning: Reasoning) -> UsageRead:
    """What a run of a model took so far."""
    usage = reasoning.usage
    return UsageRead(
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens,
        total_tokens=usage.total_tokens,
        cached_tokens=usage.cached_tokens or None,
        cost=reasoning.cost or 0.0,
    )


def tools_of(completed: Completed) -> list[ToolUsedRead]:
    """The tools that were run, in order."""
    return [
        ToolUsedRead(
            tool_name=run.tool_name,
            parameters=run.parameters,
            execution_time_ms=run.milliseconds,
            result=run.result,
            success=run.error is None,
            error=run.error,
        )
        for run in completed.reasoning.runs
    ]


def handoff_of(completed: Completed) -> dict[str, Any] | None:
    """The request for a human that the turn made, if it did."""
    if completed.handoff is None:
        return None
    info = completed.handoff.as_info()
    return {**info, "requested_at": wire_time(info["requested_at"])}


async def answer_to(turn: Turn) -> ChatAnswer:
    """The whole answer to a prepared turn, once it is stored. Raises what the turn failed with."""
    if turn.canned is not None:
        return _canned_answer(turn)
    start(turn, stream=False)
    return await _model_answer(turn)


def _canned_answer(turn: Turn) -> ChatAnswer:
    assert turn.canned is not None
    return ChatAnswer(
        conversation_id=turn.conversation.id,
        response=turn.canned.text,
        tools_used=[],
        token_usage=usage_of(None),
        handoff_requested=turn.canned.handoff_requested,
        handoff_info=turn.canned.handoff_info,
        current_handler=turn.canned.current_handler,
    )


async def _model_answer(turn: Turn) -> ChatAnswer:
    completed = await completion_of(turn)
    message = completed.message
    steps = [
        StepRead(step=step.step, tool_name=step.tool_name, reasoning=step.reasoning)
        for step in message.thinking_process
    ]
    return ChatAnswer(
        conversation_id=turn.conversation.id,
        message_id=str(message.id),
        response=message.content,
        thinking_process=steps,
        tools_used=tools_of(completed),
        token_usage=usage_of(completed),
        handoff_requested=True if completed.handoff else None,
        handoff_info=handoff_of(completed),
        suggestions=suggestions_of(completed),
        suggestion_usage=_suggestion_usage(completed.suggestions),
    )


def suggestions_of(completed: Completed | None) -> list[str] | None:
    """The questions that are suggested, if there are any."""
    suggested = completed.suggestions if completed else None
    return suggested.questions if suggested else None


def _suggestion_usage(suggested: Suggestions | None) -> SuggestionUsageRead | None:
    if suggested is None:
        return None
    said = suggested.said
    return SuggestionUsageRead(
        prompt_tokens=said.usage.prompt_tokens,
        completion_tokens=said.usage.completion_tokens,
        total_tokens=said.usage.total_tokens,
        cost=said.cost,
        model=said.model,
        execution_time_ms=said.milliseconds,
    )
