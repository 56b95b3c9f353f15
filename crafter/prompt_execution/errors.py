"""What can go wrong when a prompt is run.

A vendor's failure keeps its class, and with it its status and code; what it said goes into ``details``, and the
contract's sentence takes its place.
"""

from crafter.core.errors import BadInput, NotFound, Unavailable, UpstreamFailed


class PromptNotConfigured(BadInput):
    """The prompt has no content."""

    code = "PROMPT_NOT_CONFIGURED"
    message = "Prompt content not configured"


class PromptKeyNotConfigured(BadInput):
    """The prompt has no provider key, or it was deleted."""

    code = "PROMPT_API_KEY_NOT_CONFIGURED"
    message = "No API key configured for this prompt"


class ModelRequired(BadInput):
    """There is no model to ask."""

    code = "MODEL_REQUIRED"
    message = "LLM settings with model required"


class ContentRequired(BadInput):
    """There is nothing to try out."""

    code = "CONTENT_REQUIRED"
    message = "Prompt content is required"


class KeyIdRequired(BadInput):
    """Nothing says with which key to try it out."""

    code = "API_KEY_ID_REQUIRED"
    message = "API key ID is required"


class TrialKeyInactive(BadInput):
    """The key to try it with was switched off."""

    code = "CREDENTIAL_INACTIVE"
    message = "API key is not active"


class TrialKeyNotFound(NotFound):
    """There is no such key in any organization of the caller."""

    code = "API_KEY_NOT_FOUND"
    message = "API key not found"


class ExecutionInterrupted(Unavailable):
    """The server stops before the model has answered."""

    code = "EXECUTION_INTERRUPTED"
    message = "The server is stopping. Run the prompt again shortly."


def in_short(failure: UpstreamFailed, sentence: str) -> UpstreamFailed:
    """The failure with the contract's sentence; what the vendor said becomes its ``details``."""
    failure.details["details"] = failure.message
    failure.message = sentence
    return failure
