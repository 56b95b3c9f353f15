"""The operations of the application as its OpenAPI document describes them, down to every field of every body."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from fastapi import FastAPI
from fastapi.routing import APIRoute

from crafter.core.access import rule_of
from crafter.edge.uploads import JsonForNow
from tests.test_access import ENDLESS, ROUTES
from tests.wire import Answer, Json
from tests.world import Ids, World

Step: TypeAlias = str | int
Where: TypeAlias = tuple[Step, ...]

PROBLEM_MEMBERS = {
    *("type", "title", "status", "detail", "instance", "code", "request_id", "error", "message"),
}
PROGRAMS = ("key", "session", "visitor")
NOT_JSON = ("text/event-stream", "text/plain", "text/javascript", "application/javascript")


@dataclass(frozen=True)
class Operation:
    """A method of a path."""

    method: str
    route: APIRoute

    def __str__(self) -> str:
        return f"{self.method} {self.route.path}"

    @property
    def key(self) -> tuple[str, str]:
        """What a table names it by."""
        return self.method, self.route.path.removeprefix("/api/v1")

    @property
    def takes_body(self) -> bool:
        return self.route.body_field is not None

    @property
    def path_parameters(self) -> list[str]:
        return re.findall(r"\{(\w+)\}", self.route.path)

    @property
    def is_absent(self) -> bool:
        """Whether the route only says that there is no such area here."""
        return self.route.status_code == 501

    @property
    def knows_uploads(self) -> bool:
        """Whether the route says of uploads that they are to come."""
        return isinstance(self.route, JsonForNow)

    @property
    def runs_tasks(self) -> bool:
        """Whether the agent must be one that runs tasks."""
        return "/agents/" in self.route.path and self.route.path.endswith(("/execute", "/execute/stream"))

    @property
    def is_for_programs(self) -> bool:
        rule = rule_of(self.route)
        return rule is not None and rule.kind in PROGRAMS

    def target(self, ids: Ids) -> str:
        """The path for these ids. Raises KeyError for a parameter that nobody has thought of."""
        if self.runs_tasks and ids["agent_id"] == ids["chatbot_id"]:
            ids = {**ids, "agent_id": ids["task_agent_id"]}
        return re.sub(r"\{(\w+)\}", lambda match: ids[match[1]], self.route.path)

    def credentials(self, world: World, person: str) -> dict[str, str]:
        """The headers that let somebody in: a person's token, or the key or the session of a program."""
        rule = rule_of(self.route)
        if rule is not None and rule.kind == "session":
            return {"X-Session-Token": world.task_session if self.runs_tasks else world.session}
        return {"X-API-Key": world.key} if self.is_for_programs else {"Authorization": f"Bearer {person}"}


OPERATIONS = [
    Operation(method, route)
    for method, route in ROUTES
    if route.path not in ENDLESS and route.include_in_schema
]
WITH_BODY = [operation for operation in OPERATIONS if operation.takes_body]
READS = [operation for operation in OPERATIONS if operation.method == "GET"]


@dataclass(frozen=True)
class BodyField:
    """A place in a body, and what may stand there; ``kinds`` are JSON's types, none for anything."""

    where: Where
    kinds: frozenset[str]
    schemas: list[Json] = field(repr=False, hash=False)

    def __str__(self) -> str:
        return "/".join(map(str, self.where)) or "the body"

    @property
    def pointer(self) -> str:
        return "".join(f"/{step}" for step in self.where)

    @property
    def properties(self) -> set[str]:
        return {name for schema in self.schemas for name in schema.get("properties", ())}

    @property
    def is_free(self) -> bool:
        """Whether keys and values are the caller's own."""
        return not self.kinds or any(schema.get("additionalProperties") is True for schema in self.schemas)


@dataclass(frozen=True)
class Document:
    """The OpenAPI document of the application."""

    content: Json

    @classmethod
    def of(cls, app: FastAPI) -> "Document":
        return cls(app.openapi())

    def operation(self, operation: Operation) -> Json:
        return self.content["paths"][operation.route.path_format][operation.method.lower()]

    def resolve(self, schema: Json) -> Json:
        """What a ``$ref`` leads to. Raises KeyError for one that leads nowhere."""
        while "$ref" in schema:
            target: Json = self.content
            for step in schema["$ref"].removeprefix("#/").split("/"):
                target = target[step]
            schema = {**target, **{key: value for key, value in schema.items() if key != "$ref"}}
        return schema

    def query_parameters(self, operation: Operation) -> list[Json]:
        return self._parameters(operation, "query")

    def header_parameters(self, operation: Operation) -> set[str]:
        return {one["name"].lower() for one in self._parameters(operation, "header")}

    def _parameters(self, operation: Operation, place: str) -> list[Json]:
        return [one for one in self.operation(operation).get("parameters", ()) if one["in"] == place]

    def body_schema(self, operation: Operation) -> Json:
        return self.operation(operation)["requestBody"]["content"]["application/json"]["schema"]

    def body_fields(self, operation: Operation) -> list[BodyField]:
        """Every place in the body of an operation, the body itself first; of lists the first element."""
        return list(self._fields((), self.body_schema(operation)))

    def _fields(self, where: Where, schema: Json) -> Iterator[BodyField]:
        schemas = [self.resolve(one) for one in schema.get("anyOf", [schema])]
        schemas = [self.resolve(one) for one in schemas if one.get("type") != "null"]
        yield BodyField(where, frozenset(one["type"] for one in schemas if "type" in one), schemas)
        for one in schemas:
            for name, inner in one.get("properties", {}).items():
                yield from self._fields((*where, name), inner)
            if "items" in one:
                yield from self._fields((*where, 0), one["items"])


def placed(body: Json, where: Where, value: Json) -> Json:
    """A copy of a body with the value at that place; what has to lead there is made."""
    if not where:
        return value
    step, rest = where[0], where[1:]
    if isinstance(step, int):
        elements = list(body) if isinstance(body, list) and body else [None]
        return [placed(elements[0], rest, value), *elements[1:]]
    members = dict(body) if isinstance(body, dict) else {}
    return {**members, step: placed(members.get(step), rest, value)}


def found(body: Json, where: Where) -> Json:
    """What stands at that place of a body, or None."""
    for step in where:
        if not (
            step in body if isinstance(body, dict) else isinstance(body, list) and step in range(len(body))
        ):
            return None
        body = body[step]
    return body


def with_raw(body: Json, where: Where, text: str) -> bytes:
    """A body as text, with these characters at that place."""
    hole = "here-it-comes"
    return json.dumps(placed(body, where, hole)).replace(f'"{hole}"', text).encode()


def check_answer(answer: Answer, operation: Operation, document: Document) -> None:
    """What holds for each answer of each route: no 5xx, a documented status, strict JSON, one error body."""
    status, kind = answer.status, answer.headers.get("content-type", "")
    to_come = operation.is_absent or (operation.knows_uploads and status == 501)
    assert status < 500 or to_come, answer.text
    assert str(status) in document.operation(operation)["responses"], f"{status} is not documented"
    if status >= 400:
        body = answer.json()
        assert kind == "application/problem+json"
        assert body.keys() >= PROBLEM_MEMBERS
        assert (body["status"], body["request_id"]) == (status, answer.headers["x-request-id"])
    elif kind.startswith("application/json"):
        answer.json()
    else:
        assert status in (204, 302) or kind.startswith(NOT_JSON), kind
