"""Shapes of answers, written as data, and where an answer has not the shape that it should have.

A shape is one of these:

* a dict: an object with these keys, and maybe more. ``"key?"`` may be left out; ``ABSENT`` must be left out. An object
  that has ``_id`` and ``id`` has the same in both, and one whose shape has no ``id`` beside ``_id`` must not have it.
* a list of one shape: a list of such things, with at least one of them; ``[]`` is a list without any.
* a type (``str``, ``int``, ``bool``), a mark (``ID``, ``TIME`` and others), ``Maybe``, ``Each``, ``Some``, ``OneOf``.
* anything else: just that value.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Shape = Any


@dataclass(frozen=True)
class Mark:
    """A kind of value, by what it is called and by what it looks like."""

    name: str
    fits: Callable[[Any], bool]


@dataclass(frozen=True)
class Maybe:
    """Something, or null."""

    shape: Shape


@dataclass(frozen=True)
class Each:
    """A list of such things, with or without any."""

    shape: Shape


@dataclass(frozen=True)
class Some:
    """A list in which at least one thing has this shape."""

    shape: Shape


@dataclass(frozen=True)
class OneOf:
    """One of these shapes."""

    shapes: tuple[Shape, ...]


def _text(pattern: str) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and re.fullmatch(pattern, value, re.DOTALL) is not None


def like(pattern: str) -> Mark:
    """Text of this form."""
    return Mark(f"text like {pattern}", _text(pattern))


UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
ID = Mark("a UUID in lower case", _text(UUID))
OBJECT_ID = Mark("24 hexadecimal digits", _text("[0-9a-f]{24}"))
SECRET = Mark("64 hexadecimal digits", _text("[0-9a-f]{64}"))
TIME = Mark("a time in UTC to the millisecond", _text(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"))
DATE = Mark("a date", _text(r"\d{4}-\d\d-\d\d"))
TOKEN = Mark("a JWT", _text(r"[\w-]+\.[\w-]+\.[\w-]+"))
NUMBER = Mark("a number", lambda value: isinstance(value, int | float) and not isinstance(value, bool))
OBJECT = Mark("an object", lambda value: isinstance(value, dict))
ANYTHING = Mark("anything", lambda value: True)
ABSENT = Mark("left out", lambda value: False)


def mismatches(shape: Shape, value: Any, where: str = "") -> Iterator[tuple[str, str]]:
    """Every place where a value is not what the shape says, as ``a.b[0].c``, and what is wrong there."""
    if isinstance(shape, Mapping):
        yield from _in_object(shape, value, where)
    elif isinstance(shape, list) and shape:
        yield from _in_list(shape[0], value, where, needed=True)
    elif isinstance(shape, Each):
        yield from _in_list(shape.shape, value, where, needed=False)
    elif isinstance(shape, Some):
        if not isinstance(value, list) or all(any(mismatches(shape.shape, one)) for one in value):
            yield where, f"has nothing like {shape.shape}"
    elif isinstance(shape, Maybe):
        if value is not None:
            yield from mismatches(shape.shape, value, where)
    elif isinstance(shape, OneOf):
        if all(any(mismatches(one, value, where)) for one in shape.shapes):
            yield where, f"is {value!r}, and none of {shape.shapes}"
    elif isinstance(shape, Mark):
        if not shape.fits(value):
            yield where, f"is {value!r}, not {shape.name}"
    elif isinstance(shape, type):
        if type(value) is not shape:
            yield where, f"is {value!r}, not {shape.__name__}"
    elif value != shape or isinstance(value, bool) is not isinstance(shape, bool):
        yield where, f"is {value!r}, not {shape!r}"


def _in_object(shape: Mapping[str, Shape], value: Any, where: str) -> Iterator[tuple[str, str]]:
    if not isinstance(value, dict):
        yield where, f"is {value!r}, not an object"
        return
    for name, inner in shape.items():
        key = name.removesuffix("?")
        place = f"{where}.{key}" if where else key
        if key in value:
            yield from mismatches(inner, value[key], place)
        elif not name.endswith("?") and inner is not ABSENT:
            yield place, "is missing"
    if "_id" in shape and "_id" in value:
        named = shape.keys() & {"id", "id?"}
        if not named and "id" in value:
            yield where, "has an id beside its _id"
        elif named and value.get("id", value["_id"]) != value["_id"]:
            yield where, "has another id than its _id"


def _in_list(shape: Shape, value: Any, where: str, *, needed: bool) -> Iterator[tuple[str, str]]:
    if not isinstance(value, list):
        yield where, f"is {value!r}, not a list"
    elif needed and not value:
        yield where, "is empty, so nothing can be told of what it holds"
    else:
        for number, element in enumerate(value):
            yield from mismatches(shape, element, f"{where}[{number}]")
