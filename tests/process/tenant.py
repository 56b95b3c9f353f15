"""A person with an organization, a project and an agent, made through HTTP, and what the tests do with them."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx2

from tests.factories import PASSWORD

PROVIDER_KEY = "sk-canary-provider-key-0123456789"


@dataclass(frozen=True)
class Tenant:
    """Paths of one project, and the token that opens them."""

    token: str
    organization: str
    project: str
    agent: str

    @property
    def headers(self) -> dict[str, str]:
        """Who asks."""
        return {"Authorization": f"Bearer {self.token}"}

    @property
    def home(self) -> str:
        """The project."""
        return f"/organizations/{self.organization}/projects/{self.project}"

    @property
    def chat(self) -> str:
        """Where the agent is talked to."""
        return f"{self.home}/agents/{self.agent}/chat"

    def messages(self, conversation: str) -> str:
        """Where the messages of a conversation are."""
        return f"{self.home}/conversations/{conversation}/messages"

    def says(self, text: str, conversation: str | None = None) -> dict[str, Any]:
        """The body of a turn."""
        return {"message": text, "user_identifier": "visitor", "conversation_id": conversation}


async def settle(client: httpx2.AsyncClient, name: str = "alice") -> Tenant:
    """Register somebody, and make what one needs to talk to an agent; the client is signed in afterwards."""

    async def post(path: str, **body: Any) -> Any:
        response = await client.post(path, json=body)
        assert response.status_code in (200, 201), response.text
        return response.json()

    account = await post("/auth/register", email=f"{name}@example.com", password=PASSWORD, name=name.title())
    client.headers["Authorization"] = f"Bearer {account['token']}"
    organization = (await post("/organizations", name="Acme"))["_id"]
    projects = f"/organizations/{organization}/projects"
    project = (await post(projects, name="Support"))["_id"]
    providers = (await client.get("/providers")).json()
    openai = next(provider["_id"] for provider in providers if provider["name"] == "openai")
    home = f"{projects}/{project}"
    key = await post(f"{home}/api-keys", name="live", key=PROVIDER_KEY, provider=openai)
    agent = await post(
        f"{home}/agents",
        name="helper",
        type="chatbot",
        system_prompt="You are kind.",
        api_key=key["id"],
        llm_settings={"model": "gpt-4o-mini"},
    )
    return Tenant(account["token"], organization, project, agent["_id"])


async def begin(client: httpx2.AsyncClient, tenant: Tenant) -> str:
    """A new conversation; its id."""
    body = {"agent": tenant.agent, "user_identifier": "visitor"}
    response = await client.post(f"{tenant.home}/conversations", json=body)
    assert response.status_code == 201, response.text
    found: str = response.json()["_id"]
    return found


async def all_messages(client: httpx2.AsyncClient, tenant: Tenant, conversation: str) -> list[dict[str, Any]]:
    """Every message of a conversation, in order."""
    rows: list[dict[str, Any]] = []
    while True:
        after = {"after": rows[-1]["seq"] if rows else 0, "limit": 200}
        response = await client.get(tenant.messages(conversation), params=after)
        assert response.status_code == 200, response.text
        page = response.json()
        rows += page["data"]
        if not page["page"]["has_more"]:
            return rows


async def frames_of(response: httpx2.Response) -> AsyncIterator[dict[str, Any]]:
    """The frames of a stream, each as soon as it is there."""
    async for line in response.aiter_lines():
        if line:
            yield json.loads(line.removeprefix("data: "))
