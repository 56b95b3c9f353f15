"""What can go wrong for clients of OpenAI's API."""

from collections.abc import Sequence

from crafter.calling.outcomes import error_type
from crafter.core.errors import (
    BadInput,
    CrafterError,
    NotFound,
    TooManyRequests,
    Unavailable,
    UpstreamFailed,
)

_LONGEST_PAUSE_SECONDS = 3_600


class ModelNotFound(NotFound):
    """Nothing of that name can be asked in this project: no model with a usable key, and no agent."""

    code = "MODEL_NOT_FOUND"
    message = "No such model or agent in this project. GET /openai/v1/models lists what there is."

    def __init__(self, nearest: Sequence[str] = ()) -> None:
        meant = f" Did you mean {', '.join(nearest)}?" if nearest else ""
        super().__init__(self.message + meant, nearest=list(nearest))


class ProjectNotFound(NotFound):
    """The project that a header names is not there for this key."""

    code = "PROJECT_NOT_FOUND"
    message = "No such project for this key. Send the id of one in the header OpenAI-Project, or none."


class NoProject(NotFound):
    """The key has no project to work in."""

    code = "NO_PROJECT"
    message = "This key has no project to work in. Create one, or allow the key in one."


class AgentHasItsOwn(BadInput):
    """Something that cannot be chosen for an agent; the sentence says what."""

    code = "AGENT_HAS_ITS_OWN"
    message = "An agent has its own tools: leave out tools, tool_choice and parallel_tool_calls."


class AnswerInterrupted(Unavailable):
    """The server stops."""

    code = "ANSWER_INTERRUPTED"
    message = "The server is stopping. Send the request again shortly."


class RefusedByProvider(BadInput):
    """The provider does not take the request as it is; repeating it does not help."""

    code = "REFUSED_BY_PROVIDER"
    message = "The provider refused the request."


class ContextTooLong(RefusedByProvider):
    """The messages are longer than the model can read."""

    code = "CONTEXT_LENGTH_EXCEEDED"
    message = "The messages are longer than the model can read."


class ContentFiltered(RefusedByProvider):
    """The provider does not answer to such content."""

    code = "CONTENT_FILTER"
    message = "The provider does not answer to such content."


class LimitedByProvider(TooManyRequests):
    """The provider wants fewer calls with this project's key, or none."""

    code = "PROVIDER_RATE_LIMITED"
    message = "The provider wants fewer calls with this project's key."


UPSTREAM: tuple[type[CrafterError], ...] = (
    RefusedByProvider,
    ContextTooLong,
    ContentFiltered,
    LimitedByProvider,
    UpstreamFailed,
)
"""What a provider's failure can look like to clients."""

_REFUSALS: dict[str, type[RefusedByProvider]] = {
    "invalid_request": RefusedByProvider,
    "context_length": ContextTooLong,
    "content_filter": ContentFiltered,
}


def as_clients_know_it(error: CrafterError) -> CrafterError:
    """A provider's failure under the status on which OpenAI's clients decide whether to repeat the request.

    What is wrong with the stored key stays a failure on our side of the call.
    """
    if not isinstance(error, UpstreamFailed):
        return error
    kind = error_type(error)
    if kind in _REFUSALS:
        return _REFUSALS[kind](error.message)
    if kind in ("rate_limit", "quota"):
        pause = error.details.get("retry_after")
        headers = {} if pause is None else {"Retry-After": str(min(int(pause), _LONGEST_PAUSE_SECONDS))}
        return LimitedByProvider(error.message, headers=headers)
    return error
