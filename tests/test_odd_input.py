"""Odd but legal input on every route: taken or refused, it breaks neither the route nor whoever reads afterwards."""

from collections.abc import AsyncIterator, Iterator

import pytest
from bson import encode
from fastapi import FastAPI

from crafter.auth.tokens import issue_token
from crafter.core.time import utc_now
from tests import hostile
from tests.fakes.provider import FakeProvider
from tests.operations import OPERATIONS, READS, WITH_BODY, BodyField, Operation, found, placed
from tests.samples import SAMPLES, sample_of
from tests.siege import TYPED, Attack, Siege, siege
from tests.wire import Answer, Json

SHARE = 6
"""How many odd texts are tried in each field of a route: others in the next field."""

FREE_TEXTS = 2
"""The same for passwords: each costs a quarter of a second to hash."""

BY_STATE = {"NOT_PENDING", "OWNER_MUST_STAY"}
"""Refusals that depend on what the routes before have done."""

MARK = "stowaway-7d3f"

AREAS = sorted({str(operation.route.tags[0]) for operation in WITH_BODY})


@pytest.fixture
async def besieged(app: FastAPI, provider: FakeProvider) -> AsyncIterator[Siege]:
    async with siege(app) as besieged:
        yield besieged


def operations_of(area: str) -> list[Operation]:
    return [operation for operation in WITH_BODY if operation.route.tags[0] == area]


def odd_values(field: BodyField, turn: int) -> Iterator[Json]:
    if not field.kinds or field.kinds & {"string"}:
        count = FREE_TEXTS if field.where[-1:] == ("password",) else SHARE
        yield from (hostile.TEXTS[(turn * SHARE + n) % len(hostile.TEXTS)] for n in range(count))
    if not field.kinds or field.kinds & {"integer", "number"}:
        yield from hostile.NUMBERS
    if field.is_free:
        yield from hostile.OBJECTS


async def accepted(attack: Attack, what: str, value: Json) -> Answer:
    """The answer to a body that is sent from the current revision."""
    answer = await attack.send(what, value=value)
    return await attack.send(what, value=value) if answer.status == 412 else answer


@pytest.mark.parametrize("area", AREAS)
async def test_the_samples_that_all_attempts_are_made_from_are_good(area: str, besieged: Siege) -> None:
    failures = []
    for operation in operations_of(area):
        attack = Attack(besieged, operation)
        answer = await accepted(
            attack, "the sample", sample_of(operation, besieged.document, besieged.world.ids)
        )
        failures += attack.failures
        if answer.status >= 300 and answer.json()["code"] not in BY_STATE:
            failures.append(f"{operation}: {answer.text}")

    assert failures == []


def test_there_is_no_sample_for_a_route_that_is_not_there() -> None:
    assert SAMPLES.keys() <= {operation.key for operation in WITH_BODY}


@pytest.mark.parametrize("area", AREAS)
async def test_after_every_oddity_that_was_taken_everything_can_still_be_read(
    area: str, app: FastAPI, besieged: Siege
) -> None:
    failures = []
    readable = [one for one in READS if (await Attack(besieged, one).send("")).status == 200]

    for operation in operations_of(area):
        attack = Attack(besieged, operation)
        sample = sample_of(operation, besieged.document, besieged.world.ids)
        for turn, field in enumerate(besieged.document.body_fields(operation)):
            for value in odd_values(field, turn):
                await accepted(attack, f"{value!r:.60} as {field}", placed(sample, field.where, value))
        failures += attack.failures

    failures += await read_everything(besieged, readable, besieged.person)
    cast = besieged.world.cast
    somebody = (besieged.world.second_admin, cast.member, cast.viewer)[AREAS.index(area) % 3]
    token = issue_token(somebody.id, app.state.settings, utc_now())
    failures += await read_everything(besieged, readable, token)
    assert failures == []


async def read_everything(besieged: Siege, operations: list[Operation], person: str) -> list[str]:
    """What goes wrong when a person reads all this. What is theirs alone is not there for others."""
    failures = []
    for operation in operations:
        attack = Attack(besieged, operation)
        answer = await attack.send("read", credentials=operation.credentials(besieged.world, person))
        failures += attack.failures
        if answer.status not in (200, 403, 404) or (answer.status == 403 and person == besieged.person):
            failures.append(f"{operation}: {answer.text}")
    return failures


@pytest.mark.parametrize("area", AREAS)
async def test_what_only_the_server_may_write_cannot_be_smuggled_in(area: str, besieged: Siege) -> None:
    failures = []
    for operation in operations_of(area):
        attack = Attack(besieged, operation)
        body = sample_of(operation, besieged.document, besieged.world.ids)
        for field in reversed(besieged.document.body_fields(operation)):
            present = found(body, field.where)
            if isinstance(present, dict) and not field.is_free:
                stowaways = {name: MARK for name in hostile.STOWAWAYS if name not in field.properties}
                body = placed(body, field.where, {**stowaways, **present})

        answer = await accepted(attack, "with stowaways", body)

        failures += attack.failures
        if MARK in answer.text:
            failures.append(f"{operation} answers them: {answer.text}")
        failures += [f"{operation} stores them: {document}" async for document in marked(besieged)]
    assert failures == []


async def marked(besieged: Siege) -> AsyncIterator[str]:
    """What is stored with the mark in it."""
    db = besieged.runtime.database.db
    for name in await db.list_collection_names():
        async for document in db[name].find({}):
            if MARK.encode() in encode(document):
                yield f"{name} {document}"


@pytest.mark.parametrize("area", sorted({str(operation.route.tags[0]) for operation in OPERATIONS}))
async def test_a_json_type_without_a_body_is_normal(area: str, besieged: Siege) -> None:
    failures = []
    for operation in sorted(OPERATIONS, key=lambda operation: operation.method == "DELETE"):
        if operation.route.tags[0] == area:
            attack = Attack(besieged, operation)
            answer = await attack.send("no body", headers=TYPED)
            failures += attack.failures
            if "Invalid JSON" in answer.text:
                failures.append(f"{operation}: {answer.text}")

    assert failures == []
