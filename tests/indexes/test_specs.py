"""When an index of the server is the declared one, can stand in for it, or is in its way."""

from typing import Any

import pytest
from pymongo import IndexModel
from pymongo.collation import Collation

from indexes.specs import IndexSpec, excludes, matches, read_spec, stands_in

PARTIAL: dict[str, Any] = {"partialFilterExpression": {"deleted_at": None}}
ENGLISH = {"locale": "en", "strength": 2}
ENGLISH_IN_FULL = {**ENGLISH, "caseLevel": False, "normalization": False, "version": "57.1"}


def spec(name: str = "a_1", key: dict[str, Any] | None = None, **options: Any) -> IndexSpec:
    return read_spec({"v": 2, "key": key or {"a": 1}, "name": name, **options})


def test_a_declared_index_matches_what_the_server_lists_of_it() -> None:
    declared = IndexModel(
        [("a", 1), ("b", -1)], name="x", unique=True, sparse=False, collation=Collation("en", strength=2)
    )
    listed = {"v": 2, "key": {"a": 1.0, "b": -1}, "name": "x", "unique": True, "collation": ENGLISH_IN_FULL}

    assert matches(read_spec(listed), read_spec(declared.document))


def test_a_declared_text_index_matches_what_the_server_lists_of_it() -> None:
    declared = IndexModel([("organization", 1), ("title", "text"), ("body", "text")], weights={"title": 5})
    listed = {
        "key": {"organization": 1, "_fts": "text", "_ftsx": 1},
        "name": "whatever",
        "weights": {"title": 5, "body": 1},
        "default_language": "english",
        "language_override": "language",
        "textIndexVersion": 3,
    }

    assert matches(read_spec(listed), read_spec(declared.document))


@pytest.mark.parametrize(
    "other",
    [
        spec(key={"a": -1}),
        spec(key={"a": 1, "b": 1}),
        spec(key={"a": "hashed"}),
        spec(unique=True),
        spec(sparse=True),
        spec(**PARTIAL),
        spec(expireAfterSeconds=0),
        spec(hidden=True),
        spec(collation=ENGLISH),
    ],
    ids=str,
)
def test_an_index_with_other_keys_or_options_does_not_match(other: IndexSpec) -> None:
    assert not matches(other, spec())
    assert not matches(spec(), other)


def test_the_order_of_keys_counts() -> None:
    assert not matches(spec(key={"a": 1, "b": 1}), spec(key={"b": 1, "a": 1}))


@pytest.mark.parametrize(
    ("there", "wanted", "does"),
    [
        (spec("node"), spec(), True),
        (spec("node", unique=True), spec(), True),
        (spec("node"), spec(unique=True), False),
        (spec("node", **PARTIAL), spec(), False),
        (spec("node", sparse=True), spec(), False),
        (spec("node"), spec(**PARTIAL), True),
        (spec("node"), spec(sparse=True), True),
        (spec("node", unique=True), spec(unique=True, **PARTIAL), False),
        (spec("node", unique=True, **PARTIAL), spec(unique=True, **PARTIAL), True),
        (spec("node", unique=True, sparse=True), spec(unique=True), False),
        (spec("node", hidden=True), spec(), False),
        (spec("node", expireAfterSeconds=60), spec(), False),
        (spec("node"), spec(expireAfterSeconds=60), False),
        (spec("node", collation=ENGLISH_IN_FULL), spec(collation=ENGLISH), True),
        (spec("node", collation=ENGLISH_IN_FULL), spec(), False),
        (spec("node", key={"b": 1}), spec(), False),
    ],
)
def test_an_index_stands_in_when_it_is_at_least_as_strong(
    there: IndexSpec, wanted: IndexSpec, does: bool
) -> None:
    assert stands_in(there, wanted) is does


@pytest.mark.parametrize(
    ("there", "wanted", "does"),
    [
        (spec("old", expireAfterSeconds=60), spec(), True),
        (spec("old", hidden=True), spec(), True),
        (spec("old"), spec(unique=True), False),
        (spec("old", **PARTIAL), spec(), False),
        (spec("old", key={"b": 1}), spec(), False),
        (spec("old", key={"title": "text"}), spec(key={"body": "text"}), True),
    ],
)
def test_an_index_of_the_same_signature_is_in_the_way(
    there: IndexSpec, wanted: IndexSpec, does: bool
) -> None:
    assert excludes(there, wanted) is does


def test_an_index_reads_like_its_declaration() -> None:
    text = str(spec(key={"a": 1, "b": -1}, unique=True, expireAfterSeconds=0))

    assert text == "{a: 1, b: -1} unique expireAfterSeconds=0"
