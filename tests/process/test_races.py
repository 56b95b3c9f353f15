"""Two service processes on one database: a rule holds whichever of them is asked."""

import asyncio
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
