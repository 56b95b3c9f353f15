"""Bad input on every route: each attempt is refused in a documented way, and nothing has changed afterwards."""

import json
from collections.abc import AsyncIterator
from urllib.parse import quote

import pytest
from fastapi import FastAPI

from crafter.core.access import rule_of
from tests import hostile
from tests.operations import OPERATIONS, READS, WITH_BODY, Operation, found, placed, with_raw
from tests.samples import sample_of
from tests.siege import TYPED, Attack, Siege, siege

NOTHING_TO_DO = ("DELETE", "/organizations/{organization_id}/members/{user_id}")
"""Removing somebody who is no member is fine, says the contract."""

SLACK = 64
"""Bytes by which an answer may grow without having more in it: it repeats what was asked for, such as a page."""

SHARE = 8
"""How many of the values that are tried on every route are tried on each of its parameters: others on the next."""


@pytest.fixture(scope="module")
async def besieged(app: FastAPI) -> AsyncIterator[Siege]:
    """One world for all: it stays as it is, since everything is refused."""
    async with siege(app) as besieged:
        yield besieged


def share(values: list[str] | tuple[str, ...], turn: int) -> list[str]:
    """The next ``SHARE`` of the values, from the first on again after the last."""
    return [values[(turn * SHARE + n) % len(values)] for n in range(min(SHARE, len(values)))]


@pytest.mark.parametrize("operation", WITH_BODY, ids=str)
async def test_what_is_not_our_kind_of_json_is_refused_wherever_it_stands(
    operation: Operation, besieged: Siege
) -> None:
    attack = Attack(besieged, operation)
    sample = sample_of(operation, besieged.document, besieged.world.ids)
    texts = list(hostile.NO_JSON)

    for name, content, kind, status in hostile.bodies(sample):
        if operation.knows_uploads and kind.startswith("multipart/"):
            status = 501
        await attack.is_refused(name, status, body=content, headers={"Content-Type": kind})
    for turn, field in enumerate(besieged.document.body_fields(operation)):
        for name in texts if turn == 0 else share(texts, turn):
            body = with_raw(sample, field.where, hostile.NO_JSON[name])
            await attack.is_refused(f"{name} as {field}", 400, body=body, headers=TYPED)

    assert await attack.results() == []


@pytest.mark.parametrize("operation", WITH_BODY, ids=str)
async def test_a_value_of_the_wrong_kind_is_refused_and_its_place_is_named(
    operation: Operation, besieged: Siege
) -> None:
    attack = Attack(besieged, operation)
    sample = sample_of(operation, besieged.document, besieged.world.ids)
    fields = besieged.document.body_fields(operation)

    for depth in sorted({len(field.where) for field in fields}):
        for number in range(hostile.ATTEMPTS):
            wrong = {
                field: value
                for field in fields
                if len(field.where) == depth
                and (value := hostile.wrong_value(field, number)) is not hostile.FITS
            }
            body = sample
            for field, value in wrong.items():
                body = placed(body, field.where, value)
            if wrong:
                places = [field.pointer for field in wrong]
                await attack.is_refused_at(f"the {number}. values at depth {depth}", places, value=body)

    assert await attack.results() == []


@pytest.mark.parametrize("operation", WITH_BODY, ids=str)
async def test_no_text_and_no_list_may_be_as_long_as_its_sender_likes(
    operation: Operation, besieged: Siege
) -> None:
    attack = Attack(besieged, operation)
    sample = sample_of(operation, besieged.document, besieged.world.ids)

    for field in besieged.document.body_fields(operation):
        value = hostile.too_long(field, found(sample, field.where))
        if value is not hostile.FITS:
            await attack.is_refused(f"too long {field}", value=placed(sample, field.where, value))

    assert await attack.results() == []


NAMES_ANYTHING = {
    ("POST", "endpoint_name"),
    ("PUT", "label"),
    ("DELETE", "user_identifier"),
    ("GET", "user_identifier"),
}
"""Endpoints and labels get their names from the path, and an end user may be called anything: any name will do."""


@pytest.mark.parametrize("operation", [one for one in OPERATIONS if not one.is_absent], ids=str)
async def test_nobodys_id_leads_nowhere(operation: Operation, besieged: Siege) -> None:
    attack = Attack(besieged, operation)
    sample = sample_of(operation, besieged.document, besieged.world.ids)

    for turn, name in enumerate(operation.path_parameters, OPERATIONS.index(operation)):
        for segment in share(hostile.SEGMENTS, turn):
            target = operation.target({**besieged.world.ids, name: segment})
            nothing_to_do = operation.key == NOTHING_TO_DO and name == "user_id"
            if nothing_to_do or (operation.method, name) in NAMES_ANYTHING:
                await attack.send(f"{segment} as {name}", target=target)
            else:
                await attack.is_refused(f"{segment} as {name}", target=target, value=sample)

    assert await attack.results() == []


@pytest.mark.parametrize("operation", READS, ids=str)
async def test_a_query_string_can_narrow_a_list_but_never_widen_it(
    operation: Operation, besieged: Siege
) -> None:
    attack = Attack(besieged, operation)
    target = operation.target(besieged.world.ids)
    everything = len((await attack.send("nothing")).content)
    operators = [quote(json.dumps(value)) for value in hostile.OPERATORS]

    for turn, parameter in enumerate(besieged.document.query_parameters(operation)):
        name, selects = parameter["name"], '"string"' in json.dumps(parameter["schema"])
        for value in (*operators, *hostile.QUERY_TEXTS, *map(quote, share(hostile.TEXTS, turn))):
            answer = await attack.send(f"{name}={value[:80]}", target=f"{target}?{name}={value}")
            if answer.status == 200 and selects and len(answer.content) > everything + SLACK:
                attack.note(f"{name}={value}", f"{len(answer.content)} bytes instead of {everything}")
        for spelling in hostile.OBJECT_IN_QUERY:
            await attack.is_refused(f"{name}{spelling}", 400, target=f"{target}?{name}{spelling}")

    assert await attack.results() == []


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
async def test_what_is_no_credential_lets_nobody_in(operation: Operation, besieged: Siege) -> None:
    rule = rule_of(operation.route)
    assert rule is not None
    if rule.kind == "public":
        return
    attack = Attack(besieged, operation)
    sample = sample_of(operation, besieged.document, besieged.world.ids)
    genuine = operation.credentials(besieged.world, besieged.person)

    for token in hostile.TOKENS:
        await attack.is_refused(f"{token[:60]!r}", 401, value=sample, credentials={"Authorization": token})
    for name, value in genuine.items():
        twice = [(name, value), (name, value)]
        await attack.is_refused(f"{name} twice", 401, value=sample, credentials=twice)
        for end in ("\x00", "x", " ", ", a"):
            await attack.is_refused(
                f"{name} with {end!r}", 401, value=sample, credentials={name: value + end}
            )

    assert await attack.results() == []


@pytest.mark.parametrize("operation", [one for one in OPERATIONS if one.method != "GET"], ids=str)
async def test_a_change_must_not_be_made_from_a_revision_that_never_was(
    operation: Operation, besieged: Siege
) -> None:
    attack = Attack(besieged, operation)
    if "if-match" not in besieged.document.header_parameters(operation):
        return
    sample = sample_of(operation, besieged.document, besieged.world.ids)

    for revision in hostile.REVISIONS:
        await attack.is_refused(f"If-Match: {revision}", value=sample, headers={"If-Match": revision})

    assert await attack.results() == []
