"""What an end user has an agent do, and what came of it."""

from typing import Annotated, Any

from pydantic import AfterValidator, Field

from crafter.core.schemas import ContractBody
from crafter.execution.schemas import FreeObject
from crafter.execution.tasks.schemas import TaskAnswer, TaskInput, as_input_text
from crafter.external.schemas import SessionInfo

MAX_INPUT_LENGTH = 26_000


def _fits(value: Any) -> Any:
    if len(as_input_text(value)) > MAX_INPUT_LENGTH:
        raise ValueError(
            "Input must be less than 12000 characters"
        )  # the contract's sentence, and its number
    return value


class SessionTask(ContractBody):
    """What an agent is to do for an end user: at most 26,000 characters, of JSON where it is no text."""

    input: Annotated[
        TaskInput, AfterValidator(_fits), Field(examples=["Summarize: the meeting is on Monday."])
    ]
    context: FreeObject = Field(default_factory=dict)


class SessionTaskAnswer(TaskAnswer):
    """What an agent made of a task, what it took, and what is left of the session."""

    session_info: SessionInfo
