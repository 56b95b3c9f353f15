"""The chat widget as a state machine: what it asks for in which order, and what the visitor gets to see."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from crafter.core.time import utc_now, wire_time
from tests.clients.page import Page

KEPT = timedelta(days=1, seconds=1)
JOINED, LEFT = ("system", "Human joined chat"), ("system", "AI assistant joined chat")


@dataclass
class Storage:
    """What the browser keeps over reloads."""

    conversation: str | None = None
    last_poll: str | None = None


@dataclass
class Widget:
    """One page load. ``shown`` are the bubbles: who speaks, and the text."""

    page: Page
    key: str
    agent: str
    storage: Storage = field(default_factory=Storage)
    streaming: bool = True
    shown: list[tuple[str, str]] = field(default_factory=list)
    with_human: bool = False
    _token: str = ""
    _seen: set[str] = field(default_factory=set)

    async def load(self) -> None:
        """Begin a session, and bring back the conversation that the browser remembers."""
        wanted = {"agentId": self.agent, "userIdentifier": None}
        begun = await self.page.call("POST", "/sessions", wanted, Authorization=f"Bearer {self.key}")
        self._token = begun["data"]["session_token"]
        if self.storage.conversation:
            answer = await self._latest(wire_time(utc_now() - KEPT))
            self.with_human = answer["handoff_active"]
            for message in answer["new_messages"]:
                self._show(message)

    async def say(self, text: str) -> None:
        """Send what the visitor typed, and show what comes back, unless a human is to answer."""
        self.shown.append(("you", text))
        body: dict[str, Any] = {
            "message": text,
            "userIdentifier": "anonymous",
            "dynamicContext": {
                "url": "https://shop.example.com/",
                "language": "en-US",
                "userAgent": "Mozilla/5.0",
                "timestamp": wire_time(utc_now()),
            },
        }
        if self.storage.conversation:
            body["conversationId"] = self.storage.conversation
        answer, ended = await self._ask(body)
        if answer and not self.with_human:
            self.shown.append(("AI", answer))
            self._seen |= {ended["message_id"], answer}
        self.storage.conversation = ended["conversation_id"]
        self.storage.last_poll = self.storage.last_poll or wire_time(utc_now())

    async def poll(self) -> None:
        """Look for what others have said in the meantime."""
        assert self.storage.last_poll is not None
        answer = await self._latest(self.storage.last_poll)
        if answer["handoff_active"] != self.with_human:
            self.with_human = answer["handoff_active"]
            self.shown.append(JOINED if self.with_human else LEFT)
        for message in answer["new_messages"]:
            if message["role"] != "user" and not {message["_id"], message["content"]} & self._seen:
                self._show(message)

    async def _ask(self, body: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        path = "/external/agents/chat"
        if self.streaming:
            return await self.page.stream(f"{path}/stream", body, X_Session_Token=self._token)
        answer = await self.page.call("POST", path, body, X_Session_Token=self._token)
        return answer["response"], answer

    async def _latest(self, since: str) -> Any:
        path = f"/external/conversations/{self.storage.conversation}/messages/latest?{urlencode({'since': since})}"
        answer = await self.page.call("GET", path, X_Session_Token=self._token)
        self.storage.last_poll = answer["last_poll"]
        return answer

    def _show(self, message: dict[str, Any]) -> None:
        """A message that came from the server; what is internal stays hidden."""
        names = {"user": "you", "assistant": "AI"}
        if message["role"] == "human_operator":
            names["human_operator"] = message["handler_info"]["human_operator"]["name"]
        if message["role"] in names:
            self.shown.append((names[message["role"]], message["content"]))
            self._seen.add(message["_id"])
            if message["role"] == "assistant":
                self._seen.add(message["content"])
