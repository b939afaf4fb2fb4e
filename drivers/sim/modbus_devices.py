"""The Modbus devices of the reference bench as twins: true values of the `World` into registers, relays into roles.

A device here is a table of registers by function code and what a write does. The wire is `drivers/sim/modbus.py`, the
physics `drivers/sim/plant.py`; register maps are those of the drivers, written down a second time on purpose.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

from drivers.sim.instrument import Bounds, Instrument
from drivers.sim.world import RELAY_ROLES, World

Words = list[int]

MAINS = Bounds(relative=0.005, noise_relative=0.0003)
FREQUENCY = Bounds(relative=0.0005)
THERMOMETER = Bounds(absolute=0.5, noise_absolute=0.01)
PROBE = Bounds(relative=0.02, noise_relative=0.001)
DC_METER = Bounds(relative=0.005, absolute=0.00008, noise_relative=0.0002, noise_absolute=0.00002)
VOLTMETER = Bounds(relative=0.005, noise_relative=0.0003)
OHMMETER = Bounds(relative=0.001, noise_relative=0.00005)
HAND_PROBE = Bounds(relative=0.004, absolute=0.0004, noise_relative=0.0002, noise_absolute=0.00002)
BIAS_METER = Bounds(relative=0.004, absolute=0.02, noise_relative=0.0002, noise_absolute=0.008)
BIAS_STEP_MV = 0.01
FEED_V = Bounds(relative=0.0015, absolute=0.0015, noise_relative=0.0001)
FEED_A = Bounds(relative=0.0025, absolute=0.0004, noise_relative=0.0002)
BATTERY_A = Bounds(relative=0.0025, absolute=0.00008, noise_relative=0.0002)
RPM_TURNING = 1450.0
FAN = Bounds(noise_relative=0.01)


class RegisterTwin:
    """A device on a bus: which registers each function code has, from where, and what writes do."""

    spans: ClassVar[Mapping[int, tuple[int, int]]] = {}
    """Function code: (first register or coil, count)."""

    def __init__(self, world: World, seed: str) -> None:
        self.world = world
        self._seed = seed

    def instrument(self, quantity: str, bounds: Bounds) -> Instrument:
        """The instrument for one quantity of this very device."""
        return Instrument(f"{self._seed} {quantity}", bounds)

    def read(self, function: int) -> Words:
        """Every register of `function` as it stands now (coils: packed, 16 to a register)."""
        raise NotImplementedError

    def write(self, function: int, address: int, values: Sequence[int | bool]) -> None:
        """A write within `spans`; read-only devices have no span for one."""


class RelayTwin(RegisterTwin):
    """Waveshare Modbus RTU Relay 8; coil n is the n-th of `RELAY_ROLES`."""

    spans: ClassVar = {1: (0, 8), 5: (0, 8), 15: (0, 8), 3: (0x8000, 1)}

    def read(self, function: int) -> Words:
        if function == 3:
            return [200]  # V2.00
        return [sum(1 << place for place, role in enumerate(RELAY_ROLES) if self.world.relay(role))]

    def write(self, function: int, address: int, values: Sequence[int | bool]) -> None:
        for place, on in enumerate(values, start=address):
            self.world.set_relay(RELAY_ROLES[place], bool(on))


class MainsTwin(RegisterTwin):
    """PZEM-016: ten input registers from 0, 32-bit values with the low word first."""

    spans: ClassVar = {4: (0, 10)}

    def __init__(self, world: World, seed: str) -> None:
        super().__init__(world, seed)
        self._voltage = self.instrument("voltage_v", MAINS)
        self._current = self.instrument("current_a", MAINS)
        self._power = self.instrument("power_w", MAINS)
        self._energy = self.instrument("energy_wh", MAINS)
        self._frequency = self.instrument("frequency_hz", FREQUENCY)

    def read(self, function: int) -> Words:
        truth = self.world.mains()
        current = round(self._current.read(truth.current_a) * 1000.0)
        power = round(self._power.read(truth.power_w) * 10.0)
        energy = round(self._energy.read(truth.energy_wh))
        return [
            _uint16(self._voltage.read(truth.voltage_v) * 10.0),
            *_low_word_first(current),
            *_low_word_first(power),
            *_low_word_first(energy),
            _uint16(self._frequency.read(truth.frequency_hz) * 10.0),
            _uint16(truth.power_factor * 100.0),
            0,
        ]


class ThermocoupleTwin(RegisterTwin):
    """ADAM-4118: heatsink, ambient and load bank on inputs 0, 1, 2; the other inputs are open (full scale).

    All inputs are set to type K (0x0F at 200 to 207); it tells its name at 210 and its version at 212.
    """

    spans: ClassVar = {3: (0, 214)}

    def __init__(self, world: World, seed: str) -> None:
        super().__init__(world, seed)
        self._inputs: tuple[tuple[Instrument, Callable[[], float]], ...] = (
            (self.instrument("heatsink", THERMOMETER), world.heatsink_degc),
            (self.instrument("ambient", THERMOMETER), world.ambient_degc),
            (self.instrument("loadbank", THERMOMETER), world.load_bank_degc),
        )

    def read(self, function: int) -> Words:
        words = [_uint16(instrument.read(truth()) * 65535.0 / 1370.0) for instrument, truth in self._inputs]
        words += [0xFFFF] * (8 - len(words))
        return [*words, *[0] * 192, *[0x0F] * 8, 0, 0, 0x4118, 0, 0xA200, 0xB001]


class InfraredTwin(RegisterTwin):
    """MLX90614 cells 6 (ambient) and 7 (object): the object is the DUT's case."""

    spans: ClassVar = {4: (6, 2)}

    def __init__(self, world: World, seed: str) -> None:
        super().__init__(world, seed)
        self._ambient = self.instrument("ambient", THERMOMETER)
        self._object = self.instrument("object", THERMOMETER)

    def read(self, function: int) -> Words:
        ambient = self._ambient.read(self.world.ambient_degc())
        case = self._object.read(self.world.case_degc())
        return [_uint16((degc + 273.15) / 0.02) & 0x7FFF for degc in (ambient, case)]


class ProbeTwin(RegisterTwin):
    """Peak-current probe: input register 0 in 0.01 A; writing 1 to holding register 16 clears the hold."""

    spans: ClassVar = {4: (0, 1), 3: (16, 1), 6: (16, 1)}

    def __init__(self, world: World, seed: str) -> None:
        super().__init__(world, seed)
        self._peak = self.instrument("peak_a", PROBE)

    def read(self, function: int) -> Words:
        return [_uint16(self._peak.read(self.world.peak_a()) * 100.0)] if function == 4 else [0]

    def write(self, function: int, address: int, values: Sequence[int | bool]) -> None:
        if int(values[0]) == 1:
            self.world.arm_peak()


class DcMeterTwin(RegisterTwin):
    """DC meter: each speaker terminal to chassis in V, float32, high word first."""

    spans: ClassVar = {4: (0, 8)}

    def __init__(self, world: World, seed: str) -> None:
        super().__init__(world, seed)
        self._terminals = tuple(self.instrument(f"terminal {n}", DC_METER) for n in range(4))

    def read(self, function: int) -> Words:
        truth = self.world.terminals()
        volts = (truth.left_plus_v, truth.left_minus_v, truth.right_plus_v, truth.right_minus_v)
        shown = [meter.read(value) for meter, value in zip(self._terminals, volts, strict=True)]
        return list(struct.unpack(">8H", struct.pack(">4f", *shown)))


class DischargeTwin(RegisterTwin):
    """Discharge voltmeter: L-N, L-PE, N-PE in 0.1 V."""

    spans: ClassVar = {4: (0, 3)}

    def __init__(self, world: World, seed: str) -> None:
        super().__init__(world, seed)
        self._volts = tuple(self.instrument(name, VOLTMETER) for name in ("l_n", "l_pe", "n_pe"))

    def read(self, function: int) -> Words:
        truth = self.world.discharge()
        volts = (truth.l_n_v, truth.l_pe_v, truth.n_pe_v)
        return [_uint16(meter.read(value) * 10.0) for meter, value in zip(self._volts, volts, strict=True)]


class LoadBankTwin(RegisterTwin):
    """The load bank's own I/O: float32 left ohm, right ohm, degC; discrete inputs fan proof, thermostat (1: healthy).

    An ohm reading is NaN while the DUT is across that load.
    """

    spans: ClassVar = {2: (0, 2), 4: (0, 6)}
    thermostat_degc: ClassVar = 130.0

    def __init__(self, world: World, seed: str) -> None:
        super().__init__(world, seed)
        self._meters = tuple(self.instrument(side, OHMMETER) for side in ("left", "right"))
        self._thermometer = self.instrument("bank", THERMOMETER)

    def read(self, function: int) -> Words:
        degc = self.world.load_bank_degc()
        if function == 2:
            return [int(self.world.fan_turning()) | int(degc < self.thermostat_degc) << 1]
        truth = [self.world.load_bank_ohm(role) for role in ("load_left", "load_right")]
        shown = [math.nan if ohm is None else meter.read(ohm) for meter, ohm in zip(self._meters, truth, strict=True)]
        return list(struct.unpack(">6H", struct.pack(">3f", *shown, self._thermometer.read(degc))))


class FanTwin(RegisterTwin):
    """Fan proof: revolutions a minute."""

    spans: ClassVar = {4: (0, 1)}

    def __init__(self, world: World, seed: str) -> None:
        super().__init__(world, seed)
        self._rpm = self.instrument("rpm", FAN)

    def read(self, function: int) -> Words:
        return [_uint16(self._rpm.read(RPM_TURNING if self.world.fan_turning() else 0.0))]


class HandProbeTwin(RegisterTwin):
    """Hand-held DC probe: volts at its tip to chassis, float32."""

    spans: ClassVar = {4: (0, 2)}

    def __init__(self, world: World, seed: str) -> None:
        super().__init__(world, seed)
        self._volts = self.instrument("volts", HAND_PROBE)

    def read(self, function: int) -> Words:
        return list(struct.unpack(">2H", struct.pack(">f", self._volts.read(self.world.probe_v()))))


class BiasTwin(RegisterTwin):
    """Bias meter: millivolts across an emitter resistor of left and right, float32, in steps of 0.01 mV."""

    spans: ClassVar = {4: (0, 4)}

    def __init__(self, world: World, seed: str) -> None:
        super().__init__(world, seed)
        self._inputs = tuple(self.instrument(side, BIAS_METER) for side in ("left", "right"))

    def read(self, function: int) -> Words:
        truth = self.world.bias_mv()
        shown = [meter.read(value) for meter, value in zip(self._inputs, truth, strict=True)]
        return list(
            struct.unpack(">4H", struct.pack(">2f", *(round(mv / BIAS_STEP_MV) * BIAS_STEP_MV for mv in shown)))
        )


class FeedTwin(RegisterTwin):
    """DC power meter with two inputs: main lead V, A, battery adapter V, A, float32."""

    spans: ClassVar = {4: (0, 8)}

    def __init__(self, world: World, seed: str) -> None:
        super().__init__(world, seed)
        bounds = (FEED_V, FEED_A, FEED_V, BATTERY_A)
        names = ("main_v", "main_a", "battery_v", "battery_a")
        self._meters = tuple(self.instrument(name, one) for name, one in zip(names, bounds, strict=True))

    def read(self, function: int) -> Words:
        truth = self.world.feed()
        values = (truth.main_v, truth.main_a, truth.battery_v, truth.battery_a)
        shown = [meter.read(value) for meter, value in zip(self._meters, values, strict=True)]
        return list(struct.unpack(">8H", struct.pack(">4f", *shown)))


Devices = Mapping[int, type[RegisterTwin]]
BUS_A: Devices = {1: RelayTwin, 2: MainsTwin, 3: ThermocoupleTwin, 4: InfraredTwin}
BUS_B: Devices = {
    11: ProbeTwin, 12: DcMeterTwin, 13: DischargeTwin, 14: FanTwin, 15: LoadBankTwin, 16: HandProbeTwin, 17: BiasTwin,
    18: FeedTwin,
}  # fmt: skip
"""The two buses of the reference bench by address."""


def _uint16(value: float) -> int:
    return min(0xFFFF, max(0, round(value)))


def _low_word_first(value: int) -> tuple[int, int]:
    value = max(0, value)
    return value & 0xFFFF, value >> 16 & 0xFFFF
