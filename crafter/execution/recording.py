"""A run of a model as the message that is stored of it."""

from collections.abc import Mapping
from typing import Any

from bson import ObjectId

from crafter.agents.documents import Agent
from crafter.conversations.documents import Message, ThinkingStep, TokenUsage
from crafter.core.errors import CrafterError
from crafter.execution.reasoning import Reasoning
from crafter.execution.toolbox import ToolRun


def answer_message(agent: Agent, reasoning: Reasoning, seconds: float) -> Message:
    """The whole answer, with what it took."""
    facts: dict[str, Any] = {"state": "complete", "finish_reason": reasoning.finish_reason}
    if reasoning.dropped_parameters:
        facts["dropped_parameters"] = list(reasoning.dropped_parameters)
    return _message(agent, reasoning, seconds, facts)


def partial_message(
    agent: Agent, reasoning: Reasoning, seconds: float, error: CrafterError
) -> Message | None:
    """What there is of an answer that failed; None when there is nothing to keep."""
    if not reasoning.said and not reasoning.runs:
        return None
    return _message(agent, reasoning, seconds, {"state": "partial", "error": error.code})


def counters_of(reasoning: Reasoning) -> dict[str, float]:
    """What a conversation's running totals are raised by."""
    raised: dict[str, float] = {
        "metadata.total_tokens_used": reasoning.usage.total_tokens,
        "metadata.total_cost": reasoning.cost or 0.0,
        "metadata.tools_executed_count": len(reasoning.runs),
    }
    return {field: amount for field, amount in raised.items() if amount}


def _message(agent: Agent, reasoning: Reasoning, seconds: float, facts: Mapping[str, Any]) -> Message:
    about: dict[str, Any] = {
        "provider": reasoning.connection.provider,
        "model": reasoning.connection.model_name,
        "latency_ms": round(seconds * 1000),
        **facts,
    }
    usage, cost = reasoning.usage, reasoning.cost
    if usage.estimated:
        about["usage_estimated"] = True
    if usage.total_tokens and cost is None:
        about["cost_unknown"] = True
    steps = reasoning.steps if agent.config.enable_thinking else []
    spent = TokenUsage(
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens,
        total_tokens=usage.total_tokens,
        cost=cost or 0.0,
    )
    return Message(
        role="assistant",
        content=reasoning.text,
        thinking_process=[
            ThinkingStep(
                step=one.step, reasoning=one.reasoning, tool_name=one.tool_name, timestamp=one.timestamp
            )
            for one in steps
        ],
        tools_used=[_tool_used(run) for run in reasoning.runs],
        token_usage=spent if usage.total_tokens else None,
        metadata=about,
    )


def _tool_used(run: ToolRun) -> dict[str, Any]:
    """A run of a tool as it is stored; one that failed has an ``error`` in the place of its result."""
    outcome = {"result": run.result} if run.error is None else {"error": run.error}
    return {
        "_id": ObjectId(),
        "tool_name": run.tool_name,
        "parameters": run.parameters,
        **outcome,
        "execution_time_ms": run.milliseconds,
        "timestamp": run.timestamp,
    }
