"""How figures are answered: sums, averages and rates of the rows that the features' services count."""

from collections.abc import Mapping, Sequence
from math import floor
from typing import Any

from crafter.agents.documents import Agent
from crafter.core.figures import number, total
from crafter.statistics.periods import Period
from crafter.statistics.schemas import (
    AgentConversationFigures,
    AgentRunFigures,
    AgentStatistics,
    AgentSummary,
    ConversationBreakdown,
    ConversationFigures,
    DayFigures,
    Overview,
    PromptBreakdown,
    PromptFigures,
    Run,
    RunBreakdown,
    RunFigures,
    RunOfAgent,
    TimeRange,
    TopAgent,
)

Row = Mapping[str, Any]
Rows = Sequence[Row]
Names = Mapping[str, Row]


def show_range(period: Period) -> TimeRange:
    """The time that the figures are about."""
    return TimeRange(start=period.start, end=period.end)


def show_overview(prompts: Rows, runs: Rows, conversations: Rows, *, agents: int, projects: int) -> Overview:
    """Everything together."""
    everything = [*prompts, *runs, *conversations]
    return Overview(
        total_tokens_used=total(everything, "tokens"),
        total_cost=total(everything, "cost"),
        total_api_calls=total(prompts, "calls") + total(runs, "runs"),
        total_conversations=total(conversations, "conversations"),
        total_agents=agents,
        total_projects=projects,
    )


def show_prompts(days: Rows) -> PromptFigures:
    """Executions of prompts."""
    calls, tokens = total(days, "calls"), total(days, "tokens")
    successful = total(days, "success")
    return PromptFigures(
        total_calls=calls,
        total_tokens=tokens,
        total_cost=total(days, "cost"),
        avg_tokens_per_call=_rounded(tokens, calls),
        success_rate=_percentage(successful, calls),
        breakdown=PromptBreakdown(
            successful=successful, errors=total(days, "error"), cached=total(days, "cached")
        ),
    )


def show_runs(days: Rows) -> RunFigures:
    """Runs of task agents."""
    runs, completed = total(days, "runs"), total(days, "completed")
    return RunFigures(
        total_executions=runs,
        total_tokens=total(days, "tokens"),
        total_cost=total(days, "cost"),
        total_tool_calls=total(days, "tool_calls"),
        avg_execution_time=_rounded(total(days, "milliseconds"), total(days, "timed")),
        success_rate=_percentage(completed, runs),
        breakdown=RunBreakdown(
            completed=completed, failed=total(days, "failed"), pending=total(days, "pending")
        ),
    )


def show_conversations(days: Rows) -> ConversationFigures:
    """Conversations of all agents."""
    return ConversationFigures(
        total=total(days, "conversations"),
        total_messages=total(days, "messages"),
        total_tokens=total(days, "tokens"),
        total_cost=total(days, "cost"),
        total_tools_executed=total(days, "tools"),
        avg_messages_per_conversation=_average_text(total(days, "messages"), total(days, "conversations")),
        breakdown=ConversationBreakdown(active=total(days, "active"), ended=total(days, "ended")),
    )


def show_run_of_agent(row: Row, names: Names) -> RunOfAgent:
    """A run, and whose it was."""
    agent_id = str(row.get("agent"))
    name = _name(names, agent_id)
    agent = {"_id": agent_id, "id": agent_id, "name": name}
    return RunOfAgent.from_stored({**row, "agent": agent, "agentName": name, **_for_the_ui(row)})


def show_top_agent(row: Row, names: Names) -> TopAgent:
    """One of the agents that ran most often."""
    return TopAgent(
        stored_id=str(row["_id"]),
        name=_name(names, str(row["_id"])),
        total_executions=number(row["runs"]),
        total_tokens=number(row["tokens"]),
        total_cost=number(row["cost"]),
    )


def show_days(prompts: Rows, runs: Rows, conversations: Rows) -> list[DayFigures]:
    """The days on which there was something, in order."""
    days = sorted({row["_id"] for row in (*prompts, *runs, *conversations)})
    shown = []
    for day in days:
        prompt_rows, run_rows, conversation_rows = (
            [row for row in rows if row["_id"] == day] for rows in (prompts, runs, conversations)
        )
        everything = [*prompt_rows, *run_rows, *conversation_rows]
        calls, executions = total(prompt_rows, "calls"), total(run_rows, "runs")
        shown.append(
            DayFigures(
                day=f"{day:%Y-%m-%d}",
                execution_count=calls + executions,
                token_count=total(everything, "tokens"),
                cost_sum=total(everything, "cost"),
                agent_executions=executions,
                prompt_executions=calls,
                conversations=total(conversation_rows, "conversations"),
            )
        )
    return shown


def show_agent(
    agent: Agent, period: Period, runs: Rows, conversations: Rows, recent: Rows
) -> AgentStatistics:
    """What one agent has used."""
    of_runs, of_conversations = show_runs(runs), show_conversations(conversations)
    return AgentStatistics(
        agent=AgentSummary(id=agent.id, name=agent.name, type=agent.type),
        period=period.name,
        time_range=show_range(period),
        executions=AgentRunFigures(
            total=of_runs.total_executions,
            completed=of_runs.breakdown.completed,
            failed=of_runs.breakdown.failed,
            success_rate=of_runs.success_rate,
            avg_execution_time=of_runs.avg_execution_time,
            total_tokens=of_runs.total_tokens,
            total_cost=of_runs.total_cost,
            total_tool_calls=of_runs.total_tool_calls,
        ),
        conversations=AgentConversationFigures(
            total=of_conversations.total,
            active=of_conversations.breakdown.active,
            total_messages=of_conversations.total_messages,
            avg_messages_per_conversation=of_conversations.avg_messages_per_conversation,
            total_tokens=of_conversations.total_tokens,
            total_cost=of_conversations.total_cost,
        ),
        recent_activity=[show_run(row) for row in recent],
    )


def show_run(row: Row) -> Run:
    """A run, with the names that the web UI looks for."""
    return Run.from_stored({**row, **_for_the_ui(row)})


def _for_the_ui(row: Row) -> dict[str, Any]:
    """The facts of a run for which the web UI has names of its own."""
    return {"timestamp": row.get("createdAt"), "executionTime": row.get("execution_time_ms")}


def _name(names: Names, agent_id: str) -> str | None:
    name = names.get(agent_id, {}).get("name")
    return name if isinstance(name, str) else None


def _rounded(amount: float, count: float) -> int:
    """The average as a whole number, halves upwards; 0 of nothing."""
    return floor(amount / count + 0.5) if count else 0


def _percentage(part: float, whole: float) -> float:
    """With at most two decimals; 0 of nothing."""
    return round(100 * part / whole, 2) if whole else 0


def _average_text(amount: float, count: float) -> str | int:
    """As the web UI shows it: a text with two decimals, or the number 0."""
    return f"{amount / count:.2f}" if count else 0
