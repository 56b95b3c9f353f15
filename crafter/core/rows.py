"""Rows that somebody imports: each is looked at on its own, and what is wrong with one is said of that one."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ValidationError

RowStatus = Literal["created", "updated", "unchanged", "conflict", "invalid"]

B = TypeVar("B", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class RowResult:
    """What became of a row, or would: its ``number`` counts from 1, ``problems`` say what is wrong with it."""

    number: int
    status: RowStatus
    problems: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def read_rows(schema: type[B], rows: Sequence[object]) -> Iterator[tuple[int, B | RowResult]]:
    """Each row with its number: as it was meant, or why it cannot be read. The values are never repeated."""
    for number, row in enumerate(rows, 1):
        try:
            yield number, schema.model_validate(row)
        except ValidationError as error:
            yield number, RowResult(number, "invalid", [_sentence(one) for one in error.errors()])


def _sentence(error: Any) -> str:
    where = ".".join(map(str, error["loc"]))
    return f"{where}: {error['msg']}" if where else str(error["msg"])
