"""Which finished runs are asked for: what a history and the centre's database can both be asked. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ChosenRuns:
    """None, or no `run_ids`: any. `since` and `until` (not in it) are UTC texts that a run's end is compared with."""

    serial_number: str | None = None
    work_order: str | None = None
    since: str | None = None
    until: str | None = None
    simulated: bool | None = None
    run_ids: tuple[str, ...] = ()

    def conditions(self) -> list[tuple[str, str, str | bool]]:
        """Column, comparison and value, all of which must hold; both databases name these columns alike."""
        wanted: list[tuple[str, str, str | bool | None]] = [
            ("serial_number", "=", self.serial_number),
            ("work_order", "=", self.work_order),
            ("ended_at", ">=", self.since),
            ("ended_at", "<", self.until),
            ("simulated", "=", self.simulated),
        ]
        return [(column, comparison, value) for column, comparison, value in wanted if value is not None]
