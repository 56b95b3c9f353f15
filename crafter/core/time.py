"""Time as we store and send it: UTC, milliseconds."""

from datetime import UTC, datetime


def utc_now() -> datetime:
    """Now, in UTC, cut to the millisecond that MongoDB keeps (so a value equals itself after a round trip)."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


def wire_time(moment: datetime) -> str:
    """``2026-01-31T09:15:00.123Z``: how every time looks on the wire."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
