"""What a reader of `stats` must not overlook, a sentence each: what was left out, and what few or odd figures mean."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from station.statistics.results import FEW, Statistics

SAMPLE = "模拟 SAMPLE"
"""Marks everything that was made of simulated runs."""
NO_RUN = "no run of a repair to count"


def words_of(found: Statistics, left_out: Mapping[str, int], sample: bool) -> list[str]:
    """In the order of what matters."""
    return [*_about(left_out, sample), *_runs(found, left_out), *_values(found), *_returns(found)]


def _about(left_out: Mapping[str, int], sample: bool) -> Iterator[str]:
    if sample:
        yield f"{SAMPLE}: simulated runs alone; nothing here was measured on a device"
    kind = "real" if sample else "simulated"
    yield (
        f"left out: {_runs_of(left_out[kind], kind)}, {_runs_of(left_out['engineering'], 'engineering (trials)')};"
        f" {left_out['verify']} golden-unit check{'s' * (left_out['verify'] != 1)} (verify) told apart"
    )
    if left_out["unreadable"]:
        yield f"{_runs_of(left_out['unreadable'], 'unreadable')} left out: the record is none that this software knows"
    if left_out["unfilled"]:
        yield (
            f"{_runs_of(left_out['unfilled'], 'counted')} without steps and findings at the centre: stored by a"
            " collector of an older version, or unreadable when it was replaced; no step times and no areas of them"
        )


def _runs(found: Statistics, left_out: Mapping[str, int]) -> Iterator[str]:
    counts = found.counts
    if not counts.runs:
        only = left_out.get("simulated", 0)
        yield NO_RUN + ("; --simulated shows the simulated ones, marked as a sample" if only else "")
        return
    if counts.not_judged_outgoing:
        yield (
            f"{counts.not_judged_outgoing} outgoing run(s) ABORTED or ERROR judged no device and are in no yield"
            f" ({counts.not_judged_after_a_failed_value} of them after a value or step had failed)"
        )
    if counts.without_work_order:
        yield f"{counts.without_work_order} run(s) without a work order: one unit a serial number, and in no rework"
    if counts.stamps_against_run_numbers:
        yield (
            f"{counts.stamps_against_run_numbers} run(s) of a device whose stamps go against their numbers: a clock"
            " was set; at one bench the numbers decide, but which of several benches was first may be wrong"
        )
    if counts.impossible_wall_time:
        yield f"{counts.impossible_wall_time} run(s) with a wall time below nought or above a week are in no time"


def _values(found: Statistics) -> Iterator[str]:
    few = sum(one.few for one in found.capabilities)
    if found.capabilities:
        yield (
            "capability is Ppk, not Cpk: devices come one by one and over time, so there are no subgroups whose scatter"
            " a Cpk would take"
        )
    if few:
        yield f"{few} of {len(found.capabilities)} capabilities are of fewer than {FEW} values: read the interval"
    relative = sum(one.relative for one in found.capabilities)
    if relative:
        yield (
            f"{relative} capabilities are of limits that follow each device (a percentage around its own reading):"
            " their figures are percent from there"
        )
    bounds = sum(one.bounds for one in found.capabilities)
    if bounds:
        yield f"{bounds} value(s) known only as a bound are in no Ppk: what is left is the part that could be measured"
    aside = found.counts.values_with_one_allowed
    if aside:
        yield f"{aside} answer(s) and counts with one allowed value have no capability; they are in the Pareto"


def _returns(found: Statistics) -> Iterator[str]:
    young = sum(one.young for one in found.rework)
    if young:
        back = sum(one.young_returned for one in found.rework)
        yield f"{young} repair(s) younger than 30 days are in no share of reworks yet ({back} back already)"


def _runs_of(count: int, kind: str) -> str:
    return f"{count} {kind} run{'s' * (count != 1)}"
