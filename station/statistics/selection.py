"""Which runs are asked about, and how a database is asked for them."""

from __future__ import annotations

from dataclasses import dataclass

from station.statistics.run import Run

COUNTED = ("incoming", "adjust", "outgoing")
"""Purposes that say something about a customer's device. Trials (`engineering`) never count; checks of the golden unit
(`verify`) have charts of their own."""


@dataclass(frozen=True, slots=True)
class Selection:
    """None: all. `since` (in it) and `until` (not in it) are UTC stamps that `ended_at` is compared with, as text.

    `simulated`: these runs alone, else the real ones alone; they are never mixed.
    """

    product: str | None = None
    plan: str | None = None
    station: str | None = None
    since: str | None = None
    until: str | None = None
    simulated: bool = False

    def holds(self, run: Run) -> bool:
        """Whether the run itself is asked about. Others of its device are read too: what is first depends on them."""
        return (
            (self.product is None or run.product == self.product)
            and (self.plan is None or run.plan == self.plan)
            and (self.station is None or run.station == self.station)
            and (self.since is None or run.ended_at >= self.since)
            and (self.until is None or run.ended_at < self.until)
        )

    def sql(self, *, stations: bool) -> tuple[str, list[str]]:
        """Conditions on the columns of a table of runs, and their values. `stations`: the table names them."""
        asked = [
            ("product = ?", self.product), ("plan = ?", self.plan), ("station = ?", self.station if stations else None),
            ("ended_at >= ?", self.since), ("ended_at < ?", self.until),
        ]  # fmt: skip
        held = [(text, value) for text, value in asked if value is not None]
        return " AND ".join(text for text, _ in held) or "1 = 1", [value for _, value in held]
