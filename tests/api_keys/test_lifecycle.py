"""How a provider key becomes the default one, expires and ends."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest
import structlog
import time_machine
from httpx2 import AsyncClient

from crafter.agents.documents import Agent
from crafter.api_keys import service as api_key_service
from crafter.api_keys.documents import ApiKey
from crafter.api_keys.errors import CredentialUnusable
from crafter.api_keys.lifecycle import service as lifecycle_service
from crafter.api_keys.lifecycle import sweeping
from crafter.core.ids import new_id
from crafter.core.runtime import Runtime
from crafter.core.time import utc_now, wire_time
from crafter.projects.documents import Project
from tests.api_keys.acting import NEW, OLD, act, again, new_key
from tests.api_keys.factories import keys_url, make_api_key, provider_named
from tests.execution.test_chat import ASK, url
from tests.factories import make_agent, make_project
from tests.fakes.provider import FakeProvider

DAY = timedelta(days=1)


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
