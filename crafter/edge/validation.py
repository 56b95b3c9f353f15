"""From the failures that Pydantic reports to the contract's list of field errors."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, get_args

from pydantic_core.core_schema import ErrorType

from crafter.core.errors import FieldError, ValidationFailed

MAX_ERRORS = 100
"""Entries in one answer; a body of nothing but unknown fields must not be answered at its own length."""

_STEP_LENGTH = 100
_PLAIN_KEY = re.compile(r"[A-Za-z_$][A-Za-z0-9_$-]*")
_LOCATIONS = {"path": "params", "header": "headers", "cookie": "cookies"}
_OWN_TEXT = {"value_error": "Value error, ", "assertion_error": "Assertion failed, "}
_KNOWN_TYPES = frozenset(get_args(ErrorType))

_OBJECT = "must be an object"
_LIST = "must be a list"
_NUMBER = "must be a number"
_WHOLE = "must be a whole number"
_MOMENT = "must be a date and time such as 2026-01-31T09:15:00.123Z"
_DATE = "must be a date such as 2026-01-31"
_TIME = "must be a time such as 09:15:00"
_SPAN = "must be a duration such as PT30S"
_URL = "must be a URL"
_UUID = "must be a UUID"

_REASONS: Mapping[str, str] = {
    "missing": "is required",
    "extra_forbidden": "is not a known field",
    "none_required": "must be null",
    "json_invalid": "must be JSON",
    "json_type": "must be JSON",
    "model_type": _OBJECT,
    "model_attributes_type": _OBJECT,
    "dataclass_type": _OBJECT,
    "dict_type": _OBJECT,
    "mapping_type": _OBJECT,
    "list_type": _LIST,
    "tuple_type": _LIST,
    "set_type": _LIST,
    "frozen_set_type": _LIST,
    "iterable_type": _LIST,
    "too_short": "must have at least {min_length} items",
    "too_long": "must have at most {max_length} items",
    "string_type": "must be a string",
    "string_unicode": "must be valid Unicode",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "string_pattern_mismatch": "does not have the required form",
    "string_not_ascii": "must consist of ASCII characters",
    "bytes_type": "must be a string",
    "bytes_too_short": "must have at least {min_length} bytes",
    "bytes_too_long": "must have at most {max_length} bytes",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_parsing_size": "has too many digits",
    "int_from_float": _WHOLE,
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "decimal_type": _NUMBER,
    "decimal_parsing": _NUMBER,
    "decimal_max_digits": "must have at most {max_digits} digits",
    "decimal_max_places": "must have at most {decimal_places} decimal places",
    "decimal_whole_digits": "must have at most {whole_digits} digits before the decimal point",
    "finite_number": "must be a finite number",
    "greater_than": "must be greater than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "multiple_of": "must be a multiple of {multiple_of}",
    "literal_error": "must be {expected}",
    "enum": "must be {expected}",
    "union_tag_invalid": "must name a known kind: {expected_tags}",
    "union_tag_not_found": "must say its kind in {discriminator}",
    "datetime_type": _MOMENT,
    "datetime_parsing": _MOMENT,
    "datetime_object_invalid": _MOMENT,
    "datetime_from_date_parsing": _MOMENT,
    "datetime_past": "must be in the past",
    "datetime_future": "must be in the future",
    "timezone_naive": "must not have a time zone",
    "timezone_aware": "must have a time zone",
    "date_type": _DATE,
    "date_parsing": _DATE,
    "date_from_datetime_parsing": _DATE,
    "date_from_datetime_inexact": _DATE,
    "date_past": "must be in the past",
    "date_future": "must be in the future",
    "time_type": _TIME,
    "time_parsing": _TIME,
    "time_delta_type": _SPAN,
    "time_delta_parsing": _SPAN,
    "url_type": _URL,
    "url_parsing": _URL,
    "url_syntax_violation": _URL,
    "url_too_long": "must have at most {max_length} characters",
    "url_scheme": "must be a URL that begins with {expected_schemes}",
    "uuid_type": _UUID,
    "uuid_parsing": _UUID,
    "uuid_version": _UUID,
}
"""Type of failure → what is asked of the field. The names in braces are bounds of ours, never input."""


def to_validation_failed(failures: Sequence[Any], body: Any) -> ValidationFailed:
    """One FieldError per failure (the first MAX_ERRORS), in Pydantic's order.

    ``body`` is what was validated. It is only used to tell the keys in Pydantic's locations from the names of
    union members that Pydantic mixes in; nothing of it is shown except those keys.
    """
    return ValidationFailed([_field_error(failure, body) for failure in failures[:MAX_ERRORS]])


def explain(failure: Mapping[str, Any]) -> str:
    """The sentence for one failure: the model's own text if it raised one, else why the value is invalid."""
    kind = failure["type"]
    if kind in _OWN_TEXT or kind not in _KNOWN_TYPES:
        return str(failure["msg"]).removeprefix(_OWN_TEXT.get(kind, ""))
    bounds = {name: _plain(value) for name, value in failure.get("ctx", {}).items()}
    reason = _REASONS.get(kind, "is not valid").format_map(bounds)
    return "Invalid value: " + re.sub(r"\b1 (item|character|byte|digit|decimal place)s", r"1 \1", reason)


def _plain(bound: Any) -> Any:
    """``2`` instead of ``2.0``."""
    return int(bound) if isinstance(bound, float) and bound.is_integer() else bound


def _field_error(failure: Mapping[str, Any], body: Any) -> FieldError:
    where, *steps = failure["loc"]
    if where == "body":
        steps = _real_steps(steps, body, missing=failure["type"] == "missing")
    else:
        steps = steps[:1] + [step for step in steps[1:] if isinstance(step, int)]
    shown = [step if isinstance(step, int) else step[:_STEP_LENGTH] for step in steps]
    return FieldError(
        _path(shown),
        explain(failure),
        location=_LOCATIONS.get(where, where),
        pointer="".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in shown),
    )


def _real_steps(steps: Sequence[str | int], body: Any, *, missing: bool) -> list[str | int]:
    """Those steps of a location that lead through the body; the key that is missing is the last one."""
    real: list[str | int] = []
    for position, step in enumerate(steps):
        if _leads_on(step, body):
            body = body[step]
            real.append(step)
        elif missing and position == len(steps) - 1:
            real.append(step)
    return real


def _leads_on(step: str | int, value: Any) -> bool:
    if isinstance(value, dict):
        return step in value
    return isinstance(value, list) and isinstance(step, int) and step < len(value)


def _path(steps: Sequence[str | int]) -> str:
    """``faqs[0].answer``: dots and brackets, as express-validator writes them."""
    path = ""
    for step in steps:
        if isinstance(step, int):
            path += f"[{step}]"
        elif _PLAIN_KEY.fullmatch(step):
            path += f".{step}" if path else step
        else:
            path += f'["{step}"]'
    return path
