"""What can go wrong with a turn."""

from crafter.api_keys.errors import NOT_USABLE, CredentialLimited
from crafter.budgets.errors import BUDGET_REFUSALS
from crafter.calling.errors import CapabilityMissing, ModelRetired
from crafter.conversations.errors import ConversationArchived, ConversationOfAnother
from crafter.core.errors import BadInput, Unavailable
from crafter.prompts.errors import InvalidTemplate, RenderingTooLarge


class NotAChatbot(BadInput):
    """Only chatbots hold conversations."""

    code = "NOT_A_CHATBOT"
    message = "Agent is not a chatbot type"


class NoKeyConfigured(BadInput):
    """The agent has no provider key, or it was deleted."""

    code = "NO_API_KEY"
    message = "No API key configured for this agent"


class SharedPromptGone(BadInput):
    """The prompt that the agent takes its instructions from was deleted."""

    code = "PROMPT_GONE"
    message = "The prompt of this agent was deleted. Choose another one."


class TurnInterrupted(Unavailable):
    """The server stops; what was said until then is stored."""

    code = "TURN_INTERRUPTED"
    message = "The server is stopping. What was answered so far is stored; send the message again shortly."


NOT_READY = (
    NoKeyConfigured,
    SharedPromptGone,
    InvalidTemplate,
    RenderingTooLarge,
    *NOT_USABLE,
    CredentialLimited,
    *BUDGET_REFUSALS,
    CapabilityMissing,
    ModelRetired,
)
"""What an agent cannot be run for, whatever it is to do."""

REFUSALS = (NotAChatbot, *NOT_READY, ConversationOfAnother, ConversationArchived)
"""What a turn can be refused with."""
