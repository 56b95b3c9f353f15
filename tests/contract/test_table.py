"""The table is complete, says who may call what as the routes do, and the documentation is written from it."""

from fastapi.routing import APIRoute

from crafter.core.access import rule_of
from crafter.organizations.permissions import GRANTS, Permission, Role
from tests.contract.conftest import Theatre
from tests.contract.document import PAGE, placed
from tests.contract.scenes import ARRANGEMENTS
from tests.contract.table.whole import OURS, SECTIONS
from tests.test_access import ROUTES

ENTRIES = [entry for section in SECTIONS for entry in section.entries]
BY_ROUTE = {(method, route.path.removeprefix("/api/v1")): route for method, route in ROUTES} | {
    (method, route.path): route for method, route in ROUTES if route.path.startswith("/api/v1/api/v1")
}
LEFT_OUT = {("GET", "/auth/success"), ("POST", "/tools")}
"""Endpoints of the contract that are no routes here; what is answered instead is in the table."""
SCOPES = {
    "agents:chat",
    "agents:execute",
    "agents:read",
    "projects:read",
    "statistics:read",
}
"""Scopes that are permissions of the same name; the others go by those that they grant."""


def test_every_endpoint_of_the_table_is_a_route() -> None:
    assert {entry.key for entry in ENTRIES} - BY_ROUTE.keys() == LEFT_OUT


def test_every_route_is_in_the_table_or_ours() -> None:
    routes = {(method, route.path.removeprefix("/api/v1")) for method, route in ROUTES}
    known = {entry.key for entry in ENTRIES}

    assert routes - known == OURS.keys(), "what the contract has not got is listed in OURS, of table/whole.py"


def test_every_entry_has_a_name_of_its_own() -> None:
    names = [str(entry) for entry in ENTRIES]

    assert sorted({name for name in names if names.count(name) > 1}) == []


def test_every_arrangement_is_of_use() -> None:
    assert {entry.given for entry in ENTRIES} - {""} == ARRANGEMENTS.keys()


def test_who_may_call_an_endpoint_is_what_its_route_declares() -> None:
    declared = {str(entry): allowed(BY_ROUTE[entry.key]) for entry in ENTRIES if entry.key in BY_ROUTE}

    assert [f"{e}: {e.who}" for e in ENTRIES if e.who not in declared.get(str(e), {e.who})] == []


def allowed(route: APIRoute) -> set[str]:
    """What the table may say of who may call a route."""
    rule = rule_of(route)
    assert rule is not None
    if rule.kind == "key":
        return {"key"} if rule.permission is None else {f"key:{scope}" for scope in scopes(rule.permission)}
    if rule.permission is not None:
        wanted = Permission(rule.permission)
        return {next(role.value for role in Role if wanted in GRANTS[role])}
    return {
        {"public": "anybody", "signed_in": "signed in", "member_or_key": "viewer"}.get(rule.kind, rule.kind)
    }


def scopes(permission: str) -> set[str]:
    """The scopes that grant a permission."""
    if permission in SCOPES:
        return {permission}
    return {"prompts:execute"} if permission.startswith("prompts:") else {"handoffs:manage"}


async def test_a_refusal_says_what_is_missing_in_the_contracts_words(theatre: Theatre) -> None:
    scene = await theatre.scene(SECTIONS[0], "viewer")
    viewer, outsider = await scene.headers_of("viewer"), await scene.headers_of("outsider")
    wrong = []
    for entry in ENTRIES:
        rule = rule_of(BY_ROUTE[entry.key]) if entry.key in BY_ROUTE else None
        if rule is None or rule.kind not in ("member", "member_or_key"):
            continue
        stranger = await scene.send(entry.method, entry.path, headers=outsider)
        known = ("Access denied", "Access denied: Not a member of this organization")
        if (stranger.status_code, stranger.json()["error"]) not in [(403, text) for text in known]:
            wrong.append(f"{entry}, a stranger: {stranger.text}")
        if entry.who == "viewer":
            continue
        low = await scene.send(entry.method, entry.path, headers=viewer)
        known = (f"Access denied: {entry.who} role required", "Access denied: Admin rights required")
        if (low.status_code, low.json()["error"]) not in [(403, text) for text in known]:
            wrong.append(f"{entry}, a viewer: {low.text}")
    assert wrong == []


def test_the_documentation_is_written_from_the_table() -> None:
    page = PAGE.read_text()

    assert placed(page) == page, "run python -m tests.contract.document"
