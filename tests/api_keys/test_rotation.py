"""How a provider key gets another secret."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from httpx2 import AsyncClient

from crafter.agents.documents import Agent
from crafter.api_keys.documents import ApiKey
from crafter.api_keys.lifecycle import service as lifecycle_service
from crafter.core.runtime import Runtime
from crafter.core.secrets import Keyring, key_id_of
from crafter.core.security import new_key as new_encryption_key
from crafter.core.time import utc_now
from crafter.projects.documents import Project
from tests.api_keys.acting import NEW, OLD, act, again, new_key, sent
from tests.api_keys.factories import keys_url
from tests.execution.test_chat import ASK, frames, url
from tests.fakes.provider import FakeProvider
from tests.fakes.replies import Failure

DAY = timedelta(days=1)


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
