"""Provider keys for other features: found within a scope, shown without secrets, opened in one place."""

from dataclasses import replace
from pathlib import Path

import pytest

from crafter import api_keys
from crafter.api_keys import service as api_key_service
from crafter.api_keys.documents import ApiKey
from crafter.api_keys.errors import ApiKeyNotFound, CredentialInactive
from crafter.api_keys.opening import open_key
from crafter.api_keys.schemas import ApiKeyCreate
from crafter.core.ids import new_id
from crafter.core.runtime import Runtime
from crafter.core.secrets import Keyring, SecretUnreadable
from crafter.core.security import new_key as new_secret_key
from crafter.projects.documents import Project
from crafter.providers import service as provider_service
from tests.api_keys.factories import make_api_key, provider_named
from tests.factories import make_project

SECRET = "sk-proj-0123456789abcdef-WXYZ"
LEGACY_CIPHERTEXT = "U2FsdGVkX1+nC7MItJ8CE0/RAcmNhYT/PJbBmGBk2WY="
"""The contract's vector, under the encryption key of the tests."""


async def new_key(project: Project, runtime: Runtime) -> ApiKey:
    provider = await provider_named("openai")
    body = ApiKeyCreate(name="k", key=SECRET, provider=provider.id)
    created = await api_key_service.create_key(project, body, runtime)
    return await api_key_service.get_key(project.scope, created.id)


async def secret_of(key: ApiKey, runtime: Runtime, keyring: Keyring | None = None) -> str:
    base_url = runtime.settings.provider_base_urls["openai"]
    return (await open_key(key, base_url, replace(runtime, keyring=keyring or runtime.keyring))).secret


async def test_a_stored_secret_is_opened_as_it_was_given(project: Project, runtime: Runtime) -> None:
    key = await new_key(project, runtime)

    assert await secret_of(key, runtime) == SECRET


@pytest.mark.parametrize(
    ("stored", "secret"), [(LEGACY_CIPHERTEXT, "sk-test-1234"), ("sk-plain-text", "sk-plain-text")]
)
async def test_secrets_of_the_node_server_are_opened(
    project: Project, runtime: Runtime, stored: str, secret: str
) -> None:
    key = await make_api_key(project, "p", key=stored)

    assert await secret_of(key, runtime) == secret


async def test_a_secret_of_an_earlier_encryption_key_is_opened_beside_new_ones(
    project: Project, runtime: Runtime
) -> None:
    old, new = new_secret_key(), new_secret_key()
    key = await make_api_key(project, "p")
    sealed = key.model_copy(update={"key": Keyring(old).encrypt(SECRET, key.place)})
    rotated = Keyring(new, [old])
    resealed = key.model_copy(update={"key": rotated.encrypt(SECRET, key.place)})

    assert [await secret_of(k, runtime, rotated) for k in (sealed, resealed)] == [SECRET, SECRET]
    with pytest.raises(SecretUnreadable):
        await secret_of(sealed, runtime, Keyring(new))


async def test_an_inactive_key_is_not_opened(project: Project, runtime: Runtime) -> None:
    key = await make_api_key(project, "p", is_active=False)

    with pytest.raises(CredentialInactive) as refusal:
        await secret_of(key, runtime)

    assert (refusal.value.status, refusal.value.code) == (409, "CREDENTIAL_INACTIVE")


async def test_a_ciphertext_opens_in_its_own_row_only(
    project: Project, other_project: Project, runtime: Runtime
) -> None:
    key = await new_key(project, runtime)
    neighbour = key.model_copy(update={"id": new_id()})
    stolen = key.model_copy(update={"organization": other_project.organization})

    for moved in (neighbour, stolen):
        with pytest.raises(SecretUnreadable):
            await secret_of(moved, runtime)


async def test_a_row_without_a_secret_is_unreadable_and_not_empty(project: Project, runtime: Runtime) -> None:
    key = await make_api_key(project, "p")
    await ApiKey.within(project.scope).update_one({"_id": key.id}, {"$unset": {"key": ""}})

    with pytest.raises(SecretUnreadable):
        await secret_of(await api_key_service.get_key(project.scope, key.id), runtime)


def test_one_function_decrypts_provider_keys() -> None:
    modules = Path(next(iter(api_keys.__path__))).rglob("*.py")

    assert [path.name for path in modules for _ in range(path.read_text().count(".decrypt("))] == [
        "sealing.py"
    ]


async def test_a_key_does_not_print_its_secret(project: Project, runtime: Runtime) -> None:
    key = await make_api_key(project, "p", key="sk-plain-text")
    body = ApiKeyCreate(name="k", key=SECRET, provider="p")

    assert "sk-plain-text" not in repr(key) + str(key)
    assert SECRET not in repr(body) + str(body)


async def test_keys_are_found_in_their_own_project_only(
    project: Project, other_project: Project, organization: object
) -> None:
    sibling = await make_project(organization, "Sibling")  # type: ignore[arg-type]
    key, neighbour, foreign = [await make_api_key(p, "p") for p in (project, sibling, other_project)]

    found = await api_key_service.find_keys(
        project.scope, [key.id, key.id, neighbour.id, foreign.id, new_id()]
    )

    assert set(found) == {key.id}
    assert await api_key_service.find_keys(project.scope, []) == {}
    for unreachable in (neighbour, foreign):
        with pytest.raises(ApiKeyNotFound):
            await api_key_service.get_key(project.scope, unreachable.id)


async def test_keys_are_listed_newest_first(project: Project) -> None:
    keys = [await make_api_key(project, "p") for _ in range(3)]

    assert [key.id for key in await api_key_service.list_keys(project.scope)] == [k.id for k in keys][::-1]


async def test_populated_keys_carry_their_provider_as_fully_as_asked(project: Project) -> None:
    provider = await provider_named("xai")
    keys = [await make_api_key(project, provider_id) for provider_id in (provider.id, "gone")]

    full = await api_key_service.show_populated(keys, full_provider=True)
    brief = await api_key_service.show_populated(keys, full_provider=False)

    assert [key["_id"] for key in full] == [key.id for key in keys]
    assert set(full[0]) == {
        "_id",
        "createdAt",
        "updatedAt",
        "__v",
        "name",
        "provider",
        "project",
        "is_active",
        "usage",
    }
    assert set(full[0]["provider"]) == {"_id", "name", "models", "createdAt", "updatedAt", "__v"}
    assert full[0]["provider"]["models"] == provider.models
    assert full[0]["createdAt"].endswith("Z")
    assert brief[0]["provider"] == {"_id": provider.id, "name": "xai"}
    assert brief[1]["provider"] == {"_id": "gone", "name": ""}


async def test_populating_many_keys_asks_for_their_providers_once(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = await provider_named("xai")
    keys = [await make_api_key(project, provider.id) for _ in range(5)]
    asked: list[list[str]] = []
    find = provider_service.find_providers

    async def counted(provider_ids: object) -> object:
        asked.append(list(provider_ids))  # type: ignore[call-overload]
        return await find(asked[-1])

    monkeypatch.setattr(provider_service, "find_providers", counted)

    await api_key_service.show_populated(keys, full_provider=True)

    assert asked == [[provider.id] * 5]


async def test_a_broken_row_of_the_node_server_does_not_break_the_list(
    project: Project, runtime: Runtime
) -> None:
    row = {
        "_id": new_id(),
        "organization": project.organization,
        "project": project.id,
        "name": "old",
        "key": LEGACY_CIPHERTEXT,
        "provider": "p",
        "usage": {"total_tokens": "many"},
    }
    await runtime.database.db["apikeys"].insert_one(dict(row))

    [key] = await api_key_service.list_keys(project.scope)

    assert (key.name, key.usage.total_tokens, key.is_active) == ("old", 0, True)
