"""The calls of tools: through the one way out, and read to their end."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from crafter.core.egress import EgressPolicy, open_client

_CHARSET = re.compile(r"charset\s*=\s*[\"']?([A-Za-z0-9_.:-]{1,40})", re.IGNORECASE)
_DECODED = re.compile(
    r"(utf-?8|utf-?16|us-ascii|iso-?8859|latin|windows-?125|cp125|cp866|koi8|mac|gb|big5|euc|shift_?jis|iso-2022)",
    re.IGNORECASE,
)
"""The encodings that web pages come in. Python knows others, some of which take very long to decode."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What was answered: the whole body, and the headers with their names in lower case."""

    status: int
    reason: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def success(self) -> bool:
        """Whether the status is one of 200 to 299."""
        return 200 <= self.status < 300

    @property
    def kind(self) -> str:
        """The content type without its parameters, such as ``text/html``; empty if there is none."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def text(self, charset: str | None = None) -> str:
        """The body as text: in the encoding that the headers name, or else in this one, or else in UTF-8."""
        named = charset_in(self.headers.get("content-type", "")) or charset or "utf-8"
        try:
            return self.body.decode(named, errors="replace").removeprefix("\ufeff")
        except LookupError:
            return self.body.decode("utf-8", errors="replace").removeprefix("\ufeff")


def charset_in(text: str) -> str | None:
    """The encoding that a content type names, if it is one that web pages come in."""
    found = _CHARSET.search(text)
    return found[1] if found and _DECODED.match(found[1]) else None


async def send(
    method: str, url: str, *, allow: Iterable[str], deadline_seconds: float, max_bytes: int, **request: Any
) -> Reply:
    """Make one call; ``request`` takes what the client takes: ``headers``, ``content``, ``params``, ``json``.

    ``allow``: the setting that says where besides the public web such calls may go; where a tenant or a model has
    chosen the address, that of tenants. Raises EgressRefused, EgressFailed (a redirect is one), EgressTimedOut
    and EgressTooLarge.
    """
    policy = EgressPolicy.parse(allow)
    async with open_client(policy, deadline_seconds=deadline_seconds, max_bytes=max_bytes) as client:
        reply = await client.request(method, url, **request)
    headers = {name.lower(): value for name, value in reply.headers.items()}
    return Reply(reply.status_code, reply.reason_phrase, headers, reply.content)
