"""The end of a session: every run that was minted against what is on record and what has reached the centre.

Invariants 15 (a run cut off is never PASS), 18 (one record, once at the centre), 19 (no PASS without proof), 21 (DC
blames the DUT) and 22 (presence); see `invariants`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from station.campaign.plant import Dut
from station.domain.verdict import Verdict

if TYPE_CHECKING:
    from station.campaign.invariants import Watch
    from station.domain.record import JudgedMeasurement, Record


def check_records(watch: Watch, results: Mapping[str, int], altered: int) -> None:
    """`results`: how often the centre has stored each run's result; `altered`: messages that changed on the way."""
    world = watch.world
    for run_id in world.minted:
        records = world.records.get(run_id, [])
        if len(records) != 1 or results.get(run_id, 0) != 1:
            watch.report(18, f"run {run_id}: {len(records)} records, {results.get(run_id, 0)} at the centre")
    strangers = [run_id for run_id in results if run_id not in world.minted]
    if strangers or altered:
        watch.report(18, f"at the centre: {len(strangers)} runs that nobody began, {altered} altered messages")
    for run_id in sorted(world.cut_off - world.may_be_cut_off):
        watch.report(18, f"run {run_id} was left without a record, and neither death nor disk was the cause")
    for run_id, records in world.records.items():
        for record in records:
            if record.verdict is Verdict.PASS:
                if run_id in world.cut_off:
                    watch.report(15, "PASS for a run that was cut off")
                _check_pass(watch, record)


def _check_pass(watch: Watch, record: Record) -> None:
    dut = watch.world.history.dut
    if not dut.plugged or not dut.on:
        watch.report(22, "PASS for a device that is not there")
    elif not (dut.good or dut == replace(Dut(), settles_degc=dut.settles_degc, heat_k_s=dut.heat_k_s)):
        watch.report(19, f"PASS for a faulty device: {dut}")
    elif not dut.good and any(step.id == "soak" for step in record.steps):
        watch.report(19, f"PASS after a soak of a device that overheats: {dut}")
    if record.trips:
        watch.report(19, f"PASS with a trip: {record.trips[0].interlock}, {record.trips[0].cause}")
    for step in record.steps:
        prepared = step.use == "checklist" and any(note.startswith("confirmed") for note in step.notes)
        if not (step.measurements or prepared or step.use == "connection"):
            watch.report(19, f"PASS without a measurement in {step.id}")
        for measured in step.measurements:
            if not _is_proof(measured):
                watch.report(
                    19, f"PASS with {measured.name} = {measured.value}, limits {measured.low} to {measured.high}"
                )


def _is_proof(measured: JudgedMeasurement) -> bool:
    """Finite, limited and within. NaN compares false."""
    if measured.verdict is Verdict.NOT_APPLICABLE:
        return True
    low, high, value = measured.low, measured.high, measured.value
    if value is None or (low is None and high is None):
        return False
    return (low is None or value >= low) and (high is None or value <= high)
