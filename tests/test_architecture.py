"""The rules of the house, checked on the source. An exception stands in a list here, with its reason.

Which package may import which is checked by import-linter (``make lint``), see ``pyproject.toml``.
"""

import ast
import importlib
import inspect
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from crafter.app import ROUTERS
from crafter.core.documents import BaseDocument, ProjectDocument, TenantDocument
from crafter.documents import ALL_DOCUMENTS

ROOT = Path(__file__).parent.parent
PACKAGES = ("crafter", "indexes")
MAX_MODULE_LINES = 400
MAX_FUNCTION_LINES = 50
ABSTRACT_DOCUMENTS = {BaseDocument, TenantDocument, ProjectDocument}
SCOPES = {"Scope", "ScopeSet"}
COLLECTION_METHODS = {"within", "within_all", "collection", "across_tenants", "get_pymongo_collection"}
HTTP_LIBRARIES = {
    "aiohttp",
    "http.client",
    "httpx",
    "httpx2",
    "openai",
    "requests",
    "socket",
    "urllib.request",
}

Exceptions = Mapping[str, str]
"""A path, or the beginning of one, and the reason why a rule does not hold there."""

COLLECTIONS_OUTSIDE_A_SERVICE: Exceptions = {
    "crafter/conversations/beside.py": "the half of the service that stores what is found out beside turns",
    "crafter/conversations/messages.py": "the half of the service that appends and moves messages",
    "crafter/conversations/handling.py": "the half of the service that says who handles a conversation",
    "crafter/core/documents.py": "makes the doors to the collections",
    "crafter/core/references.py": "asks every collection what refers to a document, within its scope",
    "crafter/providers/service.py": "counts what refers to a provider, in every collection",
}
ACROSS_TENANTS: Exceptions = {
    "crafter/agent_executions/service.py": "a sweep looks for abandoned runs, and ends them in their own scopes",
    "crafter/budgets/holds/service.py": "a sweep looks for abandoned holds, and settles them in their own scopes",
    "crafter/agents/service.py": "the retention job looks for agents, and does the rest in their own scopes",
    "crafter/calls/service.py": "a sweep looks for abandoned calls, and settles them in their own scopes",
    "crafter/api_keys/service.py": "finds a key in any organization of one person; goes through all for operators",
    "crafter/api_keys/lifecycle/service.py": "a sweep looks for keys that are over, and ends them in their own scopes",
    "crafter/conversations/beside.py": "a sweep looks at all that are quiet, and does the rest in their own scopes",
    "crafter/conversations/handling.py": "a sweep looks at all that wait, and does the rest in their own scopes",
    "crafter/sessions/service.py": "a session is found by its token, and says whose it is",
    "crafter/user_api_keys/service.py": "a key is found by its value, or through its session, and says whose it is",
    "crafter/providers/service.py": "a provider belongs to no tenant: all that refer to it keep it from being deleted",
}
SCOPES_MADE: Exceptions = {
    "crafter/core/documents.py": "a loaded document proves that its scope was entered",
    "crafter/core/references.py": "widens a scope from a project to its own organization",
    "crafter/organizations/service.py": "from the membership that was just read",
    "crafter/projects/documents.py": "a loaded project proves that its scope was entered",
    "crafter/projects/service.py": "projects live in the organization of a loaded project",
}
OUTGOING_CONNECTIONS: Exceptions = {
    "crafter/core/egress/": "the one way out",
    "crafter/core/embedded_process.py": "finds a free port on loopback for the embedded database",
    "crafter/llm/openai": "the SDK speaks the protocol; its transport is the one way out",
    "crafter/serving.py": "takes the address on which the service listens",
}
ENVIRONMENT: Exceptions = {
    "crafter/core/config.py": "the one reader of the environment",
    "crafter/deployment.py": "hands the embedded database to worker processes",
}
IMPORTS_INSIDE: Exceptions = {
    "crafter/llm/prices.py": "the table of prices is large, and most calls do without it",
    "crafter/llm/providers.py": "the SDK takes more than a second to import, and a start does without it",
}
EVERYTHING_CAUGHT: Exceptions = {
    "crafter/execution/asides/aside.py": "what runs beside a turn ends there, and must not spoil the turn",
    "crafter/execution/asides/hooks.py": "a hook ends there, and what it failed with is recorded",
    "crafter/edge/middleware.py": "the task of a request ends there",
    "crafter/execution/failures.py": "the task of a run ends there, and is told what happened",
    "crafter/execution/tasks/task.py": "the task of a task ends there, and its stream says what happened",
    "crafter/execution/turn.py": "the task of a turn ends there, and its stream says what happened",
    "crafter/migrations/runner.py": "a migration ends there: it is marked as failed, and the failure goes on",
    "crafter/sandbox/child.py": "the process ends there, and what the code raised is all that it has to tell",
    "crafter/tool_runtime/service.py": "the run of a tool ends there: the model is told, and so are we",
}
HTTP_OUTSIDE_THE_ROUTES: Exceptions = {
    "crafter/app.py": "builds the application",
    "crafter/core/access.py": "the rules that routes declare",
    "crafter/core/etags.py": "dependencies that every feature shares",
    "crafter/core/pagination.py": "dependencies that every feature shares",
    "crafter/core/runtime.py": "dependencies that every feature shares",
    "crafter/edge/": "where HTTP comes in",
    "crafter/execution/frames.py": "server-sent events",
    "crafter/execution/tasks/frames.py": "server-sent events",
    "crafter/openapi.py": "describes the routes",
    "crafter/serving.py": "runs the application",
}


@cache
def sources() -> dict[str, ast.Module]:
    """Every module by its path."""
    files = sorted(file for package in PACKAGES for file in (ROOT / package).rglob("*.py"))
    return {file.relative_to(ROOT).as_posix(): ast.parse(file.read_text(), str(file)) for file in files}


def found(check: Callable[[str, ast.AST], str | None], allowed: Exceptions | None = None) -> list[str]:
    """Where a check objects to something, except in the modules that may; also names exceptions of no use."""
    objections, used = [], set()
    for path, module in sources().items():
        excuse = next((prefix for prefix in allowed or {} if path.startswith(prefix)), None)
        for node in ast.walk(module):
            if (what := check(path, node)) is None:
                continue
            if excuse is None:
                objections.append(f"{path}:{getattr(node, 'lineno', 1)}: {what}")
            else:
                used.add(excuse)
    return objections + [f"{prefix}: needs no exception any more" for prefix in set(allowed or {}) - used]


def imported_modules(node: ast.AST) -> list[str]:
    """What an import names, with and without the last part: ``from http import client`` names both."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module:
        return [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return []


def called_method(node: ast.AST) -> ast.Attribute | None:
    return node.func if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else None


def feature_of(path: str) -> str | None:
    """``agents`` for what lies in ``crafter/agents/``."""
    parts = path.split("/")
    return parts[1] if parts[0] == "crafter" and len(parts) > 2 else None


@cache
def document_features() -> dict[str, str]:
    """The feature that each class of document belongs to."""
    return {model.__name__: model.__module__.split(".")[1] for model in ALL_DOCUMENTS}


def test_only_a_features_own_service_touches_its_collection() -> None:
    def check(path: str, node: ast.AST) -> str | None:
        call = called_method(node)
        if call is None or call.attr not in COLLECTION_METHODS:
            return None
        model = ast.unparse(call.value)
        own = document_features().get(model, "nobody") == feature_of(path)
        in_service = path.endswith("/service.py") or "/service/" in path
        return None if own and in_service else f"{model}.{call.attr}(…)"

    assert found(check, COLLECTIONS_OUTSIDE_A_SERVICE) == []


def test_an_exception_to_the_services_still_leaves_each_feature_its_own_collections() -> None:
    def check(path: str, node: ast.AST) -> str | None:
        call = called_method(node)
        if call is None or call.attr not in COLLECTION_METHODS:
            return None
        model = ast.unparse(call.value)
        owner = document_features().get(model)
        return f"{model} belongs to {owner}" if owner not in (None, feature_of(path)) else None

    assert found(check) == []


def test_who_looks_across_tenants_is_listed() -> None:
    def check(_: str, node: ast.AST) -> str | None:
        call = called_method(node)
        return ast.unparse(call) if call is not None and call.attr == "across_tenants" else None

    assert found(check, ACROSS_TENANTS) == []


def test_a_scope_is_made_only_from_what_proves_it() -> None:
    def check(_: str, node: ast.AST) -> str | None:
        made = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in SCOPES
        return ast.unparse(node) if made else None

    assert found(check, SCOPES_MADE) == []


def test_there_is_one_way_out() -> None:
    def check(_: str, node: ast.AST) -> str | None:
        return next((name for name in imported_modules(node) if _is_http_library(name)), None)

    assert found(check, OUTGOING_CONNECTIONS) == []


def _is_http_library(name: str) -> bool:
    return any(name == library or name.startswith(f"{library}.") for library in HTTP_LIBRARIES)


def test_one_module_reads_the_environment() -> None:
    def check(_: str, node: ast.AST) -> str | None:
        names = {"os.environ", "os.getenv", "os.putenv", "os.environb"}
        read = isinstance(node, ast.Attribute) and ast.unparse(node) in names
        return "os.environ" if read or names & set(imported_modules(node)) else None

    assert found(check, ENVIRONMENT) == []


def test_only_routes_and_dependencies_know_http() -> None:
    def check(path: str, node: ast.AST) -> str | None:
        if path.endswith(("/routes.py", "/dependencies.py")):
            return None
        names = imported_modules(node)
        return next((name for name in names if name.split(".")[0] in {"fastapi", "starlette"}), None)

    assert found(check, HTTP_OUTSIDE_THE_ROUTES) == []


def test_routes_and_their_dependencies_never_wait_in_a_thread() -> None:
    routes = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
    waiting = {
        f"{call.__module__}.{call.__qualname__}"
        for route in routes
        for call in _calls(route.dependant)
        if not (inspect.iscoroutinefunction(call) or inspect.isasyncgenfunction(call))
    }

    assert routes
    assert waiting == set()


def _calls(dependant: Dependant) -> Iterator[Any]:
    if dependant.call is not None:
        yield dependant.call
    for inner in dependant.dependencies:
        yield from _calls(inner)


@pytest.mark.parametrize("name", ["HTTPException", "BaseHTTPMiddleware"])
def test_nothing_goes_past_the_one_way_to_http(name: str) -> None:
    def check(_: str, node: ast.AST) -> str | None:
        if isinstance(node, ast.Raise) and node.exc is not None and name in ast.unparse(node.exc):
            return f"raises {name}"
        derived = isinstance(node, ast.ClassDef) and any(name in ast.unparse(base) for base in node.bases)
        return f"derives from {name}" if derived else None

    assert found(check) == []


def test_there_is_one_way_to_stream() -> None:
    """It shelters what makes the pieces: a reader who leaves must not spoil the pool of the database."""

    def check(path: str, node: ast.AST) -> str | None:
        streams = isinstance(node, ast.Call) and ast.unparse(node.func).endswith("StreamingResponse")
        return "makes a StreamingResponse" if streams and path != "crafter/edge/responses.py" else None

    assert found(check) == []


def test_imports_stand_at_the_top() -> None:
    def check(_: str, node: ast.AST) -> str | None:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            return None
        inside = [inner for inner in ast.walk(node) if isinstance(inner, ast.Import | ast.ImportFrom)]
        return ast.unparse(inside[0]) if inside else None

    assert found(check, IMPORTS_INSIDE) == []


def test_everything_is_caught_only_where_a_task_ends() -> None:
    def check(_: str, node: ast.AST) -> str | None:
        if not isinstance(node, ast.ExceptHandler):
            return None
        wide = node.type is None or re.search(r"\b(Base)?Exception\b", ast.unparse(node.type))
        passed_on = isinstance(node.body[-1], ast.Raise) and node.body[-1].exc is None
        return "catches everything" if wide and not passed_on else None

    assert found(check, EVERYTHING_CAUGHT) == []


def test_documents_are_never_saved_whole() -> None:
    def check(_: str, node: ast.AST) -> str | None:
        call = called_method(node)
        return ast.unparse(call) if call is not None and call.attr == "save" else None

    assert found(check) == []


def test_modules_are_short_and_say_what_belongs_in_them() -> None:
    def check(path: str, node: ast.AST) -> str | None:
        if not isinstance(node, ast.Module):
            return None
        lines = len((ROOT / path).read_text().splitlines())
        if lines > MAX_MODULE_LINES:
            return f"{lines} lines"
        return None if ast.get_docstring(node) else "no docstring"

    assert found(check) == []


def test_functions_fit_a_screen() -> None:
    def check(_: str, node: ast.AST) -> str | None:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            return None
        lines = (node.end_lineno or node.lineno) - node.lineno + 1
        return f"{node.name} has {lines} lines" if lines > MAX_FUNCTION_LINES else None

    assert found(check) == []


def test_every_document_is_listed_and_says_how_it_is_queried() -> None:
    for path in sources():
        if path.endswith("/documents.py"):
            importlib.import_module(path.removesuffix(".py").replace("/", "."))
    stored = {
        model
        for model in _descendants(BaseDocument) - ABSTRACT_DOCUMENTS
        if model.__module__.startswith("crafter.")
    }

    assert set(ALL_DOCUMENTS) == stored
    assert [model.__name__ for model in stored if not model.query_shapes] == []


def _descendants(model: type[BaseDocument]) -> set[type[BaseDocument]]:
    return {model}.union(*(_descendants(inner) for inner in model.__subclasses__()))


def test_every_part_of_the_package_has_its_floor() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    floors = {name for layer in contracts[0]["layers"] for name in layer.split(" | ")}
    parts = {path.split("/")[1].removesuffix(".py") for path in sources() if path.startswith("crafter/")}

    assert floors - {"indexes"} == {f"crafter.{part}" for part in parts - {"__init__"}}


def test_every_feature_is_built_alike() -> None:
    known = {path.split("/")[1] for path in sources() if re.fullmatch(r"crafter/\w+/documents\.py", path)}
    incomplete = [
        f"crafter/{feature}/{file}"
        for feature in sorted(known - {"core"})
        for file in ("__init__.py", "service.py", "errors.py")
        if f"crafter/{feature}/{file}" not in sources()
        and f"crafter/{feature}/{file.removesuffix('.py')}/__init__.py" not in sources()
    ]

    assert incomplete == []
