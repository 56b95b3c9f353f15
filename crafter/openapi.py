"""The OpenAPI document: what FastAPI derives, and what every route of ours has in common."""

import re
from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from crafter.core.access import AccessRule, rule_of
from crafter.core.errors import (
    PROBLEM_MEDIA_TYPE,
    BadInput,
    CrafterError,
    DatabaseUnavailable,
    Forbidden,
    NotFound,
    RequestTimedOut,
    TooLarge,
    TooManyRequests,
    Unauthenticated,
    UnsupportedMediaType,
)

DESCRIPTION = """
An async, multi-tenant back end for teams that build with LLMs. Its routes are those of LLM Crafter, and more.

People send `Authorization: Bearer <token>`; a token comes from `POST /api/v1/auth/register` or `/login`. Programs send
`X-API-Key: <platform key>`, and their end users `X-Session-Token: <token>`, which comes from `POST /api/v1/sessions`.
Every failure has one body (`application/problem+json`): `status`, a stable `code`, a sentence in `error`, and the
`request_id`.
"""

_ALWAYS: tuple[type[CrafterError], ...] = (BadInput, DatabaseUnavailable)
_WITH_BODY: tuple[type[CrafterError], ...] = (RequestTimedOut, TooLarge, UnsupportedMediaType)
_SIGNED_IN: tuple[type[CrafterError], ...] = (Unauthenticated,)
_OTHERS: tuple[type[CrafterError], ...] = (Unauthenticated, Forbidden)

_SCHEMES: dict[str, dict[str, str]] = {
    "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    "session": {"type": "apiKey", "in": "header", "name": "X-Session-Token"},
}
_CREDENTIALS: dict[str, tuple[str, ...]] = {
    "public": (),
    "key": ("key",),
    "member_or_key": ("bearer", "key"),
    "session": ("session",),
    "visitor": ("session", "key"),
}
"""The schemes by kind of access rule; the kinds that are missing are for people."""

_UNUSED = ("HTTPValidationError", "ValidationError")
"""What FastAPI answers invalid requests with: we do not."""


def describe(app: FastAPI) -> None:
    """Have the application answer the completed document."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = build_document(app)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]


def build_document(app: FastAPI) -> dict[str, Any]:
    """The document of an application: access rules, credentials, and every status that a route can answer."""
    schema = get_openapi(title=app.title, version=app.version, description=DESCRIPTION, routes=app.routes)
    components = schema.setdefault("components", {})
    components["securitySchemes"] = _SCHEMES
    components.setdefault("schemas", {})["Problem"] = _problem_schema()
    for route in app.routes:
        rule = rule_of(route)
        if rule is None:
            continue
        for method in getattr(route, "methods", ()):
            operation = schema["paths"].get(route.path_format, {}).get(method.lower())  # type: ignore[attr-defined]
            if operation is not None:
                _complete(operation, rule, re.findall(r"\{(\w+)\}", route.path_format))  # type: ignore[attr-defined]
    for name in _UNUSED:
        components["schemas"].pop(name, None)
    return schema


def _complete(operation: dict[str, Any], rule: AccessRule, path_parameters: Sequence[str]) -> None:
    operation["x-access"] = str(rule)
    parameters = operation.setdefault("parameters", [])
    described = {parameter["name"] for parameter in parameters if parameter["in"] == "path"}
    for name in path_parameters:
        if name not in described:  # only the gate of the route reads it
            parameters.append({"name": name, "in": "path", "required": True, "schema": {"type": "string"}})
    if schemes := _CREDENTIALS.get(rule.kind, ("bearer",)):
        operation["security"] = [{scheme: []} for scheme in schemes]
    responses = operation.setdefault("responses", {})
    if "HTTPValidationError" in str(responses.get("422")):
        del responses["422"]
    for error in _errors_of(operation, rule):
        responses.setdefault(str(error.status), {"description": f"`{error.code}`"})
    for status, response in responses.items():
        if status >= "400":
            content = response.setdefault("content", {}).setdefault(PROBLEM_MEDIA_TYPE, {})
            content["schema"] = {"$ref": "#/components/schemas/Problem"}


def _errors_of(operation: dict[str, Any], rule: AccessRule) -> list[type[CrafterError]]:
    errors = [*_ALWAYS, TooManyRequests]
    if "requestBody" in operation:
        errors += _WITH_BODY
    if any(parameter["in"] == "path" for parameter in operation["parameters"]):
        errors.append(NotFound)
    errors += {"public": [], "signed_in": list(_SIGNED_IN)}.get(rule.kind, list(_OTHERS))
    return errors


def _problem_schema() -> dict[str, Any]:
    text = {"type": "string"}
    return {
        "type": "object",
        "title": "Problem",
        "description": "What went wrong (RFC 9457); further members depend on the code.",
        "required": [
            "type",
            "title",
            "status",
            "detail",
            "instance",
            "code",
            "request_id",
            "error",
            "message",
        ],
        "properties": {
            **dict.fromkeys(
                ("type", "title", "detail", "instance", "code", "request_id", "error", "message"), text
            ),
            "status": {"type": "integer"},
            "retry_after": {
                "type": "integer",
                "description": "Seconds to wait before repeating the request.",
            },
            "errors": {
                "type": "array",
                "description": "Every field that is wrong.",
                "items": {
                    "type": "object",
                    "required": ["type", "msg", "path", "location", "pointer"],
                    "properties": dict.fromkeys(("type", "msg", "path", "location", "pointer"), text),
                },
            },
        },
    }
