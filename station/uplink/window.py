"""Which rows of the outbox may go out now: at most 20 in flight, repeats after back-off. Pure; time is handed in.

A row is *in flight* from its PUBLISH to its receipt or its time-out. A row that failed while one sent after it was
receipted *rests* on its own. Any other failure is the centre's silence: the whole drain pauses, no row for itself, and
then tries again with the oldest row, after the next silence with the two oldest, and so on. A centre that is away is
not flooded, and hears the oldest first.

Rows that nobody digests never hold up the rest. What is silent for long (`LONG_SILENCE`) may be a heap of them: then
three quarters of the tries go to rows that have not failed in this silence. A receipt ends the silence, and what failed
in it is due at once; what fails then once more is the row's own fault, is no silence, and takes a quarter of the window
at most, however many there are of it.
"""

from __future__ import annotations

from dataclasses import dataclass

from station.mqtt.keeper import Backoff

LONG_SILENCE = 12
"""Tries in a row that nobody answered: some seven minutes."""
SHARE = 4
"""Rows that failed before take one in so many."""
LINKS_LOST = 3
"""A row that was in flight when so many links in a row were lost may be why."""
RESTS_MAX = 2000
"""Rows whose failures are remembered; beyond it the ones that are due first are forgotten, which only repeats them."""
_AT_ONCE, _NEXT_LINK = float("-inf"), float("inf")


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
        self._unheard: dict[int, None] = {}
        """Rows that failed in the present silence and never before, the one that failed last at the end."""
        self._links_lost: dict[int, int] = {}
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
        """Whether no row rests: then rows go out in the order of the store, and receipts alone make room."""
        return not self._silences and all(rest.until == _AT_ONCE for rest in self._rests.values())

    def room(self, now: float) -> int:
        """How many rows may be sent now."""
        return 0 if now < self._paused_until else max(0, self._limit() - len(self._flights))

    def skip(self, now: float) -> set[int]:
        """Rows that are not due: in flight, resting, or beyond the share of those that failed."""
        share = max(1, self._limit() // SHARE)
        skip = set(self._flights) | {seq for seq, rest in self._rests.items() if rest.until > now}
        failed = {seq: rest.until for seq, rest in self._rests.items() if rest.failures > 1}
        due = sorted(failed.keys() - skip, key=failed.__getitem__)
        skip.update(due[max(0, share - len(failed.keys() & self._flights.keys())) :])
        if self._silences >= LONG_SILENCE:
            again = [seq for seq in self._unheard if seq != self._first and seq not in self._flights]
            skip.update(again[max(0, share - 1 - len(self._unheard.keys() & self._flights.keys())) :])
        return skip

    def sent(self, seq: int, mid: int, now: float) -> None:
        """A row went out."""
        if not self._flights:
            self._first = seq
        self._sent += 1
        self._flights[seq] = _Flight(mid, now, self._sent)

    def flies(self, mid: int) -> bool:
        """Whether the broker's answer to this PUBLISH is to a row in flight."""
        return any(flight.mid == mid for flight in self._flights.values())

    def receipted(self, seq: int) -> None:
        """A row was settled by a verified receipt."""
        flight = self._flights.get(seq)
        if flight is not None:
            self._receipted = max(self._receipted, flight.number)
        self.forget(seq)
        for one in self._unheard:
            self._rest(one, _AT_ONCE, 1)
        self._unheard.clear()
        self._silences = 0
        self._paused_until = float("-inf")

    def forget(self, seq: int) -> None:
        """A row waits no more."""
        for kept in (self._flights, self._unheard, self._rests, self._links_lost):
            kept.pop(seq, None)

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

    def link_lost(self, *, by_broker: bool = False) -> int | None:
        """What was in flight may or may not have arrived: it is due again (the link has its own back-off).

        `by_broker`: it ended by itself. The row that is returned was in flight too often then; it rests in the next
        link so that the others go on.
        """
        suspect = None
        if by_broker:
            lost = {seq: self._links_lost.get(seq, 0) + 1 for seq in self._flights}
            self._links_lost = lost | {seq: n for seq, n in self._links_lost.items() if n >= LINKS_LOST}
            suspect = next((seq for seq, times in lost.items() if times >= LINKS_LOST), None)
        if suspect is not None:
            self._rest(suspect, _NEXT_LINK, 1 + max(1, self._failures(suspect)))
        self._flights.clear()
        return suspect

    def link_stands(self, now: float) -> None:
        """What the last link was lost by waits until the others had time to go."""
        for rest in self._rests.values():
            if rest.until == _NEXT_LINK:
                rest.until = now + self._limits.receipt_timeout_s + self._backoff.wait_s(rest.failures - 1)

    def next_change_at(self, now: float) -> float | None:
        """When to look again if nothing else happens, or None."""
        times = [flight.sent_at + self._limits.receipt_timeout_s for flight in self._flights.values()]
        times += [rest.until for rest in self._rests.values() if rest.until > now]
        if self._paused_until > now:
            times.append(self._paused_until)
        return min(times, default=None)

    def _limit(self) -> int:
        most = self._limits.in_flight
        return min(self._silences, most) if 0 < self._silences < LONG_SILENCE else most

    def _failures(self, seq: int) -> int:
        return self._rests[seq].failures if seq in self._rests else 0

    def _fail(self, seq: int, now: float) -> None:
        flight, failures = self._flights.pop(seq), self._failures(seq)
        self._links_lost.pop(seq, None)
        silent = self._receipted < flight.number and (self._silences > 0 or not failures)
        if silent and now >= self._paused_until:
            self._paused_until = now + self._backoff.wait_s(self._silences)
            self._silences += 1
        if silent and not failures:
            self._unheard.pop(seq, None)
            if len(self._unheard) >= RESTS_MAX:
                self._unheard.clear()
            self._unheard[seq] = None
        else:
            self._rest(seq, now + self._backoff.wait_s(failures), failures + 1)

    def _rest(self, seq: int, until: float, failures: int) -> None:
        if len(self._rests) >= RESTS_MAX and seq not in self._rests:
            del self._rests[min(self._rests, key=lambda one: self._rests[one].until)]
        self._rests[seq] = _Rest(until, failures)
