"""Statistics on the wire, under the contract's names. Costs are dollars, times milliseconds."""

from pydantic import Field

from crafter.core.documents import OmitNone
from crafter.core.ids import EntityId
from crafter.core.schemas import Number, ResponseBody, WireTime


class TimeRange(ResponseBody):
    """The time that the figures are about."""

    start: WireTime
    end: WireTime


class Overview(ResponseBody):
    """Everything together. Agents and projects are all that there are, also those of earlier."""

    total_tokens_used: Number = Field(alias="totalTokensUsed")
    total_cost: Number = Field(alias="totalCost")
    total_api_calls: Number = Field(alias="totalApiCalls")
    total_conversations: Number = Field(alias="totalConversations")
    total_agents: int = Field(alias="totalAgents")
    total_projects: int = Field(alias="totalProjects")


class PromptBreakdown(ResponseBody):
    """Executions of prompts by how they ended."""

    successful: Number
    errors: Number
    cached: Number


class PromptFigures(ResponseBody):
    """Executions of prompts. ``successRate`` is the percentage that a model has answered."""

    total_calls: Number = Field(alias="totalCalls")
    total_tokens: Number = Field(alias="totalTokens")
    total_cost: Number = Field(alias="totalCost")
    avg_tokens_per_call: Number = Field(alias="avgTokensPerCall")
    success_rate: Number = Field(alias="successRate")
    breakdown: PromptBreakdown


class RunBreakdown(ResponseBody):
    """Runs of task agents by how they ended; those that still run are in none."""

    completed: Number
    failed: Number
    pending: Number


class RunFigures(ResponseBody):
    """Runs of task agents."""

    total_executions: Number = Field(alias="totalExecutions")
    total_tokens: Number = Field(alias="totalTokens")
    total_cost: Number = Field(alias="totalCost")
    total_tool_calls: Number = Field(alias="totalToolCalls")
    avg_execution_time: Number = Field(alias="avgExecutionTime")
    success_rate: Number = Field(alias="successRate")
    breakdown: RunBreakdown


class ConversationBreakdown(ResponseBody):
    """Conversations that go on, and those with the status ``ended``."""

    active: Number
    ended: Number


class ConversationFigures(ResponseBody):
    """Conversations that were begun in the period. The average is a text with two decimals, or the number 0."""

    total: Number
    total_messages: Number = Field(alias="totalMessages")
    total_tokens: Number = Field(alias="totalTokens")
    total_cost: Number = Field(alias="totalCost")
    total_tools_executed: Number = Field(alias="totalToolsExecuted")
    avg_messages_per_conversation: str | int = Field(alias="avgMessagesPerConversation")
    breakdown: ConversationBreakdown


class RunTokens(ResponseBody):
    """What a run took."""

    total_tokens: Number = 0


class AgentName(ResponseBody):
    """An agent; without a name when it is gone."""

    stored_id: str = Field(alias="_id")
    id: str
    name: str | None


class RunOfAgent(ResponseBody):
    """A run, and whose it was; three of its facts also by the names that the web UI looks for."""

    stored_id: EntityId = Field(alias="_id")
    agent: AgentName
    status: str
    created_at: WireTime | None = Field(None, alias="createdAt")
    execution_time_ms: OmitNone[int] = None
    usage: RunTokens = Field(default_factory=RunTokens)
    agent_name: OmitNone[str] = Field(None, alias="agentName")
    timestamp: WireTime | None = None
    execution_time: OmitNone[int] = Field(None, alias="executionTime")


class TopAgent(ResponseBody):
    """One of the agents that ran most often; without a name when it is gone."""

    stored_id: str = Field(alias="_id")
    name: str | None
    total_executions: Number = Field(alias="totalExecutions")
    total_tokens: Number = Field(alias="totalTokens")
    total_cost: Number = Field(alias="totalCost")


class DayFigures(ResponseBody):
    """One day in UTC; ``executionCount`` are prompts and runs together, tokens and costs are of conversations too."""

    day: str = Field(alias="_id")
    execution_count: Number = Field(alias="executionCount")
    token_count: Number = Field(alias="tokenCount")
    cost_sum: Number = Field(alias="costSum")
    agent_executions: Number = Field(alias="agentExecutions")
    prompt_executions: Number = Field(alias="promptExecutions")
    conversations: Number


class Dashboard(ResponseBody):
    """What an organization has used. ``recentActivity`` are the last 10 runs of any time."""

    period: str
    time_range: TimeRange = Field(alias="timeRange")
    overview: Overview
    prompt_executions: PromptFigures = Field(alias="promptExecutions")
    agent_executions: RunFigures = Field(alias="agentExecutions")
    conversations: ConversationFigures
    recent_activity: list[RunOfAgent] = Field(alias="recentActivity")
    top_agents: list[TopAgent] = Field(alias="topAgents")
    daily_usage: list[DayFigures] = Field(alias="dailyUsage")


class AgentSummary(ResponseBody):
    """The agent that the figures are about."""

    id: EntityId
    name: str
    type: str


class AgentRunFigures(ResponseBody):
    """Runs of the agent."""

    total: Number
    completed: Number
    failed: Number
    success_rate: Number = Field(alias="successRate")
    avg_execution_time: Number = Field(alias="avgExecutionTime")
    total_tokens: Number = Field(alias="totalTokens")
    total_cost: Number = Field(alias="totalCost")
    total_tool_calls: Number = Field(alias="totalToolCalls")


class AgentConversationFigures(ResponseBody):
    """Conversations with the agent that were begun in the period."""

    total: Number
    active: Number
    total_messages: Number = Field(alias="totalMessages")
    avg_messages_per_conversation: str | int = Field(alias="avgMessagesPerConversation")
    total_tokens: Number = Field(alias="totalTokens")
    total_cost: Number = Field(alias="totalCost")


class Run(ResponseBody):
    """A run; ``timestamp`` and ``executionTime`` repeat two fields, since the web UI looks for these."""

    stored_id: EntityId = Field(alias="_id")
    type: str = "task"
    status: str
    created_at: WireTime | None = Field(None, alias="createdAt")
    timestamp: WireTime | None = None
    execution_time_ms: OmitNone[int] = None
    execution_time: OmitNone[int] = Field(None, alias="executionTime")
    usage: RunTokens = Field(default_factory=RunTokens)


class AgentStatistics(ResponseBody):
    """What one agent has used. ``recentActivity`` are its last 20 runs of any time."""

    agent: AgentSummary
    period: str
    time_range: TimeRange = Field(alias="timeRange")
    executions: AgentRunFigures
    conversations: AgentConversationFigures
    recent_activity: list[Run] = Field(alias="recentActivity")
