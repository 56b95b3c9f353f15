"""Pages of lists: the contract's numbered pages, and our signed cursors.

A cursor names the last row that the caller has seen. It is signed together with the list it was made for, so it can
neither be forged nor carried to another tenant, filter or order.
"""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Query

from crafter.core.errors import FieldError, ValidationFailed

MAX_LIMIT = 200


@dataclass(frozen=True, slots=True)
class NumberedPage:
    """``?page=1&limit=10`` as the contract has it, clamped: at most 100 rows, at most page 100,000."""

    page: int
    limit: int

    @property
    def skip(self) -> int:
        """How many rows come before."""
        return (self.page - 1) * self.limit


def numbered_page(default_limit: int = 10) -> Any:
    """A dependency for the contract's lists. Numbers out of range are clamped; anything else is 400."""

    async def read(
        page: Annotated[int, Query(description="Page, from 1.")] = 1,
        limit: Annotated[int, Query(description="Rows per page, 1 to 100.")] = default_limit,
    ) -> NumberedPage:
        return NumberedPage(page=min(max(page, 1), 100_000), limit=min(max(limit, 1), 100))

    return read


@dataclass(frozen=True, slots=True)
class CursorPage:
    """``?limit=50&cursor=…``: a page of one of our own lists."""

    limit: int
    cursor: str | None


async def cursor_page(
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT, description="Rows per page.")] = 50,
    cursor: Annotated[
        str | None, Query(max_length=1024, description="`page.next` or `page.prev` of an answer.")
    ] = None,
) -> CursorPage:
    """The dependency of our own lists."""
    return CursorPage(limit, cursor)


class CursorSigner:
    """Makes and reads cursors under one secret."""

    def __init__(self, secret: str) -> None:
        self._key = hashlib.sha256(b"crafter cursor\0" + secret.encode()).digest()

    def seal(self, position: Sequence[Any], listing: Mapping[str, Any]) -> str:
        """The cursor for a position (the sort values of a row) in a listing (its tenant, filter and order)."""
        payload = json.dumps(list(position), separators=(",", ":"), default=str).encode()
        return base64.urlsafe_b64encode(self._signature(payload, listing) + payload).decode().rstrip("=")

    def open(self, cursor: str, listing: Mapping[str, Any]) -> list[Any]:
        """The position in a cursor. Raises ValidationFailed for one that was not made for this listing."""
        try:
            raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
            signature, payload = raw[:16], raw[16:]
            if hmac.compare_digest(signature, self._signature(payload, listing)):
                position = json.loads(payload)
                if isinstance(position, list):
                    return position
        except (ValueError, binascii.Error):
            pass
        raise ValidationFailed(
            [
                FieldError(
                    "cursor", "This cursor does not belong to this list. Start without one.", location="query"
                )
            ]
        )

    def _signature(self, payload: bytes, listing: Mapping[str, Any]) -> bytes:
        context = json.dumps(listing, sort_keys=True, separators=(",", ":"), default=str).encode()
        return hmac.digest(self._key, len(context).to_bytes(8, "big") + context + payload, "sha256")[:16]


def page_body(
    rows: Sequence[Any], *, next_cursor: str | None, prev_cursor: str | None = None
) -> dict[str, Any]:
    """``{"data": […], "page": {"next", "prev", "has_more"}}``."""
    return {
        "data": rows,
        "page": {"next": next_cursor, "prev": prev_cursor, "has_more": next_cursor is not None},
    }
