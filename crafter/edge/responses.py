"""Answers made by hand: JSON, streams, problems and download names."""

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import quote

from pydantic_core import PydanticSerializationError, to_json
from starlette.responses import Response, StreamingResponse
from starlette.types import Scope

from crafter.core.errors import PROBLEM_MEDIA_TYPE, CrafterError, problem
from crafter.core.tasks import sheltered

JSON_MEDIA_TYPE = "application/json; charset=utf-8"

_INSTANCE_LENGTH = 1024


def json_response(data: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """``data`` as JSON; bytes are JSON already. Whatever else was stored, the answer can be written."""
    body = data if isinstance(data, bytes) else to_json_bytes(data)
    return Response(body, status, headers, JSON_MEDIA_TYPE)


def streamed(
    pieces: AsyncIterator[bytes], media_type: str, headers: Mapping[str, str] | None = None
) -> StreamingResponse:
    """Each piece as soon as it is made. What makes them may use the database, although its reader may leave."""
    return StreamingResponse(sheltered(pieces), media_type=media_type, headers=headers)


def problem_response(error: CrafterError, scope: Scope) -> Response:
    """The one way in which a failure reaches a caller."""
    return Response(problem_bytes(error, scope), error.status, error.headers, PROBLEM_MEDIA_TYPE)


def problem_bytes(error: CrafterError, scope: Scope) -> bytes:
    """The body of a failure, as its route presents it. It can always be written: what no encoding can hold
    becomes ``?``.
    """
    request_id = scope.get("state", {}).get("request_id", "")
    body = problem(error, instance=_instance(scope), request_id=request_id)
    present = getattr(scope.get("route"), "present_problem", None)
    if present is not None:
        body = present(body)
    try:
        return to_json_bytes(body)
    except (PydanticSerializationError, UnicodeEncodeError):
        return json.dumps(body, ensure_ascii=False, default=str).encode("utf-8", "replace")


def to_json_bytes(data: Any, *, exclude: set[str] | None = None) -> bytes:
    """``data`` as JSON, without some fields of a model.

    Non-finite numbers become ``null``, and what only the database knows, such as an ObjectId, becomes text.
    """
    return to_json(data, exclude=exclude, inf_nan_mode="null", bytes_mode="base64", fallback=str)


def attachment(filename: str) -> str:
    """The ``Content-Disposition`` of a download, whatever the name holds: quotes, line breaks, any script."""
    return f"attachment; filename*=UTF-8''{quote(filename, safe='', errors='replace')}"


def _instance(scope: Scope) -> str:
    """The path as it was sent: printable ASCII, and short."""
    raw: bytes | None = scope.get("raw_path")
    sent = raw.decode("latin-1") if raw is not None else scope.get("path", "")
    return quote(sent, safe="/%:@!$&'()*+,;=~-._", errors="replace")[:_INSTANCE_LENGTH]
