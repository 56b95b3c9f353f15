"""Prices of organizations and of the deployment: added row by row, never changed, and used for calls at once."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx2
import pytest

from crafter.core.runtime import Runtime
from crafter.core.tenancy import Scope
from crafter.core.time import utc_now
from crafter.llm.base import Usage
from crafter.organizations.documents import Organization
from crafter.prices import service as price_service
from crafter.prices.service import price_of
from tests.execution.test_chat import ASK, url
from tests.factories import make_agent
from tests.fakes.provider import FakeProvider
from tests.fakes.replies import Reply
from tests.fixtures import Cast

LONG_AGO = "2020-01-01T00:00:00Z"
ONE_EACH = Usage(1, 1, 2)


def rows_for(model: str, read: object = "0.000003", written: object = "0.000015", **more: Any) -> list[Any]:
    row = {"provider": "OpenAI", "model": model, "effective_from": LONG_AGO, **more}
    return [{**row, "unit": "input", "amount": read}, {**row, "unit": "output", "amount": written}]


async def imported(client: httpx2.AsyncClient, organization: Organization, *rows: Any, **more: Any) -> Any:
    body = {"rows": list(rows), **more}
    answer = await client.post(f"/organizations/{organization.id}/prices:import", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def cost_of(organization: Organization, model: str, at: datetime | None = None) -> Decimal | None:
    priced = await price_of(Scope(organization.id), "openai", model, ONE_EACH, at or utc_now())
    return None if priced is None else priced.amount


async def test_prices_are_used_at_once_and_by_nobody_else(
    as_admin: httpx2.AsyncClient, organization: Organization, other_organization: Organization
) -> None:
    before = await cost_of(organization, "house-model")

    answer = await imported(as_admin, organization, *rows_for("house-model"))

    assert before is None
    assert answer["counts"] == {"created": 2}
    assert await cost_of(organization, "house-model") == Decimal("0.000018")
    assert await cost_of(other_organization, "house-model") is None


async def test_a_call_is_charged_by_the_organizations_price_and_names_it(
    as_admin: httpx2.AsyncClient, cast: Cast, runtime: Runtime, provider: FakeProvider
) -> None:
    agent = await make_agent(cast.project, runtime.keyring)
    await imported(as_admin, cast.organization, *rows_for("gpt-4o-mini", "0.001", "0.002"))
    usage = {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8}
    provider.script(Reply("Hi", usage=usage))

    await as_admin.post(url(agent), json=ASK)

    calls = f"/organizations/{agent.organization}/projects/{agent.project}/calls"
    [call] = (await as_admin.get(calls)).json()["data"]
    assert call["cost"] == "0.013"
    assert call["price_ref"].startswith("prices:")


async def test_numbers_keep_every_digit_in_json(
    as_admin: httpx2.AsyncClient, organization: Organization
) -> None:
    await imported(as_admin, organization, *rows_for("exact", 0.000003, 1.5e-05))

    assert await cost_of(organization, "exact") == Decimal("0.000018")


async def test_what_is_there_already_is_never_changed(
    as_admin: httpx2.AsyncClient, organization: Organization
) -> None:
    await imported(as_admin, organization, *rows_for("kept"))

    again = await imported(as_admin, organization, *rows_for("kept"))
    other = await imported(as_admin, organization, *rows_for("kept", written="0.1"))
    twice = await imported(as_admin, organization, *rows_for("new"), *rows_for("new", "0.1"))

    assert again["counts"] == {"unchanged": 2}
    assert [row["status"] for row in other["rows"]] == ["unchanged", "conflict"]
    assert [row["status"] for row in twice["rows"]] == ["created", "created", "conflict", "unchanged"]
    assert await cost_of(organization, "kept") == Decimal("0.000018")


async def test_a_trial_says_the_same_and_stores_nothing(
    as_admin: httpx2.AsyncClient, organization: Organization
) -> None:
    rows = [*rows_for("tried"), *rows_for("tried", "0.1")]

    trial = await imported(as_admin, organization, *rows, dry_run=True)
    nothing = await cost_of(organization, "tried")
    real = await imported(as_admin, organization, *rows)

    assert nothing is None
    assert trial["rows"] == real["rows"]


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"amount": "-1"}, "amount"),
        ({"amount": "NaN"}, "amount"),
        ({"amount": "1e30"}, "amount"),
        ({"amount": "0." + "1" * 40}, "amount"),
        ({"unit": "words"}, "unit"),
        ({"tier": "free"}, "tier"),
        ({"currency": "EUR"}, "currency"),
        ({"model": ""}, "model"),
        ({"model": {"$gt": ""}}, "model"),
        ({"provider": "x" * 201}, "provider"),
        ({"effective_from": "soon"}, "effective_from"),
        ({"nonsense": 1}, "nonsense"),
    ],
)
async def test_a_row_that_cannot_be_is_refused_alone_and_says_why(
    as_admin: httpx2.AsyncClient, organization: Organization, change: dict[str, Any], where: str
) -> None:
    good, other = rows_for("partly")

    answer = await imported(as_admin, organization, good, {**other, **change})

    assert [row["status"] for row in answer["rows"]] == ["created", "invalid"]
    assert where in answer["rows"][1]["problems"][0]


async def test_only_admins_add_prices(
    as_member: httpx2.AsyncClient, as_outsider: httpx2.AsyncClient, organization: Organization
) -> None:
    body = {"rows": rows_for("cheap", "0", "0")}
    for client in (as_member, as_outsider):
        answer = await client.post(f"/organizations/{organization.id}/prices:import", json=body)
        assert answer.status_code == 403
    assert await cost_of(organization, "cheap") is None


async def test_the_deployments_price_holds_for_all_without_their_own(
    as_admin: httpx2.AsyncClient, organization: Organization, other_organization: Organization
) -> None:
    await price_service.import_prices(None, rows_for("for-all", "0.5", "0.5"), dry_run=False)
    await imported(as_admin, organization, rows_for("for-all", "0.25")[0])

    assert await cost_of(other_organization, "for-all") == Decimal("1")
    assert await cost_of(organization, "for-all") == Decimal("0.75")


async def test_a_past_call_is_priced_as_it_was(
    as_admin: httpx2.AsyncClient, organization: Organization
) -> None:
    changed = datetime(2026, 3, 1, tzinfo=UTC)
    await imported(as_admin, organization, *rows_for("dated"))
    await imported(
        as_admin, organization, rows_for("dated", "0.000001", effective_from=changed.isoformat())[0]
    )

    assert await cost_of(organization, "dated", changed - timedelta(days=1)) == Decimal("0.000018")
    assert await cost_of(organization, "dated", changed) == Decimal("0.000016")
    assert await cost_of(organization, "dated", datetime(2019, 1, 1, tzinfo=UTC)) is None


async def test_a_model_without_rows_costs_what_is_known_of_it(organization: Organization) -> None:
    assert await cost_of(organization, "gpt-4o-mini") == Decimal("0.00000075")
    assert await cost_of(organization, "nobody-knows-it") is None
