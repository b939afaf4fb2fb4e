"""The plant: one DUT on one bench, as physics. Implements `World` for the twins and the audio twin's seam.

It knows no wire and no limit. State is brought up to date lazily, at every read and before every change, in exact
steps of at most a second. Plant time follows wall time x speed, or, while audio is held, granted frames alone.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from drivers.sim.audio_path import SILENT, AudioPath, Drive
from drivers.sim.device import Device, DutFile
from drivers.sim.families import device_of
from drivers.sim.leads import BRIDGE_OHM, STRAIGHT, Leads
from drivers.sim.mains import Charge, Contactor, ContactorFault
from drivers.sim.sim_clock import Monotonic, SimClock
from drivers.sim.thermal import Lag, LoadBank
from drivers.sim.world import OPEN_CIRCUIT, RELAY_ROLES, DischargeVolts, FeedReading, MainsReading, TerminalVolts

_STEP_S_MAX = 1.0
_STEPS_MAX = 3600


LOAD_PER_K = 20e-6
"""Temperature coefficient of the load resistors, a usual figure of wire-wound power resistors."""


class Plant:
    """See `World`. `load_ohm` is the bench's load per channel: the product's, not the DUT file's."""

    def __init__(
        self, dut: DutFile, speed: float, seed: int, load_ohm: float = 8.0, monotonic: Monotonic = time.monotonic
    ) -> None:
        self.device: Device = device_of(dut, speed)
        self.speed = speed
        self.seed = seed
        self.load_ohm = load_ohm
        self._lock = threading.RLock()
        self._clock = SimClock(speed, monotonic)
        self._at_s = 0.0
        self._contactor = Contactor()
        self._relays = dict.fromkeys(RELAY_ROLES, False)
        self._plugged = True
        self._voltmeter_stuck = False
        self._leads = STRAIGHT
        self._known_v: float | None = None
        self._tester_enable = False
        self._test_v = 0.0
        self._drive = SILENT
        self._bank = LoadBank(dut.ambient_degc)
        self._charge = Charge()
        self._absorption = Lag()
        self._touch = Lag()

    # ---- time, and the audio twin's seam -------------------------------------------------------------------
    def now_s(self) -> float:
        with self._current():
            return self._at_s

    def hold(self) -> None:
        """Plant time stands still until `advance` (an audio stream begins)."""
        with self._current():
            self._clock.hold()

    def advance(self, seconds: float, drive: Drive = SILENT) -> None:
        """Let that much plant time pass under `drive`; only between `hold` and `release`."""
        with self._current():
            self._drive = drive
            self._clock.advance(seconds)
            self._catch_up()

    def release(self) -> None:
        """Plant time follows the wall again, without drive (an audio stream has ended)."""
        with self._current():
            self._drive = SILENT
            self._clock.release()

    def audio_path(self) -> AudioPath:
        """Switches between interface, DUT and loads, as they are now."""
        with self._current():
            relays = self._relays
            joined = not relays["tester"]
            live = self.device.live(self._powered)
            loads = (relays["load_left"], relays["load_right"])
            return AudioPath(live, relays["source"] and joined, relays["capture"] and joined, loads, self._leads)

    # ---- what the bench does to the DUT --------------------------------------------------------------------
    def set_leads(self, leads: Leads) -> None:
        """Join bench and DUT by these leads (straight at first)."""
        with self._current():
            self._leads = leads

    def set_known(self, volts: float | None) -> None:
        """Pull the speaker leads and put a known DC voltage from every terminal to chassis; None joins them again."""
        self._known_v = volts

    def set_contactor(self, closed: bool) -> None:
        with self._current():
            self._contactor.command(closed, self._clock.wall_s())

    def set_contactor_fault(self, fault: ContactorFault | None) -> None:
        """A contactor that welds or drops out; None mends it."""
        with self._current():
            self._contactor.set_fault(fault, self._clock.wall_s())

    def set_voltmeter_stuck(self, stuck: bool) -> None:
        """A discharge voltmeter that reads 0 V whatever is at the plug."""
        with self._current():
            self._voltmeter_stuck = stuck

    def contactor_closed(self) -> bool:
        with self._current():
            return self._contactor.closed

    def set_tester_enable(self, on: bool) -> None:
        with self._current():
            self._tester_enable = on

    def tester_enabled(self) -> bool:
        with self._current():
            return self._tester_enable

    def set_relay(self, role: str, closed: bool) -> None:
        with self._current():
            if role not in self._relays:
                raise ValueError(f"{role}: no relay of the bench; take one of {', '.join(RELAY_ROLES)}")
            self._relays[role] = closed

    def relay(self, role: str) -> bool:
        with self._current():
            return self._relays[role]

    def set_test_voltage(self, volts: float) -> None:
        with self._current():
            self._test_v = volts

    def set_bond_current(self, amps: float) -> None:
        """Nothing in this DUT changes with bond current."""

    def arm_peak(self) -> None:
        with self._current():
            self.device.supply.arm_peak()

    def set_plugged(self, plugged: bool) -> None:
        """Put the DUT's plug into the outlet or take it out (it is in at first)."""
        with self._current():
            self._plugged = plugged
            if not plugged:
                self.device.supply.switch_off()

    # ---- what the technician does to the DUT --------------------------------------------------------------------
    def act(self, words: str) -> bool:
        """What a hand does (`probe rail_plus_left`, `clips 1`, …); False where this device has no such thing."""
        with self._current():
            return self.device.act(words)

    # ---- what can be read ----------------------------------------------------------------------------------
    def mains(self) -> MainsReading:
        with self._current():
            return self.device.supply.reading()

    def peak_a(self) -> float:
        with self._current():
            return self.device.supply.peak_a

    def heatsink_degc(self) -> float:
        with self._current():
            return self.device.hot_degc()

    def case_degc(self) -> float:
        with self._current():
            return self.device.case_degc()

    def load_bank_degc(self) -> float:
        with self._current():
            return self._bank.degc

    def ambient_degc(self) -> float:
        return self.device.ambient_degc

    def load_bank_ohm(self, role: str) -> float | None:
        with self._current():
            if self._relays[role]:
                return None
            lead = self._leads.load[("load_left", "load_right").index(role)]
            if lead != "joined":
                return BRIDGE_OHM if lead == "short" else OPEN_CIRCUIT
            return self.load_ohm * (1.0 + LOAD_PER_K * (self._bank.degc - self.device.ambient_degc))

    def fan_turning(self) -> bool:
        with self._current():
            return self._bank.fan_turning

    def terminals(self) -> TerminalVolts:
        """At the bench's end of the speaker leads, or the known voltage that is there instead of them."""
        if (known_v := self._known_v) is not None:
            return TerminalVolts(known_v, known_v, known_v, known_v)
        with self._current():
            left_v, right_v = self.device.outputs_v()
            leads = self._leads
            volts = [right_v, left_v] if leads.speakers_crossed else [left_v, right_v]
            joined = [lead == "joined" for lead in leads.speaker]
            left_v, right_v = (v if on else 0.0 for v, on in zip(volts, joined, strict=True))
            return TerminalVolts(left_plus_v=left_v, left_minus_v=0.0, right_plus_v=right_v, right_minus_v=0.0)

    def probe_v(self) -> float:
        with self._current():
            return self.device.probe_v()

    def bias_mv(self) -> tuple[float, float]:
        with self._current():
            return self.device.bias_mv()

    def feed(self) -> FeedReading:
        with self._current():
            return self.device.feed()

    def discharge(self) -> DischargeVolts:
        with self._current():
            return DischargeVolts(0.0, 0.0, 0.0) if self._voltmeter_stuck else self._charge.volts()

    def insulation_mohm(self) -> float:
        """Rises to the true value as the dielectric charges; 0 while no voltage is applied (nothing proven)."""
        with self._current():
            if not (self._relays["tester"] and self._plugged):
                return OPEN_CIRCUIT
            return self.device.insulation_mohm() * self._absorption.value if self._applied_v() > 0.0 else 0.0

    def earth_bond_ohm(self) -> float:
        with self._current():
            return self.device.earth_bond_ohm() if self._relays["tester"] and self._plugged else OPEN_CIRCUIT

    def touch_current_ma(self) -> float:
        with self._current():
            return self._touch.value

    def touch_line_open(self) -> bool:
        with self._current():
            return not self._powered

    def touch_pe_open(self) -> bool:
        with self._current():
            return not (self._relays["touch"] and self._plugged)

    # ---- physics -------------------------------------------------------------------------------------------
    @property
    def _powered(self) -> bool:
        return self._contactor.closed and self._plugged and not self._relays["tester"]

    @contextmanager
    def _current(self) -> Iterator[None]:
        """Under the lock, with the state brought up to now."""
        with self._lock:
            self._catch_up()
            yield

    def _catch_up(self) -> None:
        wall_s = self._clock.wall_s()
        self.device.turn(wall_s)
        due_wall_s = self._contactor.due(wall_s)
        if due_wall_s is not None:
            self._integrate(self._clock.at_s(due_wall_s))
            self._contactor.move()
            if self._contactor.closed:
                self.device.supply.switch_on(self._powered)
            else:
                self.device.supply.switch_off()
        self._integrate(self._clock.at_s(wall_s))

    def _integrate(self, to_s: float) -> None:
        span_s = to_s - self._at_s
        if span_s <= 0.0:
            return
        steps = min(_STEPS_MAX, math.ceil(span_s / _STEP_S_MAX))
        for _ in range(steps):
            self._step(span_s / steps)
        self._at_s = to_s

    def _applied_v(self) -> float:
        return self._test_v if self._tester_enable and self._relays["tester"] else 0.0

    def _step(self, dt_s: float) -> None:
        powered, relays = self._powered, self._relays
        load_w = self.device.step(dt_s, powered, self._drive, waiting=not self._clock.held)
        self._bank.step(dt_s, load_w, relays["fan"])
        test_v = self._applied_v()
        self._charge.step(dt_s, self._contactor.closed, self._plugged, relays["bleed"], test_v)
        self._absorption.step(dt_s, 1.0 if test_v > 0.0 else 0.0, 0.3 if test_v > 0.0 else 0.1)
        touched = powered and relays["touch"]
        self._touch.step(dt_s, self.device.touch_current_ma() if touched else 0.0, 0.1)
