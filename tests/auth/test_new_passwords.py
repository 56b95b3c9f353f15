"""A new password ends what was signed in with the old one, and nothing else does."""

from datetime import timedelta

import httpx2
import pytest

from crafter.auth.tokens import issue_token
from crafter.core.runtime import Runtime
from crafter.core.time import utc_now
from crafter.users.documents import User
from tests.fixtures import Cast

NEW = "Green$River42Stones"


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture
def old(cast: Cast, runtime: Runtime) -> dict[str, str]:
    """What somebody got who signed in an hour ago."""
    return bearer(issue_token(cast.member.id, runtime.settings, utc_now() - timedelta(hours=1)))


async def status(client: httpx2.AsyncClient, headers: dict[str, str]) -> int:
    return (await client.get("/auth/profile", headers=headers)).status_code


async def test_the_answer_has_the_token_to_go_on_with(
    as_nobody: httpx2.AsyncClient, old: dict[str, str], cast: Cast
) -> None:
    assert await status(as_nobody, old) == 200
    changed = await as_nobody.put("/auth/profile", json={"password": NEW}, headers=old)
    assert changed.status_code == 200
    assert await status(as_nobody, old) == 401
    assert await status(as_nobody, bearer(changed.json()["token"])) == 200
    again = await as_nobody.post("/auth/login", json={"email": cast.member.email, "password": NEW})
    assert await status(as_nobody, bearer(again.json()["token"])) == 200


async def test_a_new_name_ends_nothing(as_nobody: httpx2.AsyncClient, old: dict[str, str]) -> None:
    changed = await as_nobody.put("/auth/profile", json={"name": "Somebody Else"}, headers=old)
    assert "token" not in changed.json()
    assert await status(as_nobody, old) == 200


async def test_nobody_else_is_signed_out(
    as_nobody: httpx2.AsyncClient, as_admin: httpx2.AsyncClient, old: dict[str, str]
) -> None:
    await as_nobody.put("/auth/profile", json={"password": NEW}, headers=old)
    assert (await as_admin.get("/auth/profile")).status_code == 200


async def test_a_damaged_time_signs_nobody_out(
    as_nobody: httpx2.AsyncClient, old: dict[str, str], cast: Cast
) -> None:
    await User.collection().update_one({"_id": cast.member.id}, {"$set": {"tokens_valid_after": "soon"}})
    assert await status(as_nobody, old) == 200
