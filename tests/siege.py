"""Somebody who may do everything, and uses it to break things: one attempt after another, and what went wrong."""

import json
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType
from typing import Any

import structlog
from fastapi import FastAPI

from crafter.auth.tokens import issue_token
from crafter.core.runtime import Runtime
from crafter.core.time import utc_now
from crafter.users.documents import User
from tests.fixtures import KEPT, OPERATOR, empty, make_cast
from tests.operations import Document, Operation, check_answer
from tests.programs import make_platform_key
from tests.wire import Answer, Headers, Json, Wire, pairs
from tests.world import Watched, World, make_world

TYPED = {"Content-Type": "application/json"}
CURRENT = {"If-Match": '"0"'}
"""What the routes ask for that change nothing without the revision that they were read in."""


COUNTED = ("userapikeys", "sessiontokens")
"""Where the use of keys and sessions is counted whenever they come in, also if they are refused afterwards."""


@dataclass
class Siege(Watched):
    """A world, and the admin and owner of its organization, who is an operator as well."""

    world: World
    document: Document
    wire: Wire
    person: str


@asynccontextmanager
async def siege(app: FastAPI) -> AsyncIterator[Siege]:
    """A world for a while; the catalogues, which outlive it, are afterwards as they were before."""
    runtime: Runtime = app.state.runtime
    db = runtime.database.db
    kept = {name: await db[name].find({}).to_list() for name in KEPT}
    world = await make_world(await make_cast(), runtime)
    admin = world.cast.admin
    await User.collection().update_one({"_id": admin.id}, {"$set": {"email": OPERATOR}})
    world.ids["key_id"] = (await make_platform_key(admin, world.cast.organization))[1].id
    # From later on, so that it outlives the changes of the password which are tried.
    person = issue_token(admin.id, app.state.settings, utc_now() + timedelta(hours=1))
    besieged = Siege(runtime, world, Document.of(app), Wire(app), person)
    await besieged.changed()
    with silence():
        yield besieged
    await empty(runtime)
    for name, documents in kept.items():
        await db[name].delete_many({})
        await db[name].insert_many(documents)


@contextmanager
def silence() -> Iterator[None]:
    """Log nothing: what is attacked a thousand times has a lot to say."""
    before = structlog.get_config()
    structlog.configure(processors=[_drop])
    try:
        yield
    finally:
        structlog.configure(**before)


def _drop(_logger: Any, _method: str, _event: Any) -> Any:
    raise structlog.DropEvent


@dataclass
class Attack:
    """Attempts on one operation. What goes wrong is collected, so that one run tells it all."""

    siege: Siege
    operation: Operation
    failures: list[str] = field(default_factory=list)
    revision: dict[str, str] = field(default_factory=lambda: dict(CURRENT))

    async def send(
        self,
        what: str,
        *,
        target: str | None = None,
        headers: Mapping[str, str] = MappingProxyType({}),
        credentials: Headers | None = None,
        body: bytes | None = None,
        value: Json = None,
    ) -> Answer:
        """Send ``body`` as it is, or ``value`` as JSON, and check what holds for each answer."""
        siege, operation = self.siege, self.operation
        typed = {} if value is None else TYPED
        genuine = operation.credentials(siege.world, siege.person)
        answer = await siege.wire.send(
            operation.method,
            target or operation.target(siege.world.ids),
            body if body is not None else b"" if value is None else json.dumps(value).encode(),
            [
                *pairs(genuine if credentials is None else credentials),
                *pairs({**self.revision, **typed, **headers}),
            ],
        )
        try:
            check_answer(answer, operation, siege.document)
        except (AssertionError, ValueError) as error:
            self.note(what, str(error) or repr(error))
        if "etag" in answer.headers:
            self.revision = {"If-Match": answer.headers["etag"]}
        return answer

    async def is_refused(self, what: str, status: int | None = None, **request: Any) -> None:
        """The same, and the answer must be a refusal, with this status."""
        answer = await self.send(what, **request)
        if answer.status != status if status else answer.status < 400:
            self.note(what, f"answered with {answer.status}: {answer.text[:200]}")

    async def is_refused_at(self, what: str, pointers: Iterable[str], *, value: Json) -> None:
        """The same, and each of the places must be named, or else what it is a part of."""
        answer = await self.send(what, value=value)
        named = (
            [error["pointer"] for error in answer.json().get("errors", ())] if answer.status == 400 else []
        )
        for pointer in pointers:
            if not any(_leads_to(one, pointer) for one in named):
                self.note(what, f"{answer.status} does not name {pointer}: {answer.text[:200]}")

    async def results(self) -> list[str]:
        """What went wrong; that something has changed is wrong as well."""
        changed = set(await self.siege.changed())
        if changed := changed.difference(COUNTED if self.operation.is_for_programs else ()):
            self.note("after all", f"{sorted(changed)} have changed")
        return self.failures

    def note(self, what: str, problem: str) -> None:
        """Keep what went wrong."""
        self.failures.append(f"{self.operation}, {what}: {problem.splitlines()[0][:300]}")


def _leads_to(named: str, pointer: str) -> bool:
    """Whether a pointer is this one, or of what holds it (but the body as a whole), or of what is in it."""
    if not named or not pointer:
        return named == pointer
    return f"{pointer}/".startswith(f"{named}/") or named.startswith(f"{pointer}/")
