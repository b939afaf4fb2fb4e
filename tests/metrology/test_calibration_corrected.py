"""Instruments behind their calibration: readings corrected, bounds replaced, everything else as the device has it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest

from drivers import ports
from drivers.errors import DeviceTimeout
from drivers.ports import Accuracy, BondSetup, Identity, InsulationSetup, TouchReading
from station.domain.calibration import Correction, Revision
from station.metrology.corrected import CorrectedSensor, CorrectedTester, CorrectedTouch, accuracy_of
from station.metrology.heard import Heard

POWER = Correction(1.02, -0.5, 0.004, 0.3)


def revision(**corrections: Correction) -> Revision:
    return Revision(date(2026, 1, 10), date(2027, 1, 10), "lab", "box", "C", corrections)


class Meter:
    """A sensor with a hold, whose answer may fail."""

    def __init__(self) -> None:
        self.number, self.fails, self.asked = "7", False, 0
        self.sets_up = True

    @property
    def accuracy(self) -> Mapping[str, Accuracy]:
        return {"power_w": Accuracy(0.01, 1.0), "voltage_v": Accuracy(0.005)}

    async def ensure_ready(self) -> Identity:
        self.asked += 1
        return Identity("meter", self.number)

    async def read(self) -> Mapping[str, float]:
        if self.fails:
            raise DeviceTimeout("meter", "silent")
        return {"power_w": 100.0, "voltage_v": 230.0}

    async def arm(self) -> str:
        return "armed"

    async def close(self) -> None:
        self.number = "closed"


async def test_a_sensor_is_corrected_and_its_bounds_are_the_calibration_s_for_what_was_calibrated() -> None:
    sensor = CorrectedSensor("mains", Meter(), lambda: revision(power_w=POWER), {})

    assert await sensor.read() == {"power_w": pytest.approx(101.5), "voltage_v": 230.0}
    assert sensor.accuracy["power_w"].expanded(101.5) == pytest.approx(math.hypot(0.406, 0.3))
    assert sensor.accuracy["voltage_v"] == Accuracy(0.005)


async def test_bounds_that_are_read_as_such_are_never_narrower_than_the_calibration() -> None:
    calibrated = accuracy_of(POWER)
    plain = Accuracy(calibrated.relative, calibrated.absolute)

    for value in (0.0, 1.0, 100.0, -40.0):
        assert plain.expanded(value) >= calibrated.expanded(value) * (1 - 1e-12)


async def test_an_instrument_that_is_not_the_calibrated_one_reads_as_it_is() -> None:
    sensor = CorrectedSensor("mains", Meter(), lambda: None, {})

    assert (await sensor.read())["power_w"] == 100.0
    assert sensor.accuracy["power_w"] == Accuracy(0.01, 1.0)


async def test_what_is_not_known_here_is_the_devices_own() -> None:
    meter = Meter()
    sensor: Any = CorrectedSensor("inrush", meter, lambda: None, {})

    assert await sensor.arm() == "armed" and sensor.sets_up is True and not hasattr(sensor, "check_loads")
    await sensor.close()
    assert meter.number == "closed"


async def test_after_a_failed_reading_a_sensor_is_asked_who_it_is() -> None:
    meter, identities = Meter(), dict[str, Identity]()
    sensor = CorrectedSensor("mains", meter, lambda: None, identities)
    await sensor.read()
    assert meter.asked == 0

    meter.fails = True
    with pytest.raises(DeviceTimeout):
        await sensor.read()
    meter.fails, meter.number = False, "8"
    await sensor.read()
    await sensor.read()

    assert meter.asked == 1 and identities["mains"].serial_number == "8"


async def test_a_sensor_that_was_swapped_and_swapped_back_is_known_to_have_been() -> None:
    meter, heard = Meter(), Heard()
    first = meter.number
    sensor = CorrectedSensor("mains", meter, lambda: None, heard)
    await sensor.ensure_ready()
    for number in ("8", first):
        meter.fails = True
        with pytest.raises(DeviceTimeout):
            await sensor.read()
        meter.fails, meter.number = False, number
        await sensor.read()

    assert heard.changes("mains") == (first, "8", first)


class SafetyTwin:
    """A safety tester that always reads the same."""

    def __init__(self) -> None:
        self.number = "T1"

    @property
    def accuracy(self) -> Mapping[str, Accuracy]:
        return {"insulation_mohm": Accuracy(0.02), "earth_bond_ohm": Accuracy(0.02, 0.00005)}

    async def ensure_ready(self) -> Identity:
        return Identity("tester", self.number)

    async def prepare_insulation(self, setup: InsulationSetup) -> None: ...

    async def prepare_bond(self, setup: BondSetup) -> None: ...

    async def run(self, permit: Any) -> ports.TesterReading:
        return ports.TesterReading(0.1, "above", 500.0, 1.0)

    async def stop(self) -> None:
        self.number = "stopped"

    async def close(self) -> None: ...


async def test_the_tester_is_corrected_for_what_it_was_prepared_for_and_asked_who_it_is_each_time() -> None:
    own, identities = SafetyTwin(), dict[str, Identity]()
    known = revision(insulation_mohm=Correction(1.1, 0.0, 0.01), earth_bond_ohm=Correction(1.0, -0.02, 0.0, 0.002))
    tester = CorrectedTester("tester", own, lambda: known, identities)

    await tester.prepare_insulation(InsulationSetup(500.0, 1.0, 5.0))
    insulation = await tester.run(None)
    own.number = "T2"
    await tester.prepare_bond(BondSetup(25.0, 1.0, 0.3))
    bond = await tester.run(None)
    await tester.stop()

    assert (insulation.value, insulation.bound) == (pytest.approx(0.11), "above")
    assert bond.value == pytest.approx(0.08)
    assert identities["tester"].serial_number == "T2" and own.number == "stopped"
    assert tester.accuracy["earth_bond_ohm"].expanded(0.08) == pytest.approx(0.002)


class Touch:
    """A touch-current meter."""

    accuracy: Mapping[str, Accuracy] = {"touch_current_ma": Accuracy(0.02)}

    async def ensure_ready(self) -> Identity:
        return Identity("touch", "C1")

    async def start(self) -> None: ...

    async def read_maximum(self) -> TouchReading:
        return TouchReading(0.5, False, False)

    async def close(self) -> None: ...


async def test_the_touch_current_is_corrected() -> None:
    identities: dict[str, Identity] = {}
    known = revision(touch_current_ma=Correction(1.0, 0.03, 0.01))
    touch = CorrectedTouch("touch", Touch(), lambda: known, identities)

    await touch.start()

    assert (await touch.read_maximum()).value_ma == pytest.approx(0.53)
    assert identities["touch"].serial_number == "C1"
    assert touch.accuracy["touch_current_ma"].expanded(0.53) == pytest.approx(0.0053)
