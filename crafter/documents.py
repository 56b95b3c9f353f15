"""The list of every class of document, for the connection, the indexes and the checks."""

from collections.abc import Sequence

from crafter.agent_executions.documents import AgentExecution
from crafter.agents.documents import Agent
from crafter.api_keys.documents import ApiKey
from crafter.auth.oauth.documents import UsedTicket
from crafter.budgets.documents import Budget, BudgetHold
from crafter.calls.documents import Call
from crafter.conversations.documents import Conversation, MessageSegment
from crafter.core.documents import BaseDocument
from crafter.operators.documents import ExternalOperator
from crafter.organizations.documents import Organization
from crafter.prices.documents import Price, SystemPrice
from crafter.projects.documents import Project
from crafter.prompt_execution.documents import PromptCache, PromptExecution
from crafter.prompts.documents import Prompt, PromptVersion
from crafter.providers.documents import Provider
from crafter.sessions.documents import SessionToken
from crafter.tools.documents import Tool
from crafter.usage.documents import UsageRollup
from crafter.user_api_keys.documents import UserApiKey
from crafter.users.documents import User

ALL_DOCUMENTS: Sequence[type[BaseDocument]] = (
    User,
    UsedTicket,
    Organization,
    Project,
    Provider,
    SystemPrice,
    Price,
    Tool,
    ApiKey,
    UserApiKey,
    Agent,
    Conversation,
    MessageSegment,
    AgentExecution,
    Prompt,
    PromptVersion,
    PromptExecution,
    PromptCache,
    Call,
    Budget,
    BudgetHold,
    UsageRollup,
    ExternalOperator,
    SessionToken,
)
