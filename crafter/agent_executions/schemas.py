"""Runs of task agents on the wire."""

from typing import Any

from pydantic import Field

from crafter.agent_executions.documents import (
    ExecutedTool,
    ExecutionStatus,
    TaskError,
    TaskMetadata,
    TaskStep,
    TaskUsage,
)
from crafter.core.documents import OmitNone
from crafter.core.ids import EntityId
from crafter.core.schemas import Resource, ResponseBody, WireTime


class StepRead(ResponseBody):
    """One step on the way to the output."""

    id: OmitNone[str] = Field(None, alias="_id")
    step: str
    reasoning: OmitNone[str] = None
    timestamp: WireTime | None = None
    data: Any = None

    @classmethod
    def of(cls, step: TaskStep) -> "StepRead":
        """The step as it is answered."""
        return cls.model_validate({**step.model_dump(by_alias=True), "_id": str(step.id)})


class ToolRunRead(ResponseBody):
    """One run of a tool."""

    id: OmitNone[str] = Field(None, alias="_id")
    tool_name: str
    parameters: Any = None
    result: Any = None
    execution_time_ms: int = 0
    status: str = "success"
    error_message: str | None = None
    timestamp: WireTime | None = None

    @classmethod
    def of(cls, run: ExecutedTool) -> "ToolRunRead":
        """The run as it is answered."""
        return cls.model_validate({**run.model_dump(by_alias=True), "_id": str(run.id)})


class ExecutionSummary(ResponseBody):
    """A run in a list."""

    stored_id: EntityId = Field(alias="_id")
    type: str = "task"
    status: ExecutionStatus
    usage: TaskUsage = Field(default_factory=TaskUsage)
    execution_time_ms: OmitNone[int] = None
    created_at: WireTime | None = Field(None, alias="createdAt")
    metadata: TaskMetadata = Field(default_factory=TaskMetadata)


class ExecutionPage(ResponseBody):
    """A page of an agent's runs, and how many there are, counted up to 10,000."""

    total: int
    page: int
    limit: int
    executions: list[ExecutionSummary]


class ExecutionRead(Resource):
    """One run, whole. Why it failed is told in a sentence; what the server's code looks like is not."""

    agent: EntityId
    type: str = "task"
    input: Any = None
    output: OmitNone[Any] = None
    status: ExecutionStatus
    thinking_process: list[StepRead] = Field(default_factory=list)
    tools_executed: list[ToolRunRead] = Field(default_factory=list)
    output_files: list[dict[str, Any]] = Field(default_factory=list)
    usage: TaskUsage = Field(default_factory=TaskUsage)
    metadata: TaskMetadata = Field(default_factory=TaskMetadata)
    error: OmitNone[TaskError] = None
    execution_time_ms: OmitNone[int] = None
    started_at: OmitNone[WireTime] = None
    completed_at: OmitNone[WireTime] = None
