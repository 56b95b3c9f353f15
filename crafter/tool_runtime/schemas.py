"""Executions on the wire."""

from typing import Any

from crafter.core.schemas import ContractBody, ResponseBody


class ExecuteInput(ContractBody):
    """The arguments of the tool."""

    parameters: dict[str, Any] | None = None


class Executed(ResponseBody):
    """What the tool made of it, and how long that took."""

    success: bool = True
    result: dict[str, Any]
    execution_time_ms: int
    tool_name: str
