"""One index, declared or found on the server, in the form in which the two can be compared."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Keys = tuple[tuple[str, int | str], ...]

_OPTIONS = (
    "unique",
    "sparse",
    "partialFilterExpression",
    "expireAfterSeconds",
    "collation",
    "hidden",
    "weights",
    "default_language",
    "language_override",
    "wildcardProjection",
)
_TEXT_KEYS: Keys = (("_fts", "text"), ("_ftsx", 1))
_TEXT_DEFAULTS = {"default_language": "english", "language_override": "language"}
_COVERAGE = ("sparse", "partialFilterExpression")
_NO_COLLATION = {"locale": "simple"}


@dataclass(frozen=True, slots=True)
class IndexSpec:
    """An index: its name, its keys as the server lists them, and the options that change what it does.

    ``document`` is what it was read from; ``createIndexes`` takes it as it is.
    """

    name: str
    keys: Keys
    options: Mapping[str, Any]
    document: Mapping[str, Any]

    @property
    def unique(self) -> bool:
        """Whether it refuses a second document with the same keys."""
        return bool(self.options.get("unique"))

    @property
    def text(self) -> bool:
        """Whether it is a text index; a collection has room for one."""
        return _TEXT_KEYS[0] in self.keys

    def __str__(self) -> str:
        keys = ", ".join(f"{field}: {kind}" for field, kind in self.keys)
        words = [name if value is True else f"{name}={value}" for name, value in self.options.items()]
        return " ".join([f"{{{keys}}}", *words])


def read_spec(document: Mapping[str, Any]) -> IndexSpec:
    """The index that a document of ``listIndexes``, or of an IndexModel, describes."""
    keys: list[tuple[str, int | str]] = []
    searched: dict[str, int] = {}
    for field, kind in document["key"].items():
        if kind == "text" and field != "_fts":
            keys += () if searched else _TEXT_KEYS
            searched[field] = 1
        else:
            keys.append((field, int(kind) if isinstance(kind, int | float) else kind))
    options = {
        name: document[name]
        for name in _OPTIONS
        if document.get(name) is not None and document[name] is not False
    }
    if searched:
        options = {**_TEXT_DEFAULTS, **options, "weights": {**searched, **document.get("weights", {})}}
    if options.get("collation") == _NO_COLLATION:
        del options["collation"]
    return IndexSpec(document["name"], tuple(keys), options, document)


def matches(there: IndexSpec, wanted: IndexSpec) -> bool:
    """Whether the server's index is the wanted one, whatever it is called."""
    return there.keys == wanted.keys and _alike(there, wanted, _OPTIONS)


def stands_in(there: IndexSpec, wanted: IndexSpec) -> bool:
    """Whether the server's index does all that the wanted one would: same keys, options at least as strong.

    A unique index stands in for one that is not, and a full one for a partial or sparse one; but where the
    wanted one is unique, it must be unique over exactly the same documents.
    """
    rest = [name for name in _OPTIONS if name not in ("unique", *_COVERAGE)]
    if there.keys != wanted.keys or not _alike(there, wanted, rest):
        return False
    covers_the_same = _alike(there, wanted, _COVERAGE)
    if wanted.unique:
        return there.unique and covers_the_same
    return covers_the_same or not any(name in there.options for name in _COVERAGE)


def excludes(there: IndexSpec, wanted: IndexSpec) -> bool:
    """Whether the server would refuse to build the wanted index beside this one of another name."""
    same_signature = there.keys == wanted.keys and _alike(there, wanted, ("unique", "collation", *_COVERAGE))
    return same_signature or (there.text and wanted.text)


def _alike(there: IndexSpec, wanted: IndexSpec, names: tuple[str, ...] | list[str]) -> bool:
    return all(
        _same_collation(there, wanted)
        if name == "collation"
        else there.options.get(name) == wanted.options.get(name)
        for name in names
    )


def _same_collation(there: IndexSpec, wanted: IndexSpec) -> bool:
    """The server lists every detail of a collation; a declaration names only some."""
    ours, theirs = wanted.options.get("collation"), there.options.get("collation")
    if ours is None or theirs is None:
        return ours is theirs
    return all(theirs.get(name) == value for name, value in ours.items())
