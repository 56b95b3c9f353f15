"""Reading what was stored, also where it is not what we would have stored: one bad value cannot break a reader."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from enum import Enum
from functools import lru_cache
from types import NoneType
from typing import Annotated, Any, TypeAlias, TypeVar, get_args

import structlog
from pydantic import BaseModel, TypeAdapter, ValidationError

log = structlog.get_logger("crafter.documents")

M = TypeVar("M", bound=BaseModel)
Place: TypeAlias = tuple[str | int, ...]

_ROUNDS = 8
"""How often the rest of a broken value is tried: removing one failure can uncover another."""

_NO_ID = "00000000-0000-0000-0000-000000000000"
_SHOWN = 20


def read_tolerantly(model: type[M], raw: Mapping[str, Any]) -> M:
    """A stored value, without what does not fit. Never raises, whatever was stored.

    What is wrong is removed where it is, be it a field deep inside or an element of a list, and reported with the
    document's id. An object that lacks a field which it must have goes as a whole; the outermost one has the
    emptiest value of the field's type instead: no text, no elements, the id that nothing has.
    """
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        return _salvaged(model, _copied(raw) if isinstance(raw, Mapping) else {}, error)


def read_strictly(model: type[M], raw: Mapping[str, Any]) -> M | None:
    """A stored value, if all of it fits; what does not is reported with the document's id."""
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        fields = sorted({".".join(map(str, failure["loc"])) for failure in error.errors(include_url=False)})
        log.warning("damaged_document", model=model.__name__, id=str(raw.get("_id")), fields=fields[:_SHOWN])
        return None


def _salvaged(model: type[M], value: dict[str, Any], error: ValidationError) -> M:
    removed: set[Place] = set()
    for _ in range(_ROUNDS):
        broken = {_place(value, failure["loc"]) for failure in error.errors(include_url=False)}
        removed |= broken
        for place in sorted(broken - {()}, key=_innermost_last_first):
            _remove(value, place)
        _complete(model, value)
        try:
            result = model.model_validate(value)
        except ValidationError as remaining:
            error = remaining
        else:
            break
    else:
        result = model.model_construct(**{name: _emptiest(model, name) for name, _ in _required(model)})
    fields = sorted(".".join(map(str, place)) or "(missing)" for place in removed)
    log.warning("unreadable_fields", model=model.__name__, id=str(value.get("_id")), fields=fields[:_SHOWN])
    return result


def _copied(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _copied(inner) for key, inner in value.items()}
    return [_copied(inner) for inner in value] if isinstance(value, list) else value


def _place(value: Any, location: Sequence[str | int]) -> Place:
    """Where in the value a failure is; for a missing field, the object that lacks it.

    Steps that lead nowhere are names that Pydantic gives to the members of unions.
    """
    place: Place = ()
    for step in location:
        if (
            step in value
            if isinstance(value, dict)
            else isinstance(value, list) and step in range(len(value))
        ):
            place, value = (*place, step), value[step]
    return place


def _innermost_last_first(place: Place) -> tuple[int, int]:
    """The order in which removing one place does not move another."""
    last = place[-1]
    return -len(place), -last if isinstance(last, int) else 0


def _remove(value: Any, place: Place) -> None:
    for step in place[:-1]:
        value = value[step]
    del value[place[-1]]


def _complete(model: type[BaseModel], value: dict[str, Any]) -> None:
    for name, key in _required(model):
        if key not in value and name not in value:
            value[key] = _emptiest(model, name)


def _required(model: type[BaseModel]) -> list[tuple[str, str]]:
    """The fields without a default: their names, and those that they are stored under."""
    fields = model.model_fields.items()
    return [(name, field.alias or name) for name, field in fields if field.is_required()]


@lru_cache(maxsize=1024)
def _emptiest(model: type[BaseModel], name: str) -> Any:
    """The emptiest value that a field takes."""
    field = model.model_fields[name]
    kind: Any = field.annotation
    adapter: TypeAdapter[Any] = TypeAdapter(Annotated[(kind, *field.metadata)] if field.metadata else kind)
    for candidate in _candidates(kind):
        with suppress(ValidationError):
            adapter.validate_python(candidate)
            return candidate
    return None


def _candidates(kind: Any) -> Sequence[Any]:
    if kind is Any or NoneType in get_args(kind):
        return (None,)
    plain: tuple[Any, ...] = ("", _NO_ID, 0, [], {})
    if not isinstance(kind, type):
        return (*plain, *get_args(kind))
    if issubclass(kind, Enum):
        return list(kind)
    if issubclass(kind, BaseModel):
        return ({key: _emptiest(kind, name) for name, key in _required(kind)},)
    return plain
