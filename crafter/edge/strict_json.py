"""JSON as we accept it: nothing that MongoDB, another parser or a later reader could trip over."""

import json
import math
import re
from collections.abc import Iterable
from typing import Any, TypeAlias, TypeVar

from crafter.core.errors import BadInput

MAX_DEPTH = 32
"""Objects and arrays within one another."""

MAX_VALUES = 20_000
"""Values in one body, all levels together, objects and arrays included."""

T = TypeVar("T")

_INT64 = 2**63
_TOO_MANY = f"the text holds more than {MAX_VALUES} values"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_POINTER_LENGTH = 200
_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)

Trail: TypeAlias = "tuple[Trail, str | int] | None"
"""The way from the root to a value, innermost step first: cheap to extend, rarely read."""


class InvalidJson(BadInput):
    """400: the body is not JSON, or JSON that we do not take."""

    code = "INVALID_JSON"
    message = "Invalid JSON"

    def __init__(self, reason: str) -> None:
        super().__init__(f"Invalid JSON: {reason}")


class _RepeatedKeys(dict[str, Any]):
    """An object in which a key was written twice."""


def loads(body: bytes) -> Any:
    """The value of a JSON text.

    UTF-8 without a byte order mark; finite numbers, integers within 64 bits; no key twice in one object; at
    most ``MAX_DEPTH`` levels and ``MAX_VALUES`` values; no lone surrogates and no NUL in keys and strings.
    Raises InvalidJson, which says what is wrong and where.
    """
    value = _parse(body)
    _Inspection(escapes=b"\\u" in body).inspect(value)
    return value


def check_free_object(value: T) -> T:
    """The value itself, for use as a validator of objects whose keys the caller chooses.

    Raises ValueError when a key, at any depth, is empty, begins with ``$`` or contains a dot: MongoDB would
    read it as an operator or a path.
    """
    pending: list[tuple[Any, Trail]] = [(value, None)]
    while pending:
        container, trail = pending.pop()
        for key, child in _children(container):
            if isinstance(key, str) and (not key or key[0] == "$" or "." in key):
                where = _pointer((trail, key))
                raise ValueError(f"The key at {where} is empty, begins with $ or contains a dot.")
            if isinstance(child, (dict, list)):
                pending.append((child, (trail, key)))
    return value


def _parse(body: bytes) -> Any:
    if body.startswith(_BYTE_ORDER_MARK):
        raise InvalidJson("the text must be UTF-8 without a byte order mark")
    if _has_too_many_values(body):
        raise InvalidJson(_TOO_MANY)
    try:
        return _DECODER.decode(body.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise InvalidJson(f"the text is not UTF-8 at byte {error.start}") from None
    except json.JSONDecodeError as error:
        reason = error.msg[:1].lower() + error.msg[1:].removesuffix(" at")
        raise InvalidJson(f"{reason} at line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise InvalidJson(f"the text is nested deeper than {MAX_DEPTH} levels") from None
    except ValueError:  # the interpreter refuses to convert integers of thousands of digits
        raise InvalidJson("an integer does not fit into 64 bits") from None


def _has_too_many_values(body: bytes) -> bool:
    """Whether the commas outside strings already say so: building a million objects would stall everybody."""
    return body.count(b",") >= MAX_VALUES and _STRING.sub(b"", body).count(b",") >= MAX_VALUES


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    return result if len(result) == len(pairs) else _RepeatedKeys(result)


_DECODER = json.JSONDecoder(object_pairs_hook=_object)


class _Inspection:
    """One walk over a value. Without ``\\u`` in the text no string hides anything, so none is looked at."""

    def __init__(self, *, escapes: bool) -> None:
        self._escapes = escapes
        self._total = 1

    def inspect(self, root: Any) -> None:
        self._scalar(root, None)
        pending: list[tuple[Any, Trail, int]] = []
        if isinstance(root, (dict, list)):
            pending.append((root, None, 1))
        while pending:
            container, trail, depth = pending.pop()
            self._container(container, trail, depth)
            for key, value in _children(container):
                kind = type(value)
                if kind is dict or kind is list or kind is _RepeatedKeys:
                    pending.append((value, (trail, key), depth + 1))
                elif kind is not str or self._escapes:
                    self._scalar(value, (trail, key))

    def _container(self, container: Any, trail: Trail, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise InvalidJson(f"the text is nested deeper than {MAX_DEPTH} levels at {_pointer(trail)}")
        self._total += len(container)
        if self._total > MAX_VALUES:
            raise InvalidJson(_TOO_MANY)
        if type(container) is _RepeatedKeys:
            raise InvalidJson(f"a key appears twice in the object at {_pointer(trail)}")
        if self._escapes and isinstance(container, dict):
            for key in container:
                self._text(key, (trail, key))

    def _scalar(self, value: Any, trail: Trail) -> None:
        kind = type(value)
        if kind is str:
            self._text(value, trail)
        elif kind is int:
            if not -_INT64 <= value < _INT64:
                raise InvalidJson(f"the integer at {_pointer(trail)} does not fit into 64 bits")
        elif kind is float and not math.isfinite(value):
            raise InvalidJson(f"the number at {_pointer(trail)} is not finite")

    def _text(self, text: str, trail: Trail) -> None:
        if "\0" in text:
            raise InvalidJson(f"there is a NUL character at {_pointer(trail)}")
        if not text.isascii() and not _is_encodable(text):
            raise InvalidJson(f"there is half a surrogate pair at {_pointer(trail)}")


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _children(container: Any) -> Iterable[tuple[str | int, Any]]:
    if isinstance(container, dict):
        return container.items()
    return enumerate(container) if isinstance(container, list) else ()


def _pointer(trail: Trail) -> str:
    """The JSON pointer of a value, shortened and printable whatever the caller's keys hold."""
    steps: list[str] = []
    while trail is not None:
        trail, step = trail
        steps.append("/" + str(step).replace("~", "~0").replace("/", "~1"))
    pointer = ascii("".join(reversed(steps)))[1:-1] or "the top level"
    return pointer if len(pointer) <= _POINTER_LENGTH else pointer[:_POINTER_LENGTH] + "…"
