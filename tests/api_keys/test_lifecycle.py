"""How a provider key gets another secret, becomes the default one, expires and ends."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest
import structlog
import time_machine
from httpx2 import AsyncClient, Response

from crafter.agents.documents import Agent
from crafter.api_keys import service as api_key_service
from crafter.api_keys.documents import ApiKey
from crafter.api_keys.errors import CredentialUnusable
from crafter.api_keys.lifecycle import service as lifecycle_service
from crafter.api_keys.lifecycle import sweeping
from crafter.core.ids import new_id
from crafter.core.runtime import Runtime
from crafter.core.secrets import Keyring, key_id_of
from crafter.core.security import new_key as new_encryption_key
from crafter.core.time import utc_now, wire_time
from crafter.projects.documents import Project
from tests.api_keys.factories import keys_url, make_api_key, provider_named
from tests.execution.test_chat import ASK, frames, url
from tests.factories import make_agent, make_project
from tests.fakes.provider import FakeProvider
from tests.fakes.replies import Failure

OLD, NEW = "sk-canary-old-0123456789", "sk-canary-new-0123456789"
DAY = timedelta(days=1)


@pytest.fixture
async def key(as_admin: AsyncClient, project: Project, runtime: Runtime) -> ApiKey:
    """A key whose secret is OLD."""
    return await new_key(as_admin, project, OLD)


@pytest.fixture
async def agent(project: Project, runtime: Runtime, key: ApiKey) -> Agent:
    """An agent that works with the key."""
    made: Agent = await make_agent(project, runtime.keyring, key=key)
    return made


async def new_key(client: AsyncClient, project: Project, secret: str, **fields: Any) -> ApiKey:
    body = {"name": "k", "key": secret, "provider": "openai", **fields}
    created = await client.post(keys_url(project), json=body)
    assert created.status_code == 201, created.text
    return await again(project, created.json()["id"])


async def again(project: Project, key_id: str) -> ApiKey:
    return await api_key_service.get_key(project.scope, key_id)


async def act(client: AsyncClient, key: ApiKey, verb: str, body: Any = None, **headers: str) -> Response:
    path = f"/organizations/{key.organization}/projects/{key.project}/api-keys/{key.id}:{verb}"
    return await client.post(path, json=body, headers=headers)


def sent(provider: FakeProvider) -> list[str]:
    return [request.headers["authorization"].removeprefix("Bearer ") for request in provider.requests]


async def defaults(project: Project) -> list[str]:
    rows = await ApiKey.within(project.scope).find({"is_default": True}, limit=100)
    return [row["_id"] for row in rows]


async def test_of_many_that_become_the_default_at_once_one_is(
    as_admin: AsyncClient, project: Project
) -> None:
    provider = await provider_named("openai")
    keys = [await make_api_key(project, provider.id) for _ in range(10)]

    answers = await asyncio.gather(*(act(as_admin, keys[n % 10], "set-default") for n in range(50)))

    assert {answer.status_code for answer in answers} == {200}
    assert len(await defaults(project)) == 1


async def test_each_provider_and_each_project_has_a_default_of_its_own(
    as_admin: AsyncClient, project: Project, organization: Any
) -> None:
    sibling = await make_project(organization, "Sibling")
    openai, xai = await provider_named("openai"), await provider_named("xai")
    first, second, other, next_door = [
        await make_api_key(home, provider.id)
        for home, provider in ((project, openai), (project, openai), (project, xai), (sibling, openai))
    ]

    for key in (first, other, next_door):
        await act(as_admin, key, "set-default")
    shown = await act(as_admin, second, "set-default")

    assert shown.json()["is_default"] is True
    assert (await as_admin.get(keys_url(project, first.id))).json()["is_default"] is False
    assert set(await defaults(project)) == {second.id, other.id}
    assert await defaults(sibling) == [next_door.id]


async def test_without_a_name_the_default_key_is_used_and_else_the_newest_that_may_be(
    as_admin: AsyncClient, project: Project, other_project: Project, runtime: Runtime
) -> None:
    provider = await provider_named("openai")
    with pytest.raises(CredentialUnusable):
        await api_key_service.usable_key(project.scope, provider)
    oldest, older, newest = [await make_api_key(project, provider.id) for _ in range(3)]
    await make_api_key(project, provider.id, is_active=False)
    await make_api_key(project, provider.id, expires_at=utc_now())
    await make_api_key(other_project, provider.id)
    revoked = await make_api_key(project, provider.id)
    await act(as_admin, revoked, "revoke")

    async def used() -> str:
        return (await api_key_service.usable_key(project.scope, provider)).id

    assert await used() == newest.id
    await act(as_admin, oldest, "set-default")
    assert await used() == oldest.id
    for key, successor in ((oldest, newest), (newest, older)):
        await ApiKey.within(project.scope).update_one({"_id": key.id}, {"$set": {"is_active": False}})
        assert await used() == successor.id


async def test_a_key_is_refused_from_the_moment_at_which_it_expires(
    as_admin: AsyncClient,
    project: Project,
    runtime: Runtime,
    provider: FakeProvider,
    agent: Agent,
    key: ApiKey,
) -> None:
    end = utc_now() + DAY
    headers = {"If-Match": f'"{key.revision}"'}
    patched = await as_admin.patch(
        keys_url(project, key.id), json={"expires_at": wire_time(end)}, headers=headers
    )
    assert patched.json()["expires_at"] == wire_time(end)

    with time_machine.travel(end - timedelta(milliseconds=1), tick=False):
        before = await as_admin.post(url(agent), json=ASK)
    with time_machine.travel(end, tick=False):
        after = await as_admin.post(url(agent), json=ASK)
    never = await as_admin.patch(
        keys_url(project, key.id), json={"expires_at": None}, headers={"If-Match": patched.headers["ETag"]}
    )
    with time_machine.travel(end, tick=False):
        later = await as_admin.post(url(agent), json=ASK)

    assert before.status_code == 200
    assert (after.status_code, after.json()["code"]) == (409, "CREDENTIAL_EXPIRED")
    assert "expires_at" not in never.json()
    assert later.status_code == 200
    assert len(provider.requests) == 2


async def test_keys_that_expire_soon_are_listed(
    as_admin: AsyncClient, as_viewer: AsyncClient, project: Project, other_project: Project
) -> None:
    now = utc_now()
    for days in (1, 3, 9):
        await new_key(as_admin, project, f"sk-{days}", name=f"{days}", expires_at=wire_time(now + days * DAY))
    await new_key(as_admin, project, "sk-never")
    params: dict[str, Any] = {"expiring_before": wire_time(now + 7 * DAY), "limit": 1}

    first = (await as_viewer.get(keys_url(project), params=params)).json()
    second = (
        await as_viewer.get(keys_url(project), params={**params, "cursor": first["page"]["next"]})
    ).json()
    other = await as_viewer.get(keys_url(project), params={"limit": 1, "cursor": first["page"]["next"]})

    assert [key["name"] for key in first["data"] + second["data"]] == ["3", "1"]
    assert second["page"]["next"] is None
    assert other.status_code == 400


async def test_a_week_before_a_key_expires_there_is_one_warning(
    as_admin: AsyncClient, project: Project, runtime: Runtime
) -> None:
    end = utc_now() + 10 * DAY
    key = await new_key(as_admin, project, OLD, expires_at=wire_time(end))

    async def warned(at: datetime) -> list[str]:
        with structlog.testing.capture_logs() as logs, time_machine.travel(at, tick=False):
            await asyncio.gather(*(sweeping.sweep(runtime) for _ in range(3)))
        return [line["id"] for line in logs if line["event"] == "credential_expiring"]

    assert await warned(end - 8 * DAY) == []
    assert await warned(end - 7 * DAY) == [key.id]
    assert await warned(end - 6 * DAY) == []
    later = {"expires_at": wire_time(end + DAY)}
    await as_admin.patch(keys_url(project, key.id), json=later, headers={"If-Match": '"0"'})
    assert await warned(end - 5 * DAY) == [key.id]


async def test_the_secret_of_a_key_that_expired_long_ago_is_erased_and_its_row_stays(
    as_admin: AsyncClient, project: Project, runtime: Runtime, agent: Agent, provider: FakeProvider
) -> None:
    end = utc_now() + DAY
    key = await new_key(as_admin, project, NEW, expires_at=wire_time(end))
    agent = await make_agent(project, runtime.keyring, name="other", key=key)
    kept = timedelta(days=runtime.settings.credential_retention_days)

    assert await lifecycle_service.erase_expired(end + kept - timedelta(seconds=1), runtime) == 0
    assert await lifecycle_service.erase_expired(end + kept, runtime) == 1
    assert await lifecycle_service.erase_expired(end + kept, runtime) == 0
    erased = await again(project, key.id)
    etag = {"If-Match": f'"{erased.revision}"'}
    await as_admin.patch(keys_url(project, key.id), json={"expires_at": None}, headers=etag)
    without = await as_admin.post(url(agent), json=ASK)
    rotated = await act(as_admin, erased, "rotate", {"key": NEW})
    renewed = await as_admin.post(url(agent), json=ASK)

    assert key.key != erased.key
    assert erased.name == key.name
    assert (without.status_code, without.json()["reason"]) == (424, "erased")
    assert (rotated.status_code, renewed.status_code) == (200, 200)


async def test_a_new_secret_is_used_at_once(
    as_admin: AsyncClient, project: Project, agent: Agent, key: ApiKey, provider: FakeProvider
) -> None:
    rotated = await act(as_admin, key, "rotate", {"key": NEW})
    await as_admin.post(url(agent), json=ASK)

    assert rotated.status_code == 200
    assert rotated.json()["masked_key"] == "…6789"
    assert "grace_until" not in rotated.json()
    assert sent(provider) == [NEW]
    assert (await again(project, key.id)).earlier is None


@pytest.mark.parametrize("tail", ["/chat", "/chat/stream"])
async def test_while_the_grace_lasts_the_old_secret_is_used_where_the_new_one_is_refused(
    as_admin: AsyncClient, agent: Agent, key: ApiKey, provider: FakeProvider, tail: str, project: Project
) -> None:
    await act(as_admin, key, "rotate", {"key": NEW, "grace_seconds": 60})
    provider.script(Failure(401, "unknown key {key}"))

    answered = await as_admin.post(url(agent, tail), json=ASK)

    if tail == "/chat":
        assert answered.status_code == 200
    else:
        assert frames(answered.text)[-1]["type"] == "complete"
    assert sent(provider) == [NEW, OLD]
    failure = (await again(project, key.id)).last_failure
    assert failure is not None
    assert failure.code == "PROVIDER_REFUSED_KEY"


@pytest.mark.parametrize(
    ("grace", "status", "later"),
    [(60, 401, 60), (60, 403, 0), (60, 500, 0), (0, 401, 0)],
    ids=["when it is over", "for other refusals", "for failures", "without one"],
)
async def test_the_old_secret_is_not_used(
    as_admin: AsyncClient,
    agent: Agent,
    key: ApiKey,
    provider: FakeProvider,
    grace: int,
    status: int,
    later: int,
) -> None:
    await act(as_admin, key, "rotate", {"key": NEW, "grace_seconds": grace})
    provider.script(Failure(status))

    with time_machine.travel(utc_now() + timedelta(seconds=later), tick=False):
        refused = await as_admin.post(url(agent), json=ASK)

    assert refused.status_code == 502
    assert sent(provider) == [NEW]


async def test_after_the_grace_the_old_secret_is_erased_and_may_be_entered_again(
    as_admin: AsyncClient, project: Project, runtime: Runtime, key: ApiKey
) -> None:
    rotated = await act(as_admin, key, "rotate", {"key": NEW, "grace_seconds": 60})
    end = datetime.fromisoformat(rotated.json()["grace_until"])
    refused = await as_admin.post(keys_url(project), json={"name": "k", "key": OLD, "provider": "openai"})

    assert await lifecycle_service.end_grace(end - timedelta(milliseconds=1)) == 0
    assert await lifecycle_service.end_grace(end) == 1

    stored = await again(project, key.id)
    assert (refused.status_code, stored.earlier) == (400, None)
    assert len(stored.fingerprints or []) == 1
    await new_key(as_admin, project, OLD)


async def test_a_secret_of_another_key_is_no_new_secret(
    as_admin: AsyncClient, project: Project, other_project: Project, key: ApiKey, as_outsider: AsyncClient
) -> None:
    other = await new_key(as_admin, project, "sk-other-0123456789")
    await act(as_admin, other, "rotate", {"key": NEW, "grace_seconds": 60})
    foreign = await new_key(as_outsider, other_project, OLD)

    refused = [await act(as_admin, key, "rotate", {"key": secret}) for secret in (NEW, "sk-other-0123456789")]
    elsewhere = await act(as_outsider, foreign, "rotate", {"key": NEW})

    assert [(r.status_code, r.json()["code"]) for r in refused] == [(409, "CREDENTIAL_EXISTS")] * 2
    assert elsewhere.status_code == 200
    assert (await again(project, key.id)).key == key.key


async def test_of_many_new_secrets_at_once_one_wins(
    as_admin: AsyncClient, project: Project, key: ApiKey
) -> None:
    answers = await asyncio.gather(
        *(
            act(as_admin, key, "rotate", {"key": f"{NEW}{n}", "grace_seconds": 60}, **{"If-Match": '"0"'})
            for n in range(10)
        )
    )

    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 9


async def test_a_secret_that_cannot_be_read_any_more_is_entered_again(
    as_admin: AsyncClient,
    project: Project,
    runtime: Runtime,
    agent: Agent,
    key: ApiKey,
    provider: FakeProvider,
) -> None:
    lost = Keyring(new_encryption_key()).encrypt(OLD, key.place)
    await ApiKey.within(project.scope).update_one({"_id": key.id}, {"$set": {"key": lost}})

    unreadable = await as_admin.post(url(agent), json=ASK)
    entered = await act(as_admin, key, "rotate", {"key": OLD, "grace_seconds": 60})
    readable = await as_admin.post(url(agent), json=ASK)

    assert (unreadable.status_code, unreadable.json()["code"]) == (409, "SECRET_UNREADABLE")
    assert (entered.status_code, readable.status_code) == (200, 200)
    assert sent(provider) == [OLD]


async def test_the_earlier_secret_opens_in_its_own_place_only(
    as_admin: AsyncClient, project: Project, agent: Agent, key: ApiKey, provider: FakeProvider
) -> None:
    await act(as_admin, key, "rotate", {"key": NEW, "grace_seconds": 60})
    earlier = (await again(project, key.id)).earlier
    assert earlier is not None
    await ApiKey.within(project.scope).update_one({"_id": key.id}, {"$set": {"key": earlier.key}})

    assert (await as_admin.post(url(agent), json=ASK)).json()["code"] == "SECRET_UNREADABLE"
    assert not provider.requests


async def test_a_stored_secret_names_its_algorithm_its_version_and_its_key(
    as_admin: AsyncClient, project: Project, runtime: Runtime, key: ApiKey
) -> None:
    await act(as_admin, key, "rotate", {"key": NEW, "grace_seconds": 60})
    stored = await again(project, key.id)

    assert stored.earlier is not None
    for ciphertext in (stored.key, stored.earlier.key):
        assert ciphertext.startswith("crafter:1:A256GCM:")
        assert runtime.keyring.is_current(ciphertext)
        assert len(key_id_of(ciphertext) or "") == 8


async def test_a_revoked_key_ends_at_once_and_for_good(
    as_admin: AsyncClient,
    project: Project,
    runtime: Runtime,
    agent: Agent,
    key: ApiKey,
    provider: FakeProvider,
) -> None:
    await act(as_admin, key, "set-default")
    await act(as_admin, key, "rotate", {"key": NEW, "grace_seconds": 60})

    revoked = await act(as_admin, key, "revoke")
    twice = await act(as_admin, key, "revoke")
    row = await ApiKey.within(project.scope).find_one({"_id": key.id})
    assert row is not None
    refused = [
        await as_admin.post(url(agent), json=ASK),
        await act(as_admin, key, "rotate", {"key": "sk-third"}),
        await act(as_admin, key, "set-default"),
        await as_admin.patch(
            keys_url(project, key.id), json={"is_active": True}, headers={"If-Match": revoked.headers["ETag"]}
        ),
    ]
    comes_back = await as_admin.post(keys_url(project), json={"name": "k", "key": NEW, "provider": "openai"})

    assert revoked.json()["is_active"] is False
    assert revoked.json() == twice.json()
    assert [(r.status_code, r.json()["code"]) for r in refused] == [(409, "CREDENTIAL_REVOKED")] * 4
    assert not provider.requests
    assert await defaults(project) == []
    assert "earlier" not in row
    assert runtime.keyring.decrypt(row["key"], key.place) == ""
    assert comes_back.status_code == 400


async def test_keys_of_others_are_not_there(
    as_outsider: AsyncClient, other_project: Project, key: ApiKey
) -> None:
    foreign = f"/organizations/{other_project.organization}/projects/{other_project.id}/api-keys/{key.id}"

    for verb, body in (("rotate", {"key": NEW}), ("revoke", None), ("set-default", None)):
        refused = await as_outsider.post(f"{foreign}:{verb}", json=body)
        assert (refused.status_code, refused.json()["code"]) == (404, "API_KEY_NOT_FOUND")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"key": ""},
        {"key": {"$gt": ""}},
        {"key": NEW, "grace_seconds": -1},
        {"key": NEW, "grace_seconds": 10**9},
        {"key": NEW, "is_active": True},
        {"key": NEW, "storage": {"kind": "environment", "name": "A"}},
    ],
)
async def test_what_is_no_new_secret_is_refused(
    as_admin: AsyncClient, project: Project, key: ApiKey, body: dict[str, Any]
) -> None:
    refused = await act(as_admin, key, "rotate", body)

    assert refused.status_code == 400
    assert NEW not in refused.text
    assert (await again(project, key.id)).revision == 0


async def test_providers_are_found_by_id_by_name_and_in_other_letters(
    as_admin: AsyncClient, project: Project
) -> None:
    provider = await provider_named("openai")

    for number, reference in enumerate((provider.id, "openai", "OpenAI", " OPENAI ")):
        key = await new_key(as_admin, project, f"sk-{number}", provider=reference)
        assert key.provider == provider.id
    for reference in ("nobody", new_id(), "$ne"):
        body = {"name": "k", "key": OLD, "provider": reference}
        assert (await as_admin.post(keys_url(project), json=body)).status_code == 404
