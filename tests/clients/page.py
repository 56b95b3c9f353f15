"""A page in a browser that calls the API from another origin, and reads answers as the published clients do."""

import json
from dataclasses import dataclass, field
from typing import Any

import httpx2

NOTHING: Any = object()
"""As a body: none at all, though its type is announced."""


@dataclass
class Page:
    """What a script of a page can see of the API."""

    client: httpx2.AsyncClient
    headers: dict[str, str] = field(default_factory=lambda: {"Origin": "https://ui.example.com"})

    async def send(self, method: str, path: str, body: Any = NOTHING, **headers: str) -> httpx2.Response:
        """Any answer that the browser lets the script read. JSON is announced on every call."""
        sent = {"Content-Type": "application/json", **self.headers}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        content = None if body is NOTHING else json.dumps(body)
        response = await self.client.request(method, path, content=content, headers=sent)
        assert response.headers["access-control-allow-origin"] == "*"
        return response

    async def call(self, method: str, path: str, body: Any = NOTHING, **headers: str) -> Any:
        """The JSON of a success; all clients read it without looking at the status again."""
        response = await self.send(method, path, body, **headers)
        assert response.is_success, f"{method} {path}: {response.status_code} {response.text}"
        return response.json()

    async def refused(self, method: str, path: str, body: Any = NOTHING, **headers: str) -> tuple[int, str]:
        """The status, and the sentence that is shown: the web UI takes ``message``, the widget ``error``."""
        response = await self.send(method, path, body, **headers)
        shown = response.json()
        assert shown["message"] == shown["error"]
        return response.status_code, shown["message"]

    async def stream(self, path: str, body: Any, **headers: str) -> tuple[str, dict[str, Any]]:
        """The text that was streamed, and the frame that ends it; read line by line, like all clients do."""
        response = await self.send("POST", path, body, **headers)
        assert response.is_success, response.text
        lines = [line for line in response.text.split("\n") if line.startswith("data: ")]
        frames = [json.loads(line.removeprefix("data: ")) for line in lines]
        text = "".join(frame["content"] for frame in frames if frame["type"] == "response_chunk")
        assert frames[-1]["type"] == "complete", frames[-1]
        return text, frames[-1]
