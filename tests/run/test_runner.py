"""The runner, whole: real kernel and guard core in virtual time, real journal; every way in which a run can end."""

from __future__ import annotations

import asyncio
import math

import pytest

from drivers.errors import PermitDenied
from station.domain.errors import StoreError
from station.domain.events import Event
from station.domain.journal import close_as_aborted
from station.domain.limit import Limit
from station.domain.measurement import Curve, Measurement
from station.domain.plan import Needs, OnFail
from station.domain.record import Record
from station.domain.verdict import Verdict
from station.steps.step import StepContext
from tests.run.run_rig import LIMIT, Made, Measure, RunRig, good, play
from tests.uplink.rig import TS

V = Verdict


async def energise(context: StepContext, params: object) -> None:
    """Mains on, one good value."""
    await context.bench.mains.on(30.0)
    context.record(Measurement("a_v", 1.5))


async def stay_on(context: StepContext, params: object) -> None:
    """Mains on and a good value, then nothing for a long time."""
    await energise(context, params)
    await asyncio.sleep(20.0)


def texts(record: Record) -> str:
    return "; ".join(cause.text for cause in record.causes)


def verdicts(record: Record) -> list[Verdict]:
    return [step.verdict for step in record.steps]


# ---- the journal ---------------------------------------------------------------------------------------------
def test_a_run_costs_one_commit_a_step_and_two_more() -> None:
    async def scene(rig: RunRig) -> None:
        record = await rig.run(Made(good()), Made(energise, needs=Needs.MAINS), Made(good()))
        assert record.verdict is V.PASS and record.causes == ()
        assert rig.store.commits_by_kind == {"begin_run": 1, "step": 3, "finish_run": 1}
        assert rig.stored() == record
        assert [row.suffix for row in await rig.store.due(9)] == ["event", "event", "result"]

    play(scene)


def test_the_run_is_committed_before_power_and_each_step_before_the_next_begins() -> None:
    async def scene(rig: RunRig) -> None:
        async def look(context: StepContext, params: object) -> None:
            (open_run,) = await rig.store.unfinished()
            assert open_run.draft.run_id == rig.draft.run_id and not rig.energised
            assert [step.id for step in open_run.steps] == ["step0"]
            assert [planned.id for planned in open_run.draft.planned] == ["step0", "step1"]
            await energise(context, params)

        assert (await rig.run(Made(good()), Made(look, needs=Needs.MAINS))).verdict is V.PASS

    play(scene)


def test_a_full_disk_before_the_run_gives_no_run_and_no_power() -> None:
    async def scene(rig: RunRig) -> None:
        rig.fill_the_disk()
        with pytest.raises(StoreError, match="the disk is full"):
            await rig.run(Made(energise, needs=Needs.MAINS))
        assert rig.bench.guard.k_times == [] and rig.events == []

    play(scene)


@pytest.mark.parametrize(("moment", "kept"), [("in step0", 0), ("in step1", 1), ("after step1", 2)])
def test_a_result_that_cannot_be_stored_is_shown_to_nobody_and_the_run_is_closed_later(moment: str, kept: int) -> None:
    async def scene(rig: RunRig) -> None:
        def full(name: str) -> Measure:
            async def measure(context: StepContext, params: object) -> None:
                await energise(context, params) if name == "step0" else context.record(Measurement("a_v", 1.5))
                if moment == f"in {name}":
                    rig.fill_the_disk()

            return measure

        def watch(event: Event) -> None:
            rig.events.append(event)
            if moment == "after step1" and (event.kind, event.data.get("step")) == ("step_ended", "step1"):
                rig.fill_the_disk()

        rig.watcher = watch
        with pytest.raises(StoreError, match="the disk is full"):
            await rig.run(Made(full("step0"), needs=Needs.MAINS), Made(full("step1")))
        assert not rig.energised, "the bench is made safe all the same"
        assert not any(event.kind == "run_ended" for event in rig.events)
        rig.make_room()
        (cut_off,) = await rig.store.unfinished()
        assert [step.id for step in cut_off.steps] == ["step0", "step1"][:kept]
        record = close_as_aborted(cut_off, TS)
        assert record.verdict is V.ABORTED
        await rig.store.finish_run(record)
        assert rig.stored() == record and await rig.store.unfinished() == []

    play(scene)


# ---- what a step may do wrong --------------------------------------------------------------------------------
def test_a_step_that_breaks_is_an_error_with_mains_off_and_the_rest_skipped() -> None:
    async def scene(rig: RunRig) -> None:
        async def breaks(context: StepContext, params: object) -> None:
            await energise(context, params)
            raise ZeroDivisionError("a bug")

        record = await rig.run(Made(breaks, needs=Needs.MAINS), Made(good()))
        assert (record.verdict, verdicts(record)) == (V.ERROR, [V.ERROR, V.SKIPPED])
        assert "a bug" in texts(record) and rig.stored() == record

    play(scene)


def test_a_step_that_is_cancelled_from_within_is_an_error_though_it_measured_everything() -> None:
    async def scene(rig: RunRig) -> None:
        async def cancelled(context: StepContext, params: object) -> None:
            context.record(Measurement("a_v", 1.5))
            raise asyncio.CancelledError

        record = await rig.run(Made(cancelled))
        assert record.verdict is V.ERROR and "cancelled from within" in texts(record)

    play(scene)


@pytest.mark.parametrize("value", [None, math.nan, math.inf, -math.inf])
def test_nan_infinity_and_no_value_are_errors_on_record(value: float | None) -> None:
    async def scene(rig: RunRig) -> None:
        record = await rig.run(Made(good(value=value)), Made(good()))
        assert (record.verdict, verdicts(record)) == (V.ERROR, [V.ERROR, V.PASS])
        assert rig.stored() == record and record.steps[0].measurements[0].value is None

    play(scene)


def test_a_missing_limit_and_a_nan_reference_are_errors_on_record() -> None:
    async def scene(rig: RunRig) -> None:
        async def relative(context: StepContext, params: object) -> None:
            context.record(Measurement("a_v", 1.5, reference=math.nan))

        record = await rig.run(Made(good(), limit=None), Made(relative, limit=Limit("s", relative_percent=5.0)))
        assert verdicts(record) == [V.ERROR, V.ERROR] and rig.stored() == record
        assert "no limit to judge it by" in record.causes[0].text

    play(scene)


def test_a_curve_with_nan_is_an_error_and_does_not_keep_the_record_from_the_journal() -> None:
    async def scene(rig: RunRig) -> None:
        async def bent(context: StepContext, params: object) -> None:
            context.record(Measurement("a_v", 1.5))
            context.curve(Curve("response", "frequency", "Hz", "level", "dB", (20.0, 30.0), (0.0, math.nan)))

        record = await rig.run(Made(bent))
        assert record.verdict is V.ERROR and "not finite" in texts(record) and rig.stored() == record

    play(scene)


def test_a_step_that_records_nothing_and_a_plan_that_demands_nothing_are_errors() -> None:
    async def scene(rig: RunRig) -> None:
        async def nothing(context: StepContext, params: object) -> None:
            context.note("all is well")

        assert (await rig.run(Made(nothing))).verdict is V.ERROR

    async def empty(rig: RunRig) -> None:
        record = await rig.run(Made(good(), requires=()))
        assert record.verdict is V.ERROR and "proves nothing" in texts(record)

    play(scene)
    play(empty)


def test_a_second_try_of_a_measurement_cannot_clear_an_error() -> None:
    async def scene(rig: RunRig) -> None:
        async def again(context: StepContext, params: object) -> None:
            context.record(Measurement("a_v", math.nan))
            try:
                context.record(Measurement("a_v", 1.5))
            except Exception:
                context.note("the step looked away")

        record = await rig.run(Made(again), Made(good()))
        assert record.verdict is V.ERROR and verdicts(record) == [V.ERROR, V.PASS]

    play(scene)


def test_a_step_that_is_left_out_bars_pass_and_is_on_record() -> None:
    async def scene(rig: RunRig) -> None:
        record = await rig.run(
            Made(good(value=9.0), on_fail=OnFail.NO_MAINS), Made(energise, needs=Needs.MAINS),
            Made(good(), only_after_pass=True), Made(good()),
        )  # fmt: skip
        assert (record.verdict, verdicts(record)) == (V.FAIL, [V.FAIL, V.SKIPPED, V.SKIPPED, V.PASS])
        assert record.steps[1].attempt == 0 and rig.bench.guard.k_times == []

    play(scene)


def test_a_prompt_that_nobody_answers_is_no_ok() -> None:
    async def scene(rig: RunRig) -> None:
        async def asks(context: StepContext, params: object) -> None:
            context.record(Measurement("a_v", 1.5))
            await context.ask({"en": "is it on?"})

        rig.answer = False
        assert (await rig.run(Made(asks))).verdict is V.ERROR

    play(scene)


def test_no_time_out_ends_a_long_step() -> None:
    async def scene(rig: RunRig) -> None:
        async def long(context: StepContext, params: object) -> None:
            await asyncio.sleep(200.0)
            context.record(Measurement("a_v", 1.5))

        record = await rig.run(Made(long))
        assert record.verdict is V.PASS

    play(scene)


# ---- what comes sideways -------------------------------------------------------------------------------------
def test_a_monitor_that_dies_in_a_run_is_an_error_with_power_off() -> None:
    async def scene(rig: RunRig) -> None:
        async def unwatched(context: StepContext, params: object) -> None:
            await energise(context, params)
            rig.bench.sensors["temperature"].broken = True
            await asyncio.sleep(10.0)

        record = await rig.run(Made(unwatched, needs=Needs.MAINS), Made(good()))
        assert (record.verdict, verdicts(record)) == (V.ERROR, [V.ERROR, V.SKIPPED])
        assert record.trips[0].cause == "DEAD temperature" and record.steps[0].measurements[0].verdict is V.PASS

    play(scene)


def test_a_sensor_that_falls_silent_in_a_run_is_an_error() -> None:
    async def scene(rig: RunRig) -> None:
        async def unwatched(context: StepContext, params: object) -> None:
            await energise(context, params)
            rig.bench.sensors["mains"].dead = True
            await asyncio.sleep(10.0)

        record = await rig.run(Made(unwatched, needs=Needs.MAINS))
        assert record.verdict is V.ERROR and record.trips[0].interlock == "power"

    play(scene)


def test_a_step_that_swallows_the_lost_permit_still_cannot_pass() -> None:
    async def scene(rig: RunRig) -> None:
        async def swallows(context: StepContext, params: object) -> None:
            await energise(context, params)
            rig.bench.kernel.stop()
            try:
                await context.bench.mains.on(10.0)
            except PermitDenied:
                context.note("never mind")

        record = await rig.run(Made(swallows, needs=Needs.MAINS), Made(good()))
        assert (record.verdict, verdicts(record)) == (V.ABORTED, [V.ABORTED, V.SKIPPED])
        assert record.trips[0].interlock == "stop" and record.steps[0].measurements[0].verdict is V.PASS

    play(scene)


def test_a_trip_that_blames_the_dut_is_a_fail_with_its_measurement_as_cause() -> None:
    async def scene(rig: RunRig) -> None:
        async def hot(context: StepContext, params: object) -> None:
            await energise(context, params)
            rig.bench.degc["heatsink_degc"] = 120.0
            await asyncio.sleep(10.0)

        record = await rig.run(Made(hot, needs=Needs.MAINS))
        assert record.verdict is V.FAIL and record.causes[0].measurement == "heatsink_degc"
        assert record.trips[0].blames == "dut"

    play(scene)


def test_a_trip_after_the_last_step_still_bars_pass() -> None:
    async def scene(rig: RunRig) -> None:
        def trip_on_the_last_word(event: Event) -> None:
            if event.kind == "step_ended":
                rig.bench.kernel.stop()

        rig.watcher = trip_on_the_last_word
        record = await rig.run(Made(energise, needs=Needs.MAINS))
        assert record.verdict is V.ABORTED and verdicts(record) == [V.PASS]

    play(scene)


def test_a_watcher_that_raises_changes_nothing() -> None:
    async def scene(rig: RunRig) -> None:
        def raises(event: Event) -> None:
            raise RuntimeError("the page is broken")

        rig.watcher = raises
        record = await rig.run(Made(energise, needs=Needs.MAINS), Made(good()))
        assert record.verdict is V.PASS and rig.stored() == record
        assert [row.suffix for row in await rig.store.due(9)] == ["event", "event", "result"]

    play(scene)


# ---- who wants it to end -------------------------------------------------------------------------------------
def test_an_abort_before_the_run_has_begun_is_not_lost() -> None:
    async def scene(rig: RunRig) -> None:
        running = rig.start(Made(energise, needs=Needs.MAINS))
        rig.runner.abort("the station was stopped")
        record = await running
        assert (record.verdict, verdicts(record)) == (V.ABORTED, [V.SKIPPED])
        assert rig.bench.guard.k_times == [] and rig.stored() == record

    play(scene)


def test_an_abort_during_the_last_step_s_last_word_counts() -> None:
    async def scene(rig: RunRig) -> None:
        def abort(event: Event) -> None:
            if event.kind == "step_ended":
                rig.runner.abort("the centre took it back")

        rig.watcher = abort
        record = await rig.run(Made(good()))
        assert record.verdict is V.ABORTED and "took it back" in texts(record)

    play(scene)


@pytest.mark.parametrize("after_s", [0.0, 0.05, 0.3, 0.9, 1.2, 3.0])
def test_an_abort_at_any_time_switches_off_and_nothing_comes_back(after_s: float) -> None:
    async def scene(rig: RunRig) -> None:
        running = asyncio.ensure_future(rig.start(Made(stay_on, needs=Needs.MAINS)))
        while not any(event.kind == "step_started" for event in rig.events):  # noqa: ASYNC110 (virtual time)
            await asyncio.sleep(0.01)
        await asyncio.sleep(after_s)
        rig.runner.abort("a person's wish")
        record = await running
        assert record.verdict is V.ABORTED and not rig.energised
        changes = list(rig.bench.guard.k_times)
        await asyncio.sleep(5.0)
        assert rig.bench.guard.k_times == changes, "nothing re-energises by itself"

    play(scene)


def test_a_step_that_does_not_end_when_told_to_keeps_the_run_open_and_the_bench_dead() -> None:
    async def scene(rig: RunRig) -> None:
        stubborn = asyncio.Event()

        async def ignores(context: StepContext, params: object) -> None:
            await energise(context, params)
            while not stubborn.is_set():
                try:
                    await stubborn.wait()
                except asyncio.CancelledError:
                    context.note("told to end")

        running = asyncio.ensure_future(rig.start(Made(ignores, needs=Needs.MAINS), Made(good())))
        while not rig.energised:  # noqa: ASYNC110 (virtual time)
            await asyncio.sleep(0.05)
        await asyncio.sleep(0.5)
        rig.runner.abort("a person's wish")
        await asyncio.sleep(8.0)
        assert not rig.energised and not running.done()
        stubborn.set()
        record = await running
        assert (record.verdict, verdicts(record)) == (V.ABORTED, [V.ABORTED, V.SKIPPED])

    play(scene)


def test_every_step_is_on_record_in_the_plan_s_order_with_its_limits() -> None:
    async def scene(rig: RunRig) -> None:
        record = await rig.run(Made(good(value=9.0)), Made(good()))
        assert [step.id for step in record.steps] == ["step0", "step1"]
        assert all(m.low == LIMIT.low and m.limit_source == LIMIT.source for s in record.steps for m in s.measurements)
        assert "a_v: 9 V; limit at least 1 and at most 2" in record.causes[0].text

    play(scene)
