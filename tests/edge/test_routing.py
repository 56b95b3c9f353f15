"""Which route a request reaches."""

import asyncio
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
from fastapi import APIRouter, FastAPI, WebSocket
from fastapi.testclient import TestClient
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from crafter.core.config import load_settings
from crafter.edge.routing import MAX_PATH_LENGTH, RouteIndex, install
from crafter.edge.setup import set_up
from tests.edge.app import make_app
from tests.edge.conftest import connect


async def endpoint(request: Any) -> PlainTextResponse:
    return PlainTextResponse("served")


def route(path: str, *methods: str) -> Route:
    return Route(path, endpoint, methods=list(methods) or ["GET"])


SHARED = [
    route("/"),
    route("/agents"),
    route("/agents", "POST"),
    route("/agents/stats"),
    route("/agents/{agent_id}"),
    route("/agents/{agent_id}", "DELETE"),
    route("/agents/{agent_id}:archive", "POST"),
    route("/agents/{agent_id}/tools/{tool_id}"),
    route("/agents/stats/daily"),
    route("/agents:batch", "POST"),
]

LOOKUPS: list[tuple[str, str, str | None, dict[str, str]]] = [
    ("GET", "/", "/", {}),
    ("GET", "/agents", "/agents", {}),
    ("GET", "/AGENTS/", "/agents", {}),
    ("GET", "/agents///", "/agents", {}),
    ("GET", "/agents/Ab", "/agents/{agent_id}", {"agent_id": "Ab"}),
    ("HEAD", "/agents/Ab", "/agents/{agent_id}", {"agent_id": "Ab"}),
    ("GET", "/agents/Stats", "/agents/stats", {}),
    ("DELETE", "/agents/stats", "/agents/{agent_id}", {"agent_id": "stats"}),
    (
        "GET",
        "/agents/stats/tools/T",
        "/agents/{agent_id}/tools/{tool_id}",
        {"agent_id": "stats", "tool_id": "T"},
    ),
    ("GET", "/agents/stats/daily", "/agents/stats/daily", {}),
    ("POST", "/agents/Ab:Archive", "/agents/{agent_id}:archive", {"agent_id": "Ab"}),
    ("POST", "/agents/a:b:archive", "/agents/{agent_id}:archive", {"agent_id": "a:b"}),
    ("GET", "/agents/a:other", "/agents/{agent_id}", {"agent_id": "a:other"}),
    ("POST", "/agents:BATCH", "/agents:batch", {}),
    ("POST", "/agents/:archive", None, {}),
    ("GET", "//agents", None, {}),
    ("GET", "/agents//tools/x", None, {}),
    ("GET", "/agents/a/tools", None, {}),
    ("GET", "/agentss", None, {}),
    ("GET", "", "/", {}),
]


@pytest.mark.parametrize(("method", "path", "expected", "parameters"), LOOKUPS)
def test_finds_the_route_that_fits_best(
    method: str, path: str, expected: str | None, parameters: dict[str, str]
) -> None:
    found = RouteIndex(SHARED).find(method, path)

    assert (found.route.path if found.route else None) == expected
    assert found.parameters == parameters


def test_a_known_path_names_its_methods_when_the_asked_one_is_missing() -> None:
    found = RouteIndex(SHARED).find("PATCH", "/agents/stats")

    assert found.route is None
    assert found.methods == {"GET", "DELETE"}


def test_looking_up_costs_the_same_among_ten_and_ten_thousand_routes() -> None:
    def build(count: int) -> RouteIndex:
        paths = (f"/api/v1/{kind}{n}/{{id}}/parts/{{part}}" for n in range(count // 2) for kind in ("a", "b"))
        return RouteIndex(route(path) for path in paths)

    small, large = build(10), build(10_000)

    for path in (
        "/api/v1/a0/x/parts/y",
        "/api/v1/b4/x/parts/y",
        "/api/v1/a0/x/parts",
        "/api/v1/none/x",
        "/x",
    ):
        assert small.find("GET", path).visited == large.find("GET", path).visited <= 8


@pytest.mark.parametrize(
    "routes",
    [
        [route("/a/{x}"), route("/A/{y}/")],
        [route("/a/x-{y}")],
        [route("/a/{y:path}")],
    ],
    ids=["one path twice", "half a parameter", "a converter"],
)
def test_refuses_routes_that_it_could_not_tell_apart(routes: list[Route]) -> None:
    with pytest.raises(ValueError, match="/"):
        RouteIndex(routes)


@pytest.mark.parametrize(
    ("method", "path", "answer"),
    [
        ("GET", "/API/V1/ITEMS/Known", {"id": "Known"}),
        ("GET", "/api/v1/items/Known/", {"id": "Known"}),
        ("POST", "/api/v1/items/Known:archive", {"verb": "archive", "id": "Known"}),
        ("POST", "/Api/v1/Items:Batch/", {"verb": "batch"}),
    ],
)
async def test_paths_are_served_directly_whatever_their_case_and_trailing_slash(
    client: httpx2.AsyncClient, method: str, path: str, answer: Any
) -> None:
    response = await client.request(method, path)

    assert response.status_code == 200
    assert response.json() == answer


@pytest.mark.parametrize(
    ("path", "item"),
    [
        ("/a%2Fb", "a/b"),
        ("/a%2fb/", "a/b"),
        ("/%2F", "/"),
        ("/a%2F", "a/"),
        ("/%252F", "%2F"),
        ("/a%20b", "a b"),
    ],
)
async def test_a_slash_that_is_sent_encoded_belongs_to_its_segment(path: str, item: str) -> None:
    asked: list[str] = []

    async def endpoint(request: Any) -> PlainTextResponse:
        asked.append(request.path_params["item"])
        return PlainTextResponse("served")

    app = FastAPI()
    app.router.routes.append(Route("/items/{item}", endpoint))
    install(app)
    transport = httpx2.ASGITransport(app=app, root_path="/prefix")
    async with httpx2.AsyncClient(transport=transport, base_url="http://crafter.test") as client:
        response = await client.get(f"/prefix/items{path}")

    assert (response.status_code, asked) == (200, [item])


async def test_an_unknown_path_is_not_found(client: httpx2.AsyncClient) -> None:
    response = await client.get("/api/v1/nowhere")

    assert response.status_code == 404
    assert response.json()["code"] == "ROUTE_NOT_FOUND"
    assert response.json()["error"] == "Not found"


async def test_a_wrong_method_is_told_which_ones_there_are(client: httpx2.AsyncClient) -> None:
    response = await client.put("/api/v1/items/x")

    assert response.status_code == 405
    assert response.json()["code"] == "METHOD_NOT_ALLOWED"
    assert response.headers["allow"] == "DELETE, GET, HEAD, OPTIONS"


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/items/%00",
        "/api/v1/items/a%00b",
        "/api/v1/items/%ff%fe",
        "/api/v1/items/..%2f..%2fetc",
        "/api/v1/items/%ed%a0%80",
        "/api/v1/items/" + "x" * MAX_PATH_LENGTH,
        "/api/v1/items/$ne",
        "/api/v1/items/a%0d%0aSet-Cookie:x",
        "/%E2%84%AA",
    ],
)
async def test_no_path_is_worse_than_not_found(client: httpx2.AsyncClient, path: str) -> None:
    response = await client.get(path)

    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["status"] == 404


async def ask(app: FastAPI, method: str, path: str, root_path: str = "") -> list[Any]:
    """Everything that the application sends, for requests that no client would make."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    body = iter([{"type": "http.request", "body": b""}])

    async def receive() -> Any:
        return next(body, None) or await asyncio.Event().wait()

    scope = {"type": "http", "method": method, "path": path, "headers": [], "query_string": b""}
    await app(scope | {"root_path": root_path}, receive, send)
    return sent


@pytest.mark.parametrize("item", ["a\0b", "\ud800", "x" * MAX_PATH_LENGTH])
async def test_a_path_that_nothing_stored_can_have_reaches_no_route(app: FastAPI, item: str) -> None:
    start, _ = await ask(app, "POST", f"/api/v1/items/{item}:archive")

    assert start["status"] == 404


async def test_behind_a_prefix_of_a_proxy_the_rest_of_the_path_counts(app: FastAPI) -> None:
    start, _ = await ask(app, "GET", "/prefix/api/v1/items/Known", root_path="/prefix")

    assert start["status"] == 200


@pytest.mark.parametrize("path", ["/api/v1/items/Known", "/stream", "/nowhere", "/fails/bug"])
async def test_nothing_is_sent_after_the_head_of_an_answer_to_head(app: FastAPI, path: str) -> None:
    _, *bodies = await ask(app, "HEAD", path)

    assert bodies == [{"type": "http.response.body", "body": b"", "more_body": False}]


async def test_head_is_get_without_the_body(client: httpx2.AsyncClient) -> None:
    got = await client.get("/api/v1/items/Known")
    head = await client.head("/api/v1/items/Known")

    assert head.status_code == 200
    assert head.content == b""
    for name in ("content-length", "content-type", "etag"):
        assert head.headers[name] == got.headers[name]


async def test_mounted_applications_and_converters_are_served_behind_the_index() -> None:
    app = FastAPI(openapi_url=None)
    set_up(app, load_settings({}))
    app.router.routes.append(Route("/files/{name:path}", endpoint, methods=["GET"]))
    app.router.routes.append(Mount("/mounted", routes=[Route("/inner", endpoint)]))
    install(app)

    async with connect(app) as client:
        assert (await client.get("/files/a/b.txt")).text == "served"
        assert (await client.get("/mounted/inner")).text == "served"
        assert (await client.get("/elsewhere")).status_code == 404
        refused = await client.put("/files/a/b.txt")

    assert refused.status_code == 405
    assert refused.headers["allow"] == "GET, HEAD, OPTIONS"


def test_websockets_and_the_lifespan_work_behind_the_index() -> None:
    happened: list[str] = []

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> Any:
        happened.append("up")
        yield
        happened.append("down")

    app = FastAPI(lifespan=lifespan, openapi_url=None)

    @app.websocket("/socket/{name}")
    async def socket(websocket: WebSocket, name: str) -> None:
        await websocket.accept()
        await websocket.send_text(name)
        await websocket.close()

    install(app)
    with TestClient(app) as client, client.websocket_connect("/socket/x") as connection:
        assert connection.receive_text() == "x"

    assert happened == ["up", "down"]


def test_included_routers_are_refused_because_they_would_be_searched_one_by_one() -> None:
    app = FastAPI(openapi_url=None)
    app.include_router(APIRouter())
    nested = APIRouter()
    nested.add_api_route("/x", endpoint)
    app.include_router(nested)

    with pytest.raises(TypeError, match="flat"):
        install(app)


def test_every_route_of_the_small_application_is_indexed() -> None:
    app = make_app()

    index = install(app)

    for served in app.router.routes:
        assert isinstance(served, Route)
        for method in served.methods or ():
            assert index.find(method, served.path.replace("{", "").replace("}", "")).route is served
