"""JSON into values, values into JSON, and single values out of it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crafter.tool_runtime.errors import ToolFailed
from crafter.tool_runtime.json_processor import process_json

ORDERS = {"user": {"orders": [{"total": 5}, {"total": 7.5}], "name": "Ada", "0": "zero"}, "a": None}


def result(operation: str, data: Any, **more: str) -> Any:
    answer = process_json({"operation": operation, "data": data, **more})
    assert (answer["operation"], answer["success"]) == (operation, True)
    return answer["result"]


def refusal(operation: str, data: Any, **more: str) -> str:
    with pytest.raises(ToolFailed) as refused:
        process_json({"operation": operation, "data": data, **more})
    assert refused.value.message.startswith("JSON processing error: ")
    return refused.value.message.removeprefix("JSON processing error: ")


@pytest.mark.parametrize(
    ("data", "value"),
    [('{"a": [1, 2.5, null]}', {"a": [1, 2.5, None]}), ("5", 5), ({"a": 1}, {"a": 1}), (None, None)],
)
def test_texts_are_parsed_and_values_are_passed_on(data: Any, value: Any) -> None:
    assert result("parse", data) == value
    assert process_json({"data": data})["operation"] == "parse"


@pytest.mark.parametrize("text", ["{", "", "NaN", '{"a": 1, "a": 2}', "[" * 40 + "]" * 40, "1" * 30])
def test_what_is_no_json_that_we_take_is_refused(text: str) -> None:
    assert refusal("parse", text).startswith("Invalid JSON: ")


def test_values_are_written() -> None:
    assert result("stringify", {"a": ["é", 1]}) == '{\n  "a": [\n    "é",\n    1\n  ]\n}'
    assert result("stringify", "text") == '"text"'


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("user.orders.1.total", 7.5),
        ("user.name", "Ada"),
        ("user.0", "zero"),
        ("user.orders.0", {"total": 5}),
        ("a", None),
    ],
)
def test_single_values_are_taken_out_by_their_path(path: str, value: Any) -> None:
    assert result("extract", ORDERS, path=path) == value
    assert result("extract", json.dumps(ORDERS), path=path) == value


@pytest.mark.parametrize(
    ("path", "where"),
    [
        ("user.missing.x", "user.missing"),
        ("user.orders.2", "user.orders.2"),
        ("user.orders.-1", "user.orders.-1"),
        ("user.orders.00000000001", "user.orders.00000000001"),
        ("user.orders.٠", "user.orders.٠"),
        ("user.name.0", "user.name.0"),
        ("__class__", "__class__"),
        (".", ""),
        ("a.b", "a.b"),
    ],
)
def test_a_path_that_leads_nowhere_is_named(path: str, where: str) -> None:
    assert refusal("extract", ORDERS, path=path) == f"There is nothing at '{where}'"


def test_a_path_is_needed_and_not_too_long() -> None:
    assert refusal("extract", ORDERS) == "Path parameter required for extract operation"
    assert refusal("extract", ORDERS, path=".".join("a" * 65)) == "The path has more than 64 steps"


@pytest.mark.parametrize(
    ("data", "verdict"),
    [
        ('{"a": 1}', {"valid": True, "type": "object", "keys": ["a"]}),
        ([1], {"valid": True, "type": "array", "keys": None}),
        ("true", {"valid": True, "type": "boolean", "keys": None}),
        ("1.5", {"valid": True, "type": "number", "keys": None}),
        (None, {"valid": True, "type": "null", "keys": None}),
        ('"x"', {"valid": True, "type": "string", "keys": None}),
    ],
)
def test_texts_are_validated(data: Any, verdict: dict[str, Any]) -> None:
    assert result("validate", data) == verdict


def test_a_text_that_is_no_json_is_found_invalid() -> None:
    verdict = result("validate", "{")

    assert verdict["valid"] is False
    assert verdict["error"].startswith("Invalid JSON: ")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
        max_leaves=20,
    )
)
def test_what_is_written_can_be_parsed_again(value: Any) -> None:
    written = result("stringify", value)
    if "\\u0000" not in written:
        assert result("parse", written) == value
