"""Whatever a tool comes up with can be stored, read again, and told to a model."""

import json
import math
from typing import Any

import pytest
from bson import decode, encode

from crafter.tool_runtime.results import STORED_BYTES, as_stored, as_told


def nested(levels: int) -> Any:
    value: Any = "deep"
    for _ in range(levels):
        value = {"a": value}
    return value


@pytest.mark.parametrize(
    ("result", "stored"),
    [
        ({"a": [1, 2.5, None, True]}, {"a": [1, 2.5, None, True]}),
        ({"$where": {"a.b": 1}, "": 2}, {"$where": {"a.b": 1}, "": 2}),
        ({"n": 2**63 - 1}, {"n": 2**63 - 1}),
        ({"n": 2**70}, {"n": float(2**70)}),
        ({"n": math.nan, "m": -math.inf}, {"n": None, "m": None}),
        ({"nul\0": "a\0b"}, {"nul\ufffd": "a\ufffdb"}),
        ({"s": "\ud800"}, {"s": "?"}),
        ({"when": {1}}, {"when": "{1}"}),
        (nested(60), nested(60)),
    ],
    ids=["plain", "signs", "largest", "too large", "no numbers", "nul", "surrogate", "no JSON", "deep"],
)
def test_a_result_is_stored_as_what_readers_get(result: Any, stored: Any) -> None:
    kept = as_stored(result)
    assert kept == stored
    assert decode(encode({"result": kept})) == {"result": stored}
    assert json.loads(json.dumps(kept)) == stored


@pytest.mark.parametrize(
    "result",
    [nested(70), nested(100_000), {"t": "ä" * STORED_BYTES}, {"n": 10**5_000}],
    ids=["deep", "bottomless", "long", "endless number"],
)
def test_of_what_is_too_much_the_beginning_is_stored(result: Any) -> None:
    kept = as_stored(result)
    assert kept["truncated"] is True
    assert len(encode({"result": kept})) < STORED_BYTES
    assert len(as_told(result)) < 25_000


def test_a_model_is_told_how_much_is_left_out() -> None:
    assert as_told({"t": "x" * 30_000}).endswith("more characters are left out)")
