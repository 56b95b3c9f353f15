"""``current_time``: what time it is somewhere."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from crafter.core.time import utc_now, wire_time
from crafter.tool_runtime.errors import ToolFailed

_NAME_LENGTH = 100

_FORMATS: Mapping[str, Callable[[datetime], str]] = {
    "iso": lambda moment: moment.isoformat(timespec="milliseconds"),
    "unix": lambda moment: str(int(moment.timestamp())),
    "human": lambda moment: moment.strftime("%A, %d %B %Y, %H:%M:%S %Z"),
}


def tell_time(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The time in a zone, in the format that was asked for and in parts. Raises ToolFailed."""
    zone, style = arguments.get("timezone", "UTC"), arguments.get("format", "iso")
    now = utc_now()
    there = now.astimezone(_zone(zone))
    written = _FORMATS[style](there)
    return {
        "success": True,
        "current_date": there.date().isoformat(),
        "current_time": written,
        "timestamp": written,
        "timezone": zone,
        "format": style,
        "unix_timestamp": int(now.timestamp()),
        "iso_string": wire_time(now),
        "year": there.year,
        "month": there.month,
        "day": there.day,
    }


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (
        ZoneInfoNotFoundError,
        ValueError,
        OSError,
    ):  # OSError: the name of a folder of zones, such as Europe
        raise ToolFailed(
            f"Unknown time zone '{name[:_NAME_LENGTH]}'. Use an IANA name, such as Europe/Berlin."
        ) from None
