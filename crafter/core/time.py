"""Time as we store and send it: UTC, milliseconds."""

from datetime import UTC, datetime


def utc_now() -> datetime:
    """Now, in UTC, cut to the millisecond that MongoDB keeps (so a value equals itself after a round trip)."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


def as_utc(moment: datetime) -> datetime:
    """The same moment in UTC, which is also meant where no zone is given. Raises ValueError outside the calendar."""
    try:
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except OverflowError:
        raise ValueError("must be a time between the years 1 and 9999") from None


def wire_time(moment: datetime) -> str:
    """``2026-01-31T09:15:00.123Z``: how every time looks on the wire."""
    return as_utc(moment).isoformat(timespec="milliseconds").replace("+00:00", "Z")
