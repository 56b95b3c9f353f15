"""Every query and every rule about providers."""

import difflib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from pymongo.errors import DuplicateKeyError

from crafter.core.config import Settings
from crafter.core.errors import CrafterError
from crafter.core.etags import revision_filter, stale
from crafter.core.ids import derived_id
from crafter.core.references import all_tenant_documents
from crafter.core.time import utc_now
from crafter.llm.providers import VENDORS, known_name
from crafter.providers.catalogue import DEFAULT_PROVIDERS, MAX_OUTPUT_TOKENS
from crafter.providers.documents import Provider
from crafter.providers.errors import ProviderExists, ProviderInUse, ProviderNotFound
from crafter.providers.schemas import ProviderInput

_ALL = 1_000
_LONGEST_TEXT = 200


async def list_providers() -> list[Provider]:
    """All providers, by name."""
    rows = await Provider.collection().find({}, sort=[("name", 1)], limit=_ALL).to_list()
    return [Provider.from_stored(row) for row in rows]


async def get_provider(provider_id: str) -> Provider:
    """One provider. Raises ProviderNotFound."""
    raw = await Provider.collection().find_one({"_id": provider_id})
    if raw is None:
        raise ProviderNotFound
    return Provider.from_stored(raw)


async def get_by_id_or_name(reference: str) -> Provider:
    """One provider by its id, or else by its name, also in other letters. Raises ProviderNotFound."""
    names = [reference, reference.lower()]
    where = {"$or": [{"_id": {"$eq": reference}}, {"name": {"$in": names}}]}
    found = [Provider.from_stored(row) for row in await Provider.collection().find(where, limit=3).to_list()]
    best = min(
        found, key=lambda provider: (provider.id != reference, provider.name != reference), default=None
    )
    if best is None:
        raise ProviderNotFound
    return best


async def find_providers(provider_ids: Iterable[str]) -> dict[str, Provider]:
    """Several providers by id, in one query; those that are gone are missing."""
    wanted = list(set(provider_ids))
    rows = await Provider.collection().find({"_id": {"$in": wanted}}).to_list() if wanted else []
    return {row["_id"]: Provider.from_stored(row) for row in rows}


async def create_provider(new: ProviderInput) -> Provider:
    """Add a provider. Raises ProviderExists; the unique index decides between racers."""
    provider = Provider(**new.given())
    try:
        await Provider.collection().insert_one(provider.to_stored())
    except DuplicateKeyError:
        raise ProviderExists from None
    return provider


async def update_provider(provider_id: str, changes: ProviderInput, revision: int | None) -> Provider:
    """Replace name and models, and what else is given; models that are left out are retired.

    Raises ProviderNotFound, StaleWrite and ProviderExists.
    """
    try:
        raw = await Provider.collection().find_one_and_update(
            {"_id": provider_id, **revision_filter(revision)},
            _replacement(changes.given()),
            return_document=True,
        )
    except DuplicateKeyError:
        raise ProviderExists from None
    if raw is None:
        raise await _why_not(provider_id)
    return Provider.from_stored(raw)


async def delete_provider(provider_id: str, revision: int | None) -> None:
    """Delete a provider without keys. Raises ProviderNotFound, ProviderInUse and StaleWrite."""
    await get_provider(provider_id)
    if dependants := await _count_dependants(provider_id):
        raise ProviderInUse(dependants=dependants)
    done = await Provider.collection().delete_one({"_id": provider_id, **revision_filter(revision)})
    if not done.deleted_count:
        raise await _why_not(provider_id)


async def seed_providers() -> None:
    """Add the default providers that are missing, and to the others those of their models that are new.

    Nothing is removed, and what an operator retired stays retired. May run anywhere, any number of times.
    """
    names = [default.name for default in DEFAULT_PROVIDERS]
    rows = await Provider.collection().find({"name": {"$in": names}}).to_list()
    stored = {row["name"]: Provider.from_stored(row) for row in rows}
    for default in DEFAULT_PROVIDERS:
        provider = stored.get(default.name)
        if provider is None:
            await _insert_default(default.name, default.display_name, default.models)
        elif new := [m for m in default.models if m not in {*provider.models, *provider.retired_models}]:
            await _append_models(default.name, new)


async def refresh_providers() -> list[Provider]:
    """Reset the default providers to the models that ship with Crafter, and answer all providers."""
    await seed_providers()
    for default in DEFAULT_PROVIDERS:
        change = _replacement({"models": list(default.models)})
        await Provider.collection().update_one({"name": default.name}, change)
    return await list_providers()


def offers(provider: Provider, model: str) -> bool:
    """Whether the provider serves the model."""
    return model in provider.models


def nearest_models(provider: Provider, text: str) -> list[str]:
    """At most three models of the provider whose names resemble the text, the nearest first."""
    models = {model.lower(): model for model in provider.models}
    close = difflib.get_close_matches(text[:_LONGEST_TEXT].lower(), models, n=3)
    return [models[name] for name in close]


def max_output_tokens(model: str) -> int | None:
    """How many tokens one answer of the model can have; None when that is not known for certain."""
    return MAX_OUTPUT_TOKENS.get(model)


def base_url(provider: Provider, settings: Settings) -> str:
    """Where the provider is called: as the environment says, as it is stored, or where its name is known.

    A name that nobody knows is treated as OpenAI.
    """
    configured, known = settings.provider_base_urls, known_name(provider.name)
    return (
        configured.get(provider.name.lower())
        or provider.api_base_url
        or configured.get(known)
        or VENDORS[known].base_url
    )


def _replacement(changes: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A pipeline that sets fields, removes those that are None, and retires the models that are left out."""
    fields = {name: "$$REMOVE" if value is None else {"$literal": value} for name, value in changes.items()}
    known = {"$setUnion": [{"$ifNull": [f"${field}", []]} for field in ("models", "retired_models")]}
    left_out = {"$not": [{"$in": ["$$this", {"$literal": changes["models"]}]}]}
    return [
        {
            "$set": {
                **fields,
                "retired_models": {"$filter": {"input": known, "cond": left_out}},
                "updatedAt": utc_now(),
                "revision": {"$add": [{"$ifNull": ["$revision", 0]}, 1]},
            }
        }
    ]


async def _insert_default(name: str, display_name: str, models: Iterable[str]) -> None:
    """The derived id lets one of two racers win, even before there is an index on the names."""
    provider = Provider(
        id=derived_id("providers", name), name=name, display_name=display_name, models=list(models)
    )
    with suppress(DuplicateKeyError):
        await Provider.collection().insert_one(provider.to_stored())


async def _append_models(name: str, models: list[str]) -> None:
    """Nothing happens when one of them was retired meanwhile."""
    await Provider.collection().update_one(
        {"name": name, "retired_models": {"$nin": models}},
        {
            "$addToSet": {"models": {"$each": models}},
            "$set": {"updatedAt": utc_now()},
            "$inc": {"revision": 1},
        },
    )


async def _count_dependants(provider_id: str) -> list[dict[str, Any]]:
    """How many documents of all tenants name the provider, and nothing else: ``[{"type", "count"}]``."""
    dependants = []
    for model in all_tenant_documents():
        for reference in model.references:
            if reference.target == Provider.Settings.name and reference.restricts:
                count = await model.across_tenants().count_documents({reference.field: provider_id})
                if count:
                    dependants.append({"type": model.Settings.name, "count": count})
    return dependants


async def _why_not(provider_id: str) -> CrafterError:
    """Why a change did not match: another revision, or gone."""
    raw = await Provider.collection().find_one({"_id": provider_id}, {"revision": 1})
    return stale(raw.get("revision", 0)) if raw else ProviderNotFound()
