"""Tasks on the wire: what is to be done, and what came of it."""

import json
from typing import Annotated, Any

from pydantic import AfterValidator, AliasChoices, Field

from crafter.agent_executions.documents import ExecutionStatus
from crafter.agent_executions.schemas import StepRead, ToolRunRead
from crafter.conversations.schemas import UserIdentifier
from crafter.core.ids import EntityId
from crafter.core.schemas import ContractBody, ResponseBody
from crafter.edge.strict_json import check_free_object
from crafter.execution.schemas import FreeObject, UsageRead

MAX_INPUT_BYTES = 256 * 1024


def as_input_text(value: Any) -> str:
    """An input as text: JSON, if it is no text already."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _is_something(value: Any) -> Any:
    blank = isinstance(value, str) and not value.strip()
    if blank or value in (None, [], {}):
        raise ValueError("Invalid value: must not be empty")
    return value


def _fits(value: Any) -> Any:
    if len(as_input_text(value).encode()) > MAX_INPUT_BYTES:
        raise ValueError(f"An input may have at most {MAX_INPUT_BYTES:,} bytes of JSON")
    return value


TaskInput = Annotated[
    Any, AfterValidator(_is_something), AfterValidator(check_free_object), AfterValidator(_fits)
]
"""What is to be worked on: any JSON value that says something, at most 256 KiB."""


class TaskOrder(ContractBody):
    """What an agent is to do."""

    input: Annotated[TaskInput, Field(examples=["Summarize: the meeting is on Monday."])]
    user_identifier: UserIdentifier | None = None
    context: FreeObject = Field(default_factory=dict)


class TaskStreamOrder(TaskOrder):
    """What an agent is to do for a person, or for a program, which may use the SDK's names."""

    user_identifier: Annotated[
        UserIdentifier | None, Field(validation_alias=AliasChoices("user_identifier", "userIdentifier"))
    ] = None
    context: Annotated[
        FreeObject,
        Field(default_factory=dict, validation_alias=AliasChoices("context", "dynamicContext")),
    ]


class TaskAnswer(ResponseBody):
    """What an agent made of a task, and what it took."""

    execution_id: EntityId
    output: str
    output_files: list[dict[str, Any]]
    thinking_process: list[StepRead]
    tools_used: list[ToolRunRead]
    token_usage: UsageRead
    status: ExecutionStatus
