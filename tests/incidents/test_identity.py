"""How others let in whom they should not: by what they took for a credential, and by what they forgot to end."""

import ast
import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock

import httpx2
import pytest
from fastapi import FastAPI

from crafter.auth.tokens import issue_token
from crafter.core import passwords
from crafter.core.runtime import Runtime
from crafter.core.security import hash_key
from crafter.core.time import utc_now
from crafter.edge.rate_limits import RateCounters
from crafter.users.documents import User
from tests.factories import PASSWORD, make_agent, make_user
from tests.fixtures import OPERATOR, Cast, client_of
from tests.programs import change_key, change_session, make_platform_key, make_session, program, stored_key

CRAFTER = Path(__file__).parents[2] / "crafter"
WRONG = "Wrong$Ocean77Waves"


async def test_credentials_that_begin_alike_are_told_apart_to_their_last_character(
    app: FastAPI, cast: Cast, runtime: Runtime
) -> None:
    """LiteLLM CVE-2026-35030: what was found for a credential was kept under its first 20 characters."""
    beginning = "c" * 63
    organizations, agents = {}, {}
    for end, person, organization, project in (
        ("1", cast.admin, cast.organization, cast.project),
        ("2", cast.outsider, cast.other_organization, cast.other_project),
    ):
        _, key = await make_platform_key(person, organization)
        await change_key(key, key_hash=hash_key(beginning + end))
        agent = await make_agent(project, runtime.keyring)
        _, session = await make_session(key, project, agent.id)
        await change_session(session, token_hash=hash_key(beginning + end))
        organizations[end], agents[end] = organization.id, agent.id

    for end in "1231132":
        async with program(app, x_api_key=beginning + end) as client:
            for whose, organization_id in organizations.items():
                answer = await client.get(f"/external/organizations/{organization_id}/projects")
                assert answer.status_code == (401 if end == "3" else 200 if end == whose else 403)
        async with program(app, x_session_token=beginning + end) as client:
            answer = await client.post("/external/agents/chat", json={"message": "Hello"})
            assert answer.status_code == (401 if end == "3" else 200)
    for end, agent_id in agents.items():
        own = await runtime.database.db["conversations"].distinct("organization", {"agent": agent_id})
        assert own == [organizations[end]]


NOTHING: tuple[str, ...] = (
    "",
    " ",
    "null",
    "undefined",
    "None",
    "0",
    "[]",
    "{}",
    "Bearer",
    "Bearer null",
    "Session null",
)

NO_PASSWORDS: tuple[Any, ...] = (*NOTHING, None, [], {}, False, 0)


async def test_a_secret_that_was_never_set_equals_nothing_that_can_be_sent(
    as_nobody: httpx2.AsyncClient, cast: Cast, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Flowise CVE-2026-41276 (GHSA-f6hc-c5jr-878p): null was accepted where no token had ever been made."""
    monkeypatch.setattr(passwords, "verify_against_nobody", AsyncMock())  # it only takes its time
    agent = await make_agent(cast.project, runtime.keyring)
    for unset in ("", "null", None, hash_key("null"), hash_key("undefined"), hash_key("None")):
        _, key = await make_platform_key(cast.admin, cast.organization)
        _, session = await make_session(key, cast.project, agent.id)
        await change_session(session, token_hash=unset)
        await change_key(key, key_hash=unset)
    unused = [await make_user("empty@example.com"), await make_user("missing@example.com")]
    await User.collection().update_one({"_id": unused[0].id}, {"$set": {"password": ""}})
    await User.collection().update_one({"_id": unused[1].id}, {"$unset": {"password": ""}})

    for nothing in NOTHING:
        for header in ("X-API-Key", "X-Session-Token", "Authorization"):
            for method, path in (
                ("GET", "/sessions"),
                ("POST", "/external/agents/chat"),
                ("GET", f"/external/organizations/{cast.organization.id}/projects"),
                ("GET", "/auth/profile"),
            ):
                answer = await as_nobody.request(
                    method, path, headers={header: nothing}, json={"message": "x"}
                )
                assert answer.status_code == 401, (header, nothing, path, answer.text)
    for user in unused:
        for password in NO_PASSWORDS:
            answer = await as_nobody.post("/auth/login", json={"email": user.email, "password": password})
            assert answer.status_code in (400, 401), (user.email, password)
        assert (await as_nobody.post("/auth/login", json={"email": user.email})).status_code == 400


async def test_an_operator_who_was_never_named_is_nobody(app: FastAPI, cast: Cast, runtime: Runtime) -> None:
    """Flowise CVE-2026-41276 again, where a conversation that nobody has is spoken in as nobody."""
    agent = await make_agent(cast.project, runtime.keyring)
    async with client_of(app, cast.member) as client:
        place = f"/organizations/{agent.organization}/projects/{agent.project}/conversations"
        body = {"agent": agent.id, "user_identifier": "u"}
        conversation_id = (await client.post(place, json=body)).json()["_id"]
        conversations = runtime.database.db["conversations"]
        nobodies: list[dict[str, Any]] = [{}, {"external_operator_id": None}]
        nobodies += [{"external_operator_id": nothing} for nothing in NOTHING]
        for assigned in (None, {}, {"external_id": None}, {"external_id": ""}, {"name": "null"}):
            state = {
                "status": "human_controlled",
                "current_handler": "human",
                "handoff_info.assigned_external_operator": assigned,
                "handoff_info.assigned_human": None,
            }
            await conversations.update_one({"_id": conversation_id}, {"$set": state})
            for nobody in nobodies:
                answer = await client.post(
                    f"/handoffs/conversations/{conversation_id}/message", json={"message": "I am", **nobody}
                )
                assert answer.status_code in (400, 403), (assigned, nobody, answer.text)


async def test_a_keys_limits_count_together_however_it_comes(
    app: FastAPI, cast: Cast, runtime: Runtime
) -> None:
    """Open WebUI CVE-2026-45339: what a key was limited to held for one header, and not for another."""
    agent = await make_agent(cast.project, runtime.keyring)
    limits: tuple[dict[str, Any], ...] = (
        {"max_executions_per_day": 3},
        {"rate_limit_override": 3},
        {"domain_whitelist": ["shop.example"]},
        {"ip_whitelist": ["192.0.2.1"]},
    )
    for limit in limits:
        value, key = await make_platform_key(cast.admin, cast.organization, **limit)
        token, _ = await make_session(key, cast.project, agent.id)
        usage = f"/external/organizations/{cast.organization.id}/projects"
        ways = (
            ("GET", usage, {"X-API-Key": value}),
            ("GET", usage, {"x-api-KEY": value}),
            ("GET", usage, {"Authorization": f"Bearer {value}"}),
            ("POST", "/external/agents/chat", {"X-Session-Token": token}),
            ("POST", "/external/agents/chat", {"Authorization": f"Session {token}"}),
            ("POST", "/external/agents/chat", {"X-Session-Token": token, "X-API-Key": value}),
        )
        async with program(app, origin="https://evil.example") as client:
            answers = [
                await client.request(*way[:2], headers=way[2], json={"message": "x"}) for way in ways * 2
            ]

        admitted = [answer for answer in answers if answer.status_code == 200]
        assert len(admitted) == (3 if 3 in limit.values() else 0), limit
        assert {answer.status_code for answer in answers} - {200} <= {403, 429}
        assert (await stored_key(key))["usage"]["executions_today"] == len(admitted)


def calls_of(function: str) -> dict[str, list[str]]:
    """Where a function is called: the names of the functions it is called in, by module."""
    found: dict[str, list[str]] = {}
    for path in CRAFTER.rglob("*.py"):
        tree = ast.parse(path.read_text())
        for inside in ast.walk(tree):
            if isinstance(inside, ast.FunctionDef | ast.AsyncFunctionDef):
                for node in ast.walk(inside):
                    called = node.func if isinstance(node, ast.Call) else None
                    name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", None)
                    if name == function:
                        found.setdefault(path.relative_to(CRAFTER).as_posix(), []).append(inside.name)
    return found


def test_there_is_one_way_to_check_a_password_and_four_to_a_token() -> None:
    """Flowise CVE-2026-46440: a second login compared in plain text, and had no limit."""
    assert calls_of("verify_password") == {
        "auth/service.py": ["login"],
        "core/passwords.py": ["verify_against_nobody"],
    }
    assert calls_of("issue_token") == {
        "auth/service.py": ["register", "login", "update_profile"],
        "auth/oauth/service.py": ["finish_login"],
    }


@pytest.fixture
def limited(app: FastAPI) -> Iterator[None]:
    """The limits per client are on, and nobody has asked yet."""
    before = app.state.rate_counters
    app.state.rate_counters = RateCounters()
    yield
    app.state.rate_counters = before


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The passwords that were compared; none fits."""
    compared: list[str] = []

    async def compare(password: str, *_hash: str) -> bool:
        compared.append(password)
        return False

    monkeypatch.setattr(passwords, "verify_password", compare)
    monkeypatch.setattr(passwords, "verify_against_nobody", compare)
    return compared


@asynccontextmanager
async def from_address(app: FastAPI, address: str) -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(app=app, client=(address, 1))
    async with httpx2.AsyncClient(transport=transport, base_url="http://crafter.test") as client:
        yield client


async def test_a_guesser_gets_no_more_guesses_by_spelling_the_login_in_other_ways(
    app: FastAPI, cast: Cast, limited: None, checked: list[str]
) -> None:
    """Flowise CVE-2026-46440: the limit sits on the check, however one comes to it."""
    paths = (
        "/api/v1/auth/login",
        "/API/v1/Auth/LOGIN",
        "/api/v1/auth/login/",
        "/api/v1/auth/login//",
        "/api/v1/auth/l%6Fgin",
    )
    emails = ("member@example.com", "MEMBER@example.com", " member@example.com ", "ｍember@example.com")

    async with from_address(app, "198.51.100.7") as client:

        async def guess(number: int) -> int:
            headers = {
                "X-Forwarded-For": f"203.0.113.{number}",
                "X-Real-IP": f"203.0.113.{number}",
                "Forwarded": f"for=203.0.113.{number}",
                "Host": f"h{number}.example",
            }
            body = {"email": emails[number % len(emails)], "password": WRONG}
            path = paths[number % len(paths)]
            return (await client.post(path, json=body, headers=headers)).status_code

        statuses = await asyncio.gather(*(guess(number) for number in range(60)))

    assert len(checked) <= 10
    assert set(statuses) <= {401, 404, 429}
    assert 429 in statuses


@pytest.mark.xfail(
    strict=True,
    reason="guesses are counted for each address alone, so whoever has many addresses has as many guesses",
)
async def test_a_guesser_with_many_addresses_gets_no_more_guesses_at_one_account(
    app: FastAPI, cast: Cast, limited: None, checked: list[str]
) -> None:
    """Flowise CVE-2026-46440: ten guesses an hour at an account, wherever they come from."""
    for number in range(100):
        async with from_address(app, f"198.51.100.{number}") as client:
            await client.post("/api/v1/auth/login", json={"email": cast.member.email, "password": WRONG})

    assert len(checked) <= 10


async def test_a_new_password_ends_what_was_signed_in_with_the_old_one(
    app: FastAPI, as_nobody: httpx2.AsyncClient, cast: Cast, runtime: Runtime
) -> None:
    """LiteLLM CVE-2026-12772 and CVE-2026-12796: sessions outlived what they were begun with."""
    thief = issue_token(cast.member.id, runtime.settings, utc_now() - timedelta(hours=1))
    async with client_of(app, cast.member) as owner:
        assert (await owner.put("/auth/profile", json={"password": "Green$River42Stones"})).status_code == 200

    answer = await as_nobody.get("/auth/profile", headers={"Authorization": f"Bearer {thief}"})

    assert answer.status_code == 401


async def test_an_operator_is_not_whoever_registers_the_address_first(
    as_nobody: httpx2.AsyncClient, runtime: Runtime
) -> None:
    """Langfuse CVE-2025-59305: what only administrators may do was open to all who had an account."""
    account = {"email": OPERATOR, "password": PASSWORD, "name": "Mallory"}
    registered = await as_nobody.post("/auth/register", json=account)
    token = registered.json().get("token", "")

    answer = await as_nobody.post("/providers/refresh", headers={"Authorization": f"Bearer {token}"})

    assert answer.status_code in (401, 403)


async def test_where_only_providers_sign_people_in_no_password_does(
    app: FastAPI, as_nobody: httpx2.AsyncClient, cast: Cast, monkeypatch: pytest.MonkeyPatch, runtime: Runtime
) -> None:
    """Langfuse before 3.174.0: enforced single sign-on was got around by a new password."""
    monkeypatch.setattr(runtime, "settings", runtime.settings.model_copy(update={"auth_methods": ["oauth"]}))
    fresh = "Green$River42Stones"

    async with client_of(app, cast.member) as member:
        await member.put("/auth/profile", json={"password": fresh})
    answers = [
        await as_nobody.post("/auth/login", json={"email": cast.member.email, "password": password})
        for password in (PASSWORD, fresh, WRONG)
    ]
    new = {"email": "new@example.com", "password": fresh, "name": "Mallory"}
    answers.append(await as_nobody.post("/auth/register", json=new))

    assert {(answer.status_code, "token" in answer.json()) for answer in answers} == {(400, False)}
    assert await User.collection().find_one({"email": new["email"]}) is None
