"""What a call would take, before it is made."""

from decimal import Decimal
from typing import Any

import httpx2
import pytest

from crafter.api_keys.documents import ApiKey
from crafter.core.runtime import Runtime
from tests.factories import make_key
from tests.fakes.provider import FakeProvider
from tests.fixtures import Cast

ASKED = {"model": "gpt-4o-mini", "provider": "openai", "prompt": "Say hello to everybody.", "max_tokens": 100}


@pytest.fixture
async def key(cast: Cast, runtime: Runtime) -> ApiKey:
    made: ApiKey = await make_key(cast.project, runtime.keyring)
    return made


def url(cast: Cast) -> str:
    return f"/organizations/{cast.organization.id}/projects/{cast.project.id}/estimates"


async def estimated(client: httpx2.AsyncClient, cast: Cast, **asked: Any) -> dict[str, Any]:
    answer = await client.post(url(cast), json={**ASKED, **asked})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def test_tokens_and_cost_have_bounds_and_nobody_is_asked(
    as_viewer: httpx2.AsyncClient, cast: Cast, provider: FakeProvider
) -> None:
    body = await estimated(as_viewer, cast)
    tokens, cost = body["tokens"], body["cost"]
    assert tokens["low"] < tokens["count"] < tokens["high"]
    assert body["output_tokens"] == {"low": 0, "high": 100}
    assert Decimal(cost["low"]) == tokens["low"] * Decimal("0.00000015")
    assert Decimal(cost["high"]) == tokens["high"] * Decimal("0.00000015") + 100 * Decimal("0.0000006")
    assert (body["price_state"], body["price_ref"]) == ("known", "contract:gpt-4o-mini")
    assert body["priced_at"].endswith("Z")
    assert len(provider.requests) == 0


async def test_a_key_says_which_provider_it_is_and_a_time_which_price(
    as_viewer: httpx2.AsyncClient, cast: Cast, key: ApiKey
) -> None:
    messages = [{"role": "system", "content": "Be kind."}, {"content": "Hello"}]
    asked = {"model": "gpt-4o-mini", "api_key": key.id, "messages": messages, "as_of": "2026-01-31T09:15:00Z"}
    answer = await as_viewer.post(url(cast), json=asked)
    body = answer.json()
    assert (body["provider"], body["priced_at"]) == ("openai", "2026-01-31T09:15:00.000Z")
    assert body["output_tokens"]["high"] > 1_000  # as long as the model can write


async def test_a_price_that_nobody_knows_is_no_price(as_viewer: httpx2.AsyncClient, cast: Cast) -> None:
    body = await estimated(as_viewer, cast, model="gpt-nobody-knows")
    assert (body["cost"], body["price_state"]) == (None, "unknown")
    assert "price_ref" not in body


@pytest.mark.parametrize(
    "asked",
    [
        {"api_key": "k"},
        {"provider": None},
        {"messages": [{"content": "x"}]},
        {"prompt": None},
        {"prompt": None, "messages": []},
        {"max_tokens": 0},
        {"as_of": "yesterday"},
        {"model": ""},
        {"prompt": {"$gt": ""}},
    ],
    ids=str,
)
async def test_what_is_no_question_is_refused(
    as_viewer: httpx2.AsyncClient, cast: Cast, asked: dict[str, Any]
) -> None:
    answer = await as_viewer.post(url(cast), json={**ASKED, **asked})
    assert (answer.status_code, answer.json()["code"]) == (400, "VALIDATION_FAILED")


async def test_a_key_of_others_is_not_found(
    as_viewer: httpx2.AsyncClient, cast: Cast, runtime: Runtime
) -> None:
    foreign = await make_key(cast.other_project, runtime.keyring)
    asked = {"model": "gpt-4o-mini", "api_key": foreign.id, "prompt": "x"}
    assert (await as_viewer.post(url(cast), json=asked)).json()["code"] == "API_KEY_NOT_FOUND"
