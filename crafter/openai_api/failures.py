"""Failures as OpenAI's clients read them."""

from collections.abc import Mapping, Sequence
from typing import Any

from crafter.core.errors import CrafterError, FieldError
from crafter.edge.routing import CrafterRoute

_TYPES: Mapping[int, str] = {
    401: "authentication_error",
    402: "insufficient_quota",
    403: "permission_error",
    429: "rate_limit_error",
}


class OpenAIRoute(CrafterRoute):
    """A route whose failures have an object for ``error``, as OpenAI's; the rest of the body is as everywhere."""

    def present_problem(self, problem: dict[str, Any]) -> dict[str, Any]:
        """See CrafterRoute."""
        message, param = problem["detail"], None
        if wrong := problem.get("errors"):
            first = _innermost(wrong)
            message, param = first.sentence, first["path"] or None
        return {**problem, "error": _error(problem["status"], problem["code"], message, param)}


def error_object(error: CrafterError) -> dict[str, Any]:
    """What stands for a failure inside a stream that has begun."""
    return _error(error.status, error.code, error.message, None)


def _innermost(errors: Sequence[FieldError]) -> FieldError:
    """What is wrong first; where a text or a list will do and a list was sent, it is not that it is no text."""
    within = [error for error in errors if error["pointer"].startswith(errors[0]["pointer"])]
    return max(within, key=lambda error: error["pointer"].count("/"))


def _error(status: int, code: str, message: str, param: str | None) -> dict[str, Any]:
    kind = _TYPES.get(status, "invalid_request_error" if status < 500 else "server_error")
    return {"message": message, "type": kind, "param": param, "code": code.lower()}
