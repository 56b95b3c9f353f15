"""From every exception to one body: the closed table of what a failure looks like to a caller."""

from collections.abc import Mapping
from typing import Any

import structlog
from bson.errors import InvalidDocument
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError, ResponseValidationError
from pymongo.errors import PyMongoError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from crafter.core.database import describe_failure
from crafter.core.errors import (
    BadInput,
    Conflict,
    CrafterError,
    Forbidden,
    MethodNotAllowed,
    NotFound,
    PreconditionRequired,
    RequestTimedOut,
    StaleWrite,
    TooLarge,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
    Unprocessable,
    UnsupportedMediaType,
    UpstreamFailed,
    UpstreamTimedOut,
)
from crafter.edge.responses import problem_response
from crafter.edge.validation import to_validation_failed

log = structlog.get_logger("crafter.edge")

CLIENT_LEFT = 499
"""The status that is logged for a request whose caller did not wait for the answer."""

_BY_STATUS: Mapping[int, type[CrafterError]] = {
    error.status: error
    for error in (
        BadInput,
        Unauthenticated,
        Forbidden,
        NotFound,
        MethodNotAllowed,
        RequestTimedOut,
        Conflict,
        StaleWrite,
        TooLarge,
        UnsupportedMediaType,
        Unprocessable,
        PreconditionRequired,
        TooManyRequests,
        UpstreamFailed,
        Unavailable,
        UpstreamTimedOut,
    )
}


class RouteNotFound(NotFound):
    """404: no route has this path."""

    code = "ROUTE_NOT_FOUND"


class NestedQuery(BadInput):
    """400: a query string that spells an object or a list, ``status[$ne]=x``: ignored, it would filter nothing."""

    code = "NESTED_QUERY"
    message = "Query parameters have plain names, without brackets."


class HeadTooLarge(CrafterError):
    """431: the request line and headers are longer than we take."""

    status = 431
    code = "REQUEST_HEADER_FIELDS_TOO_LARGE"
    message = "The request headers are too large."


def add_error_handlers(app: FastAPI) -> None:
    """Answer every exception that a route can raise with one problem body."""
    app.add_exception_handler(CrafterError, _on_crafter_error)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    app.add_exception_handler(ResponseValidationError, _on_invalid_response)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(PyMongoError, _on_database_error)
    app.add_exception_handler(
        InvalidDocument, _on_database_error
    )  # too large is one of these, and no PyMongoError
    app.add_exception_handler(ClientDisconnect, _on_client_gone)


def unexpected(error: Exception) -> CrafterError:
    """Log a mistake of ours with its traceback; the caller only learns the request id."""
    log.error("unhandled_error", error=type(error).__name__, exc_info=error)
    return CrafterError()


async def _on_crafter_error(request: Request, error: Any) -> Response:
    return problem_response(error, request.scope)


async def _on_invalid_request(request: Request, error: Any) -> Response:
    return problem_response(to_validation_failed(error.errors(), error.body), request.scope)


async def _on_invalid_response(request: Request, error: Any) -> Response:
    """The exception's own text holds the whole answer, so only the places and kinds of failure are logged."""
    failures = [(failure["loc"], failure["type"]) for failure in error.errors()[:20]]
    log.error("invalid_response", failures=failures)
    return problem_response(CrafterError(), request.scope)


async def _on_http_exception(request: Request, error: Any) -> Response:
    kind = _BY_STATUS.get(error.status_code, BadInput if error.status_code < 500 else CrafterError)
    problem = kind()
    problem.headers.update(error.headers or {})
    return problem_response(problem, request.scope)


async def _on_database_error(request: Request, error: Any) -> Response:
    return problem_response(describe_failure(error) or unexpected(error), request.scope)


async def _on_client_gone(_request: Request, _error: Any) -> Response:
    return Response(status_code=CLIENT_LEFT)
