"""Two service processes on one database: a rule holds whichever of them is asked."""

import asyncio
import time
from pathlib import Path
from typing import Any

from pymongo import MongoClient

from tests.process.service import SECRETS, serving
from tests.process.tenant import settle

ROUNDS = 8
CHANGES = 20


async def test_an_admin_stays_however_many_roles_are_taken_at_once(tmp_path: Path, own_uri: str) -> None:
    variables = {"MONGODB_URI": own_uri, **SECRETS}
    async with (
        serving(tmp_path / "one", **variables) as one,
        serving(tmp_path / "two", **variables) as two,
        one.client() as alice,
        two.client() as bob,
    ):
        tenant = await settle(alice, "alice")
        await settle(bob, "bob")
        people = [(await client.get("/auth/profile")).json()["id"] for client in (alice, bob)]
        members = f"/organizations/{tenant.organization}/members"

        async def take_a_role(number: int) -> int:
            """Each of them, through a process of their own, demotes and removes themself and the other."""
            client, path = (alice, bob)[number % 2], f"{members}/{people[number // 2 % 2]}"
            if number // 4 % 2:
                return (await client.delete(path)).status_code
            return (await client.put(path, json={"role": "member"})).status_code

        for _ in range(ROUNDS):
            make_admins(own_uri, tenant.organization, people)
            statuses = await asyncio.gather(*(take_a_role(number) for number in range(CHANGES)))

            assert set(statuses) <= {200, 400, 403, 404, 409}
            assert statuses.count(200) >= 1
            assert len(admins_of(own_uri, tenant.organization)) == 1


def make_admins(uri: str, organization: str, people: list[str]) -> None:
    """Both are admins, and neither is the owner, who would be protected by another rule."""
    seats = [{"user": person, "role": "admin"} for person in people]
    with MongoClient[dict[str, Any]](uri) as client:
        client.get_default_database().organizations.update_one(
            {"_id": organization}, {"$set": {"members": seats, "owner": "somebody-who-left"}}
        )


def admins_of(uri: str, organization: str) -> list[str]:
    """The admins, as stored."""
    with MongoClient[dict[str, Any]](uri) as client:
        stored = client.get_default_database().organizations.find_one({"_id": organization}) or {}
    return [seat["user"] for seat in stored["members"] if seat["role"] == "admin"]


async def test_a_keys_limit_holds_for_all_processes_together(
    tmp_path: Path, on_server: dict[str, str], own_uri: str
) -> None:
    async with (
        serving(tmp_path / "one", **on_server, CRAFTER_RATE_LIMITS="off") as one,
        serving(tmp_path / "two", **on_server, CRAFTER_RATE_LIMITS="off") as two,
        one.client() as first,
        two.client() as second,
    ):
        tenant = await settle(first)
        second.headers["Authorization"] = first.headers["Authorization"]
        limit_keys(own_uri, requests_per_minute=60)
        await the_minute_to_have_time()

        answers = await asyncio.gather(
            *((first, second)[n % 2].post(tenant.chat, json=tenant.says("Hi")) for n in range(200))
        )

    statuses = [answer.status_code for answer in answers]
    assert (statuses.count(200), statuses.count(429)) == (60, 140)
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert refused.json()["code"] == "CREDENTIAL_RATE_LIMITED"
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert refused.headers["RateLimit-Limit"] == "60"


def limit_keys(uri: str, **limits: int) -> None:
    """Limit every provider key."""
    with MongoClient[dict[str, Any]](uri) as client:
        client.get_default_database().apikeys.update_many({}, {"$set": {"rate_limits": limits}})


async def the_minute_to_have_time() -> None:
    """Wait for the next minute where this one is about to end: its limit begins anew then."""
    left = 60 - time.time() % 60
    if left < 15:
        await asyncio.sleep(left)
