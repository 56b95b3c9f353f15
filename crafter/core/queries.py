"""Query shapes: what a feature asks of its collection, declared beside the indexes that serve it.

``python -m indexes verify`` replays every shape with ``explain`` and fails on a collection scan or a sort in memory.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class QueryShape:
    """One question to a collection.

    ``where`` and ``sort`` are the query as the service writes it, with example values; ``name`` says who asks;
    ``rules`` are the required index rules that the shape stands for; ``everywhere``: it is asked now and then in the
    background, of all tenants at once, so of every shard.
    """

    name: str
    where: Mapping[str, Any]
    sort: Sequence[tuple[str, int]] = ()
    rules: Sequence[str] = field(default=())
    everywhere: bool = False
