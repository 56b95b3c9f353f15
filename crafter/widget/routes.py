"""``/widget``: the script that other sites embed."""

from typing import Annotated

from fastapi import APIRouter, Header
from starlette.responses import Response

from crafter.core.access import public
from crafter.core.errors import documented
from crafter.core.runtime import CurrentRuntime
from crafter.edge.routing import CrafterRoute
from crafter.widget import service as widget_service
from crafter.widget.errors import WidgetFileNotFound

router = APIRouter(prefix="/widget", route_class=CrafterRoute, tags=["Widget"])

_MEDIA_TYPE = "application/javascript; charset=utf-8"


@router.get(
    "/{file_name}",
    response_class=Response,
    dependencies=[public],
    responses={
        200: {"description": "The file.", "content": {_MEDIA_TYPE: {}}},
        304: {"description": "The file is as the caller knows it."},
        **documented(WidgetFileNotFound),
    },
)
async def get_widget_file(
    file_name: str, runtime: CurrentRuntime, if_none_match: Annotated[str | None, Header()] = None
) -> Response:
    """A file of the chat widget."""
    file = await widget_service.get_widget_file(runtime.settings.widget_dir, file_name)
    headers = {"ETag": file.etag, "Cache-Control": "public, max-age=3600"}
    if _is_known(file.etag, if_none_match):
        return Response(status_code=304, headers=headers)
    return Response(file.content, headers=headers, media_type=_MEDIA_TYPE)


def _is_known(etag: str, if_none_match: str | None) -> bool:
    """Whether the caller has this content; a proxy that compressed it made the tag a weak one."""
    tags = {tag.strip().removeprefix("W/") for tag in (if_none_match or "").split(",")}
    return etag in tags or "*" in tags
