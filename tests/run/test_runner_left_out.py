"""A step that is left out proved nothing: what its failure would forbid is forbidden."""

from __future__ import annotations

import pytest

from station.domain.plan import Needs, OnFail
from station.domain.verdict import Verdict
from station.steps.step import StepContext
from tests.run.run_rig import Made, RunRig, good, play

V = Verdict


async def energise(context: StepContext, params: object) -> None:
    """Mains on, one good value."""
    await context.bench.mains.on(30.0)
    await good()(context, params)


@pytest.mark.parametrize("on_fail", [OnFail.NO_MAINS, OnFail.MAINS_OFF])
def test_a_safety_step_that_is_left_out_forbids_what_its_failure_would(on_fail: OnFail) -> None:
    async def scene(rig: RunRig) -> None:
        record = await rig.run(
            Made(good(value=9.0)), Made(good(), only_after_pass=True, on_fail=on_fail),
            Made(energise, needs=Needs.MAINS),
        )  # fmt: skip
        assert (record.verdict, [step.verdict for step in record.steps]) == (V.FAIL, [V.FAIL, V.SKIPPED, V.SKIPPED])
        assert rig.bench.guard.k_times == [], "nothing proved this device safe"

    play(scene)


def test_drive_is_forbidden_by_a_left_out_step_and_by_one_that_does_not_apply_nothing_is() -> None:
    async def scene(rig: RunRig) -> None:
        record = await rig.run(
            Made(good(), applicable=False, on_fail=OnFail.NO_MAINS), Made(good(value=9.0)),
            Made(good(), only_after_pass=True, on_fail=OnFail.NO_DRIVE), Made(good(), needs=Needs.DRIVE),
            Made(energise, needs=Needs.MAINS),
        )  # fmt: skip
        assert [step.verdict for step in record.steps] == [V.NOT_APPLICABLE, V.FAIL, V.SKIPPED, V.SKIPPED, V.PASS]

    play(scene)
