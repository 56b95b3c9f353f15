"""Google and GitHub for tests: one authorization server on loopback that keeps to the protocol, PKCE included.

It speaks real HTTP, for the browser as for the service. Whoever comes is the person that a test says.
"""

import asyncio
import base64
import hashlib
import json
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

CLIENT_ID = "crafter-client"
CLIENT_SECRET = "canary-oauth-client-secret"

GOOGLE_USER: dict[str, Any] = {
    "sub": "110169484474386276334",
    "email": "Alice.Smith@Gmail.com",
    "email_verified": True,
    "name": "Alice Smith",
    "picture": "https://lh3.googleusercontent.com/a/alice",
}
GITHUB_USER: dict[str, Any] = {
    "id": 583231,
    "login": "octoalice",
    "name": None,
    "avatar_url": "https://avatars.githubusercontent.com/u/583231",
}
GITHUB_EMAILS: list[dict[str, Any]] = [
    {"email": "old@example.com", "primary": False, "verified": True, "visibility": None},
    {"email": "Octo@Example.com", "primary": True, "verified": True, "visibility": "private"},
]


@dataclass
class Request:
    """What the server was asked."""

    method: str
    path: str
    query: dict[str, str]
    form: dict[str, str]
    headers: dict[str, str]


@dataclass
class Grant:
    """A code that was given out, and what has to come with it."""

    redirect_uri: str
    challenge: str
    used: bool = False

    def fits(self, form: dict[str, str]) -> bool:
        """Whether the code was not redeemed yet, and comes with all that it was given out for."""
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        return not self.used and (form.get("redirect_uri"), challenge) == (self.redirect_uri, self.challenge)


@dataclass(frozen=True)
class Answer:
    """A reply as it goes out."""

    status: int
    body: bytes = b""
    location: str | None = None

    @classmethod
    def of(cls, document: Any, status: int = 200) -> "Answer":
        return cls(status, json.dumps(document).encode())

    @property
    def wire(self) -> bytes:
        head = [f"HTTP/1.1 {self.status} -", f"Content-Length: {len(self.body)}"]
        head += [f"Location: {self.location}"] if self.location else []
        return "\r\n".join([*head, "Content-Type: application/json", "", ""]).encode() + self.body


class FakeAuthorizationServer:
    """The server. ``documents`` are its replies about the person; ``instead`` replaces the reply of a path."""

    def __init__(self) -> None:
        self.port = 0
        self.forget()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def forget(self) -> None:
        """Be as at first."""
        self.documents: dict[str, Any] = {
            "/v1/userinfo": dict(GOOGLE_USER),
            "/api/v3/user": dict(GITHUB_USER),
            "/api/v3/user/emails": [dict(entry) for entry in GITHUB_EMAILS],
        }
        self.consents = True
        self.instead: dict[str, Answer | None] = {}
        self.requests: list[Request] = []
        self.grants: dict[str, Grant] = {}
        self.tokens: set[str] = set()

    def asked(self, path: str) -> list[Request]:
        """The requests for a path."""
        return [request for request in self.requests if request.path == path]

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):  # the caller has left
            while True:
                request = await _read(reader)
                self.requests.append(request)
                answer = self.instead.get(request.path, self._answer(request))
                if answer is None:
                    break  # hang up without a word
                writer.write(answer.wire)
                await writer.drain()
        writer.close()

    def _answer(self, request: Request) -> Answer:
        if request.path in ("/o/oauth2/v2/auth", "/login/oauth/authorize"):
            return self._authorize(request.query)
        if request.path in ("/token", "/login/oauth/access_token"):
            problem = None if request.method == "POST" else "not a POST"
            return self._redeem(request.form, problem, polite=request.path == "/token")
        if request.path in self.documents:
            token = request.headers.get("authorization", "").removeprefix("Bearer ")
            if token in self.tokens:
                return Answer.of(self.documents[request.path])
            return Answer.of({"error": "invalid_token"}, 401)
        return Answer(404)

    def _authorize(self, query: dict[str, str]) -> Answer:
        """The consent page, whose button the person presses at once."""
        known = query["client_id"] == CLIENT_ID and query["response_type"] == "code"
        if not known or query["code_challenge_method"] != "S256" or len(query["code_challenge"]) != 43:
            return Answer(400)
        code = secrets.token_urlsafe(16)
        self.grants[code] = Grant(query["redirect_uri"], query["code_challenge"])
        said = {"code": code} if self.consents else {"error": "access_denied"}
        said["state"] = query["state"]
        return Answer(302, location=f"{query['redirect_uri']}?{urlencode(said)}")

    def _redeem(self, form: dict[str, str], problem: str | None, *, polite: bool) -> Answer:
        """A token for a code. GitHub, unlike Google, answers a refusal with status 200."""
        grant = self.grants.get(form.get("code", ""))
        if (form.get("client_id"), form.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
            problem = "invalid_client"
        elif grant is None or not grant.fits(form):
            problem = "invalid_grant"
        if problem is not None or grant is None:
            return Answer.of({"error": problem}, 400 if polite else 200)
        grant.used = True
        token = f"canary-access-token-{secrets.token_urlsafe(8)}"
        self.tokens.add(token)
        return Answer.of({"access_token": token, "token_type": "Bearer", "expires_in": 3599})


async def _read(reader: asyncio.StreamReader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.splitlines()
    method, target, _ = first.split(" ", 2)
    headers = {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines if line)}
    body = (await reader.readexactly(int(headers.get("content-length", 0)))).decode()
    url = urlsplit(target)
    return Request(method, url.path, _fields(url.query), _fields(body), headers)


def _fields(encoded: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(encoded, strict_parsing=bool(encoded)).items()}


@asynccontextmanager
async def fake_authorization_server() -> AsyncIterator[FakeAuthorizationServer]:
    """A server on a free port of loopback, for as long as the block runs."""
    fake = FakeAuthorizationServer()
    talks: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talk = asyncio.create_task(fake.talk(reader, writer))
        talks.add(talk)
        talk.add_done_callback(talks.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    fake.port = server.sockets[0].getsockname()[1]
    try:
        yield fake
    finally:
        server.close()
        for talk in list(talks):
            talk.cancel()
        await asyncio.gather(*talks, return_exceptions=True)
