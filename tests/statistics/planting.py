"""Rows of the past: as they are stored, and kept aside for adding up by hand."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from crafter.agent_executions import service as execution_service
from crafter.agent_executions.documents import AgentExecution, TaskUsage
from crafter.agents.documents import Agent
from crafter.conversations.documents import Conversation, Message
from crafter.core.ids import new_id
from crafter.projects.documents import Project
from crafter.prompt_execution import service as prompt_execution_service
from crafter.prompt_execution.documents import ExecutionUsage, PromptExecution

RUN_STATUSES = ("completed", "failed", "timeout", "pending", "running")
PROMPT_STATUSES = ("success", "error", "cached")
STATES = ("agent_controlled", "handoff_requested", "human_controlled", "ended", "timeout", "archived")


@dataclass
class Planted:
    """What was stored."""

    prompts: list[PromptExecution] = field(default_factory=list)
    runs: list[AgentExecution] = field(default_factory=list)
    conversations: list[Conversation] = field(default_factory=list)

    async def prompt(self, project: Project, at: datetime, status: Any, n: int) -> None:
        row = PromptExecution(
            organization=project.organization,
            project=project.id,
            prompt=new_id(),
            api_key=new_id(),
            status=status,
            usage=ExecutionUsage(total_tokens=10 + n, cost=0.001 * n),
            createdAt=at,
        )
        await prompt_execution_service.record_execution(row)
        self.prompts.append(row)

    async def run(self, agent: Agent, at: datetime, status: Any = "completed", n: int = 1) -> AgentExecution:
        row = AgentExecution(
            organization=agent.organization,
            project=agent.project,
            agent=agent.id,
            status=status,
            usage=TaskUsage(total_tokens=100 + n, cost=0.01 * n, tool_calls_count=n % 3),
            execution_time_ms=None if status in ("pending", "running") else 7 * n,
            createdAt=at,
        )
        await execution_service.add_execution(row)
        self.runs.append(row)
        return row

    async def conversation(self, agent: Agent, at: datetime, status: str, n: int, **fields: Any) -> None:
        row = Conversation(
            organization=agent.organization,
            project=agent.project,
            agent=agent.id,
            user_identifier="u",
            status=status,
            messages=[Message(role="user", content="x")] * (n % 4),
            moved=n % 2 * 50,
            created_at=at,
            **fields,
        )
        row.metadata.total_tokens_used = 1000 + n
        row.metadata.total_cost = 0.1 * n
        row.metadata.tools_executed_count = n % 5
        await Conversation.within(agent.scope).insert(row.to_stored())
        self.conversations.append(row)

    async def everything(self, agents: list[Agent], projects: list[Project], now: datetime) -> None:
        """Rows of every status on several days, from just now back to six weeks ago."""
        number = count(1)
        for days in (0, 0.5, 2, 6, 8, 20, 29, 31, 45):
            at = now - timedelta(days=days, seconds=5)
            for project in projects:
                for status in PROMPT_STATUSES:
                    await self.prompt(project, at, status, next(number))
            for agent in agents:
                for run_status in RUN_STATUSES:
                    await self.run(agent, at, run_status, next(number))
                for state in STATES:
                    await self.conversation(agent, at, state, next(number))
        await self.conversation(
            agents[0], now - timedelta(seconds=9), "agent_controlled", next(number), archived=True
        )
        await self.conversation(
            agents[0], now - timedelta(seconds=9), "agent_controlled", next(number), lifecycle="archived"
        )
        await Conversation.within(agents[0].scope).insert(
            Conversation(
                organization=agents[0].organization,
                project=agents[0].project,
                agent=agents[0].id,
                user_identifier="u",
                lifecycle="deleted",
            ).to_stored()
        )


def messages_in(conversations: list[Conversation]) -> int:
    return sum(row.moved + len(row.messages) for row in conversations)


def active_of(conversations: list[Conversation]) -> int:
    active = {"agent_controlled", "handoff_requested", "human_controlled"}
    return sum(
        row.status in active and not row.archived and row.lifecycle == "active" for row in conversations
    )


def whole(amount: float, of: int) -> int:
    return int(amount / of + 0.5) if of else 0
