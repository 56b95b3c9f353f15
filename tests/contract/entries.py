"""What the table of the contract consists of: an endpoint, who asks it for what, and what it answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.contract.shapes import Shape

ORGANIZATION = "/organizations/{organization_id}"
PROJECT = ORGANIZATION + "/projects/{project_id}"
AGENT = PROJECT + "/agents/{agent_id}"
MODEL = {"model": "gpt-4o-mini"}


@dataclass(frozen=True)
class Step:
    """A request that comes before, and what is remembered of its answer: names of ids, and where they stand in it.

    ``{name}`` in paths and bodies stands for an id.
    """

    method: str
    path: str
    body: Any = None
    remember: Mapping[str, str] = field(default_factory=dict)
    who: str = "admin"


@dataclass(frozen=True)
class Refusal:
    """A request that is refused, after the good one: what is not as in that, and the answer.

    ``error`` is the exact text, and ``message`` is the same where nothing else is said. ``at`` names the field of a
    validation failure, ``more`` is the shape of what else is told.
    """

    status: int
    error: str | None = None
    code: str | None = None
    at: str | None = None
    location: str = "body"
    body: Any = ...
    path: str | None = None
    query: Mapping[str, str] | None = None
    ids: Mapping[str, str] = field(default_factory=dict)
    who: str | None = None
    before: tuple[Step, ...] = ()
    more: Mapping[str, Shape] = field(default_factory=dict)
    message: str | None = None


@dataclass(frozen=True)
class Entry:
    """An endpoint. ``path`` has the names of parameters that the routes have, and no ``/api/v1``.

    ``who`` is the least of those who may call it: anybody, signed in, viewer, member, admin or operator; key (any
    scope), ``key:<scope>``, session or visitor. ``by`` are the clients that do: ``SDK``, ``widget``, ``UI``. ``given``
    names a scene to set beforehand. ``frames`` is the shape of a stream's last frame. ``needs`` says which client needs
    what stands at a place of the answer. ``differs`` is how Crafter differs on purpose, and why.
    """

    method: str
    path: str
    who: str
    by: str = ""
    body: Any = None
    query: Mapping[str, str] = field(default_factory=dict)
    status: int = 200
    answer: Shape = None
    frames: Shape = None
    headers: Mapping[str, str] = field(default_factory=dict)
    given: str = ""
    before: tuple[Step, ...] = ()
    ids: Mapping[str, str] = field(default_factory=dict)
    refusals: tuple[Refusal, ...] = ()
    needs: Mapping[str, str] = field(default_factory=dict)
    differs: str = ""
    case: str = ""
    unplayed: str = ""

    def __str__(self) -> str:
        return f"{self.method} {self.path}" + (f" ({self.case})" if self.case else "")

    @property
    def key(self) -> tuple[str, str]:
        """What a route is known by."""
        return self.method, self.path


@dataclass(frozen=True)
class Section:
    """A part of the contract, and its endpoints."""

    title: str
    entries: tuple[Entry, ...]
