"""``json_processor``: JSON text into values and back, and single values out of it."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from crafter.edge.strict_json import InvalidJson, loads
from crafter.tool_runtime.errors import ToolFailed

_MAX_STEPS = 64
_DIGITS = 9
_SHOWN_PATH = 200


def process_json(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """``{"operation", "result", "success"}``. Raises ToolFailed."""
    operation = arguments.get("operation", "parse")
    try:
        result = _OPERATIONS[operation](arguments["data"], arguments.get("path"))
    except InvalidJson as error:
        raise _failed(error.message) from None
    return {"operation": operation, "result": result, "success": True}


def _parse(data: Any, _: str | None) -> Any:
    return loads(data.encode()) if isinstance(data, str) else data


def _stringify(data: Any, _: str | None) -> str:
    return json.dumps(data, indent=2, ensure_ascii=False)


def _extract(data: Any, path: str | None) -> Any:
    """What is at a path of names and positions, such as ``user.orders.0.total``."""
    if not path:
        raise _failed("Path parameter required for extract operation")
    steps = path.split(".")
    if len(steps) > _MAX_STEPS:
        raise _failed(f"The path has more than {_MAX_STEPS} steps")
    value = _parse(data, None)
    for number, step in enumerate(steps, start=1):
        if isinstance(value, dict) and step in value:
            value = value[step]
        elif isinstance(value, list) and (position := _position(step)) in range(len(value)):
            value = value[position]
        else:
            raise _failed(f"There is nothing at '{'.'.join(steps[:number])[:_SHOWN_PATH]}'")
    return value


def _position(step: str) -> int:
    """The position that a step names; -1 if it names none."""
    return int(step) if step.isascii() and step.isdecimal() and len(step) <= _DIGITS else -1


def _validate(data: Any, _: str | None) -> dict[str, Any]:
    try:
        value = _parse(data, None)
    except InvalidJson as error:
        return {"valid": False, "error": error.message}
    keys = list(value) if isinstance(value, dict) else None
    return {"valid": True, "type": _kind(value), "keys": keys}


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    kinds = {dict: "object", list: "array", str: "string", bool: "boolean"}
    return kinds.get(type(value), "number")


def _failed(reason: str) -> ToolFailed:
    return ToolFailed(f"JSON processing error: {reason}")


_OPERATIONS: Mapping[str, Callable[[Any, str | None], Any]] = {
    "parse": _parse,
    "stringify": _stringify,
    "extract": _extract,
    "validate": _validate,
}
