"""A probe that saw nothing: dead if the DUT takes power, and a number if there is no DUT at the socket at all."""

from __future__ import annotations

from station.domain.limit import Limit
from station.domain.plan import Needs
from station.domain.verdict import Verdict
from station.steps.electrical import InrushParams, measure_inrush
from station.steps.step import StepContext
from tests.run.run_rig import Made, RunRig, play
from tests.run.test_runner import texts


async def inrush(context: StepContext, params: object) -> None:
    await measure_inrush(context, InrushParams())


MADE = Made(inrush, ("inrush_a",), Needs.MAINS, Limit("of the test", high=60.0))


def see(rig: RunRig, peak_a: float, power_w: float) -> None:
    rig.bench.sensors["inrush"]._source = lambda: {"peak_a": peak_a}
    rig.bench.power_w = power_w


def test_a_dead_probe_beside_a_dut_that_takes_power_is_an_error() -> None:
    async def scene(rig: RunRig) -> None:
        see(rig, peak_a=0.02, power_w=40.0)
        record = await rig.run(MADE)
        assert record.verdict is Verdict.ERROR and "check the peak-current probe" in texts(record)
        assert record.steps[0].measurements[0].value is None

    play(scene)


def test_an_empty_socket_gives_a_number_all_the_same() -> None:
    async def scene(rig: RunRig) -> None:
        see(rig, peak_a=0.02, power_w=0.0)
        record = await rig.run(MADE)
        assert (record.verdict, record.steps[0].measurements[0].value) == (Verdict.PASS, 0.02)

    play(scene)


def test_a_probe_that_saw_the_switch_on_is_believed() -> None:
    async def scene(rig: RunRig) -> None:
        see(rig, peak_a=14.0, power_w=40.0)
        assert (await rig.run(MADE)).steps[0].measurements[0].value == 14.0

    play(scene)
