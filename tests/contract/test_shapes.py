"""Shapes find what is wrong, and where: otherwise the contract would be kept by anything."""

from typing import Any

import pytest

from tests.contract.shapes import ABSENT, ID, TIME, Each, Maybe, OneOf, Shape, Some, mismatches

UUID = "01a2109b-2453-715b-9b18-140037ae1841"
OTHER = "01a2109b-2422-7587-a8fa-13fdaf9b33fc"


@pytest.mark.parametrize(
    ("shape", "value"),
    [
        ({"a": int, "b?": str}, {"a": 1, "more": None}),
        ({"a": ABSENT}, {}),
        ({"_id": ID, "id": ID}, {"_id": UUID, "id": UUID}),
        ([int], [1, 2]),
        ([], []),
        (Each(int), []),
        (Some({"a": 1}), [{}, {"a": 1}]),
        (Maybe(TIME), None),
        (Maybe(TIME), "2026-01-31T09:15:00.123Z"),
        (OneOf((int, "x")), "x"),
        (0, 0.0),
    ],
)
def test_what_has_the_shape_passes(shape: Shape, value: Any) -> None:
    assert list(mismatches(shape, value)) == []


@pytest.mark.parametrize(
    ("shape", "value", "where"),
    [
        ({"a": {"b": int}}, {"a": {}}, "a.b"),
        ({"a": int}, {"a": "1"}, "a"),
        ({"a": int}, {"a": True}, "a"),
        ({"a": int}, [], ""),
        ({"a?": int}, {"a": None}, "a"),
        ({"a": ABSENT}, {"a": None}, "a"),
        ({"_id": ID}, {"_id": UUID, "id": UUID}, ""),
        ({"_id": ID, "id": ID}, {"_id": UUID, "id": OTHER}, ""),
        ({"a": [int]}, {"a": [1, "2"]}, "a[1]"),
        ([int], [], ""),
        ([], [1], ""),
        (Each(int), ["1"], "[0]"),
        (Some({"a": 1}), [{"a": 2}], ""),
        (Maybe(TIME), "2026-01-31T09:15:00Z", ""),
        (ID, UUID.upper(), ""),
        (OneOf((int, "x")), "y", ""),
        (1, True, ""),
        ("x", None, ""),
    ],
)
def test_what_has_not_the_shape_is_found_where_it_stands(shape: Shape, value: Any, where: str) -> None:
    assert [place for place, _ in mismatches(shape, value)] == [where]
