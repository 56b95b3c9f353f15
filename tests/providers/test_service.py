"""What other features ask about a provider."""

import pytest

from crafter.core.config import Settings, load_settings
from crafter.core.ids import new_id
from crafter.core.runtime import Runtime
from crafter.providers import service as provider_service
from crafter.providers.documents import Provider
from crafter.providers.errors import ProviderNotFound


def environment(**urls: str) -> Settings:
    return load_settings({f"{name}_BASE_URL": url for name, url in urls.items()})


@pytest.mark.parametrize(
    ("name", "stored", "configured", "expected"),
    [
        ("openai", None, {}, "https://api.openai.com/v1"),
        ("xai", None, {}, "https://api.x.ai/v1"),
        ("acme", None, {}, "https://api.openai.com/v1"),
        ("acme", None, {"OPENAI": "http://proxy.test/v1"}, "http://proxy.test/v1"),
        ("acme", "https://llm.acme.test", {"OPENAI": "http://proxy.test/v1"}, "https://llm.acme.test"),
        ("acme", "https://llm.acme.test", {"ACME": "http://staging.test"}, "http://staging.test"),
        ("openai", "https://llm.acme.test", {"OPENAI": "http://proxy.test/v1"}, "http://proxy.test/v1"),
        ("OpenAI", None, {"OPENAI": "http://proxy.test/v1"}, "http://proxy.test/v1"),
    ],
)
async def test_the_base_url_is_the_environments_then_the_stored_then_the_well_known_one(
    runtime: Runtime, name: str, stored: str | None, configured: dict[str, str], expected: str
) -> None:
    provider = Provider(name=name, api_base_url=stored)

    assert provider_service.base_url(provider, environment(**configured)) == expected


@pytest.mark.parametrize(
    ("text", "nearest"),
    [
        ("gpt-4o-mni", "gpt-4o-mini"),
        ("GPT-4.1", "gpt-4.1"),
        ("deepseek-v3", "DeepSeek-V3"),
        ("completely different", None),
        ("", None),
        ("x" * 100_000, None),
    ],
)
async def test_nearest_models_resemble_the_text_whatever_its_case(
    runtime: Runtime, text: str, nearest: str | None
) -> None:
    provider = Provider(name="p", models=["gpt-4o", "gpt-4o-mini", "gpt-4.1", "gpt-4.1-mini", "DeepSeek-V3"])

    found = provider_service.nearest_models(provider, text)

    assert len(found) <= 3
    assert (found[0] if found else None) == nearest


async def test_a_provider_offers_its_models_and_not_those_that_were_retired(runtime: Runtime) -> None:
    provider = Provider(name="p", models=["new"], retired_models=["old"])

    assert provider_service.offers(provider, "new")
    assert not provider_service.offers(provider, "old")
    assert not provider_service.offers(provider, "NEW")


@pytest.mark.parametrize(
    ("model", "limit"), [("gpt-4o", 16_384), ("claude-opus-4-6", 128_000), ("house-model", None), ("", None)]
)
def test_output_limits_are_those_of_the_vendors_or_unknown(model: str, limit: int | None) -> None:
    assert provider_service.max_output_tokens(model) == limit


async def test_several_providers_are_found_at_once_and_those_that_are_gone_are_missing() -> None:
    providers = await provider_service.list_providers()
    wanted = [providers[0].id, providers[1].id]

    found = await provider_service.find_providers([*wanted, wanted[0], new_id()])

    assert set(found) == set(wanted)
    assert found[wanted[0]].name == providers[0].name
    assert await provider_service.find_providers([]) == {}


async def test_an_unknown_provider_is_not_found() -> None:
    with pytest.raises(ProviderNotFound):
        await provider_service.get_provider(new_id())
