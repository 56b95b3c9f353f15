"""Secrets in the server's environment and in its files: read for each call, and only where an operator lets them be."""

import os
from pathlib import Path
from typing import Any

import pytest
from httpx2 import AsyncClient

from crafter.api_keys import service as api_key_service
from crafter.api_keys.documents import ApiKey
from crafter.api_keys.storage import MAX_BYTES, variable_allowed
from crafter.core.config import ConfigurationError, load_settings, read_variable
from crafter.core.runtime import Runtime
from crafter.projects.documents import Project
from tests.api_keys.factories import keys_url
from tests.execution.test_chat import ASK, url
from tests.factories import make_agent
from tests.fakes.provider import FakeProvider

VARIABLE = "TEAM_OPENAI_KEY"
CANARY = "sk-canary-environment-0123456789"
NEXT = "sk-canary-environment-next-0123"


@pytest.fixture
def directory(tmp_path: Path, runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory of secrets, with the shared folder."""
    folder = tmp_path / "secrets"
    (folder / "shared").mkdir(parents=True)
    monkeypatch.setattr(runtime.settings, "credential_directory", folder)
    return folder


@pytest.fixture
def allowed(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everybody may use the variable, which is set."""
    monkeypatch.setattr(runtime.settings, "credential_environment", [VARIABLE])
    monkeypatch.setenv(VARIABLE, CANARY)


def body(**fields: Any) -> dict[str, Any]:
    return {"name": "k", "provider": "OpenAI", **fields}


def in_variable(name: str = VARIABLE) -> dict[str, Any]:
    return body(storage={"kind": "environment", "name": name})


def in_file(path: str) -> dict[str, Any]:
    return body(storage={"kind": "file", "path": path})


async def agent_with(client: AsyncClient, project: Project, runtime: Runtime, new: dict[str, Any]) -> Any:
    """An agent that works with a key which is stored like this."""
    created = await client.post(keys_url(project), json=new)
    assert created.status_code == 201, created.text
    key = await api_key_service.get_key(project.scope, created.json()["id"])
    return await make_agent(project, runtime.keyring, key=key)


def sent(provider: FakeProvider) -> list[str]:
    return [request.headers["authorization"].removeprefix("Bearer ") for request in provider.requests]


async def test_a_variable_is_read_for_each_call(
    as_admin: AsyncClient,
    project: Project,
    runtime: Runtime,
    provider: FakeProvider,
    allowed: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    agent = await agent_with(as_admin, project, runtime, in_variable())

    first = await as_admin.post(url(agent), json=ASK)
    monkeypatch.setenv(VARIABLE, f" {NEXT}\n")
    second = await as_admin.post(url(agent), json=ASK)

    assert (first.status_code, second.status_code) == (200, 200)
    assert sent(provider) == [CANARY, NEXT]


async def test_a_file_is_read_for_each_call(
    as_admin: AsyncClient, project: Project, runtime: Runtime, provider: FakeProvider, directory: Path
) -> None:
    file = directory / "shared" / "openai"
    file.write_text(CANARY + "\n")
    agent = await agent_with(as_admin, project, runtime, in_file("shared/openai"))

    await as_admin.post(url(agent), json=ASK)
    file.unlink()
    gone = await as_admin.post(url(agent), json=ASK)
    file.write_text(NEXT)
    back = await as_admin.post(url(agent), json=ASK)

    assert (gone.status_code, gone.json()["code"], gone.json()["reason"]) == (
        424,
        "CREDENTIAL_UNUSABLE",
        "missing",
    )
    assert back.status_code == 200
    assert sent(provider) == [CANARY, NEXT]


async def test_a_file_may_be_replaced_by_a_link_within_its_folder(
    as_admin: AsyncClient, project: Project, runtime: Runtime, provider: FakeProvider, directory: Path
) -> None:
    """As Kubernetes mounts secrets."""
    folder = directory / project.organization
    (folder / "..data").mkdir(parents=True)
    (folder / "..data" / "openai").write_text(CANARY)
    (folder / "openai").symlink_to("..data/openai")
    agent = await agent_with(as_admin, project, runtime, in_file(f"{project.organization}/openai"))

    await as_admin.post(url(agent), json=ASK)

    assert sent(provider) == [CANARY]


def _missing(file: Path, outside: Path) -> None: ...
def _empty(file: Path, outside: Path) -> None:
    file.write_text(" \n")


def _too_large(file: Path, outside: Path) -> None:
    file.write_text("k" * (MAX_BYTES + 1))


def _binary(file: Path, outside: Path) -> None:
    file.write_bytes(b"sk-\x00\xff")


def _two_lines(file: Path, outside: Path) -> None:
    file.write_text("sk-1\r\nX-Evil: 1")


def _link_out(file: Path, outside: Path) -> None:
    file.symlink_to(outside)


def _circle(file: Path, outside: Path) -> None:
    file.symlink_to(file)


def _directory(file: Path, outside: Path) -> None:
    file.mkdir()


def _pipe(file: Path, outside: Path) -> None:
    os.mkfifo(file)


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        (_missing, "missing"),
        (_empty, "missing"),
        (_too_large, "too_large"),
        (_binary, "not_text"),
        (_two_lines, "not_text"),
        (_link_out, "not_allowed"),
        (_circle, "unreadable"),
        (_directory, "unreadable"),
        (_pipe, "not_allowed"),
    ],
)
async def test_a_file_that_is_no_secret_of_ours_is_not_sent_and_not_told_of(
    as_admin: AsyncClient,
    as_member: AsyncClient,
    project: Project,
    runtime: Runtime,
    provider: FakeProvider,
    directory: Path,
    tmp_path: Path,
    place: Any,
    reason: str,
) -> None:
    outside = tmp_path / "outside"
    outside.write_text(CANARY)
    place(directory / "shared" / "openai-canary", outside)
    agent = await agent_with(as_admin, project, runtime, in_file("shared/openai-canary"))

    refused = await as_member.post(url(agent), json=ASK)

    assert (refused.status_code, refused.json()["reason"]) == (424, reason)
    assert "openai-canary" not in refused.text
    assert str(tmp_path) not in refused.text
    assert not provider.requests


async def test_a_link_does_not_lead_into_the_folder_of_another_organization(
    as_admin: AsyncClient, project: Project, runtime: Runtime, other_project: Project, directory: Path
) -> None:
    theirs, ours = (directory / one.organization for one in (other_project, project))
    theirs.mkdir()
    (theirs / "key").write_text(CANARY)
    ours.mkdir()
    (ours / "key").symlink_to(theirs / "key")
    agent = await agent_with(as_admin, project, runtime, in_file(f"{project.organization}/key"))

    refused = await as_admin.post(url(agent), json=ASK)

    assert (refused.status_code, refused.json()["reason"]) == (424, "not_allowed")


@pytest.mark.parametrize("path", ["{other}/key", "private/key", "shared/../{other}/key", "shared/.."])
async def test_files_of_others_cannot_be_named(
    as_admin: AsyncClient, project: Project, other_project: Project, directory: Path, path: str
) -> None:
    response = await as_admin.post(
        keys_url(project), json=in_file(path.format(other=other_project.organization))
    )

    assert (response.status_code, response.json()["code"]) == (422, "CREDENTIAL_STORAGE_REFUSED")


@pytest.mark.parametrize(
    "storage",
    [
        {"kind": "file", "path": "/etc/passwd"},
        {"kind": "file", "path": "passwd"},
        {"kind": "file", "path": "shared//key"},
        {"kind": "file", "path": "shared/key\u0000"},
        {"kind": "file", "name": VARIABLE},
        {"kind": "environment", "name": "A-B"},
        {"kind": "environment", "name": {"$gt": ""}},
        {"kind": "environment", "name": VARIABLE, "path": "shared/key"},
        {"kind": "environment"},
        {"kind": "database", "name": VARIABLE},
        {"name": VARIABLE},
        [],
    ],
)
async def test_what_names_no_place_is_refused(
    as_admin: AsyncClient, project: Project, allowed: None, storage: Any
) -> None:
    response = await as_admin.post(keys_url(project), json=body(storage=storage))

    assert response.status_code == 400


async def test_a_key_has_a_secret_or_a_place_for_it_and_not_both(
    as_admin: AsyncClient, project: Project, allowed: None
) -> None:
    for new in (body(), in_variable() | {"key": CANARY}):
        response = await as_admin.post(keys_url(project), json=new)

        assert response.status_code == 400
        assert [error["path"] for error in response.json()["errors"]] == ["key"]


async def test_nothing_is_allowed_by_itself(as_admin: AsyncClient, project: Project) -> None:
    for new in (in_variable(), in_file("shared/key")):
        response = await as_admin.post(keys_url(project), json=new)

        assert (response.status_code, response.json()["code"]) == (422, "CREDENTIAL_STORAGE_REFUSED")


async def test_only_admins_name_places_and_see_them(
    as_admin: AsyncClient, as_member: AsyncClient, as_viewer: AsyncClient, project: Project, allowed: None
) -> None:
    refused = await as_member.post(keys_url(project), json=in_variable())
    created = await as_admin.post(keys_url(project), json=in_variable())
    one = keys_url(project, created.json()["id"])

    shown = [(await client.get(one)).json()["storage"] for client in (as_admin, as_member, as_viewer)]
    listed = (await as_member.get(keys_url(project))).json()["data"][0]["storage"]

    assert (refused.status_code, created.status_code) == (403, 201)
    assert shown[0] == {"kind": "environment", "name": VARIABLE}
    assert shown[1] == shown[2] == listed == {"kind": "environment"}


async def test_one_variable_is_registered_once_in_a_project_and_leaves_no_secret_in_the_database(
    as_admin: AsyncClient, project: Project, runtime: Runtime, allowed: None
) -> None:
    first = await as_admin.post(keys_url(project), json=in_variable())
    again = await as_admin.post(keys_url(project), json=in_variable())
    other = await as_admin.post(keys_url(project), json=body(key=NEXT))

    rows = await ApiKey.within(project.scope).find({}, limit=10)
    assert [r.status_code for r in (first, again, other)] == [201, 400, 201]
    assert len({row["key"] for row in rows}) == 2
    assert CANARY not in str(rows)


async def test_what_an_operator_no_longer_allows_is_no_longer_read(
    as_admin: AsyncClient,
    project: Project,
    runtime: Runtime,
    provider: FakeProvider,
    allowed: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    agent = await agent_with(as_admin, project, runtime, in_variable())
    monkeypatch.setattr(runtime.settings, "credential_environment", [])

    refused = await as_admin.post(url(agent), json=ASK)

    assert (refused.status_code, refused.json()["reason"]) == (424, "not_allowed")
    assert not provider.requests


@pytest.mark.parametrize(
    ("entries", "name", "mine", "theirs"),
    [
        ([], "A_KEY", False, False),
        (["A_KEY"], "A_KEY", True, True),
        (["A_KEY"], "A_KEY_2", False, False),
        (["A_*"], "A_KEY", True, True),
        (["A_*"], "B_KEY", False, False),
        (["mine:A_KEY"], "A_KEY", True, False),
        (["mine:A_*"], "A_KEY", True, False),
        (["A_*", "mine:A_KEY"], "A_KEY", True, False),
        (["A_KEY", "theirs:A_*"], "A_KEY", False, True),
        (["mine:A_KEY", "theirs:A_KEY"], "A_KEY", True, True),
    ],
)
def test_a_variable_that_is_given_to_one_organization_is_of_no_other(
    entries: list[str], name: str, mine: bool, theirs: bool
) -> None:
    assert variable_allowed(entries, "mine", name) is mine
    assert variable_allowed(entries, "theirs", name) is theirs


@pytest.mark.parametrize(
    "name", ["JWT_SECRET", "ENCRYPTION_KEY", "MONGODB_URI", "CRAFTER_METRICS_TOKEN", "CRAFTER_X"]
)
def test_the_servers_own_settings_are_never_read_as_secrets(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, CANARY)

    assert read_variable(name) is None


@pytest.mark.parametrize("entry", ["*", "mine:*", "A-B", "a:b:C", ":A", "A*B", "A_KEY B_KEY"])
def test_an_entry_that_allows_too_much_or_nothing_stops_the_start(entry: str) -> None:
    with pytest.raises(ConfigurationError, match="CRAFTER_CREDENTIAL_ENVIRONMENT"):
        load_settings({"CRAFTER_CREDENTIAL_ENVIRONMENT": entry})


def test_a_directory_that_is_not_there_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="CRAFTER_CREDENTIAL_DIRECTORY"):
        load_settings({"CRAFTER_CREDENTIAL_DIRECTORY": str(tmp_path / "none")})
