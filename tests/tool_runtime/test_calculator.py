"""The calculator: right, bounded, and deaf to everything that is no arithmetic."""

import math
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crafter.tool_runtime.calculator import calculate
from crafter.tool_runtime.errors import ToolFailed


def result(expression: str) -> float:
    answer = calculate({"expression": expression})
    assert (answer["expression"], answer["type"]) == (expression, "number")
    return answer["result"]  # type: ignore[no-any-return]


def refusal(expression: str) -> str:
    with pytest.raises(ToolFailed) as refused:
        calculate({"expression": expression})
    return refused.value.message.removeprefix("Calculator error: ")


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("1+1", 2),
        (" 2 * (3 + 4) ", 14),
        ("0.1 + 0.2", 0.3),
        ("1.1 * 3", 3.3),
        ("(17.5 * 1.19) / 12", 17.5 * 1.19 / 12),
        ("10 / 4", 2.5),
        ("7 % 3", 1),
        ("-7 % 3", -1),
        ("2 ^ 10", 1024),
        ("2 ** -1", 0.5),
        ("-2 ^ 2", -4),
        ("2 ^ 3 ^ 2", 512),
        ("0 ^ 0", 1),
        ("sqrt(2) ^ 2", 2),
        ("sqrt(2) ^ 3", 2 * math.sqrt(2)),
        ("sin(pi)", 0),
        ("cos(0) + tan(0)", 1),
        ("asin(1) * 2", math.pi),
        ("round(2.5)", 3),
        ("round(-2.5)", -3),
        ("round(1.005, 2)", 1.01),
        ("round(1234, -2)", 1200),
        ("floor(-1.5) + ceil(1.5)", 0),
        ("log(e)", 1),
        ("log(100, 10)", 2),
        ("log2(8) + log10(1000)", 6),
        ("exp(0)", 1),
        ("min(3, 1, 2) + max(3, 1, 2)", 4),
        ("ABS(-3.50) + PI - pi", 3.5),
        ("1e3 + 1_000", 2000),
        ("9007199254740992", 2**53),
        ("2 ^ 64", 2.0**64),
        ("(1 +\n2)", 3),
    ],
)
def test_it_calculates(expression: str, expected: float) -> None:
    assert result(expression) == pytest.approx(expected, rel=1e-15)
    assert isinstance(result(expression), type(expected)) or float(expected).is_integer()


@pytest.mark.parametrize("expression", ["0.1 + 0.2", "4.35 * 100", "1.1 + 2.2", "0.3 - 0.1"])
def test_decimals_are_exact(expression: str) -> None:
    assert str(result(expression)) in {"0.3", "435", "3.3", "0.2"}


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("1 / 0", "division by zero"),
        ("1 % 0", "division by zero"),
        ("0 ^ -1", "the result is too large"),
        ("9 ^ 9 ^ 9", "the result is too large"),
        ("exp(100000)", "the result is too large"),
        ("10 ^ 400", "the result is too large"),
        ("1e999", "the result is too large"),
        ("1e999 - 1e999", "the result is not defined"),
        ("sqrt(-1)", "the result is not defined"),
        ("(-8) ^ (1 / 3)", "the result is not defined"),
        ("asin(2)", "the result is not defined"),
        ("round(1, 0.5)", "round takes a whole number of digits, at most 40"),
        ("sqrt()", "sqrt takes 1 numbers"),
        ("round(1, 2, 3)", "round takes 1 to 2 numbers"),
        ("x + 1", "'x' is not known"),
        ("eval(1)", "'eval' is not known"),
        ("", "this is not an arithmetic expression"),
        ("1 +", "this is not an arithmetic expression"),
        ("5!", "this is not an arithmetic expression"),
        ("1" + " + 1" * 250, "the expression is longer than 1000 characters"),
        ("-" * 900 + "1", "the expression is nested too deeply"),
        ("1" + "+1" * 150, "the expression is nested too deeply"),
    ],
)
def test_it_says_why_it_cannot(expression: str, reason: str) -> None:
    assert refusal(expression) == reason


@pytest.mark.parametrize(
    "expression",
    [
        "__import__('os').system('true')",
        "().__class__.__bases__",
        "'a' * 10",
        "[1] * 10",
        "(lambda: 1)()",
        "1 if 1 else 2",
        "1 < 2",
        "1 and 2",
        "not 1",
        "~1",
        "1 | 2",
        "1 // 2",
        "1 << 9",
        "{1: 2}",
        "f'{1}'",
        "True",
        "None",
        "1j",
        "...",
        "sqrt(x=4)",
        "sqrt(*[4])",
        "min.real",
        "pi()",
        "[x for x in (1, 2)]",
        "(y := 1)",
        "await x",
        "sqrt",
        "'a'.join('b')",
        "pi.real(1)",
    ],
)
def test_whatever_is_no_arithmetic_is_refused(expression: str) -> None:
    assert refusal(expression)


@given(st.text(alphabet="0123456789.+-*/^%()e, pisqrtlogmaxb_[]'\"=<>x", max_size=200))
@settings(max_examples=500, deadline=None)
def test_no_text_makes_it_fail_otherwise_or_long(expression: str) -> None:
    started = time.perf_counter()
    try:
        value = calculate({"expression": expression})["result"]
    except ToolFailed:
        pass
    else:
        assert isinstance(value, int | float)
        assert math.isfinite(value)
    assert time.perf_counter() - started < 2
