"""A run and the runs before it, through the real runner and store: reference, rework, and what comes back later."""

from __future__ import annotations

from dataclasses import replace

from station.domain.work_order import EarlierRun
from station.run.linking import refer
from tests.run.run_rig import Made, RunRig, good, play
from tests.uplink.rig import TS, make_draft

FOUND = EarlierRun("found", "incoming", "FAIL", "2026-11-21T08:00:00.000Z", "bench-03", None, "WO-2", "SN-1",
                   ("a_v: 9 V; limit at most 2",), ("bias",), {"a_v": 9.0}, clock_quality="synced")  # fmt: skip
REPAIRED = replace(FOUND, run_id="repaired", purpose="outgoing", verdict="PASS", work_order="WO-1", areas=(), causes=(),
                   ended_at="2026-11-10T08:00:00.000Z")  # fmt: skip
FOUND_THEN = replace(FOUND, run_id="found-then", work_order="WO-1", ended_at="2026-11-09T08:00:00.000Z")


def prepare(rig: RunRig, *history: EarlierRun) -> None:
    draft = make_draft()
    clock = replace(draft.clock, quality="synced")
    rig.draft = replace(draft, purpose="outgoing", work_order="WO-2", dut=replace(draft.dut, serial_number="SN-1"),
                        simulated=False, history=history, clock=clock, started_at=TS)  # fmt: skip


def test_a_pass_refers_to_the_run_as_found_and_says_that_it_is_rework() -> None:
    async def scene(rig: RunRig) -> None:
        prepare(rig, FOUND_THEN, REPAIRED, FOUND)
        rig.earlier = await rig.store.earlier_runs(rig.draft)
        rig.draft = refer(rig.draft, rig.earlier)
        record = await rig.run(Made(good()))
        assert record.reference is not None and (record.reference.run_id, record.reference.rework) == ("found", True)
        assert rig.stored() == record, "as committed"

    play(scene)


def test_a_fail_refers_to_the_run_before_and_the_next_run_knows_this_one() -> None:
    async def scene(rig: RunRig) -> None:
        last = replace(FOUND, run_id="last", purpose="outgoing", ended_at="2026-11-21T20:00:00.000Z")
        prepare(rig, FOUND, last)
        rig.earlier = await rig.store.earlier_runs(rig.draft)
        record = await rig.run(Made(good(value=9.0)))
        assert record.reference is not None and record.reference.run_id == "last"
        known = await rig.store.earlier_runs(replace(make_draft(), dut=rig.draft.dut, work_order="WO-3"))
        assert {run.run_id for run in known} == {record.run_id, "found", "last"}
        own = next(run for run in known if run.run_id == record.run_id)
        assert own.measurements == {"a_v": 9.0} and own.verdict == "FAIL"

    play(scene)


def test_a_run_of_an_unknown_device_refers_to_nothing() -> None:
    async def scene(rig: RunRig) -> None:
        prepare(rig)
        rig.earlier = await rig.store.earlier_runs(rig.draft)
        assert (await rig.run(Made(good()))).reference is None

    play(scene)
