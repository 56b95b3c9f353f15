"""What can go wrong with agents."""

from crafter.core.errors import BadInput, NotFound, TooLarge, Unprocessable


class AgentNotFound(NotFound):
    """There is no such agent in this project."""

    code = "AGENT_NOT_FOUND"
    message = "Agent not found"


class AgentNameTaken(BadInput):
    """Another agent of the project has that name."""

    code = "AGENT_NAME_TAKEN"
    message = "Agent name already exists in this project"


class InvalidModel(BadInput):
    """The key's provider does not offer the model; ``nearest`` names those that come close."""

    code = "INVALID_MODEL"
    message = "Invalid model for selected provider"


class MaxTokensTooLarge(Unprocessable):
    """The model cannot write that much; ``limit`` is how many tokens it can."""

    code = "MAX_TOKENS_TOO_LARGE"
    message = "max_tokens is more than the model can write"


class InvalidTools(BadInput):
    """Some of the tools are not in the catalogue, or not active."""

    code = "INVALID_TOOLS"
    message = "Invalid tools"


class SuggestionsIncomplete(BadInput):
    """Suggestions need a key and a model of their own."""

    code = "SUGGESTIONS_INCOMPLETE"
    message = "API key and model are required when enabling question suggestions"


class SuggestionKeyNotFound(NotFound):
    """The key for suggestions is not one of this project."""

    code = "SUGGESTION_API_KEY_NOT_FOUND"
    message = "Suggestion API key not found in this project"


class InvalidSuggestionModel(BadInput):
    """The suggestion key's provider does not offer the model; ``nearest`` names those that come close."""

    code = "INVALID_SUGGESTION_MODEL"
    message = "Invalid suggestion model for selected provider"


class InvalidTransformer(BadInput):
    """A message transformer is incomplete, or its pattern or address is not valid."""

    code = "INVALID_MESSAGE_TRANSFORMER"
    message = "message_transformers: not valid"


class MetadataTooLarge(TooLarge):
    """The agent's metadata does not fit."""

    code = "METADATA_TOO_LARGE"
    message = "The metadata is larger than 64 KiB of JSON"


class SecretRequired(Unprocessable):
    """A mask stands for the stored secret of a webhook, and there is none for this address."""

    code = "SECRET_REQUIRED"
    message = "No secret is stored for this webhook address. Enter the secret again."
