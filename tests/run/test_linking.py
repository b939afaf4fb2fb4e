"""Which earlier run is the reference, and when a return is rework."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from station.domain.clock import utc_text
from station.domain.earlier import NO_CAUSE, NO_CLOCK, NOTES, as_found, earlier_of, related
from station.domain.record import Cause, ClockStamp, Finding, Record
from station.domain.verdict import Verdict
from station.domain.work_order import EarlierRun
from station.run.linking import REWORK, conclude, refer
from tests.uplink.rig import full_record, make_draft

END = datetime(2026, 11, 22, 3, 52, 10, tzinfo=UTC)
SN, ORDER, FORMER = "A100-000451", "WO-2", "WO-1"


def record(verdict: Verdict = Verdict.PASS, purpose: str = "outgoing", **changes: object) -> Record:
    """A run of this device in work order WO-2, begun at END."""
    base = full_record()
    dut = replace(base.dut, serial_number=SN)
    made = replace(
        base, run_id="now", purpose=purpose, work_order=ORDER, dut=dut, verdict=verdict, simulated=False,  # type: ignore[arg-type]
        clock=ClockStamp("synced", 5.0, "b"), started_at=utc_text(END), ended_at=utc_text(END + timedelta(hours=2)),
        causes=(), findings=(), reference=None,
    )  # fmt: skip
    return replace(made, **changes)  # type: ignore[arg-type]


def run(
    run_id: str, purpose: str, verdict: str, days_ago: float, order: str | None = FORMER, **more: object
) -> EarlierRun:
    made = EarlierRun(run_id, purpose, verdict, utc_text(END - timedelta(days=days_ago)), "bench-03", None, order, SN)
    return replace(made, clock_quality="synced", **more)  # type: ignore[arg-type]


FOUND_THEN = run("found-then", "incoming", "FAIL", 12, areas=("bias", "output-stage"))
REPAIRED = run("repaired", "outgoing", "PASS", 10)
FOUND_NOW = run("found-now", "incoming", "FAIL", 1, ORDER, areas=("bias",))
BIAS = Finding("bias", {"zh": "偏流低", "en": "bias low"}, (), 0.9)


def test_an_outgoing_run_refers_to_the_as_found_run_of_its_work_order_also_from_another_bench() -> None:
    adjusted = run("adjusted", "adjust", "PASS", 0.5, ORDER)
    made = conclude(record(), [REPAIRED, adjusted, FOUND_NOW, FOUND_THEN]).reference
    assert made is not None
    assert (made.run_id, made.purpose, made.verdict, made.station) == ("found-now", "incoming", "FAIL", "bench-03")
    assert made.ended_at == FOUND_NOW.ended_at


def test_without_an_as_found_run_it_is_the_previous_run_of_the_serial_number() -> None:
    made = conclude(record(), [REPAIRED, FOUND_THEN]).reference
    assert made is not None and made.run_id == "repaired"


def test_a_fail_refers_to_the_run_before() -> None:
    last = run("last", "outgoing", "FAIL", 0.2, ORDER)
    failed = conclude(record(Verdict.FAIL), [FOUND_NOW, last])
    assert failed.reference is not None and failed.reference.run_id == "last"
    passed = conclude(record(), [FOUND_NOW, last])
    assert passed.reference is not None and passed.reference.run_id == "found-now"


def test_the_draft_knows_it_before_power_so_that_a_crash_keeps_it() -> None:
    draft = replace(
        make_draft(),
        purpose="outgoing",
        work_order=ORDER,
        dut=replace(make_draft().dut, serial_number=SN),
        simulated=False,
    )
    found = refer(draft, [FOUND_NOW, REPAIRED]).reference
    assert found is not None and found.run_id == "found-now"
    assert refer(draft, []) is draft


def test_the_first_incoming_run_that_judged_the_device_is_as_found() -> None:
    aborted = run("aborted", "incoming", "ABORTED", 3, ORDER)
    again = run("again", "incoming", "PASS", 0.5, ORDER)
    assert as_found([aborted, FOUND_NOW, again], ORDER) == FOUND_NOW
    assert as_found([aborted], ORDER) == aborted
    assert as_found([FOUND_THEN], ORDER) is None and as_found([FOUND_NOW], None) is None


@pytest.mark.parametrize(
    "other",
    [
        run("trial", "engineering", "PASS", 1, ORDER),
        run("golden", "verify", "PASS", 1, ORDER),
        run("sample", "incoming", "FAIL", 1, ORDER, simulated=True),
        replace(run("stranger", "incoming", "FAIL", 1, "WO-9"), serial_number="B-7"),
        run("now", "incoming", "FAIL", 1, ORDER),
    ],
    ids=["engineering", "golden unit", "simulated", "another device", "itself"],
)
def test_what_never_counts_as_an_earlier_run(other: EarlierRun) -> None:
    assert conclude(record(), [other]).reference is None
    if other.purpose == "incoming" and other.simulated:
        own = conclude(record(simulated=True), [other]).reference
        assert own is not None and own.run_id == "sample", "on the simulated bench they count among themselves"


def test_engineering_runs_refer_to_nothing() -> None:
    assert conclude(record(purpose="engineering"), [FOUND_NOW]).reference is None


@pytest.mark.parametrize("order", [None, ORDER])
def test_what_a_work_order_brought_without_a_serial_number_belongs_to_its_device(order: str | None) -> None:
    bare = replace(FOUND_NOW, serial_number=None, work_order=order)
    made = conclude(record(), [bare, replace(REPAIRED, serial_number=None)]).reference
    assert made is not None and made.run_id == "found-now"
    only = conclude(record(), [replace(REPAIRED, serial_number=None)]).reference
    assert only is not None and only.run_id == "repaired", "of another order, of the same device"


def test_a_run_that_comes_twice_counts_once() -> None:
    assert len(related([FOUND_NOW, replace(FOUND_NOW)], "now", ORDER, SN, simulated=False)) == 1


# ---- rework --------------------------------------------------------------------------------------------------
def rework(made: Record, *earlier: EarlierRun) -> tuple[bool, str | None]:
    reference = conclude(made, earlier).reference
    assert reference is not None
    return reference.rework, reference.note


def test_the_same_fault_area_within_thirty_days_is_rework() -> None:
    incoming = record(Verdict.FAIL, "incoming", findings=(BIAS,))
    assert rework(incoming, FOUND_THEN, REPAIRED) == (True, None)
    assert rework(record(), FOUND_THEN, REPAIRED, FOUND_NOW) == (True, None), "and the repair of it is rework, too"


def test_another_fault_is_no_rework() -> None:
    other = replace(BIAS, area="coupling")
    assert rework(record(Verdict.FAIL, "incoming", findings=(other,)), FOUND_THEN, REPAIRED) == (False, None)
    assert rework(record(), FOUND_THEN, REPAIRED) == (False, None), "nothing is wrong with it now"


def test_what_failed_counts_where_there_are_no_findings() -> None:
    then = run("then", "outgoing", "FAIL", 11, causes=("thd_percent (left): 0.4 %; limit at most 0.1 %",))
    same = Cause("thd", "thd_percent", "left", "thd_percent (left): 0.2 %")
    other = Cause("hum", "snr_db", "left", "snr_db (left): 80 dB")
    assert rework(record(Verdict.FAIL, causes=(same,)), then, REPAIRED) == (True, None)
    assert rework(record(Verdict.FAIL, causes=(other,)), then, REPAIRED) == (False, None)


@pytest.mark.parametrize(
    ("gap", "is_rework"),
    [(timedelta(0), True), (REWORK, True), (REWORK + timedelta(milliseconds=1), False), (timedelta(days=400), False)],
)
def test_thirty_days_run_from_the_end_of_the_repair(gap: timedelta, is_rework: bool) -> None:
    repaired = replace(REPAIRED, ended_at=utc_text(END - gap))
    found = replace(FOUND_THEN, ended_at=utc_text(END - gap - timedelta(days=1)))
    incoming = record(Verdict.FAIL, "incoming", findings=(BIAS,))
    assert rework(incoming, found, repaired) == (is_rework, None)


def test_it_is_the_day_of_the_return_that_counts_not_that_of_the_second_repair() -> None:
    back = replace(FOUND_NOW, ended_at=utc_text(END - timedelta(days=20)))
    repaired = replace(REPAIRED, ended_at=utc_text(END - timedelta(days=45)))
    found = replace(FOUND_THEN, ended_at=utc_text(END - timedelta(days=46)))
    assert rework(record(), found, repaired, back) == (True, None)


@pytest.mark.parametrize("whose", ["mine", "theirs"])
def test_a_clock_that_was_not_set_proves_no_thirty_days(whose: str) -> None:
    incoming = record(Verdict.FAIL, "incoming", findings=(BIAS,))
    repaired = REPAIRED
    if whose == "mine":
        incoming = replace(incoming, clock=ClockStamp("unsynced", None, "b"))
    else:
        repaired = replace(REPAIRED, clock_quality="unsynced")
    assert rework(incoming, FOUND_THEN, repaired) == (False, NO_CLOCK)


def test_a_repair_that_ended_after_the_return_began_proves_nothing() -> None:
    incoming = record(Verdict.FAIL, "incoming", findings=(BIAS,))
    later = replace(REPAIRED, ended_at=utc_text(END + timedelta(hours=1)))
    assert rework(incoming, FOUND_THEN, later) == (False, NO_CLOCK)


def test_a_repair_whose_fault_is_not_on_record_is_told_so() -> None:
    assert rework(record(Verdict.FAIL, "incoming", findings=(BIAS,)), REPAIRED) == (False, NO_CAUSE)


def test_two_orders_are_needed_a_second_try_of_the_same_one_is_no_return() -> None:
    first = run("first", "outgoing", "PASS", 1, ORDER)
    assert rework(record(Verdict.FAIL, findings=(BIAS,)), FOUND_NOW, first) == (False, None)


def test_every_note_has_words_in_both_languages() -> None:
    assert set(NOTES) == {NO_CLOCK, NO_CAUSE}
    assert all(zh and en for zh, en in NOTES.values())


def test_a_record_becomes_an_earlier_run_with_what_is_compared() -> None:
    made = replace(full_record(), findings=(BIAS,))
    kept = earlier_of(made)
    names = {
        f"{m.name}/{m.channel}" if m.channel else m.name
        for s in made.steps
        for m in s.measurements
        if m.value is not None
    }
    assert set(kept.measurements) == names and names
    assert kept.areas == ("bias",) and kept.curves == tuple(c for s in made.steps for c in s.curves)
    assert (kept.station, kept.verdict, kept.simulated) == (made.station, made.verdict.value, made.simulated)
