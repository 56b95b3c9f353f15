"""What counts as JSON."""

import json
import time
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crafter.edge.strict_json import MAX_DEPTH, MAX_VALUES, InvalidJson, check_free_object, loads

ACCEPTED: list[tuple[str, bytes, Any]] = [
    ("an object", b'{"a": [1, -2.5, true, false, null, "x"]}', {"a": [1, -2.5, True, False, None, "x"]}),
    ("a bare string", b'"x"', "x"),
    ("text of any script", '"zażółć 日本 🎉"'.encode(), "zażółć 日本 🎉"),
    ("a whole surrogate pair", rb'"\ud83c\udf89"', "🎉"),
    ("an escaped key", rb'{"\u0061": 1}', {"a": 1}),
    ("the least 64-bit integer", str(-(2**63)).encode(), -(2**63)),
    ("the greatest 64-bit integer", str(2**63 - 1).encode(), 2**63 - 1),
    ("the deepest nesting", b"[" * MAX_DEPTH + b"]" * MAX_DEPTH, None),
    ("as many values as allowed", json.dumps([0] * (MAX_VALUES - 1)).encode(), [0] * (MAX_VALUES - 1)),
    ("many commas inside strings", json.dumps(["," * 30_000]).encode(), ["," * 30_000]),
    ("the same key in two objects", b'[{"a": 1}, {"a": 2}]', [{"a": 1}, {"a": 2}]),
]

REFUSED: list[tuple[str, bytes, str]] = [
    ("nothing", b"", "expecting value at line 1, column 1"),
    ("half an object", b'{"a": 1', "at line 1, column 8"),
    ("text after the value", b"{} {}", "extra data at line 1, column 4"),
    ("a trailing comma", b'{"a": 1,}', "line 1, column"),
    ("single quotes", b"{'a': 1}", "line 1, column 2"),
    ("invalid UTF-8", b'"\xff"', "not UTF-8 at byte 1"),
    ("an encoded surrogate", b'"\xed\xa0\x80"', "not UTF-8"),
    ("a byte order mark", b"\xef\xbb\xbf{}", "byte order mark"),
    ("UTF-16", '{"a": 1}'.encode("utf-16"), "not UTF-8"),
    ("UTF-16 without a mark", '{"a": 1}'.encode("utf-16-le"), "line 1"),
    ("NaN", b'{"a": [NaN]}', "/a/0 is not finite"),
    ("Infinity", b'{"a": -Infinity}', "/a is not finite"),
    ("a number beyond all floats", b'{"a": {"b": 1e400}}', "/a/b is not finite"),
    ("a bare NaN", b"NaN", "the top level is not finite"),
    ("an integer of 64 bits and one", b'{"a": 9223372036854775808}', "/a does not fit into 64 bits"),
    ("a negative one", b"-9223372036854775809", "does not fit into 64 bits"),
    ("an integer of 5,000 digits", b"[" + b"9" * 5000 + b"]", "does not fit into 64 bits"),
    ("a repeated key", b'{"x": {"a": 1, "a": 2}}', "a key appears twice in the object at /x"),
    ("a key repeated in disguise", rb'{"a": 1, "\u0061": 2}', "a key appears twice"),
    ("NUL in a string", rb'{"a": "x\u0000y"}', "NUL character at /a"),
    ("NUL in a key", rb'{"x\u0000y": 1}', r"NUL character at /x\x00y"),
    ("a raw NUL", b'{"a": "x\x00y"}', "line 1, column"),
    ("a raw line break in a string", b'"a\nb"', "line 1, column"),
    ("a lone surrogate in a string", rb'["\ud800"]', "half a surrogate pair at /0"),
    ("a lone surrogate in a key", rb'{"\udfff": 1}', "half a surrogate pair at /"),
    ("a surrogate pair the wrong way round", rb'["\udf89\ud83c"]', "half a surrogate pair"),
    ("one level too many", b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), "nested deeper than 32 levels"),
    ("90 arrays", b"[" * 90 + b"]" * 90, "nested deeper than 32 levels"),
    ("150 objects", b'{"a":' * 150 + b"1" + b"}" * 150, "nested deeper than 32 levels"),
    ("900 arrays", b"[" * 900 + b"]" * 900, "nested deeper than 32 levels"),
    ("100,000 arrays", b"[" * 100_000 + b"]" * 100_000, "nested deeper than 32 levels"),
    ("one value too many", json.dumps([0] * MAX_VALUES).encode(), "more than 20000 values"),
    ("100,000 keys", json.dumps({str(n): 0 for n in range(100_000)}).encode(), "more than 20000 values"),
    ("many small arrays", b"[" + b",".join([b"[[]]"] * 15_000) + b"]", "more than 20000 values"),
]


@pytest.mark.parametrize(("what", "body", "value"), ACCEPTED, ids=[row[0] for row in ACCEPTED])
def test_takes(what: str, body: bytes, value: Any) -> None:
    parsed = loads(body)

    assert value is None or parsed == value


@pytest.mark.parametrize(("what", "body", "reason"), REFUSED, ids=[row[0] for row in REFUSED])
def test_refuses_and_says_why_and_where(what: str, body: bytes, reason: str) -> None:
    with pytest.raises(InvalidJson) as refusal:
        loads(body)

    assert refusal.value.status == 400
    assert refusal.value.code == "INVALID_JSON"
    assert refusal.value.message.startswith("Invalid JSON: ")
    assert reason in refusal.value.message


def test_a_hostile_key_cannot_make_the_reason_long_or_unprintable() -> None:
    body = json.dumps({"\u001b\u2028é~/" * 5000: {"b": float("nan")}}, ensure_ascii=False).encode()

    with pytest.raises(InvalidJson) as refusal:
        loads(body)

    assert refusal.value.message.isprintable()
    assert len(refusal.value.message) < 300


@pytest.mark.parametrize(
    "body",
    [
        b"[" + b",".join([b"[]"] * 340_000) + b"]",
        b"[" + b",".join([b'{"a":0}'] * 125_000) + b"]",
        b"[" + b",".join([b"9" * 4299] * 240) + b"]",
        b'"' + rb"\u0041" * 170_000 + b'"',
        json.dumps([{"id": n, "name": "x" * 230} for n in range(3900)]).encode(),
    ],
    ids=["empty arrays", "tiny objects", "long integers", "escapes", "ordinary rows"],
)
def test_a_megabyte_does_not_hold_up_the_loop(body: bytes) -> None:
    rounds = []
    for _ in range(5):
        started = time.thread_time()
        with suppress(InvalidJson):
            loads(body)
        rounds.append(time.thread_time() - started)

    assert min(rounds) < 0.06


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=5),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@settings(max_examples=200, deadline=None)
@given(json_values, st.booleans())
def test_whatever_can_be_stored_is_read_as_it_was_written(value: Any, ascii_only: bool) -> None:
    assert loads(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=60) | st.text(max_size=60).map(lambda t: t.encode("utf-8", "replace")))
def test_any_bytes_are_either_a_value_or_invalid_json(body: bytes) -> None:
    try:
        value = loads(body)
    except InvalidJson:
        return

    assert json.loads(body) == value


@pytest.mark.parametrize(
    ("value", "where"),
    [
        ({"$set": 1}, "/$set"),
        ({"a": {"b.c": 1}}, "/a/b.c"),
        ({"a": [{"ok": 1}, {"": 1}]}, "/a/1/"),
        ({"a": [[{"$where": "x"}]]}, "/a/0/0/$where"),
        ({"$": 1}, "/$"),
    ],
)
def test_free_objects_must_not_hold_keys_that_mongodb_reads(value: Any, where: str) -> None:
    with pytest.raises(ValueError, match="empty, begins with \\$ or contains a dot") as refusal:
        check_free_object(value)

    assert f"The key at {where} is" in str(refusal.value)


def test_free_objects_with_harmless_keys_come_back_as_they_are() -> None:
    value = {"a$": [{"b": "$set", "c": "x.y"}], "_id": {"ключ": None}}

    assert check_free_object(value) is value
