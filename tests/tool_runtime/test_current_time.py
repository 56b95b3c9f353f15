"""What time it is."""

import pytest
from time_machine import travel

from crafter.tool_runtime.current_time import tell_time
from crafter.tool_runtime.errors import ToolFailed

MOMENT = "2026-12-31T23:30:15.250Z"


@travel(MOMENT, tick=False)
def test_it_tells_the_time_in_utc_unless_asked_otherwise() -> None:
    assert tell_time({}) == {
        "success": True,
        "current_date": "2026-12-31",
        "current_time": "2026-12-31T23:30:15.250+00:00",
        "timestamp": "2026-12-31T23:30:15.250+00:00",
        "timezone": "UTC",
        "format": "iso",
        "unix_timestamp": 1798759815,
        "iso_string": MOMENT,
        "year": 2026,
        "month": 12,
        "day": 31,
    }


@travel(MOMENT, tick=False)
@pytest.mark.parametrize(
    ("timezone", "style", "date", "written"),
    [
        ("Europe/Berlin", "iso", "2027-01-01", "2027-01-01T00:30:15.250+01:00"),
        ("America/New_York", "human", "2026-12-31", "Thursday, 31 December 2026, 18:30:15 EST"),
        ("Asia/Kolkata", "unix", "2027-01-01", "1798759815"),
    ],
)
def test_it_tells_the_time_elsewhere_and_in_other_formats(
    timezone: str, style: str, date: str, written: str
) -> None:
    answer = tell_time({"timezone": timezone, "format": style})

    assert (answer["current_date"], answer["current_time"]) == (date, written)
    assert (answer["year"], answer["month"], answer["day"]) == tuple(map(int, date.split("-")))
    assert answer["iso_string"] == MOMENT


@pytest.mark.parametrize(
    "timezone", ["Mars/Base", "", "Europe", "../../etc/passwd", "/etc/localtime", "a" * 5_000, "UTC\n", "é"]
)
def test_an_unknown_zone_is_refused(timezone: str) -> None:
    with pytest.raises(ToolFailed, match="Unknown time zone") as refused:
        tell_time({"timezone": timezone})

    assert len(refused.value.message) < 250
