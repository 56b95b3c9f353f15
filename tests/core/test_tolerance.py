"""What is made of stored values that do not fit."""

import json
from datetime import datetime
from enum import Enum
from typing import Any, Literal

import pytest
from bson import Decimal128, MinKey, ObjectId
from fastapi import FastAPI
from pydantic import BaseModel, Field, TypeAdapter, model_validator
from pydantic_core import to_json
from structlog.testing import capture_logs

from crafter.core.documents import BaseDocument, Moment, Stored
from crafter.core.ids import EntityId
from crafter.core.schemas import ResponseBody, WireTime
from crafter.core.tolerance import read_strictly, read_tolerantly


class Color(Enum):
    red = "red"
    blue = "blue"


class Part(Stored):
    name: str
    size: int = 1
    color: Color = Color.blue


class Whole(Stored):
    id: EntityId = Field(alias="_id")
    title: str
    kind: Literal["a", "b"] = "a"
    parts: list[Part] = Field(default_factory=list)
    lead: Part | None = None
    either: list[int] | list[Part] = Field(default_factory=list)
    free: dict[str, Any] = Field(default_factory=dict)


GOOD: dict[str, Any] = {"_id": "w", "title": "t", "kind": "b"}


def read(**fields: Any) -> dict[str, Any]:
    """What is read of a good document with these fields."""
    raw = GOOD | fields
    before = to_json(raw, fallback=str)
    value = read_tolerantly(Whole, raw).model_dump(mode="json", exclude_unset=True, by_alias=True)
    assert to_json(raw, fallback=str) == before, "what was read from must stay as it is"
    return value


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"kind": "c"}, {"_id": "w", "title": "t"}),
        ({"kind": {"$ne": None}, "free": 1}, {"_id": "w", "title": "t"}),
        ({"parts": "none"}, GOOD),
        ({"parts": [{"name": "p", "size": "many"}]}, GOOD | {"parts": [{"name": "p"}]}),
        ({"parts": [{"name": "p", "color": "green"}, 5]}, GOOD | {"parts": [{"name": "p"}]}),
        (
            {"parts": [1, {"name": "p"}, {"size": 2}, None, {"name": "q"}]},
            GOOD | {"parts": [{"name": "p"}, {"name": "q"}]},
        ),
        ({"lead": {"size": 2}}, GOOD),
        ({"lead": {"name": "l", "size": []}}, GOOD | {"lead": {"name": "l"}}),
        ({"either": ["x"]}, GOOD | {"either": []}),
        ({"title": ["t"]}, GOOD | {"title": ""}),
        ({"_id": ObjectId()}, GOOD | {"_id": "00000000-0000-0000-0000-000000000000"}),
    ],
)
def test_what_does_not_fit_is_left_out_where_it_is(fields: dict[str, Any], expected: dict[str, Any]) -> None:
    assert read(**fields) == expected


def test_what_was_left_out_is_reported_without_what_was_in_it() -> None:
    with capture_logs() as logs:
        read(parts=[{"name": "p", "size": "secret"}], kind="secret")

    [line] = logs
    assert (line["event"], line["model"], line["id"]) == ("unreadable_fields", "Whole", "w")
    assert line["fields"] == ["kind", "parts.0.size"]
    assert "secret" not in repr(logs)


class Stubborn(BaseModel):
    name: str
    count: int = 3

    @model_validator(mode="after")
    def _refuse(self) -> "Stubborn":
        raise ValueError("never")


def test_a_rule_about_the_whole_that_nothing_can_keep_still_gives_an_answer() -> None:
    stubborn = read_tolerantly(Stubborn, {"name": "n", "count": 4})

    assert (stubborn.name, stubborn.count) == ("", 3)


def test_a_value_that_is_read_strictly_fits_or_is_not_there() -> None:
    with capture_logs() as logs:
        assert read_strictly(Whole, GOOD | {"parts": [{"size": 1}]}) is None
    assert logs[0]["fields"] == ["parts.0.name"]
    whole = read_strictly(Whole, GOOD)
    assert whole is not None
    assert whole.title == "t"


def classes_below(model: type[BaseModel]) -> set[type[BaseModel]]:
    """The model and those that are made from it, as far as they are ours and whole."""
    found = {inner for subclass in model.__subclasses__() for inner in classes_below(subclass)}
    is_ours = model.__module__.startswith("crafter.")
    return found | {model} if is_ours and not model.__pydantic_generic_metadata__["parameters"] else found


MODELS = sorted(
    {*classes_below(ResponseBody), *classes_below(Stored), *classes_below(BaseDocument)},
    key=lambda model: f"{model.__module__}.{model.__qualname__}",
)


@pytest.mark.parametrize(
    "raw", [{}, None, "text", 5, [], {"_id": MinKey(), "name": Decimal128("1")}], ids=repr
)
async def test_every_shape_of_ours_can_be_read_from_anything_and_written_again(
    raw: Any, app: FastAPI
) -> None:
    for model in MODELS:
        written = to_json(read_tolerantly(model, raw), fallback=str)
        assert json.loads(written) is not None, model
        every_field = dict.fromkeys((field.alias or name for name, field in model.model_fields.items()), raw)
        assert to_json(read_tolerantly(model, every_field), inf_nan_mode="null", fallback=str), model


def test_every_time_that_is_stored_gets_a_zone() -> None:
    bare = [
        f"{model.__module__}.{model.__name__}.{name}"
        for model in {*classes_below(Stored), *classes_below(BaseDocument)}
        for name, field in model.model_fields.items()
        if "datetime.datetime" in (text := repr((field.annotation, field.metadata))) and "as_utc" not in text
    ]

    assert bare == []


@pytest.mark.parametrize("kind", [Moment, WireTime])
def test_a_time_without_a_zone_is_in_utc_and_one_outside_the_calendar_is_none(kind: Any) -> None:
    adapter: TypeAdapter[datetime] = TypeAdapter(kind)

    assert adapter.validate_python("2030-01-01T00:00:00").isoformat() == "2030-01-01T00:00:00+00:00"
    assert adapter.validate_python("2030-01-01T02:00:00+02:00").isoformat() == "2030-01-01T00:00:00+00:00"
    for text in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"):
        with pytest.raises(ValueError, match="between the years"):
            adapter.validate_python(text)


def test_times_of_any_year_look_alike_on_the_wire() -> None:
    adapter: TypeAdapter[datetime] = TypeAdapter(WireTime)

    assert (
        adapter.dump_json(adapter.validate_python("0001-02-03T04:05:06.789Z"))
        == b'"0001-02-03T04:05:06.789Z"'
    )
