"""What a bench needs of each kind of device: Protocols and the values that cross them.

A driver implements one of these for one device. Nothing here knows of tests, limits or verdicts. Ports used
by the daemon are asynchronous and never block the loop; the audio device is synchronous, because it lives in
a process of its own (see station/sound).

Energising calls take a `Permit` and call `permit.check()` inside the write, under the lock of the bus, right
before the bytes go out; de-energising calls take none and go first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Frames = NDArray[np.float32]
    """Audio frames, shape (n, 2): left, right; 1.0 is full scale."""

Bound = Literal["above", "below"]


class Permit(Protocol):
    """The right to energise, as seen from a write."""

    def check(self) -> None:
        """Return if the write may go out now; raise `PermitDenied` otherwise."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a device says it is; empty where it cannot tell."""

    model: str = ""
    serial_number: str = ""
    firmware: str = ""


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Bounds of an instrument's error: `relative` (fraction of the reading) plus `absolute` (unit of the reading)."""

    relative: float = 0.0
    absolute: float = 0.0

    def expanded(self, value: float) -> float:
        """Expanded uncertainty (k=2) of a rectangular distribution with these bounds (GUM 4.3.7)."""
        return float(2.0 * (abs(value) * self.relative + self.absolute) / 3.0**0.5)


class Device(Protocol):
    """What every device can do."""

    async def ensure_ready(self) -> Identity:
        """Open the wire if need be and ask the device who it is. Energises nothing. Raises `DriverError`."""

    async def close(self) -> None:
        """Let go of the wire; safe to call twice."""


class Sensor(Device, Protocol):
    """Anything that is read: a meter, a thermometer, a voltmeter. Names end in their unit (`power_w`)."""

    @property
    def accuracy(self) -> Mapping[str, Accuracy]:
        """Error bounds by reading name."""

    async def read(self) -> Mapping[str, float]:
        """One fresh reading of all its quantities. Raises `DriverError`; never returns an old or impossible value."""


class PeakProbe(Sensor, Protocol):
    """A peak-current probe with a hold: `peak_a` since the last `arm`."""

    async def arm(self) -> None:
        """Clear the hold and prove that it is clear by reading it back."""


class RelayBoard(Device, Protocol):
    """Relays by channel number."""

    async def write(self, channel: int, on: bool, permit: Permit | None) -> None:
        """Switch one relay and check the echo. `on=True` needs a permit; off never does."""

    async def read_back(self) -> Sequence[bool]:
        """The position of every relay as the board tells it."""

    async def all_off(self) -> None:
        """Release every relay in one write."""


@dataclass(frozen=True, slots=True)
class InsulationSetup:
    """An insulation test: DC volts (at most 500), seconds, and the tester's own low limit."""

    voltage_v: float
    test_s: float
    low_mohm: float


@dataclass(frozen=True, slots=True)
class BondSetup:
    """An earth-bond test: AC amperes, seconds, and the tester's own high limit."""

    current_a: float
    test_s: float
    high_ohm: float


@dataclass(frozen=True, slots=True)
class TesterReading:
    """The settled result in Mohm (insulation) or ohm (bond); `bound` says that the true value lies beyond it."""

    value: float
    bound: Bound | None
    applied: float
    """Volts or amperes that the tester reports to have applied."""
    elapsed_s: float


class SafetyTester(Device, Protocol):
    """Insulation and ground-bond tester. There is no AC or DC withstand here, on purpose."""

    @property
    def accuracy(self) -> Mapping[str, Accuracy]:
        """Error bounds of `insulation_mohm` and `earth_bond_ohm`."""

    async def prepare_insulation(self, setup: InsulationSetup) -> None:
        """Set up and read every setting back. Raises `SettingMismatch`; refuses more than 500 V with `ValueError`."""

    async def prepare_bond(self, setup: BondSetup) -> None:
        """Set up and read every setting back."""

    async def run(self, permit: Permit) -> TesterReading:
        """Start what was prepared, wait for it, return the result. Stops the test on any way out."""

    async def stop(self) -> None:
        """Take the test voltage away; needs no permit and is safe at any time."""


@dataclass(frozen=True, slots=True)
class TouchReading:
    """The largest touch current seen in mA rms, and what the meter says of its leads."""

    value_ma: float
    line_open: bool
    pe_open: bool


class TouchCurrentMeter(Device, Protocol):
    """Touch-current meter with the network of IEC 60990."""

    @property
    def accuracy(self) -> Mapping[str, Accuracy]:
        """Error bounds of `touch_current_ma`."""

    async def start(self) -> None:
        """Clear the held maximum and begin to measure."""

    async def read_maximum(self) -> TouchReading:
        """The maximum since `start`."""


class GuardState(StrEnum):
    """States of the guard (contracts/guard-line.md)."""

    SAFE = "SAFE"
    ARMED = "ARMED"
    ENERGISED = "ENERGISED"
    HV = "HV"
    TRIPPED = "TRIPPED"


@dataclass(frozen=True, slots=True)
class GuardHello:
    """What the guard says of itself when a session is opened; limits as on the line."""

    firmware: str
    boot: str
    hb_ms: int
    max_on_s: int
    bleed_s: int


@dataclass(frozen=True, slots=True)
class GuardStatus:
    """One status line; `received_at` is monotonic seconds of this host."""

    state: GuardState
    k: bool
    h: bool
    lock: bool
    fb: bool
    estop: bool
    lid: bool
    thermo: bool
    cause: str | None
    also: tuple[str, ...]
    hb_age_ms: int
    on_left_s: int
    bad: int
    up_ms: int
    received_at: float


class Guard(Protocol):
    """The host's end of the guard line. The host asks, the guard decides."""

    @property
    def status(self) -> GuardStatus | None:
        """The last status line, or None before the first and after the port was lost."""

    @property
    def hello(self) -> GuardHello | None:
        """What the guard said when the present session was opened; a new `boot` is a trip."""

    async def open(self) -> GuardHello:
        """Open the port and a session (`HELLO`). Raises `DriverError`."""

    def heartbeat(self) -> None:
        """Put one `HB` on the line without waiting. Only the kernel calls it, after a completed scan."""

    async def arm(self, permit: Permit) -> None:
        """`ARM` with the session's nonce. Raises `GuardRefused`."""

    async def on(self, seconds: int, permit: Permit) -> None:
        """`ON n`: K on for at most that long."""

    async def hv(self, seconds: int, permit: Permit) -> None:
        """`HV nonce:n`: H on for at most that long."""

    async def off(self) -> None:
        """`OFF`: K and H off."""

    async def stop(self) -> None:
        """`STOP`: K and H off and a trip with cause HOST."""

    async def reset(self) -> None:
        """`RESET`: on a person's act at the bench only."""

    async def unlock(self) -> None:
        """`UNLOCK`: release the lid."""

    async def close(self) -> None:
        """Send `OFF` if the line still stands and let go of it."""


class Button(StrEnum):
    """Buttons of the panel."""

    START = "start"
    STOP = "stop"
    OK = "ok"
    NG = "ng"
    RESET = "reset"


class Lamp(StrEnum):
    """Lamps that the station drives. Red and green for voltage belong to the guard; these are verdicts and prompts."""

    BLUE = "blue"  # waiting for the technician
    WHITE = "white"  # PASS
    YELLOW = "yellow"  # FAIL
    VIOLET = "violet"  # ERROR, tripped


@dataclass(frozen=True, slots=True)
class LampState:
    """On, off, or blinking: with a period, or a two-digit code that a person counts (see `drivers.gpio.blink_code`).

    `lit_s`: for how long of each period it is lit; 0: half of it.
    """

    on: bool
    blink_s: float = 0.0
    code: int = 0
    lit_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Buzz:
    """What a buzzer plays: beeps of (seconds on, seconds off), once or on and on; or a two-digit `code`, once.

    `hz` and `volume` (0 to 1) where the buzzer allows. `name` is for logs and twins; silence has none and no beeps.
    """

    name: str = ""
    beeps: tuple[tuple[float, float], ...] = ()
    repeats: bool = False
    hz: float = 1000.0
    volume: float = 1.0
    code: int = 0


class Panel(Device, Protocol):
    """Buttons, lamps and buzzer of a bench."""

    async def read_buttons(self) -> frozenset[Button]:
        """The buttons that are down now. Raises `DriverError` if the panel is gone."""

    async def show(self, lamps: Mapping[Lamp, LampState], buzz: Buzz) -> None:
        """Set every lamp; play a buzz from its beginning, in place of the one before."""


class Scanner(Device, Protocol):
    """A bar-code scanner: a line per scan."""

    async def read_line(self) -> str:
        """Wait for the next scan and return it without its line end."""


PrinterLanguage = Literal["zpl", "tspl"]
PrinterFault = Literal["paper", "ribbon", "head", "jam", "pause", "cover", "temperature", "memory", "other"]
"""What a label printer says of itself when no label would come out."""


class LabelPrinter(Device, Protocol):
    """A label printer. A job is one label, whole, in the printer's language."""

    @property
    def language(self) -> PrinterLanguage:
        """What its jobs are written in."""

    @property
    def dpi(self) -> int:
        """Dots to the inch."""

    async def check(self) -> None:
        """Return if a label would come out now. Raises `PrinterNotReady`, or `DriverError` where nobody can tell."""

    async def print_job(self, job: bytes) -> None:
        """Print one label; return once the printer says that it is out, or has every byte where it says nothing.

        Raises `DriverError`: the label may then be out, or lie in the printer's memory, or not.
        """


class AudioStream(Protocol):
    """A running full-duplex stream that repeats one period of source. Synchronous; lives in the sound process."""

    def read(self, frames: int) -> Frames:
        """Block until exactly `frames` further captured frames exist and return them, gapless since the last call.

        The first frame ever returned is the one captured while the first source frame was written (so a device's
        latency shows as silence at the start). Raises `AudioFault` on any lost frame, `PermitDenied` when the drive
        permit goes.
        """

    def close(self) -> None:
        """Mute, stop and let go; once it returns nothing of it is heard any more. Safe to call twice."""


class AudioDevice(Protocol):
    """One full-duplex two-channel interface on one clock. Synchronous; lives in the sound process."""

    @property
    def sample_rate_hz(self) -> int:
        """Frames a second."""

    @property
    def identity(self) -> Identity:
        """Who the interface says it is."""

    def play_and_capture(self, source: Frames, permit: Permit | None) -> Frames:
        """Play `source` and return as many captured frames, on one clock.

        The permit is checked for every block that drives; None is allowed only for an all-zero source. Once it returns
        or raises, nothing of it is heard any more.
        """

    def stream(self, period: Frames, fade_in_frames: int, permit: Permit) -> AudioStream:
        """Repeat `period` for ever with a smooth start; the permit is checked for every block."""

    def close(self) -> None:
        """Mute and let go; safe to call twice."""
