"""Which rows of the outbox may go out now: at most 20 in flight, repeats after back-off. Pure; time is handed in.

A row is *in flight* from its PUBLISH to its receipt or its time-out. A row that failed while one sent after it was
receipted *rests* on its own, so that one message that the centre cannot digest never blocks the others. Any other
failure is the centre's silence: the whole drain pauses, no row for itself, and then tries again with the oldest row,
after the next silence with the two oldest, and so on. A centre that is away is not flooded, and hears the oldest first.
"""

from __future__ import annotations

from dataclasses import dataclass

from station.mqtt.keeper import Backoff

RESTS_MAX = 1000
"""From so many on, rows whose rest is over are forgotten: how long they rested before, not that they wait."""


@dataclass(frozen=True, slots=True)
class WindowLimits:
    """contracts/mqtt.md, Delivery 3 and 4."""

    in_flight: int = 20
    receipt_timeout_s: float = 10.0


@dataclass(slots=True)
class _Flight:
    mid: int
    sent_at: float
    number: int


@dataclass(slots=True)
class _Rest:
    until: float
    failures: int


class Window:
    """Keeps account of the rows under way. All times are seconds of one monotonic clock."""

    def __init__(self, limits: WindowLimits, backoff: Backoff) -> None:
        self._limits = limits
        self._backoff = backoff
        self._flights: dict[int, _Flight] = {}
        self._rests: dict[int, _Rest] = {}
        self._sent = 0
        self._receipted = 0
        """Of the rows sent, the last one that was receipted in flight."""
        self._silences = 0
        self._paused_until = float("-inf")
        self._first: int | None = None

    @property
    def in_flight(self) -> int:
        """Rows sent and not receipted."""
        return len(self._flights)

    @property
    def calm(self) -> bool:
        """Whether no row failed of late: then rows go out in the order of the store, and receipts alone make room."""
        return not (self._rests or self._silences)

    def room(self, now: float) -> int:
        """How many rows may be sent now."""
        if now < self._paused_until:
            return 0
        limit = min(self._silences or self._limits.in_flight, self._limits.in_flight)
        return max(0, limit - len(self._flights))

    def skip(self, now: float) -> set[int]:
        """Rows that are not due: in flight or resting."""
        return set(self._flights) | {seq for seq, rest in self._rests.items() if rest.until > now}

    def sent(self, seq: int, mid: int, now: float) -> None:
        """A row went out."""
        if not self._flights:
            self._first = seq
        self._sent += 1
        self._flights[seq] = _Flight(mid, now, self._sent)

    def receipted(self, seq: int) -> None:
        """A row was settled by a verified receipt."""
        if self._silences > self._limits.in_flight:
            self._rests.clear()  # they rested from the silence that ends here
        flight = self._flights.pop(seq, None)
        if flight is not None:
            self._receipted = max(self._receipted, flight.number)
        self._rests.pop(seq, None)
        self._silences = 0
        self._paused_until = float("-inf")

    def refused(self, mid: int, now: float) -> None:
        """The broker acknowledged with a reason that says that nobody has the message."""
        for seq, flight in list(self._flights.items()):
            if flight.mid == mid:
                self._fail(seq, now)

    def expire(self, now: float) -> None:
        """Rows whose receipt did not come in time."""
        for seq, flight in list(self._flights.items()):
            if now - flight.sent_at >= self._limits.receipt_timeout_s:
                self._fail(seq, now)

    def link_lost(self) -> None:
        """What was in flight may or may not have arrived: it is due again (the link has its own back-off)."""
        self._flights.clear()

    def next_change_at(self, now: float) -> float | None:
        """When to look again if nothing else happens, or None."""
        times = [flight.sent_at + self._limits.receipt_timeout_s for flight in self._flights.values()]
        times += [rest.until for rest in self._rests.values() if rest.until > now]
        if self._paused_until > now:
            times.append(self._paused_until)
        return min(times, default=None)

    def _fail(self, seq: int, now: float) -> None:
        flight, first = self._flights.pop(seq), self._first
        silent = self._receipted < flight.number
        if silent and now >= self._paused_until:
            self._paused_until = now + self._backoff.wait_s(self._silences)
            self._silences += 1
        # a window full of rows that nobody digests must not block the rest for ever, yet the oldest stays the first
        if not silent or (self._silences > self._limits.in_flight and seq != first):
            failures = self._rests[seq].failures + 1 if seq in self._rests else 1
            if len(self._rests) >= RESTS_MAX:
                self._rests = {one: rest for one, rest in self._rests.items() if rest.until > now}
            self._rests[seq] = _Rest(now + self._backoff.wait_s(failures - 1), failures)
