"""A day of an option (`--since 2026-01-31`) as the moment that records are compared with."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo

from station.domain.clock import utc_text
from station.domain.errors import SettingsError


def begin_of(option: str, day: str, zone: tzinfo, days_later: int = 0) -> str:
    """The day's first moment in `zone`, or that of one `days_later`, as records write it. Raises `SettingsError`."""
    try:
        return first_moment(date.fromisoformat(day) + timedelta(days=days_later), zone)
    except (ValueError, OverflowError) as error:
        raise SettingsError(f"{option} {day}: no day; write it as 2026-01-31") from error


def first_moment(day: date, zone: tzinfo) -> str:
    """A day's first moment in `zone`, as records write it."""
    return utc_text(datetime.combine(day, time(), zone).astimezone(UTC))


def span_of(since: str | None, until: str | None, zone: tzinfo) -> tuple[str | None, str | None]:
    """From the first moment of `--since` to the one after `--until`; None: no bound. Raises `SettingsError`."""
    begins = None if since is None else begin_of("--since", since, zone)
    ends = None if until is None else begin_of("--until", until, zone, 1)
    if begins is not None and ends is not None and begins >= ends:
        raise SettingsError(f"--since {since} is after --until {until}: the last day lies before the first")
    return begins, ends
