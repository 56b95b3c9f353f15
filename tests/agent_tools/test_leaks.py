"""No answer, no refusal and no log line shows a secret of a tool or of a hook."""

import httpx2
import pytest

from crafter.agents.documents import Agent
from crafter.projects.documents import Project
from tests.agent_tools.support import url
from tests.agents.bodies import agent_url, agents_url

CANARY = "canary-5d2e91"
BEARER = {"type": "bearer_token", "token": CANARY}
ENDPOINT = {"base_url": "https://api.x.io", "path": "/v1", "authentication": BEARER}
HOOK = {
    "name": "h",
    "type": "webhook",
    "trigger": "every_message",
    "webhook_url": "https://x.io",
    "webhook_secret": CANARY,
}
GOOD = [
    (
        "POST",
        "api-config",
        {
            "endpoints": {"a": {**ENDPOINT, "headers": {"Authorization": CANARY}}},
            "authentication": {
                "type": "bearer_token",
                "token": CANARY,
                "config": {"token": CANARY, "X": CANARY},
            },
        },
    ),
    ("POST", "api-endpoints/b", ENDPOINT),
    ("PUT", "api-endpoints/b", ENDPOINT),
    ("POST", "web-search-config", {"api_key": CANARY}),
    ("POST", "webpage-scraper-config", {"provider": "tavily", "api_key": CANARY}),
    ("POST", "google-calendar-config", {"access_token": CANARY, "refresh_token": CANARY}),
    ("POST", "voice-config", {"provider": "elevenlabs", "api_key": CANARY}),
    ("POST", "hooks", {"hooks": [HOOK]}),
    ("POST", "tools", {"tool_name": "calculator", "parameters": {"secret": CANARY, "apiKey": [CANARY]}}),
]
BAD = [
    ("POST", "api-config", {"endpoints": {"a": {**ENDPOINT, "path": CANARY}}}),
    ("POST", "api-config", {"authentication": {"type": "bearer_token", "token": f"{CANARY}\n"}}),
    ("POST", "api-endpoints/c", {**ENDPOINT, "methods": CANARY}),
    ("PUT", "api-endpoints/b", {"base_url": "https://other.io", "authentication": {"type": CANARY}}),
    ("POST", "web-search-config", {"provider": CANARY, "api_key": CANARY}),
    ("POST", "google-calendar-config", {"access_token": [CANARY]}),
    ("POST", "voice-config", {"api_key": {"a": CANARY}}),
    ("POST", "hooks", {"hooks": [{**HOOK, "webhook_url": CANARY}]}),
    ("POST", "tools", {"tool_name": "json_processor", "parameters": {"$a": CANARY}}),
]
PARTS = [
    "",
    "/status",
    "/tools",
    "/api-config",
    "/api-endpoints/a",
    "/api-endpoints/b",
    "/web-search-config",
    "/webpage-scraper-config",
    "/google-calendar-config",
    "/voice-config",
    "/question-suggestions",
    "/hooks",
]


async def test_secrets_stay_inside(
    as_admin: httpx2.AsyncClient,
    agent: Agent,
    project: Project,
    capfd: pytest.CaptureFixture[str],
) -> None:
    good = [await as_admin.request(method, url(agent, part), json=body) for method, part, body in GOOD]
    bad = [await as_admin.request(method, url(agent, part), json=body) for method, part, body in BAD]
    reads = [await as_admin.get(agent_url(agent) + part) for part in PARTS]
    reads.append(await as_admin.get(agents_url(project)))
    logged = "".join(capfd.readouterr())

    assert [answer.request.url.path for answer in good if not answer.is_success] == []
    assert {answer.status_code for answer in bad} == {400}
    assert {answer.status_code for answer in reads} == {200}
    assert "web-search-config" in logged
    for answer in (*good, *bad, *reads):
        assert CANARY not in answer.text, answer.request.url
        assert "crafter:1:A256GCM" not in answer.text, answer.request.url
    assert CANARY not in logged
