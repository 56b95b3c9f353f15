"""The shapes on the wire: what callers may send, and what they get.

Response shapes are never derived from documents. ``None`` in an :data:`~crafter.core.documents.OmitNone` field is
left out; in any other it is sent as ``null``.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Annotated, Any, ClassVar, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    computed_field,
    model_validator,
)

from crafter.core.ids import EntityId
from crafter.core.time import as_utc, wire_time
from crafter.core.tolerance import read_tolerantly

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")

WireTime = Annotated[
    datetime, AfterValidator(as_utc), PlainSerializer(wire_time, return_type=str, when_used="json")
]
"""A time as ``2026-01-31T09:15:00.123Z``."""


def _is_iso(value: Any) -> Any:
    if isinstance(value, str) and _DATE.match(value):
        return value
    raise ValueError("must be an ISO 8601 time, such as 2030-01-31T00:00:00.000Z")


def _to_milliseconds(value: datetime) -> datetime:
    """In UTC (which is also meant where no zone is given), cut to the millisecond. Raises ValueError."""
    moment = as_utc(value)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


Instant = Annotated[
    datetime,
    AfterValidator(_to_milliseconds),
    BeforeValidator(_is_iso, json_schema_input_type=str),
    Field(examples=["2030-01-31T00:00:00.000Z"]),
]
"""A time as callers send it: ISO 8601 text, and never a number."""

Trimmed = Annotated[str, StringConstraints(strip_whitespace=True)]
"""Text without the white space around it."""

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
"""What something is called: 1 to 200 characters after trimming."""

Text = Annotated[str, StringConstraints(max_length=20_000)]
"""Free text, for descriptions."""


def integral(value: float) -> float:
    """The number as JavaScript has it: whole numbers carry no fraction, so ``1.0`` is ``1``."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Number = Annotated[int | float, AfterValidator(integral)]
"""A number; whole ones carry no fraction."""


def says(message: str) -> WrapValidator:
    """The sentence that is answered whatever is wrong with the field; last in ``Annotated[…]``."""

    def check(value: Any, validate: ValidatorFunctionWrapHandler) -> Any:
        try:
            return validate(value)
        except ValidationError:
            raise ValueError(message) from None

    return WrapValidator(check)


class RequestBody(BaseModel):
    """What a caller sends to a route of ours: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class ContractBody(BaseModel):
    """What the published clients send: unknown fields are ignored, and ``null`` means "not given".

    Fields named in ``clearable`` keep their ``null``.
    """

    model_config = ConfigDict(extra="ignore", populate_by_name=True)

    clearable: ClassVar[frozenset[str]] = frozenset()

    @model_validator(mode="before")
    @classmethod
    def _null_is_not_given(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        return {key: value for key, value in data.items() if value is not None or key in cls.clearable}

    def given(self) -> dict[str, Any]:
        """The fields that the caller sent, by their own names."""
        return self.model_dump(exclude_unset=True)


class ResponseBody(BaseModel):
    """A part of what we answer."""

    model_config = ConfigDict(
        populate_by_name=True,
        extra="ignore",
        serialize_by_alias=True,
        ser_json_bytes="base64",
        defer_build=True,  # until first used: there are hundreds, and a start needs none of them
    )

    @classmethod
    def from_stored(cls, raw: Mapping[str, Any]) -> Self:
        """The answer for a stored document; a value that does not validate is left out, never an error."""
        return read_tolerantly(cls, raw)

    @classmethod
    @lru_cache(maxsize=256)
    def fields(cls) -> dict[str, int]:
        """The projection that fetches just what this answer needs."""
        return {(field.alias or name): 1 for name, field in cls.model_fields.items()}


class Resource(ResponseBody):
    """A stored document as we answer it, with ``_id``, ``createdAt``, ``updatedAt`` and ``__v``."""

    stored_id: EntityId = Field(alias="_id")
    created_at: WireTime | None = Field(None, alias="createdAt")
    updated_at: WireTime | None = Field(None, alias="updatedAt")
    version_key: int = Field(0, alias="__v")


class IdentifiedResource(Resource):
    """A resource that also carries ``id``, as those do which the published clients read by it."""

    @computed_field  # type: ignore[prop-decorator]
    @property
    def id(self) -> str:
        """The same as ``_id``."""
        return self.stored_id
