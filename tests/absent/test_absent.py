"""What is not there says so; what the web UI reads on its pages is empty, not an error."""

from collections import Counter
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from crafter.absent.table import AREAS
from crafter.core.runtime import Runtime
from tests.factories import make_agent
from tests.fixtures import Cast, client_of


def project_url(cast: Cast) -> str:
    return f"/organizations/{cast.organization.id}/projects/{cast.project.id}"


@pytest.fixture
async def agent_id(cast: Cast, runtime: Runtime) -> str:
    agent = await make_agent(cast.project, runtime.keyring)
    return str(agent.id)


EMPTY: dict[str, Any] = {
    "{project}/rag/stats": {"success": True, "stats": {"total_documents": 0, "indexed_range": None}},
    "{project}/rag/jobs?limit=50": {"success": True, "jobs": [], "total": 0},
    "{project}/agents/{agent}/templates?status=APPROVED": [],
    "{project}/agents/{agent}/mail-accounts": {"count": 0, "accounts": []},
    "/channels{project}/agents/{agent}/channels": {
        "agent": "{agent}",
        "whatsapp": {"enabled": False},
        "telegram": {"enabled": False},
        "email": {"enabled": False},
        "instagram": {"enabled": False},
        "messenger": {"enabled": False},
        "website": {"enabled": True},
    },
    "/channels{project}/agents/{agent}/channels/enabled": {
        "agent_id": "{agent}",
        "enabled_channels": ["website"],
    },
}


@pytest.mark.parametrize(("path", "body"), EMPTY.items(), ids=list(EMPTY))
async def test_what_the_web_ui_reads_is_empty(
    as_viewer: httpx2.AsyncClient, cast: Cast, agent_id: str, path: str, body: Any
) -> None:
    response = await as_viewer.get(path.format(project=project_url(cast), agent=agent_id))

    expected = body
    if isinstance(body, dict):
        expected = {name: agent_id if value == "{agent}" else value for name, value in body.items()}
    assert response.status_code == 200
    assert response.json() == expected


async def test_vector_databases_are_a_list_for_members(
    as_member: httpx2.AsyncClient, as_viewer: httpx2.AsyncClient, cast: Cast
) -> None:
    url = f"{project_url(cast)}/vector-databases"

    assert (await as_member.get(url)).json() == {"success": True, "configurations": []}
    assert (await as_viewer.get(url)).json()["error"] == "Access denied: member role required"


async def test_the_form_of_a_vector_database_can_be_built(as_outsider: httpx2.AsyncClient) -> None:
    response = await as_outsider.get("/vector-databases/providers")

    providers = {provider["id"]: provider for provider in response.json()["providers"]}
    fields = {name: list(provider["config_schema"]) for name, provider in providers.items()}
    required = {
        f"{name}.{field}"
        for name, provider in providers.items()
        for field, schema in provider["config_schema"].items()
        if schema.get("required")
    }
    assert fields == {
        "memory": ["maxDocuments"],
        "weaviate": ["endpoint", "apiKey", "scheme", "className"],
        "pinecone": ["apiKey", "environment", "indexName"],
    }
    assert required == {
        "weaviate.endpoint",
        "pinecone.apiKey",
        "pinecone.environment",
        "pinecone.indexName",
    }
    assert providers["weaviate"]["config_schema"]["scheme"]["enum"] == ["http", "https"]
    assert providers["memory"]["config_schema"]["maxDocuments"]["type"] == "number"
    assert "required" not in providers["memory"]["config_schema"]["maxDocuments"]
    for provider in providers.values():
        assert set(provider) == {"id", "name", "description", "config_schema", "features", "limitations"}


async def test_no_indexing_job_is_there(as_viewer: httpx2.AsyncClient, cast: Cast) -> None:
    response = await as_viewer.get(f"{project_url(cast)}/rag/jobs/08a0538c-f6cf-4cb5-bd99-03376a5f3156")

    assert response.status_code == 404
    assert (response.json()["success"], response.json()["error"]) == (False, "Job not found")


@pytest.mark.parametrize(
    ("method", "path", "sentence", "marked"),
    [
        ("POST", "{project}/rag/index", "Knowledge bases are not implemented", True),
        ("GET", "{project}/rag/jobs/stats", "Knowledge bases are not implemented", True),
        ("DELETE", "{project}/rag/clear", "Knowledge bases are not implemented", True),
        ("POST", "{project}/vector-databases", "Vector databases are not implemented", True),
        ("PUT", "{project}/vector-databases/x/default", "Vector databases are not implemented", True),
        ("PUT", "/channels{project}/agents/{agent}/channels", "Messaging channels", False),
        (
            "POST",
            "/channels{project}/agents/{agent}/channels/telegram/webhook/setup",
            "Messaging channels",
            False,
        ),
        ("POST", "{project}/agents/{agent}/templates/sync", "Templates are not implemented", False),
        ("GET", "{project}/agents/{agent}/templates/t", "Templates are not implemented", False),
        ("POST", "{project}/agents/{agent}/mail-accounts", "Mail accounts are not implemented", False),
        (
            "GET",
            "{project}/agents/{agent}/mail-accounts/oauth/google/authorize",
            "Mail accounts are not implemented",
            False,
        ),
        ("GET", "/channels/webhooks/whatsapp?hub.mode=subscribe", "Messaging channels", False),
        ("GET", "/email/oauth/google/callback?code=c&state=s", "Mail accounts", False),
    ],
)
async def test_everything_else_says_what_is_missing(
    as_admin: httpx2.AsyncClient,
    cast: Cast,
    agent_id: str,
    method: str,
    path: str,
    sentence: str,
    marked: bool,
) -> None:
    url = path.format(project=project_url(cast), agent=agent_id)

    response = await as_admin.request(method, url, json={"name": "x"})

    body = response.json()
    assert response.status_code == 501
    assert response.headers["content-type"] == "application/problem+json"
    assert (body["code"], body["status"]) == ("NOT_IMPLEMENTED", 501)
    assert body["error"].startswith(sentence)
    assert body["message"] == body["error"]
    assert body.get("success") is (False if marked else None)


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("{project}/rag/index", "Project not found"),
        ("/channels{project}/agents/{agent}/channels/website/test", "Agent not found"),
        ("{project}/agents/{agent}/templates", "Agent not found"),
    ],
)
async def test_what_the_path_leads_through_must_exist_all_the_same(
    as_admin: httpx2.AsyncClient, cast: Cast, path: str, error: str
) -> None:
    nowhere = f"/organizations/{cast.organization.id}/projects/{cast.other_project.id}"

    response = await as_admin.post(path.format(project=nowhere, agent="nobody"), json={})

    assert (response.status_code, response.json()["error"]) == (404, error)


async def test_a_webhook_is_not_taken_from_anybody(as_nobody: httpx2.AsyncClient) -> None:
    response = await as_nobody.post("/channels/webhooks/telegram/some-agent", json={"message": {}})

    assert response.status_code == 501


def test_the_table_has_every_route_of_the_contract() -> None:
    sizes = Counter[str]()
    for area in AREAS:
        sizes[area.path.rpartition("}/")[2] or area.path] += len(area.routes)

    assert sizes == {
        "rag": 10 - 3,
        "vector-databases": 7 - 1,
        "channels": 6 - 2,
        "/channels/webhooks": 10,
        "templates": 6 - 1,
        "mail-accounts": 21 - 1,
        "/email": 4,
    }, "the routes of the contract, less those that are answered"


async def test_the_document_says_that_they_are_not_there(app: FastAPI) -> None:
    async with client_of(app, None) as client:
        paths = (await client.get("http://crafter.test/openapi.json")).json()["paths"]

    for area in AREAS:
        for method, path, _ in area.routes:
            operation = paths[f"/api/v1{area.path}{path}"][method.lower()]
            assert operation["description"] == area.sentence
            assert "`NOT_IMPLEMENTED`" in operation["responses"]["501"]["description"]
            assert not any(status.startswith("2") for status in operation["responses"])
