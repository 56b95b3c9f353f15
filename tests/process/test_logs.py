"""What the service logs: enough to find a request again, and nothing that is secret."""

from pathlib import Path
from typing import Any

import pytest

from tests.factories import PASSWORD
from tests.fakes.provider import FakeProvider
from tests.fakes.replies import Failure, Reply
from tests.process.service import SECRETS, serving
from tests.process.tenant import PROVIDER_KEY, frames_of, settle

QUESTION = "canary-question-5f4dcc3b"
ANSWER = "canary-answer-aa765d61"


async def test_one_request_id_links_the_log_the_problem_and_the_header(
    tmp_path: Path, on_server: dict[str, str], provider: FakeProvider
) -> None:
    provider.script(Failure(500, "boom"))
    async with serving(tmp_path, **on_server) as service, service.client() as client:
        tenant = await settle(client)
        answers = [
            await client.get(f"{tenant.home}/agents/00000000-0000-7000-8000-000000000000"),
            await client.post("/auth/login", json={"email": "nobody@example.com", "password": PASSWORD}),
            await client.post(tenant.chat, json={}),
            await client.post(tenant.chat, json=tenant.says("Hello"), headers={"X-Request-ID": "mine-1"}),
            await client.get("/nowhere"),
        ]
        await service.stop()
        logged = {event["request_id"]: event for event in service.events if event["event"] == "request"}

    assert [answer.status_code for answer in answers] == [404, 401, 400, 502, 404]
    assert answers[3].headers["x-request-id"] == "mine-1"
    for answer in answers:
        request_id = answer.headers["x-request-id"]
        assert answer.json()["request_id"] == request_id
        assert logged[request_id]["status"] == answer.status_code


@pytest.mark.parametrize("level", ["debug", "info"])
async def test_no_secret_and_nothing_that_was_said_is_logged(
    tmp_path: Path, on_its_own: dict[str, str], provider: FakeProvider, level: str
) -> None:
    echoing = Failure(401, "Incorrect API key provided: {key}")
    provider.script(Reply(ANSWER), Reply(ANSWER), echoing, echoing)
    secrets = {**SECRETS, "CRAFTER_METRICS_TOKEN": "canary-metrics-token-0123456789ab"}
    variables = {**on_its_own, **secrets, "CRAFTER_LOG_LEVEL": level}
    async with serving(tmp_path, **variables) as service, service.client() as client:
        tenant = await settle(client)
        for _ in range(2):
            await client.post(tenant.chat, json=tenant.says(QUESTION))
            async with client.stream("POST", f"{tenant.chat}/stream", json=tenant.says(QUESTION)) as stream:
                assert [frame async for frame in frames_of(stream)]
        wrong: list[dict[str, Any]] = [
            {"email": "alice@example.com", "password": f"{PASSWORD}-wrong"},
            {"email": PASSWORD, "password": [PASSWORD]},
        ]
        for body in wrong:
            await client.post("/auth/login", json=body)
        await client.post(
            "/auth/register",
            content=f'{{"password": "{PASSWORD}"'.encode(),
            headers={"Content-Type": "application/json"},
        )
        await client.get("/auth/profile", headers={"Authorization": f"Bearer {tenant.token}x"})
        await client.get("/auth/profile", params={"token": tenant.token})
        await client.get(
            f"{service.url}/metrics", headers={"Authorization": f"Bearer {secrets['CRAFTER_METRICS_TOKEN']}"}
        )
        await service.stop()
        log = service.log + service.out
        database_log = (service.data_dir / "mongod.log").read_text()

    canaries = [PASSWORD, tenant.token, PROVIDER_KEY, QUESTION, ANSWER, *secrets.values()]
    assert [canary for canary in canaries if canary in log] == []
    assert [canary for canary in canaries if canary in database_log] == []
    assert ("database_command" in log) is (level == "debug")
