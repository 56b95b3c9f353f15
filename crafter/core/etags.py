"""Revisions on the wire: ``ETag`` out, ``If-Match`` and ``If-None-Match`` in."""

import re
from typing import Annotated, Any

from fastapi import Depends, Header

from crafter.core.errors import FieldError, PreconditionRequired, StaleWrite, ValidationFailed

_TAG = re.compile(r'^\s*(?:W/)?"(\d{1,15})"\s*$')


def etag(revision: int) -> str:
    """The ETag of a revision."""
    return f'"{revision}"'


def stale(current: int) -> StaleWrite:
    """The refusal of a change that was made from an older revision than ``current``."""
    return StaleWrite(headers={"ETag": etag(current)}, current=etag(current))


def revision_filter(revision: int | None) -> dict[str, Any]:
    """The part of an update's filter that refuses a stale write; documents of the Node server count as 0."""
    if revision is None:
        return {}
    return {"revision": {"$in": [0, None]} if revision == 0 else revision}


async def read_if_match(
    if_match: Annotated[
        str | None, Header(description="The ETag you read; a stale one is refused with 412.")
    ] = None,
) -> int | None:
    """The revision that the caller's change was made from; None when they do not mind. Raises ValidationFailed."""
    if if_match is None or if_match.strip() == "*":
        return None
    found = _TAG.match(if_match)
    if not found:
        raise ValidationFailed([FieldError("if-match", 'Send one ETag, such as "3".', location="headers")])
    return int(found[1])


async def _require_if_match(revision: Annotated[int | None, Depends(read_if_match)]) -> int:
    if revision is None:
        raise PreconditionRequired
    return revision


IfMatch = Annotated[int | None, Depends(read_if_match)]
"""The revision in ``If-Match``, if there is one."""

RequiredIfMatch = Annotated[int, Depends(_require_if_match)]
"""The revision in ``If-Match``; without it the route answers 428."""
