"""What a PASS must rest on, and how soon a bench goes dead that is told so between two steps."""

from __future__ import annotations

from station.domain.events import Event
from station.domain.plan import Needs
from station.domain.record import StepRecord
from station.domain.verdict import Verdict
from tests.run.run_rig import Made, RunRig, good, play
from tests.run.test_runner import energise, texts

V = Verdict


def test_a_plan_whose_only_measurements_are_not_applicable_is_no_pass() -> None:
    async def scene(rig: RunRig) -> None:
        record = await rig.run(Made(good(), requires=()), Made(good(), applicable=False))
        assert [step.verdict for step in record.steps] == [V.PASS, V.NOT_APPLICABLE]
        assert record.verdict is V.ERROR and "proves nothing" in texts(record)
        assert rig.stored() == record

    play(scene)


def test_one_measurement_that_passed_beside_one_that_does_not_apply_is_a_pass() -> None:
    async def scene(rig: RunRig) -> None:
        record = await rig.run(Made(good(), applicable=False), Made(good()))
        assert record.verdict is V.PASS and record.causes == ()

    play(scene)


def test_an_abort_between_two_steps_switches_off_before_another_step_is_committed() -> None:
    async def scene(rig: RunRig) -> None:
        commits: list[tuple[int, bool]] = []
        add_step = rig.store.add_step

        async def watched(run_id: str, index: int, step: StepRecord) -> None:
            commits.append((index, rig.energised))
            await add_step(run_id, index, step)

        def abort(event: Event) -> None:
            if event.kind == "step_ended" and event.data["step"] == "step0":
                assert rig.energised
                rig.runner.abort("a person's wish")

        rig.store.add_step = watched  # type: ignore[method-assign]
        rig.watcher = abort
        record = await rig.run(Made(energise, needs=Needs.MAINS), Made(good()), Made(good()))
        assert record.verdict is V.ABORTED and "a person's wish" in texts(record)
        assert commits == [(0, True), (1, False), (2, False)]

    play(scene)
