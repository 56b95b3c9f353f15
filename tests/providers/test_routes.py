"""``/providers``: everybody reads, operators write."""

import asyncio
from typing import Any

import pytest
from httpx2 import AsyncClient

from crafter.core.config import Settings
from crafter.core.ids import new_id
from crafter.projects.documents import Project
from crafter.providers.documents import Provider
from tests.api_keys.factories import make_api_key, provider_named

KEYS = {"_id", "createdAt", "updatedAt", "__v", "name", "models"} | {
    "display_name",
    "api_base_url",
    "capabilities",
}
ACME = {"name": "acme", "models": ["acme-1", "acme-2"]}


async def stored(provider_id: str) -> dict[str, Any]:
    row = await Provider.collection().find_one({"_id": provider_id})
    assert row is not None
    return row


async def test_everybody_with_an_account_sees_all_providers_by_name(
    as_outsider: AsyncClient, settings: Settings
) -> None:
    response = await as_outsider.get("/providers")

    assert response.status_code == 200
    providers = response.json()
    assert [p["name"] for p in providers] == ["anthropic", "deepseek", "google", "openai", "xai"]
    assert set(providers[3]) == KEYS
    assert providers[3]["display_name"] == "OpenAI"
    assert providers[3]["api_base_url"] == settings.provider_base_urls["openai"]
    assert providers[3]["capabilities"] == {
        "chat_completion": True,
        "text_completion": False,
        "embeddings": False,
        "function_calling": False,
    }


async def test_one_provider_carries_its_revision(as_viewer: AsyncClient) -> None:
    provider = await provider_named("xai")

    response = await as_viewer.get(f"/providers/{provider.id}")

    assert response.status_code == 200
    assert response.headers["etag"] == '"0"'
    assert set(response.json()) == KEYS


async def test_the_models_of_one_provider_are_listed(as_viewer: AsyncClient) -> None:
    provider = await provider_named("anthropic")

    response = await as_viewer.get(f"/providers/{provider.id}/models")

    assert response.json() == {"provider": "anthropic", "models": provider.models}


@pytest.mark.parametrize("path", ["", "/models"])
async def test_an_unknown_provider_is_not_found(as_viewer: AsyncClient, path: str) -> None:
    response = await as_viewer.get(f"/providers/{new_id()}{path}")

    assert response.status_code == 404
    assert response.json()["error"] == "Provider not found"


async def test_what_the_node_server_stored_is_shown_with_defaults(as_viewer: AsyncClient) -> None:
    bare = {"_id": new_id(), "name": "openai", "models": ["gpt-4o"]}
    await Provider.collection().delete_one({"name": "openai"})
    await Provider.collection().insert_one(dict(bare))

    body = (await as_viewer.get(f"/providers/{bare['_id']}")).json()

    assert body["display_name"] == "OpenAI"
    assert body["capabilities"]["chat_completion"] is True


WRITES = [("POST", ""), ("PUT", "/{id}"), ("DELETE", "/{id}"), ("POST", "/refresh")]


@pytest.mark.parametrize(("method", "path"), WRITES)
async def test_only_operators_change_providers(
    as_admin: AsyncClient, as_nobody: AsyncClient, method: str, path: str
) -> None:
    provider = await provider_named("xai")
    url = "/providers" + path.format(id=provider.id)

    refused = await as_admin.request(method, url, json=ACME)
    unknown = await as_nobody.request(method, url, json=ACME)

    assert (refused.status_code, refused.json()["code"]) == (403, "OPERATOR_ONLY")
    assert unknown.status_code == 401
    assert await stored(provider.id) == provider.to_stored()


async def test_reading_providers_takes_an_account(as_nobody: AsyncClient) -> None:
    provider = await provider_named("xai")

    for path in ("", f"/{provider.id}", f"/{provider.id}/models"):
        assert (await as_nobody.get(f"/providers{path}")).status_code == 401


async def test_an_operator_adds_a_provider(as_operator: AsyncClient) -> None:
    body = {
        "name": "  acme ",
        "models": ["acme-1", " acme-2", "acme-1"],
        "display_name": "Acme",
        "api_base_url": "https://llm.acme.test/v1/",
        "capabilities": {"function_calling": True},
    }

    response = await as_operator.post("/providers", json=body)

    assert response.status_code == 201
    created = response.json()
    assert set(created) == KEYS
    assert created["name"] == "acme"
    assert created["models"] == ["acme-1", "acme-2"]
    assert created["api_base_url"] == "https://llm.acme.test/v1"
    assert created["capabilities"]["function_calling"] is True
    assert created["capabilities"]["chat_completion"] is True
    assert (await as_operator.get(f"/providers/{created['_id']}")).json() == created


async def test_names_of_providers_are_unique_among_racers(as_operator: AsyncClient) -> None:
    responses = await asyncio.gather(*(as_operator.post("/providers", json=ACME) for _ in range(20)))

    assert sorted(r.status_code for r in responses) == [201] + [400] * 19
    refusal = next(r for r in responses if r.status_code == 400).json()
    assert (refusal["error"], refusal["code"]) == ("Provider already exists", "PROVIDER_EXISTS")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": None}, "name"),
        ({"name": "  "}, "name"),
        ({"name": "n" * 201}, "name"),
        ({"name": {"$ne": 1}}, "name"),
        ({"models": None}, "models"),
        ({"models": []}, "models"),
        ({"models": [" "]}, "models[0]"),
        ({"models": ["m", 1]}, "models[1]"),
        ({"models": ["m" * 201]}, "models[0]"),
        ({"models": [f"m{n}" for n in range(1_001)]}, "models"),
        ({"api_base_url": "ftp://acme.test"}, "api_base_url"),
        ({"api_base_url": "acme.test/v1"}, "api_base_url"),
        ({"api_base_url": "https://"}, "api_base_url"),
        ({"api_base_url": "https://user:pass@acme.test"}, "api_base_url"),
        ({"api_base_url": "https://acme.test/v1#part"}, "api_base_url"),
        ({"api_base_url": "https://acme.test/v1?key=1"}, "api_base_url"),
        ({"api_base_url": "https://acme.test:99999"}, "api_base_url"),
        ({"api_base_url": "https://acme.test:0"}, "api_base_url"),
        ({"api_base_url": "https://[::1"}, "api_base_url"),
        ({"api_base_url": "https://acme.test/a b"}, "api_base_url"),
        ({"api_base_url": "https://acme.test/\r\nHost: x"}, "api_base_url"),
        ({"api_base_url": "https://acme.test\\@evil.test"}, "api_base_url"),
        ({"capabilities": {"embeddings": "perhaps"}}, "capabilities.embeddings"),
    ],
)
async def test_bad_providers_are_refused_with_the_field(
    as_operator: AsyncClient, change: dict[str, Any], field: str
) -> None:
    response = await as_operator.post("/providers", json={**ACME, **change})

    assert response.status_code == 400
    assert [e["path"] for e in response.json()["errors"]] == [field]
    assert await Provider.collection().count_documents({}) == 5


async def test_models_that_are_left_out_retire_and_come_back_when_named_again(
    as_operator: AsyncClient,
) -> None:
    created = (await as_operator.post("/providers", json=ACME)).json()
    url = f"/providers/{created['_id']}"

    response = await as_operator.put(url, json={"name": "acme", "models": ["acme-2", "$models"]})

    assert response.status_code == 200
    assert response.json()["models"] == ["acme-2", "$models"]
    row = await stored(created["_id"])
    assert row["retired_models"] == ["acme-1"]
    assert row["revision"] == 1

    await as_operator.put(url, json={"name": "acme", "models": ["acme-1"]})

    row = await stored(created["_id"])
    assert row["models"] == ["acme-1"]
    assert sorted(row["retired_models"]) == ["$models", "acme-2"]


async def test_absent_fields_stay_and_a_null_address_goes_back_to_the_well_known_one(
    as_operator: AsyncClient,
) -> None:
    extras = {"display_name": "$name", "api_base_url": "https://llm.acme.test"}
    created = (await as_operator.post("/providers", json={**ACME, **extras})).json()
    url = f"/providers/{created['_id']}"

    kept = (await as_operator.put(url, json={**ACME, "name": "$acme"})).json()
    cleared = (await as_operator.put(url, json={**ACME, "api_base_url": None})).json()

    assert (kept["name"], kept["display_name"], kept["api_base_url"]) == (
        "$acme",
        "$name",
        "https://llm.acme.test",
    )
    assert cleared["display_name"] == "$name"
    assert "api_base_url" not in await stored(created["_id"])


async def test_a_provider_cannot_take_anothers_name(as_operator: AsyncClient) -> None:
    provider = await provider_named("xai")

    response = await as_operator.put(f"/providers/{provider.id}", json={**ACME, "name": "openai"})

    assert (response.status_code, response.json()["error"]) == (400, "Provider already exists")
    assert await stored(provider.id) == provider.to_stored()


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
async def test_a_stale_change_is_refused_and_an_unknown_provider_not_found(
    as_operator: AsyncClient, method: str
) -> None:
    created = (await as_operator.post("/providers", json=ACME)).json()
    url = f"/providers/{created['_id']}"
    await as_operator.put(url, json=ACME)

    stale = await as_operator.request(method, url, json=ACME, headers={"If-Match": '"0"'})
    unknown = await as_operator.request(method, f"/providers/{new_id()}", json=ACME)
    fresh = await as_operator.request(method, url, json=ACME, headers={"If-Match": '"1"'})

    assert (stale.status_code, stale.headers["etag"]) == (412, '"1"')
    assert (unknown.status_code, unknown.json()["error"]) == (404, "Provider not found")
    assert fresh.status_code == 200


async def test_a_provider_with_keys_stays_and_the_refusal_only_counts_them(
    as_operator: AsyncClient, project: Project, other_project: Project
) -> None:
    provider = await provider_named("openai")
    for place in (project, other_project):
        await make_api_key(place, provider.id, name="confidential name")

    refused = await as_operator.delete(f"/providers/{provider.id}")

    assert (refused.status_code, refused.json()["code"]) == (409, "PROVIDER_IN_USE")
    assert refused.json()["dependants"] == [{"type": "apikeys", "count": 2}]
    assert "confidential" not in refused.text


async def test_a_provider_without_keys_is_deleted(as_operator: AsyncClient) -> None:
    provider = await provider_named("openai")

    response = await as_operator.delete(f"/providers/{provider.id}")

    assert (response.status_code, response.json()) == (200, {"message": "Provider deleted successfully"})
    assert await Provider.collection().count_documents({}) == 4


async def test_refreshing_resets_the_default_providers_and_no_others(as_operator: AsyncClient) -> None:
    before = await provider_named("xai")
    await as_operator.post("/providers", json=ACME)
    await as_operator.put(f"/providers/{before.id}", json={"name": "xai", "models": ["house-model"]})

    response = await as_operator.post("/providers/refresh")

    assert response.status_code == 200
    body = response.json()
    assert body["message"] == "Default providers refreshed successfully"
    models = {p["name"]: p["models"] for p in body["providers"]}
    assert models["xai"] == before.models
    assert models["acme"] == ACME["models"]
    assert (await stored(before.id))["retired_models"] == ["house-model"]
