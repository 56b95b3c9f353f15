"""Routes whose contract knows uploads, while there is no storage for them."""

from collections.abc import Callable, Coroutine
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from crafter.core.errors import NotBuilt
from crafter.edge.routing import CrafterRoute


class UploadsNotTaken(NotBuilt):
    """501: the body has files in it, or could have."""

    message = (
        "Files cannot be stored yet. Send the body as JSON, with the header Content-Type: application/json."
    )


class JsonForNow(CrafterRoute):
    """A route that takes JSON as any other, and says of multipart bodies that they are to come."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_json(request: Request) -> Response:
            if request.headers.get("content-type", "").lower().startswith("multipart/"):
                raise UploadsNotTaken
            return await handle(request)

        return handle_json
