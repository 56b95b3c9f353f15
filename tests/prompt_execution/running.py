"""Running prompts, for their tests."""

from typing import Any

import httpx2

from crafter.api_keys.documents import ApiKey
from crafter.prompts.documents import Prompt

USAGE = {
    "prompt_tokens": 10,
    "completion_tokens": 5,
    "total_tokens": 15,
    "prompt_tokens_details": {"cached_tokens": 2},
}
"""As a vendor reports it; with gpt-4o-mini it costs 0.00000423 dollars."""

COST = 0.00000423


def execute_url(prompt: Prompt) -> str:
    """Where a prompt is run."""
    return f"/proxy/organizations/{prompt.organization}/projects/{prompt.project}/execute/{prompt.name}"


def executions_url(prompt: Prompt) -> str:
    """The history of a prompt."""
    return (
        f"/proxy/organizations/{prompt.organization}/projects/{prompt.project}/prompts/{prompt.id}/executions"
    )


async def run(client: httpx2.AsyncClient, prompt: Prompt, **variables: Any) -> dict[str, Any]:
    """What a run answers."""
    response = await client.post(execute_url(prompt), json={"variables": variables})
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


async def history(client: httpx2.AsyncClient, prompt: Prompt) -> list[dict[str, Any]]:
    """The runs of a prompt, the newest first."""
    response = await client.get(executions_url(prompt) + "?limit=100")
    assert response.status_code == 200, response.text
    executions: list[dict[str, Any]] = response.json()["executions"]
    return executions


async def usage_of(key: ApiKey) -> dict[str, Any]:
    """What was used with a key, as MongoDB has it."""
    raw = await ApiKey.within(key.scope).find_one({"_id": key.id})
    assert raw is not None
    usage: dict[str, Any] = raw["usage"]
    return usage
