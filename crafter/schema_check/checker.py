"""Which stored documents do not fit what the code declares: by collection, id and field, never by value."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError
from pymongo.asynchronous.database import AsyncDatabase

from crafter.core.documents import BaseDocument

Db = AsyncDatabase[dict[str, Any]]
Progress = Callable[[str, int], None]

_BATCH = 500
_SHOWN_FIELDS = 20


@dataclass(frozen=True, slots=True)
class Violation:
    """A document that does not fit, and where."""

    id: str
    fields: list[str]


@dataclass(slots=True)
class CollectionReport:
    """What was found in one collection; of many violations the first are listed."""

    name: str
    checked: int = 0
    violating: int = 0
    violations: list[Violation] = field(default_factory=list)


async def check(
    db: Db, documents: Sequence[type[BaseDocument]], *, most: int, progress: Progress
) -> AsyncIterator[CollectionReport]:
    """One report after the other, by name; reads each document once, in the order of the ids, and changes nothing."""
    by_name = {str(model.Settings.name): model for model in documents}
    for name, model in sorted(by_name.items()):
        yield await _check_collection(db, name, model, most, progress)


async def _check_collection(
    db: Db, name: str, model: type[BaseDocument], most: int, progress: Progress
) -> CollectionReport:
    report = CollectionReport(name)
    async for raw in db[name].find({}, sort=[("_id", 1)], batch_size=_BATCH):
        report.checked += 1
        if fields := violations_of(model, raw):
            report.violating += 1
            if len(report.violations) < most:
                report.violations.append(Violation(str(raw.get("_id")), fields))
        if report.checked % _BATCH == 0:
            progress(name, report.checked)
    return report


def violations_of(model: type[BaseDocument], raw: dict[str, Any]) -> list[str]:
    """The paths of what does not fit in a stored document; none if all of it does."""
    try:
        model.model_validate(raw)
    except ValidationError as error:
        paths = {".".join(map(str, failure["loc"])) for failure in error.errors(include_url=False)}
        return sorted(paths)[:_SHOWN_FIELDS]
    return []
