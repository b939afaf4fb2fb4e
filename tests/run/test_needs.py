"""What earlier runs say: the purpose of a typed work order, and whether a PASS stands that another plan waits for."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from station.domain.plan import NeedsPass
from station.domain.record import Reference
from station.domain.work_order import EarlierRun
from station.run.needs import NotProven, find_pass, next_purpose, with_proof
from tests.uplink.rig import make_draft

NEEDS = NeedsPass("outgoing-bench-amplifier", 24.0)
NOON = datetime.fromisoformat("2026-11-22T12:00:00Z").timestamp()
HOUR = 3600.0


def run(
    verdict: str = "PASS", ended_at: str = "2026-11-22T03:00:00.000Z", purpose: str = "outgoing", run_id: str = "r1",
    plan: str | None = "outgoing-bench-amplifier", work_order: str | None = "WO-7", serial: str | None = "A100-1",
    clock: str | None = "synced",
) -> EarlierRun:  # fmt: skip
    return EarlierRun(
        run_id, purpose, verdict, ended_at, "bench-02", plan, work_order, serial, clock_quality=clock
    )  # fmt: skip


def found(*runs: EarlierRun, utc_s: float | None = NOON, serial: str = "A100-1") -> EarlierRun | NotProven:
    return find_pass(NEEDS, "WO-7", serial, runs, utc_s)


@pytest.mark.parametrize(
    ("runs", "purpose"),
    [
        ((), "outgoing"),
        ((run("FAIL", purpose="incoming"),), "outgoing"),
        ((run("ABORTED", purpose="incoming"),), "incoming"),
        ((run("ERROR", purpose="incoming"),), "incoming"),
        ((run("FAIL", purpose="adjust"),), "adjust"),
        ((run("PASS", purpose="adjust"),), "outgoing"),
        ((run("FAIL"),), "outgoing"),
        ((run("ABORTED"),), "outgoing"),
        ((run("ABORTED", purpose="engineering"),), "outgoing"),
        ((run("ERROR", purpose="verify"),), "outgoing"),
    ],
)  # fmt: skip
def test_a_typed_order_stands_where_its_last_run_left_it(runs: tuple[EarlierRun, ...], purpose: str) -> None:
    assert next_purpose(runs) == purpose


def test_the_last_run_is_the_one_that_ended_last_whatever_the_order_they_are_told_in() -> None:
    early = run("ABORTED", "2026-11-20T01:00:00Z", "incoming")
    late = run("FAIL", "2026-11-20T02:00:00.500Z", "incoming")
    assert next_purpose((late, early)) == next_purpose((early, late)) == "outgoing"


def test_a_pass_of_that_plan_order_and_device_within_a_day_is_found() -> None:
    earlier, later = run(run_id="r1", ended_at="2026-11-21T13:00:00Z"), run(run_id="r2")
    assert found(later, earlier) == later
    assert found(earlier) == earlier


@pytest.mark.parametrize(
    "other",
    [
        run(plan="outgoing-amplifier"),
        run(plan="outgoing-bench-amplifier/thd"),
        run(plan=None),
        run(work_order="WO-8"),
        run(work_order=None),
        run(serial="A100-2"),
        run(serial=None),
        run(purpose="engineering"),
        run("FAIL"),
        run("ABORTED"),
    ],
)
def test_what_does_not_say_that_it_is_this_proves_nothing(other: EarlierRun) -> None:
    assert found(other) == NotProven("pass_missing")


def test_a_pass_lasts_as_long_as_the_plan_says_and_not_a_minute_longer() -> None:
    ended = datetime.fromisoformat(run().ended_at).timestamp()
    assert found(run(), utc_s=ended + 24 * HOUR) == run()
    assert found(run(), utc_s=ended + 24 * HOUR + 1) == NotProven("pass_old", run())


@pytest.mark.parametrize("utc_s", [None, NOON - 48 * HOUR])
def test_without_a_clock_that_can_be_right_nothing_is_within_a_day(utc_s: float | None) -> None:
    assert found(run(), utc_s=utc_s) == NotProven("pass_clock", run())


@pytest.mark.parametrize("clock", ["holdover", None])
def test_a_run_whose_own_stamp_was_not_known_to_be_wrong_counts(clock: str | None) -> None:
    assert found(run(clock=clock)) == run(clock=clock)


@pytest.mark.parametrize("bad", [run(clock="unsynced"), run(ended_at="yesterday")])
def test_a_run_that_was_stamped_by_nobody_proves_no_age(bad: EarlierRun) -> None:
    assert found(bad) == NotProven("pass_clock", bad)


@pytest.mark.parametrize(
    "later",
    [
        run("FAIL", "2026-11-22T04:00:00Z", run_id="r2"),
        run("FAIL", "2026-11-22T04:00:00Z", plan="outgoing-amplifier", run_id="r2"),
        run("PASS", "2026-11-22T04:00:00Z", "adjust", run_id="r2"),
        run("ABORTED", "2026-11-22T04:00:00Z", "adjust", run_id="r2"),
        run("FAIL", "2026-11-22T04:00:00Z", "incoming", run_id="r2"),
        run("FAIL", "2026-11-22T04:00:00Z", "engineering", run_id="r2"),
        replace(run("ABORTED", "2026-11-22T04:00:00Z", run_id="r2"), failed=True),
        replace(run("ERROR", "2026-11-22T04:00:00Z", "engineering", run_id="r2"), failed=True),
    ],
)
def test_a_later_fail_or_adjustment_takes_the_pass_back(later: EarlierRun) -> None:
    assert found(run(), later) == NotProven("pass_taken_back", run())


@pytest.mark.parametrize("verdict", ["ABORTED", "ERROR"])
def test_a_later_run_that_says_nothing_about_the_device_takes_nothing_back(verdict: str) -> None:
    assert found(run(), run(verdict, "2026-11-22T04:00:00Z", run_id="r2")) == run()


def test_a_simulated_pass_proves_something_on_a_simulated_bench_alone() -> None:
    sample = replace(run(), simulated=True)
    assert found(sample) == NotProven("pass_missing")
    assert find_pass(NEEDS, "WO-7", "A100-1", (sample,), NOON, simulated=True) == sample
    later_sample = replace(run("FAIL", "2026-11-22T04:00:00Z", run_id="r2"), simulated=True)
    assert found(run(), later_sample) == run(), "nor does it take a real one back"


def test_what_nobody_signed_proves_nothing_and_takes_back_all_the_same() -> None:
    assert found(replace(run(), unsigned=True)) == NotProven("pass_missing")
    assert found(run(), replace(run(), unsigned=True)) == run()
    told = replace(run("FAIL", "2026-11-22T04:00:00Z", run_id="r2"), unsigned=True)
    assert found(run(), told) == NotProven("pass_taken_back", run())


def test_a_run_that_is_known_twice_counts_once() -> None:
    assert found(run(), run()) == run()


def test_the_proof_is_the_reference_and_what_was_found_of_a_return_is_kept() -> None:
    proof, draft = Reference("r1", "outgoing", "PASS", "bench-02", "2026-11-22T03:00:00Z"), make_draft()
    assert with_proof(draft, None) is draft
    assert with_proof(draft, proof).reference == proof
    came_back = replace(draft, reference=Reference("r0", "incoming", rework=True, note="n"))
    assert with_proof(came_back, proof).reference == replace(proof, rework=True, note="n")
