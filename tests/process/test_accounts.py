"""``crafter account``: how operators get theirs, whose addresses nobody can register."""

from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from tests.factories import PASSWORD
from tests.process.service import SECRETS, crafter, serving

OPERATOR = "Ops.Team+crafter@Gmail.com"


async def test_an_operator_is_made_by_the_command_and_by_nobody_else(
    tmp_path: Path, on_server: dict[str, str]
) -> None:
    variables = {**on_server, "CRAFTER_OPERATORS": OPERATOR}
    arguments = ("account", OPERATOR, "--name", "Ops", "--json")
    async with serving(tmp_path / "service", **variables) as service, service.client() as client:
        body = {"email": "opsteam@gmail.com", "password": PASSWORD, "name": "Mallory"}
        refused = await client.post("/auth/register", json=body)
        made = await crafter(tmp_path, *arguments, answer=f"{PASSWORD}\n{PASSWORD}\n", **variables)
        again = await crafter(tmp_path, *arguments, "--password", PASSWORD, **variables)
        signed_in = await client.post("/auth/login", json=body)
        headers = {"Authorization": f"Bearer {signed_in.json()['token']}"}
        refreshed = await client.post("/providers/refresh", headers=headers)

    assert (refused.status_code, refused.json()["code"]) == (400, "EMAIL_TAKEN")
    assert made.code == 0, made.err
    assert PASSWORD not in made.out + made.err
    assert (again.code, "Traceback" in again.err) == (1, False)
    assert refreshed.status_code == 200


@pytest.mark.parametrize(
    ("email", "password", "said"),
    [("nobody", PASSWORD, "email"), ("a@example.com", "password1", "password")],
    ids=["address", "password"],
)
async def test_what_nobody_could_register_is_no_account(
    tmp_path: Path, own_uri: str, email: str, password: str, said: str
) -> None:
    done = await crafter(
        tmp_path, "account", email, "--name", "A", "--password", password, MONGODB_URI=own_uri, **SECRETS
    )
    assert (done.code, "Traceback" in done.err) == (2, False)
    assert f"account: {said}" in done.err
    with MongoClient[dict[str, Any]](own_uri) as client:
        assert client.get_default_database().users.count_documents({}) == 0
