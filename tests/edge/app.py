"""A small application behind the whole edge, with one route for each thing that the edge has to get right."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, HTTPException, Query, Request
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator
from pymongo.errors import OperationFailure
from starlette.responses import Response, StreamingResponse

from crafter.core.config import Settings, load_settings
from crafter.core.errors import Conflict, NotFound
from crafter.edge.addresses import client_ip
from crafter.edge.rate_limits import AUTH, GENERAL, LOGIN, limited
from crafter.edge.responses import attachment, json_response
from crafter.edge.routing import CrafterRoute, install
from crafter.edge.setup import set_up
from crafter.edge.strict_json import check_free_object

INT64 = 2**63
BIG_LIMIT = 3 * 1024 * 1024


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Parameters(Body):
    temperature: Annotated[float, Field(ge=0, le=2)] = 1


class LlmSettings(Body):
    parameters: Parameters = Field(default_factory=Parameters)


class Faq(Body):
    question: Annotated[str, Field(min_length=1, max_length=200)]
    answer: Annotated[str, Field(min_length=1, max_length=200)]


class ItemCreate(Body):
    name: Annotated[str, Field(min_length=2, max_length=100)]
    count: Annotated[int, Field(ge=-INT64, lt=INT64)] = 0
    llm_settings: LlmSettings = Field(default_factory=LlmSettings)
    faqs: Annotated[list[Faq], Field(max_length=50)] = []
    slug: str | None = None

    @field_validator("slug")
    @classmethod
    def _is_slug(cls, value: str | None) -> str | None:
        if value is not None and not value.islower():
            raise ValueError("Slugs are lower case")
        return value


class Free(Body):
    config: Annotated[dict[str, Any], AfterValidator(check_free_object)]


class Credentials(Body):
    email: str
    password: str


class Unmade(BaseModel):
    prompt: int


class ItemNotFound(NotFound):
    code = "ITEM_NOT_FOUND"
    message = "Item not found"


router = APIRouter(route_class=CrafterRoute)


@router.get("/health")
async def health() -> Response:
    return json_response({"status": "ok"})


@router.post("/api/v1/items")
async def create_item(body: ItemCreate) -> ItemCreate:
    return body


@router.get("/api/v1/items")
async def list_items(
    limit: Annotated[int, Query(ge=1, le=100)] = 10, skip: Annotated[int, Query(ge=0, lt=INT64)] = 0
) -> Response:
    return json_response({"limit": limit, "skip": skip})


@router.get("/api/v1/items/{item_id}")
async def get_item(item_id: str) -> Response:
    if item_id != "Known":
        raise ItemNotFound
    return json_response({"id": item_id}, headers={"ETag": '"1"'})


@router.delete("/api/v1/items/{item_id}", status_code=204)
async def delete_item(item_id: str) -> Response:
    return Response(status_code=204)


@router.post("/api/v1/items:batch")
async def create_items() -> Response:
    return json_response({"verb": "batch"})


@router.post("/api/v1/items/{item_id}:archive")
async def archive_item(item_id: str) -> Response:
    return json_response({"verb": "archive", "id": item_id})


@router.post("/api/v1/free")
async def keep_free(body: Free) -> Response:
    return json_response(body)


@router.post("/api/v1/big", max_body_size=BIG_LIMIT)
async def keep_big(body: dict[str, str]) -> Response:
    return json_response({"length": len(body["text"])})


@router.post("/api/v1/raw")
async def count_raw(request: Request) -> Response:
    return json_response({"length": len(await request.body())})


@router.get("/api/v1/numbers/{number}")
async def get_number(number: Annotated[int, Field(ge=0)]) -> Response:
    return json_response({"number": number})


@router.get("/unchanged")
async def unchanged() -> Response:
    return Response(status_code=304, headers={"ETag": '"1"'})


@router.get("/poison")
async def poison() -> Response:
    return json_response({"stored": [float("nan"), float("inf")]})


@router.get("/framed")
async def framed() -> Response:
    return Response(headers={"X-Frame-Options": "DENY"})


@router.get("/header")
async def header(value: str) -> Response:
    return Response(headers={"X-Value": value})


@router.get("/download")
async def download(name: str) -> Response:
    return Response(b"x", headers={"Content-Disposition": attachment(name)})


@router.get("/address")
async def address(request: Request) -> Response:
    return json_response({"address": client_ip(request.scope)})


@router.get("/stream")
async def stream() -> Response:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"one"
        yield b"two"

    return StreamingResponse(chunks(), media_type="text/event-stream")


@router.get("/endless")
async def endless() -> Response:
    async def chunks() -> AsyncIterator[bytes]:
        while True:
            yield b"more"
            await asyncio.sleep(0.01)

    return StreamingResponse(chunks())


@router.get("/broken-stream")
async def broken_stream() -> Response:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"one"
        raise RuntimeError("half way")

    return StreamingResponse(chunks())


@router.get("/fails/{how}")
async def fail(how: str) -> Response:
    failures: dict[str, Exception] = {
        "conflict": Conflict("Taken", name="\ud800"),
        "bug": RuntimeError("mongodb://root:hunter2@db/x"),
        "teapot": HTTPException(418, headers={"X-Pot": "short"}),
        "gateway": HTTPException(503),
        "forbidden": HTTPException(403, detail="for a reason"),
        "database": OperationFailure("E11000 secret text", code=1),
    }
    raise failures[how]


@router.get("/wrong-answer", response_model=Unmade)
async def wrong_answer() -> Any:
    return {"prompt": "a secret prompt"}


@router.get("/limited/general", dependencies=[limited(GENERAL)])
async def limited_general() -> Response:
    return json_response({})


@router.post("/limited/auth", dependencies=[limited(AUTH)])
async def limited_auth() -> Response:
    return json_response({})


@router.post("/limited/login", dependencies=[limited(LOGIN)])
async def limited_login(body: Credentials) -> Response:
    return Response(status_code=200 if body.password == "right" else 401)


def make_app(**environment: str) -> FastAPI:
    """The application as an operator with these variables would run it."""
    settings: Settings = load_settings(environment)
    app = FastAPI(openapi_url=None)
    set_up(app, settings)
    app.router.routes.extend(router.routes)
    install(app)
    return app
