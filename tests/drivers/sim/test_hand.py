"""Clips, probe and trimmers inside the simulated DUT: what the two meters of the technician can see, as physics."""

from __future__ import annotations

import itertools
import math

import pytest

from drivers.sim.dut import Dut, Sides
from drivers.sim.hand import EMITTER_OHM, STEP_MA, TURN_MA_S
from drivers.sim.plant import Plant
from drivers.sim.world import PROBE_NODES


class Bench:
    """A plant whose wall clock a test moves; K closed, speed 1."""

    def __init__(self, dut: Dut | None = None, speed: float = 1.0) -> None:
        self.wall_s = 100.0
        self.plant = Plant(dut if dut is not None else Dut(), speed, 7, 8.0, lambda: self.wall_s)

    def on(self) -> None:
        self.plant.set_contactor(True)
        self.wait(1.0)

    def wait(self, seconds: float) -> None:
        self.wall_s += seconds
        self.plant.now_s()

    def probe(self, node: str) -> float:
        self.plant.act(f"probe {node}")
        return self.plant.probe_v()


def test_the_clips_show_the_bias_over_the_emitter_resistors_only_while_they_are_on_and_power_is() -> None:
    bench = Bench(Dut(bias_ma=Sides(50.0, 40.0)))
    bench.plant.act("clips 1")
    assert bench.plant.bias_mv() == (0.0, 0.0)
    bench.on()
    left_mv, right_mv = bench.plant.bias_mv()
    assert math.isclose(left_mv, 50.0 * EMITTER_OHM, rel_tol=1e-3)
    assert math.isclose(right_mv, 40.0 * EMITTER_OHM, rel_tol=1e-3)
    bench.plant.act("clips 0")
    assert bench.plant.bias_mv() == (0.0, 0.0)


def test_a_trimmer_is_turned_in_small_steps_of_wall_time_at_any_speed() -> None:
    for speed in (1.0, 240.0):
        bench = Bench(speed=speed)
        bench.plant.act("clips 1")
        bench.on()
        bench.plant.act("trim left 30.0")
        seen = []
        for _ in range(8):
            bench.wait(0.1)
            seen.append(bench.plant.bias_mv()[0] / EMITTER_OHM)
        steps = [b - a for a, b in itertools.pairwise(seen)]
        assert max(steps) <= TURN_MA_S * 0.1 + STEP_MA + 0.2, seen
        assert math.isclose(seen[-1], 80.0, abs_tol=0.3), seen
        assert math.isclose(bench.plant.bias_mv()[1] / EMITTER_OHM, 50.0, abs_tol=0.3), "the other trimmer stayed"


def test_more_bias_warms_the_sink_and_takes_more_power() -> None:
    still, turned = Bench(), Bench()
    for bench in (still, turned):
        bench.on()
    turned.plant.act("trim left 200.0")
    for bench in (still, turned):
        bench.wait(3600.0)
    assert turned.plant.heatsink_degc() > still.plant.heatsink_degc() + 4.0
    more_w = turned.plant.mains().power_w - still.plant.mains().power_w
    assert math.isclose(more_w, 2 * 46.0 * 0.2, rel_tol=0.05)


def test_with_the_clips_on_the_sink_warms_in_plant_time_and_without_them_as_slowly_as_the_wall() -> None:
    degc = []
    for clips in (True, False):
        bench = Bench(Dut(bias_ma_per_k=Sides(20.0, 20.0)), speed=240.0)
        bench.plant.act(f"clips {clips:d}")
        bench.on()
        bench.wait(1.0)
        degc.append(bench.plant.heatsink_degc())
    assert degc[0] > 28.0 and degc[1] < 25.1, "480 s, and 2 s"


def test_a_trimmer_cannot_take_the_bias_below_nothing() -> None:
    bench = Bench()
    bench.plant.act("clips 1")
    bench.on()
    bench.plant.act("trim right -500.0")
    bench.wait(20.0)
    assert bench.plant.bias_mv()[1] == 0.0


@pytest.mark.parametrize(
    ("node", "volts"),
    [
        ("rail_plus_left", 45.975), ("rail_minus_left", -45.975), ("rail_plus_right", 43.98),
        ("rail_minus_right", -43.98), ("emitter_left", 0.011), ("emitter_right", 0.0088), ("output_left", 0.008),
        ("output_right", -0.012), ("none", 0.0),
    ],
)  # fmt: skip
def test_the_probe_shows_the_node_that_it_touches(node: str, volts: float) -> None:
    dut = Dut(rail_v=Sides(46.0, 44.0), bias_ma=Sides(50.0, 40.0), dc_offset_mv=Sides(8.0, -12.0))
    bench = Bench(dut)
    bench.on()
    assert math.isclose(bench.probe(node), volts, rel_tol=2e-3, abs_tol=2e-5)
    bench.plant.set_contactor(False)
    bench.wait(60.0)
    assert abs(bench.probe(node)) < 1e-6, "discharged"


def test_a_node_that_is_not_there_is_refused_and_every_other_can_be_touched() -> None:
    bench = Bench()
    assert not bench.plant.act("probe rail")
    assert all(bench.plant.act(f"probe {node}") for node in PROBE_NODES)


def test_a_shorted_output_shows_at_its_emitter_and_at_its_output() -> None:
    bench = Bench(Dut(output_short="left"))
    bench.on()
    assert bench.probe("emitter_left") > 1.0 and bench.probe("output_left") > 40.0
    assert bench.probe("emitter_right") < 0.02
