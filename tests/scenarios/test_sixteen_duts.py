"""The sixteen DUTs of config/duts: each is judged rightly, for the right reason."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from station.domain.record import Record
from station.domain.verdict import Verdict
from station.steps.catalog import STEPS
from tests.scenarios.harness import NO_SOAK, Scenario, Scene, play, shipped_dut

PROBE_POLL_S = 0.25
SCAN_S = 0.05
TO_THE_GUARD_S = 0.06
"""Reading, scan's decision and STOP on their wires, on a machine with other things to do."""
ORDER = (
    "checklist", "checklist", "earth_bond", "insulation", "inrush", "touch_current", "idle_power", "dc_offset",
    "connection", "gain", "output_power", "thd", "thd_n", "response", "snr", "crosstalk", "damping", "soak",
)  # fmt: skip
"""What is prepared, then the order of contracts/cli.md; who is asked at the end is asked after it."""
DRIVE_USES = tuple(use for use, spec in STEPS.items() if spec.needs == "drive")


@dataclass(frozen=True, slots=True)
class Fault:
    """What a DUT must fail for: one of `names` first, on `channel` where it is one."""

    dut: str
    names: tuple[str, ...]
    channel: str | None = None
    needs_soak: bool = False


FAULTS = (
    Fault("low-insulation", ("insulation_mohm",)),
    Fault("open-earth", ("earth_bond_ohm",)),
    Fault("leaky", ("touch_current_ma",)),
    Fault("shorted", ("inrush_a", "idle_power_w")),
    Fault("dc-offset", ("dc_offset_mv",), "left"),
    Fault("dead-left", ("output_power_w", "gain_db"), "left"),
    Fault("low-power", ("output_power_w",), "left"),
    Fault("crossover", ("thd_percent",), "left"),
    Fault("hum", ("snr_db",), "left"),
    Fault("noisy", ("snr_db",), "left"),
    Fault("narrow-band", ("response_drop_db",), "left"),
    Fault("crosstalk", ("crosstalk_db",), "right"),
    Fault("thermal-shutdown", ("dropouts", "heatsink_degc"), None, needs_soak=True),
    Fault("intermittent", ("dropouts",), "left", needs_soak=True),
    Fault("runaway", ("heatsink_degc",), None, needs_soak=True),
)
BY_DEFAULT = ("low-insulation", "shorted", "dc-offset", "dead-left")


def _assert_fails_for(fault: Fault, scene: Scene) -> None:
    assert scene.record.verdict is Verdict.FAIL, scene.told()
    assert scene.first.measurement in fault.names, scene.told()
    if fault.channel is not None:
        assert scene.first.channel == fault.channel, scene.told()
    _assert_whole(scene.record)


def _assert_whole(record: Record) -> None:
    """Every planned step and measurement, in order; what was not made is null and SKIPPED, and was made never."""
    uses = [step.use for step in record.steps]
    assert uses in ([*ORDER, "checklist"], [*ORDER[:-1], "checklist"])
    for step in record.steps:
        spec = STEPS[step.use]
        if spec.items_of is not None:
            continue
        expected = [
            (n, c) for n in spec.measurements for c in (("left", "right") if n in spec.per_channel else (None,))
        ]
        assert sorted((m.name, m.channel or "") for m in step.measurements) == sorted((n, c or "") for n, c in expected)
        for measurement in step.measurements:
            assert (measurement.value is None) == (measurement.verdict is Verdict.SKIPPED), measurement
            assert measurement.limit_source


@pytest.mark.parametrize("fault", [f for f in FAULTS if f.dut in BY_DEFAULT], ids=lambda fault: fault.dut)
def test_a_faulty_dut_fails_for_its_fault(fault: Fault) -> None:
    scene = play(Scenario(shipped_dut(fault.dut)))
    _assert_fails_for(fault, scene)
    assert scene.step("soak").verdict is Verdict.SKIPPED
    assert scene.record.steps[-1].started_at is None, "nobody is asked about a device that goes back anyway"
    if fault.dut == "dc-offset":
        _assert_never_driven(scene)
    if fault.dut == "shorted":
        _assert_off_at_once(scene)


@pytest.mark.byhand
@pytest.mark.timeout(400)
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.dut)
def test_every_faulty_dut_fails_for_its_fault(fault: Fault) -> None:
    scene = play(Scenario(shipped_dut(fault.dut)))
    _assert_fails_for(fault, scene)
    started = scene.step("soak").started_at is not None
    assert started == fault.needs_soak, scene.told()


@pytest.mark.byhand
@pytest.mark.timeout(400)
def test_the_repaired_dut_passes_and_two_hours_are_on_record() -> None:
    scene = play(Scenario(shipped_dut("repaired")))
    assert scene.record.verdict is Verdict.PASS, scene.told()
    assert scene.record.causes == () and scene.record.trips == ()
    assert all(m.verdict is Verdict.PASS for s in scene.record.steps for m in s.measurements)
    assert scene.measured("soak_s").value == pytest.approx(7200.0, abs=0.01)
    assert 7200.0 <= scene.step("soak").duration_s < 7202.0
    assert 7200.0 + 13.5 < scene.record.duration_s < 7260.0
    _assert_whole(scene.record)


def test_a_repaired_dut_passes_everything_before_the_soak() -> None:
    scene = play(Scenario(shipped_dut("repaired"), soak=NO_SOAK))
    assert scene.record.verdict is Verdict.PASS, scene.told()
    assert all(m.verdict is Verdict.PASS for s in scene.record.steps for m in s.measurements)
    assert 25.0 < scene.record.duration_s < 60.0
    assert scene.step("earth_bond").duration_s == pytest.approx(3.0, abs=0.1)
    assert scene.step("insulation").duration_s == pytest.approx(5.0, abs=0.1)


@pytest.mark.byhand
@pytest.mark.timeout(400)
def test_thermal_shutdown_is_seen_at_about_half_an_hour() -> None:
    scene = play(Scenario(shipped_dut("thermal-shutdown")))
    dropouts = scene.measured("dropouts", "left")
    assert 1700.0 < float(dropouts.conditions["first_at_s"]) < 1900.0
    assert scene.measured("soak_s").verdict is Verdict.SKIPPED
    assert scene.step("soak").duration_s < 1950.0


@pytest.mark.byhand
@pytest.mark.timeout(400)
def test_a_runaway_trips_and_the_trip_blames_the_dut() -> None:
    scene = play(Scenario(shipped_dut("runaway")))
    (trip, *_) = scene.record.trips
    assert (trip.interlock, trip.blames) == ("heatsink", "dut"), scene.told()
    assert trip.value is not None and trip.value > 100.0
    assert 400.0 < trip.at_s < 700.0
    assert scene.contactor[-1][1] is False


def _assert_never_driven(scene: Scene) -> None:
    drive = [step for step in scene.record.steps if step.use in DRIVE_USES]
    assert len(drive) == 10
    assert all(step.verdict is Verdict.SKIPPED and step.started_at is None for step in drive)


def _assert_off_at_once(scene: Scene) -> None:
    """Off within one reading of the probe and one scan, by the stamps of guard and reading."""
    on_at, off_at = (next(at for at, closed in scene.contactor if closed is wanted) for wanted in (True, False))
    seen_at = next(at for at, amps in scene.probe if at > on_at - 0.1 and amps > 60.0)
    assert seen_at - on_at < PROBE_POLL_S + TO_THE_GUARD_S
    assert off_at - seen_at < SCAN_S + TO_THE_GUARD_S, f"{off_at - seen_at:.3f} s after the reading"
    assert len(scene.contactor) == 2
