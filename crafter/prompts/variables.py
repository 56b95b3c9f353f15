"""Which values a prompt gets: what was given, checked against what it declares."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from crafter.core.errors import FieldError, ValidationFailed
from crafter.prompts.settings import PromptVariable, VariableType

_SHOWN = 100

_CHECKS: Mapping[VariableType, tuple[str, Callable[[Any], bool]]] = {
    "string": ("a string", lambda value: isinstance(value, str)),
    "number": ("a number", lambda value: isinstance(value, int | float) and not isinstance(value, bool)),
    "boolean": ("a boolean", lambda value: isinstance(value, bool)),
    "array": ("an array", lambda value: isinstance(value, list)),
}


def fits(kind: VariableType, value: Any) -> bool:
    """Whether the value is of the type."""
    return _CHECKS[kind][1](value)


def bind(declared: Sequence[PromptVariable], given: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a prompt's variables: what is given, or else their defaults. ``null`` is not given.

    A prompt that declares nothing takes anything. Raises ValidationFailed, which names every variable that is
    missing, unknown, or of another type.
    """
    if not declared:
        return dict(given)
    names = {variable.name for variable in declared}
    errors = [_error(name, "is not a variable of this prompt") for name in given if name not in names]
    bound: dict[str, Any] = {}
    for variable in declared:
        value = given.get(variable.name)
        if value is None:
            value = variable.default_value
        elif not fits(variable.type, value):
            errors.append(_error(variable.name, f"must be {_CHECKS[variable.type][0]}"))
        if value is None:
            errors.append(_error(variable.name, "is required"))
        bound[variable.name] = value
    if errors:
        raise ValidationFailed(errors)
    return bound


def require_bound(names: Iterable[str], values: Mapping[str, Any]) -> None:
    """Raises ValidationFailed, which names those that have no value."""
    missing = dict.fromkeys(name for name in names if values.get(name) is None)
    if missing:
        raise ValidationFailed([_error(name, "is required") for name in missing])


def _error(name: str, what: str) -> FieldError:
    shown = name[:_SHOWN]
    pointer = "/variables/" + shown.replace("~", "~0").replace("/", "~1")
    return FieldError(f"variables.{shown}", f"{shown} {what}", pointer=pointer)
