"""The default providers: which they are, and that bringing them up to date harms nobody."""

import asyncio
from typing import Any

from crafter.core.ids import new_id
from crafter.core.time import utc_now
from crafter.providers import service as provider_service
from crafter.providers.catalogue import DEFAULT_PROVIDERS, MAX_OUTPUT_TOKENS
from crafter.providers.documents import Provider

COUNTS = {"openai": 56, "anthropic": 14, "google": 10, "deepseek": 13, "xai": 15}


async def stored() -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in await Provider.collection().find({}).to_list()}


def test_the_default_providers_have_as_many_models_as_the_contract_lists() -> None:
    assert {default.name: len(set(default.models)) for default in DEFAULT_PROVIDERS} == COUNTS


def test_output_limits_are_known_only_for_models_of_the_catalogue() -> None:
    models = {model for default in DEFAULT_PROVIDERS for model in default.models}

    assert set(MAX_OUTPUT_TOKENS) <= models
    assert min(MAX_OUTPUT_TOKENS.values()) >= 1_024


async def test_seeding_again_changes_nothing() -> None:
    before = await stored()

    await provider_service.seed_providers()

    assert await stored() == before
    assert {name: len(row["models"]) for name, row in before.items()} == COUNTS


async def test_parallel_seeding_makes_each_provider_once() -> None:
    await Provider.collection().delete_many({})

    await asyncio.gather(*(provider_service.seed_providers() for _ in range(20)))

    assert await Provider.collection().count_documents({}) == len(COUNTS)
    assert {name: len(row["models"]) for name, row in (await stored()).items()} == COUNTS


async def test_parallel_seeding_makes_each_provider_once_even_without_an_index() -> None:
    await Provider.collection().delete_many({})
    await Provider.collection().drop_index("name_1")
    try:
        await asyncio.gather(*(provider_service.seed_providers() for _ in range(20)))

        assert await Provider.collection().count_documents({}) == len(COUNTS)
    finally:
        await Provider.collection().create_indexes(Provider.index_models())


async def test_seeding_appends_what_is_new_and_keeps_what_an_operator_added_or_retired() -> None:
    change = {"$set": {"models": ["house-model", "grok-4"], "retired_models": ["grok-1"]}}
    await Provider.collection().update_one({"name": "xai"}, change)

    await asyncio.gather(*(provider_service.seed_providers() for _ in range(5)))

    models = (await stored())["xai"]["models"]
    assert models[:2] == ["house-model", "grok-4"]
    assert len(models) == len(set(models)) == COUNTS["xai"]
    assert "grok-1" not in models


async def test_a_provider_of_the_node_server_keeps_its_id_and_gains_the_new_models() -> None:
    await Provider.collection().delete_one({"name": "google"})
    old = {"_id": new_id(), "name": "google", "models": ["gemini-1.5-pro"], "createdAt": utc_now(), "__v": 3}
    await Provider.collection().insert_one(dict(old))

    await provider_service.seed_providers()

    row = (await stored())["google"]
    assert {key: row[key] for key in ("_id", "createdAt", "__v")} == {
        key: old[key] for key in ("_id", "createdAt", "__v")
    }
    assert row["models"][0] == "gemini-1.5-pro"
    assert len(row["models"]) == COUNTS["google"]
