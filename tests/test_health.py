"""Health and metrics of a running application."""

import httpx2
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from crafter.core.runtime import Runtime
from tests.fixtures import Cast

ROOT = "http://crafter.test"


async def test_it_is_alive_ready_and_what_the_contract_says(as_nobody: httpx2.AsyncClient) -> None:
    health = await as_nobody.get(f"{ROOT}/health")
    live = await as_nobody.get(f"{ROOT}/health/live")
    ready = await as_nobody.get(f"{ROOT}/health/ready")

    assert health.json() == {"status": "ok", "service": "llm-crafter"}
    assert live.json()["status"] == "ok"
    assert ready.json() == {"status": "ok", "checks": {"database": "ok", "indexes": "ok"}}


async def test_a_missing_unique_index_refuses_traffic(
    as_nobody: httpx2.AsyncClient, app: FastAPI, runtime: Runtime
) -> None:
    users = runtime.database.db.users
    app.state.readiness._indexed = False
    await users.drop_index("email_1")
    try:
        response = await as_nobody.get(f"{ROOT}/health/ready")
    finally:
        await users.create_index([("email", 1)], name="email_1", unique=True)

    assert response.status_code == 503
    assert response.headers["retry-after"]
    assert "users.email_1" in response.json()["checks"]["indexes"]
    assert (await as_nobody.get(f"{ROOT}/health/ready")).status_code == 200


async def test_requests_are_counted_by_route_and_never_by_path(
    as_member: httpx2.AsyncClient, as_nobody: httpx2.AsyncClient, cast: Cast
) -> None:
    await as_member.get(f"/organizations/{cast.organization.id}")
    await as_nobody.get(f"{ROOT}/api/v1/no/such/{cast.organization.id}")

    text = (await as_nobody.get(f"{ROOT}/metrics")).text

    counted = 'crafter_http_requests_total{method="GET",route="/api/v1/organizations/{organization_id}",status="200"}'
    assert counted in text
    assert 'crafter_http_requests_total{method="GET",route="unknown",status="404"}' in text
    assert "crafter_http_request_seconds_bucket" in text
    assert 'crafter_database_connections{state="open"}' in text
    assert cast.organization.id not in text


@pytest.mark.parametrize(("given", "status"), [(None, 401), ("Bearer wrong", 401), ("Bearer t0ken", 200)])
async def test_metrics_can_ask_for_a_token(
    as_nobody: httpx2.AsyncClient,
    runtime: Runtime,
    monkeypatch: pytest.MonkeyPatch,
    given: str | None,
    status: int,
) -> None:
    monkeypatch.setattr(runtime.settings, "metrics_token", SecretStr("t0ken"))

    response = await as_nobody.get(f"{ROOT}/metrics", headers={"Authorization": given} if given else {})

    assert response.status_code == status


async def test_metrics_without_a_token_are_not_there_in_production(
    as_nobody: httpx2.AsyncClient, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime.settings, "env", "production")

    assert (await as_nobody.get(f"{ROOT}/metrics")).status_code == 404


async def test_a_document_that_outgrows_the_database_is_too_large_and_not_our_mistake(
    as_member: httpx2.AsyncClient, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    from crafter.projects import service

    async def outgrow(*_: object) -> None:
        await service.Project.within(cast.project.scope).update_one(
            {"_id": cast.project.id}, {"$set": {"description": "x" * 17_000_000}}
        )

    monkeypatch.setattr(service, "create_project", outgrow)

    response = await as_member.post(f"/organizations/{cast.organization.id}/projects", json={"name": "P"})

    assert (response.status_code, response.json()["code"]) == (413, "PAYLOAD_TOO_LARGE")
