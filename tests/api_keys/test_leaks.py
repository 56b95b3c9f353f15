"""A provider's key comes in once, and is then nowhere: in no answer, no row and no log line."""

import base64
import logging

import pytest
from bson import encode
from httpx2 import AsyncClient, Response

from crafter.core.runtime import Runtime
from crafter.projects.documents import Project
from tests.api_keys.factories import keys_url, provider_named

CANARY = "sk-canary-7f3a9c51d2e84b60-QRST"


def spellings(secret: str) -> list[bytes]:
    """The secret as it is, in hex, and in base64 at each of the three positions in which it can stand."""
    raw = secret.encode()
    inner = [base64.b64encode(b"." * shift + raw)[4:-4] for shift in range(3)]
    return [raw, raw.hex().encode(), raw.hex().upper().encode(), *inner]


def hits(haystack: bytes) -> list[bytes]:
    return [spelling for spelling in spellings(CANARY) if spelling in haystack]


def whole(response: Response) -> bytes:
    return repr(response.headers).encode() + response.content


async def every_answer(client: AsyncClient, project: Project) -> list[Response]:
    """What the routes say around a key's life, mistakes included."""
    provider = await provider_named("openai")
    body = {"name": "k", "key": CANARY, "provider": provider.id}
    created = await client.post(keys_url(project), json=body)
    one = keys_url(project, created.json()["id"])
    current = {"If-Match": '"0"'}
    return [
        created,
        await client.post(keys_url(project), json=body),
        await client.post(keys_url(project), json={**body, "provider": "unknown"}),
        await client.post(keys_url(project), json={**body, "key": CANARY + "\n" + CANARY}),
        await client.post(keys_url(project), json={**body, "key": [CANARY]}),
        await client.post(keys_url(project), json={"name": [CANARY], "key": CANARY, "provider": {}}),
        await client.post(
            keys_url(project), content='{"key": "' + CANARY, headers={"content-type": "text/json"}
        ),
        await client.get(keys_url(project)),
        await client.get(one),
        await client.patch(one, json={"key": CANARY}, headers=current),
        await client.patch(one, json={"is_active": False}, headers=current),
        await client.get(f"/organizations/{project.organization}"),
    ]


async def dump(runtime: Runtime) -> bytes:
    db = runtime.database.db
    names = await db.list_collection_names()
    return b"".join([encode(row) for name in names for row in await db[name].find({}).to_list()])


async def test_a_provider_key_is_in_no_answer_no_row_and_no_log_line(
    as_admin: AsyncClient,
    project: Project,
    runtime: Runtime,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)

    answers = await every_answer(as_admin, project)

    assert [(r.request.method, r.status_code) for r in answers if hits(whole(r))] == []
    assert answers[0].status_code == 201
    assert answers[0].json()["id"].encode() in await dump(runtime)
    assert hits(await dump(runtime)) == []
    printed = capfd.readouterr()
    assert hits((caplog.text + printed.out + printed.err).encode()) == []


def test_the_scan_would_find_the_key_in_each_spelling() -> None:
    raw = CANARY.encode()
    found = [hits(encode({"key": stored})) for stored in (CANARY, raw.hex(), raw.hex().upper())]
    shifted = [hits(base64.b64encode(b"x" * shift + raw + b"y")) for shift in range(6)]

    assert all(found + shifted)
