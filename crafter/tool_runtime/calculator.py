"""``calculator``: arithmetic in decimals, on a syntax tree of which only numbers, operators and functions are known.

Nothing is ever executed: Python's parser makes the tree, and each node is looked up in the tables below.
"""

import ast
import math
import operator
import warnings
from collections.abc import Callable, Mapping
from decimal import (
    ROUND_CEILING,
    ROUND_FLOOR,
    ROUND_HALF_UP,
    Context,
    Decimal,
    DivisionByZero,
    InvalidOperation,
    Overflow,
    localcontext,
)
from typing import Any

from crafter.tool_runtime.errors import ToolFailed

MAX_LENGTH = 1_000
MAX_DEPTH = 100

_CONTEXT = Context(prec=50, Emax=1_000, Emin=-1_000, traps=[DivisionByZero, InvalidOperation, Overflow])
_WHOLE_NUMBERS = 2**53
"""Beyond it a JavaScript number does not hold every whole number."""

_TRIGONOMETRIC_DIGITS = 15
_MAX_ROUNDING = 40


def calculate(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """``{"expression", "result", "type"}``. Raises ToolFailed."""
    expression: str = arguments["expression"]
    if len(expression) > MAX_LENGTH:
        raise _failed(f"the expression is longer than {MAX_LENGTH} characters")
    try:
        with localcontext(_CONTEXT):
            result = _number(_evaluate(_parsed(expression), 0))
    except DivisionByZero:
        raise _failed("division by zero") from None
    except Overflow:
        raise _failed("the result is too large") from None
    except InvalidOperation:
        raise _failed("the result is not defined") from None
    return {"expression": expression, "result": result, "type": "number"}


def _parsed(expression: str) -> ast.expr:
    try:
        with warnings.catch_warnings(action="ignore"):
            return ast.parse(expression.strip().replace("^", "**"), mode="eval").body
    except (SyntaxError, ValueError):
        raise _failed("this is not an arithmetic expression") from None
    except (RecursionError, MemoryError):
        raise _failed("the expression is nested too deeply") from None


def _evaluate(node: ast.expr, depth: int) -> Decimal:
    if depth > MAX_DEPTH:
        raise _failed("the expression is nested too deeply")
    match node:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            return +Decimal(str(value))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            return _OPERATORS[type(op)](_evaluate(left, depth + 1), _evaluate(right, depth + 1))
        case ast.UnaryOp(op=sign, operand=operand) if type(sign) in _SIGNS:
            return _SIGNS[type(sign)](_evaluate(operand, depth + 1))
        case ast.Name(id=name) if name.lower() in _CONSTANTS:
            return _CONSTANTS[name.lower()]
        case ast.Call(func=ast.Name(id=name), args=given, keywords=[]) if name.lower() in _FUNCTIONS:
            return _call(name.lower(), [_evaluate(one, depth + 1) for one in given])
        case ast.Name(id=name) | ast.Call(func=ast.Name(id=name)):
            raise _failed(f"'{name[:40]}' is not known")
        case _:
            raise _failed("only numbers, + - * / ^ %, parentheses, functions and constants are known")


def _call(name: str, given: list[Decimal]) -> Decimal:
    least, most, function = _FUNCTIONS[name]
    if not least <= len(given) <= most:
        raise _failed(f"{name} takes {least if least == most else f'{least} to {most}'} numbers")
    return function(*given)


def _number(value: Decimal) -> int | float:
    """The result as JSON has it: whole numbers without a fraction, as far as every reader can hold them."""
    if value == value.to_integral_value() and abs(value) <= _WHOLE_NUMBERS:
        return int(value)
    number = float(value)
    if not math.isfinite(number):
        raise _failed("the result is too large")
    return number


def _divided(left: Decimal, right: Decimal) -> Decimal:
    if right == 0:
        raise _failed("division by zero")
    return left / right


def _remainder(left: Decimal, right: Decimal) -> Decimal:
    if right == 0:
        raise _failed("division by zero")
    return left % right


def _power(base: Decimal, exponent: Decimal) -> Decimal:
    return Decimal(1) if exponent == 0 else base**exponent


def _rounded(value: Decimal, digits: Decimal = Decimal(0)) -> Decimal:
    if digits != digits.to_integral_value() or abs(digits) > _MAX_ROUNDING:
        raise _failed(f"round takes a whole number of digits, at most {_MAX_ROUNDING}")
    return value.quantize(Decimal(1).scaleb(-int(digits)), ROUND_HALF_UP)


def _logarithm(value: Decimal, base: Decimal | None = None) -> Decimal:
    return value.ln() if base is None else value.ln() / base.ln()


def _trigonometric(function: Callable[[float], float]) -> Callable[[Decimal], Decimal]:
    """A function of angles in radians, without the noise of binary fractions: sin(pi) is 0."""

    def calculate_angle(value: Decimal) -> Decimal:
        try:
            return Decimal(str(round(function(float(value)), _TRIGONOMETRIC_DIGITS)))
        except ValueError:
            raise _failed("the result is not defined") from None

    return calculate_angle


def _failed(reason: str) -> ToolFailed:
    return ToolFailed(f"Calculator error: {reason}")


_OPERATORS: Mapping[type[ast.operator], Callable[[Decimal, Decimal], Decimal]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: _divided,
    ast.Mod: _remainder,
    ast.Pow: _power,
}
_SIGNS: Mapping[type[ast.unaryop], Callable[[Decimal], Decimal]] = {
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
}
_CONSTANTS: Mapping[str, Decimal] = {
    "pi": Decimal("3.1415926535897932384626433832795028841971693993751"),
    "e": Decimal("2.7182818284590452353602874713526624977572470936999"),
}
_ANY_NUMBER = 100
_FUNCTIONS: Mapping[str, tuple[int, int, Callable[..., Decimal]]] = {
    "sqrt": (1, 1, Decimal.sqrt),
    "abs": (1, 1, abs),
    "round": (1, 2, _rounded),
    "floor": (1, 1, lambda value: value.to_integral_value(ROUND_FLOOR)),
    "ceil": (1, 1, lambda value: value.to_integral_value(ROUND_CEILING)),
    "min": (1, _ANY_NUMBER, min),
    "max": (1, _ANY_NUMBER, max),
    "pow": (2, 2, _power),
    "exp": (1, 1, Decimal.exp),
    "ln": (1, 1, Decimal.ln),
    "log": (1, 2, _logarithm),
    "log10": (1, 1, Decimal.log10),
    "log2": (1, 1, lambda value: _logarithm(value, Decimal(2))),
    **{
        name: (1, 1, _trigonometric(function))
        for name, function in (
            ("sin", math.sin),
            ("cos", math.cos),
            ("tan", math.tan),
            ("asin", math.asin),
            ("acos", math.acos),
            ("atan", math.atan),
        )
    },
}
"""Name → the fewest and the most arguments, and what is done with them. ``min`` and ``max`` take one or more."""
