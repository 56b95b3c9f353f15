"""``crafter check`` as a command: what it prints, and with which code it ends."""

import json
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from tests.process.service import SECRETS, crafter


@pytest.mark.parametrize("broken", [False, True], ids=["sound", "broken"])
async def test_the_command_says_by_its_exit_code_whether_all_fits(
    tmp_path: Path, own_uri: str, broken: bool
) -> None:
    if broken:
        with MongoClient[dict[str, Any]](own_uri) as client:
            client.get_default_database().projects.insert_one({"_id": "p", "name": 7, "organization": "o"})
    done = await crafter(tmp_path, "check", "--json", MONGODB_URI=own_uri, **SECRETS)
    reports = {report["name"]: report for report in json.loads(done.out)}
    assert done.code == int(broken), done.err
    assert reports["projects"]["violations"] == ([{"id": "p", "fields": ["name"]}] if broken else [])
    wrong = await crafter(tmp_path, "check", "--collection", "nobody", MONGODB_URI=own_uri, **SECRETS)
    assert (wrong.code, "there is no collection nobody" in wrong.err) == (2, True)
