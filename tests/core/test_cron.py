"""Schedules: what is read, what is refused, and what comes next."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from crafter.core.config import ConfigurationError, load_settings
from crafter.core.cron import Schedule

NEXT = [
    ("0 2 * * *", "2026-03-31 01:59", "2026-03-31 02:00"),
    ("0 2 * * *", "2026-03-31 02:00", "2026-04-01 02:00"),
    ("* * * * *", "2026-12-31 23:59", "2027-01-01 00:00"),
    ("*/15 * * * *", "2026-03-31 10:16", "2026-03-31 10:30"),
    ("10-20/5 * * * *", "2026-03-31 10:16", "2026-03-31 10:20"),
    ("5,3,59 22-23 * * *", "2026-03-31 22:05", "2026-03-31 22:59"),
    ("0 0 31 * *", "2026-03-31 00:00", "2026-05-31 00:00"),
    ("0 0 29 2 *", "2026-03-01 00:00", "2028-02-29 00:00"),
    ("0 0 29 2 *", "2096-03-01 00:00", "2104-02-29 00:00"),
    ("0 12 * * 0", "2026-03-31 00:00", "2026-04-05 12:00"),
    ("0 12 * * 7", "2026-03-31 00:00", "2026-04-05 12:00"),
    ("0 12 * * 1-5", "2026-04-03 12:00", "2026-04-06 12:00"),
    ("0 12 * * 5-7", "2026-04-04 12:00", "2026-04-05 12:00"),
    ("0 12 13 * 5", "2026-04-01 00:00", "2026-04-03 12:00"),
    ("0 12 13 * 5", "2026-04-10 12:00", "2026-04-13 12:00"),
    ("0 12 */2 * 5", "2026-04-01 00:00", "2026-04-03 12:00"),
    ("0 12 */2 * 5", "2026-04-03 12:00", "2026-04-17 12:00"),
    ("  0  2\t* * *  ", "2026-03-31 01:59", "2026-03-31 02:00"),
]


@pytest.mark.parametrize(("text", "now", "expected"), NEXT)
def test_the_next_moment_is_the_first_that_fits(text: str, now: str, expected: str) -> None:
    found = Schedule.parse(text).next_after(datetime.fromisoformat(now).replace(tzinfo=UTC))

    assert found == datetime.fromisoformat(expected).replace(tzinfo=UTC)


def test_a_moment_within_its_own_minute_is_over() -> None:
    now = datetime(2026, 3, 31, 2, 0, 0, 1, UTC)

    assert Schedule.parse("0 2 * * *").next_after(now) == datetime(2026, 4, 1, 2, tzinfo=UTC)


def test_other_zones_are_understood_and_the_answer_is_in_utc() -> None:
    now = datetime(2026, 3, 31, 1, 30, tzinfo=timezone(timedelta(hours=9)))

    assert Schedule.parse("0 2 * * *").next_after(now).isoformat() == "2026-03-31T02:00:00+00:00"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0 2 * *",
        "0 0 2 * * *",
        "@daily",
        "60 * * * *",
        "* 24 * * *",
        "* * 0 * *",
        "* * 32 * *",
        "* * * 0 *",
        "* * * 13 *",
        "* * * * 8",
        "-1 * * * *",
        "5-3 * * * *",
        "*/0 * * * *",
        "5/10 * * * *",
        "1,,2 * * * *",
        "1, * * * *",
        "** * * * *",
        "*-5 * * * *",
        "1.5 * * * *",
        "001 * * * *",
        "\u0665 * * * *",
        "0 2 * * mon",
        "0 0 30 2 *",
        "0 0 31 4,6,9,11 *",
    ],
)
def test_what_is_no_schedule_or_never_comes_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"has|must|never"):
        Schedule.parse(text)


def test_the_setting_is_checked_before_anything_starts() -> None:
    with pytest.raises(ConfigurationError, match=r"GDPR_RETENTION_CRON.*must lie between 0 and 23"):
        load_settings({"GDPR_RETENTION_CRON": "0 25 * * *"})

    assert load_settings({"GDPR_RETENTION_CRON": "off"}).gdpr_retention_cron == "off"
    assert load_settings({"GDPR_RETENTION_CRON": ""}).gdpr_retention_cron == "0 2 * * *"
