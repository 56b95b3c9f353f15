"""The error tree: what can go wrong, and the one body in which it reaches a caller.

A failure is a class: its parent gives the status, its ``code`` and ``message`` are constants, and what
is specific to one occurrence travels as keywords. Nothing else in Crafter raises an HTTP status.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

PROBLEM_MEDIA_TYPE = "application/problem+json"


class CrafterError(Exception):
    """A failure that a caller can understand.

    ``details`` are extra members of the body (never secrets, never the caller's input); ``headers`` are
    added to the answer.
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "INTERNAL_ERROR"
    message: str = "Something went wrong on our side."

    def __init__(
        self, message: str | None = None, /, *, headers: Mapping[str, str] | None = None, **details: Any
    ) -> None:
        if message is not None:
            self.message = message
        self.details = details
        self.headers = dict(headers or {})
        super().__init__(self.message)


class BadInput(CrafterError):
    """400: the request does not have the right shape."""

    status = 400
    code = "BAD_REQUEST"
    message = "The request is not valid."


class Unauthenticated(CrafterError):
    """401: we do not know who is asking."""

    status = 401
    code = "UNAUTHENTICATED"
    message = "Authentication required"


class PaymentRequired(CrafterError):
    """402: what may be spent on this is spent."""

    status = 402
    code = "PAYMENT_REQUIRED"
    message = "There is nothing left to spend on this."


class Forbidden(CrafterError):
    """403: we know who is asking, and may not."""

    status = 403
    code = "FORBIDDEN"
    message = "Access denied"


class NotFound(CrafterError):
    """404: not there, or not the caller's: both look the same."""

    status = 404
    code = "NOT_FOUND"
    message = "Not found"


class MethodNotAllowed(CrafterError):
    """405: the path exists, this method on it does not."""

    status = 405
    code = "METHOD_NOT_ALLOWED"
    message = "This method is not allowed here."


class RequestTimedOut(CrafterError):
    """408: the caller took too long to send the request."""

    status = 408
    code = "REQUEST_TIMEOUT"
    message = "The request body did not arrive in time."


class Conflict(CrafterError):
    """409: the request clashes with what is stored now."""

    status = 409
    code = "CONFLICT"
    message = "The request conflicts with the current state."


class StaleWrite(CrafterError):
    """412: somebody else changed the resource since the caller read it."""

    status = 412
    code = "PRECONDITION_FAILED"
    message = "The resource has changed since you read it. Read it again, then repeat your change."


class TooLarge(CrafterError):
    """413: more bytes than we take."""

    status = 413
    code = "PAYLOAD_TOO_LARGE"
    message = "The request body is too large."


class UnsupportedMediaType(CrafterError):
    """415: a body that is not JSON."""

    status = 415
    code = "UNSUPPORTED_MEDIA_TYPE"
    message = "Send the body as JSON, with the header Content-Type: application/json."


class Unprocessable(CrafterError):
    """422: well-formed, but against a rule of the domain."""

    status = 422
    code = "UNPROCESSABLE"
    message = "The request is well-formed, but cannot be carried out."


class FailedDependency(CrafterError):
    """424: something that the request needs, and that somebody else keeps, is not usable; they have to mend it."""

    status = 424
    code = "FAILED_DEPENDENCY"
    message = "Something that this request needs is not usable."


class PreconditionRequired(CrafterError):
    """428: this change must say which revision it was made from."""

    status = 428
    code = "PRECONDITION_REQUIRED"
    message = "Send If-Match with the ETag of the resource as you read it."


class TooManyRequests(CrafterError):
    """429: slower, please."""

    status = 429
    code = "RATE_LIMITED"
    message = "Too many requests"


class LimitReached(TooManyRequests):
    """429: what may be used in a while is used up; ``advice`` says what is limited, ``window`` is in seconds."""

    def __init__(self, advice: str, *, limit: int, window: int, seconds_left: int) -> None:
        headers = {
            "Retry-After": str(seconds_left),
            "RateLimit-Policy": f"{limit};w={window}",
            "RateLimit-Limit": str(limit),
            "RateLimit-Remaining": "0",
            "RateLimit-Reset": str(seconds_left),
        }
        details: dict[str, Any] = {"message": advice, "retryAfter": seconds_left}
        super().__init__(headers=headers, **details)


class NotBuilt(CrafterError):
    """501: a route of LLM Crafter's whose area is not there; the sentence says what is missing."""

    status = 501
    code = "NOT_IMPLEMENTED"
    message = "This is not implemented."


class UpstreamFailed(CrafterError):
    """502: a service that we depend on for this request answered badly, or not at all."""

    status = 502
    code = "PROVIDER_ERROR"
    message = "The provider did not answer properly."


class UpstreamTimedOut(UpstreamFailed):
    """504: a service that we depend on for this request took too long."""

    status = 504
    code = "PROVIDER_TIMEOUT"
    message = "The provider did not answer in time."


class Unavailable(CrafterError):
    """503: we cannot do this now; repeat it after ``retry_after`` seconds, with the same ids."""

    status = 503
    code = "UNAVAILABLE"
    message = "The service is not available at the moment. Try again shortly."
    retry_after: ClassVar[int] = 2

    def __init__(self, message: str | None = None, /, **details: Any) -> None:
        super().__init__(message, headers={"Retry-After": str(self.retry_after)}, **details)
        self.details.setdefault("retry_after", self.retry_after)


class DatabaseUnavailable(Unavailable):
    """503: the database did not confirm the operation, so it may or may not have happened."""

    code = "DATABASE_UNAVAILABLE"
    message = "The database is not reachable at the moment. Repeat the request shortly."


class FieldError(dict[str, Any]):
    """One entry of ``errors``: the contract's ``type, msg, path, location`` and our JSON ``pointer``.

    The value is never part of it: it may hold a secret.
    """

    def __init__(self, path: str, msg: str, *, location: str = "body", pointer: str | None = None) -> None:
        super().__init__(
            type="field",
            msg=msg,
            path=path,
            location=location,
            pointer=pointer if pointer is not None else "/" + path.replace(".", "/"),
        )

    @property
    def sentence(self) -> str:
        """What is wrong, on its own: texts that only say "Invalid value" need the name of the field."""
        message = str(self["msg"])
        return (
            f"{self['path']}: {message}" if self["path"] and message.startswith("Invalid value") else message
        )


class ValidationFailed(BadInput):
    """400 with the list of every field that is wrong, all of them at once."""

    code = "VALIDATION_FAILED"
    message = "The request is not valid."

    def __init__(self, errors: list[FieldError]) -> None:
        super().__init__(errors[0].sentence if errors else None)
        self.details = {"errors": errors}


def problem(error: CrafterError, *, instance: str, request_id: str) -> dict[str, Any]:
    """The body of a failure: RFC 9457 members, ``code``, ``request_id``, and the contract's ``error``."""
    kind = error.code.lower().replace("_", "-")
    return {
        "type": f"urn:crafter:problem:{kind}",
        "title": kind.replace("-", " ").capitalize(),
        "status": error.status,
        "detail": error.message,
        "instance": instance,
        "code": error.code,
        "request_id": request_id,
        "error": error.message,
        "message": error.message,
        **error.details,
    }


def documented(*errors: type[CrafterError]) -> dict[int | str, dict[str, Any]]:
    """The OpenAPI ``responses`` of a route that can fail in these ways: one entry per status, all its codes."""
    responses: dict[int | str, dict[str, Any]] = {}
    for error in errors:
        entry = responses.setdefault(
            error.status, {"description": "", "content": {PROBLEM_MEDIA_TYPE: {"examples": {}}}}
        )
        entry["description"] = (entry["description"] + f" `{error.code}`").strip()
        example = {
            "status": error.status,
            "code": error.code,
            "error": error.message,
            "detail": error.message,
        }
        entry["content"][PROBLEM_MEDIA_TYPE]["examples"][error.code] = {"value": example}
    return responses
