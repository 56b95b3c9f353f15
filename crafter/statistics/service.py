"""Puts the figures of an organization together: every collection is asked once, all at the same time."""

import asyncio

from crafter.agent_executions import service as execution_service
from crafter.agents import service as agent_service
from crafter.agents.documents import Agent
from crafter.agents.errors import AgentNotFound
from crafter.conversations import service as conversation_service
from crafter.core.tenancy import Scope
from crafter.projects import service as project_service
from crafter.prompt_execution import service as prompt_execution_service
from crafter.statistics import presentation
from crafter.statistics.periods import Period
from crafter.statistics.schemas import AgentStatistics, Dashboard

_RECENT_OF_ALL = 10
_RECENT_OF_ONE = 20


async def get_dashboard(scope: Scope, period: Period) -> Dashboard:
    """What the organization has used."""
    prompts, runs, conversations, recent, agents, projects = await asyncio.gather(
        prompt_execution_service.sum_up(scope, period.start, period.end),
        execution_service.sum_up(scope, period.start, period.end),
        conversation_service.sum_up(scope, period.start, period.end),
        execution_service.list_recent(scope, limit=_RECENT_OF_ALL),
        agent_service.count_agents(scope),
        project_service.count_projects(scope),
    )
    top = [row for row in runs.agents if isinstance(row["_id"], str)]
    named = [*(row["_id"] for row in top), *(str(row.get("agent")) for row in recent)]
    names = await agent_service.find_summaries(scope, named)
    return Dashboard(
        period=period.name,
        time_range=presentation.show_range(period),
        overview=presentation.show_overview(
            prompts, runs.days, conversations, agents=agents, projects=projects
        ),
        prompt_executions=presentation.show_prompts(prompts),
        agent_executions=presentation.show_runs(runs.days),
        conversations=presentation.show_conversations(conversations),
        recent_activity=[presentation.show_run_of_agent(row, names) for row in recent],
        top_agents=[presentation.show_top_agent(row, names) for row in top],
        daily_usage=presentation.show_days(prompts, runs.days, conversations),
    )


async def get_agent_statistics(agent: Agent, period: Period) -> AgentStatistics:
    """What one agent has used."""
    runs, conversations, recent = await asyncio.gather(
        execution_service.sum_up(agent.scope, period.start, period.end, agent_id=agent.id),
        conversation_service.sum_up(agent.scope, period.start, period.end, agent_id=agent.id),
        execution_service.list_recent(agent.scope, limit=_RECENT_OF_ONE, agent_id=agent.id),
    )
    return presentation.show_agent(agent, period, runs.days, conversations, recent)


async def get_agent(scope: Scope, agent_id: str) -> Agent:
    """An agent of any of the organization's projects. Raises AgentNotFound, with this place's sentence."""
    try:
        return await agent_service.get_agent(scope, agent_id)
    except AgentNotFound:
        raise AgentNotFound("Agent not found in this organization") from None
