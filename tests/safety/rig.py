"""A bench in virtual time for the safety room: the real guard firmware's core, and small honest devices around it.

Nothing waits for real. The event loop jumps to its next timer when nothing is ready; every device takes time.
"""

from __future__ import annotations

import asyncio
import importlib.util
import itertools
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any

from drivers.errors import DeviceTimeout, DriverError, GuardRefused, PermitDenied, PortError
from drivers.ports import (
    Accuracy,
    BondSetup,
    GuardHello,
    GuardStatus,
    Identity,
    InsulationSetup,
    Permit,
    TesterReading,
    TouchReading,
)
from drivers.uart.guard_frame import parse_hello, parse_reply, parse_status
from station.campaign.virtual import VirtualLoop
from station.domain.clock import ScaledClock
from station.domain.interlock import Interlock
from station.domain.sound import Kept, Stimulus, TraceEvent, Watch
from station.safety.bench import Bench
from station.safety.guarded import build_bench, build_kernel
from station.safety.kernel import Kernel
from station.safety.rules import ROLES, Rules

_CORE = Path(__file__).resolve().parents[2] / "firmware" / "guard" / "guard_core.py"
WIRE_S = 0.02


def play(scene: Callable[[Rig], Coroutine[Any, Any, None]], rules: Rules | None = None, **options: Any) -> None:
    """Run one scene on a fresh rig with the kernel started and reset; the rig is closed after it, whatever happens."""

    async def whole() -> None:
        rig = Rig(rules, **options)
        rig.guard.start()
        try:
            await rig.kernel.start()
            if options.get("reset", True):
                await rig.settle()
                assert await rig.kernel.reset() == ()
            await scene(rig)
        finally:
            await rig.close()

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(whole())


def now() -> float:
    return asyncio.get_running_loop().time()


class CoreGuard:
    """The guard port straight onto the firmware's core: no wire, but its real states, timers and refusals."""

    def __init__(self) -> None:
        spec = importlib.util.spec_from_file_location("guard_core_of_rig", _CORE)
        assert spec is not None and spec.loader is not None
        self._module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self._module)
        self._random = (f"{n:08x}" for n in itertools.count(0x11111111))
        self.estop = self.lid = self.thermo = True
        self.welded = False
        self.fb = False
        self.frozen = False  # hangs: neither acts nor tells
        self.deaf = False  # frames do not arrive
        self.unplugged = False
        self.no_supply = False  # 24 V of the loops is gone: inputs and mirror loop read open
        self.figures: dict[str, int] = {}  # of another build, from the next power-up on
        self.said: list[str] = []
        self.k_times: list[tuple[float, bool]] = []
        self._k_moves_at: float | None = None
        self._tick: asyncio.Task[None] | None = None
        self.power_up()

    def power_up(self) -> None:
        """Boot: a new core, TRIPPED with BOOT."""
        self._out: list[str] = []
        self.core = self._module.Guard(lambda: next(self._random), self._out.append, **self.figures)
        self._status: GuardStatus | None = None
        self.hello: GuardHello | None = None
        self._session, self._seq, self._nonce = "00000000", 0, ""
        self._sessions = itertools.count(1)

    async def wait_off(self) -> None:
        """Until K is off, looked at every millisecond."""
        while self.core.k:  # noqa: ASYNC110 (the core is a state to look at, not an event)
            await asyncio.sleep(0.001)

    def start(self) -> None:
        self._tick = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        while True:
            if not self.frozen:
                self.step()
            await asyncio.sleep(0.005)

    def step(self) -> None:
        k_before = self.core.k
        closed = (self.core.k and not self.no_supply) or self.welded
        if closed != self.fb:
            self._k_moves_at = now() + 0.015 if self._k_moves_at is None else self._k_moves_at
            if now() >= self._k_moves_at:
                self.fb, self._k_moves_at = closed, None
        else:
            self._k_moves_at = None
        loops = (level and not self.no_supply for level in (self.estop, self.lid, self.thermo))
        self.core.step(int(now() * 1000) & 0x3FFFFFFF, *loops, self.fb or self.no_supply)
        self._note_k(k_before)
        self._hear()

    def _note_k(self, before: bool) -> None:
        if self.core.k != before:
            self.k_times.append((now(), self.core.k))

    def _hear(self) -> list[str]:
        lines, self._out[:] = list(self._out), []
        for line in lines:
            status = parse_status(line, now())
            if status is not None and not self.unplugged:
                self._status = status
        return lines

    @property
    def status(self) -> GuardStatus | None:
        return None if self.unplugged else self._status

    def unplug(self) -> None:
        self.unplugged, self.hello = True, None

    def _send(self, verb: str, argument: str = "") -> list[str]:
        if self.unplugged:
            raise PortError("guard", "unplugged")
        self._seq += 1
        self.said.append(verb)
        if self.deaf or self.frozen:
            return []
        before = self.core.k
        self.core.frame(" ".join(part for part in (self._session, str(self._seq), verb, argument) if part))
        self._note_k(before)
        return self._hear()

    async def _ask(self, verb: str, argument: str = "", permit: Permit | None = None) -> str:
        await asyncio.sleep(0.002)
        if permit is not None:
            permit.check()
        for line in self._send(verb, argument):
            reply = parse_reply(line)
            if reply is not None:
                if not reply.accepted:
                    raise GuardRefused("guard", verb, reply.rest)
                return reply.rest
        await asyncio.sleep(0.5)
        raise DeviceTimeout("guard", f"no answer to {verb}")

    async def open(self) -> GuardHello:
        if self.unplugged:
            raise PortError("guard", "unplugged")
        self._session, self._seq = f"{next(self._sessions):08x}", 0
        said = parse_hello(await self._ask("HELLO"))
        assert said is not None
        self.hello, self._nonce = said
        return self.hello

    def heartbeat(self) -> None:
        if not self.unplugged and self.hello is not None:
            self._send("HB")

    async def arm(self, permit: Permit) -> None:
        await self._ask("ARM", self._nonce, permit)

    async def on(self, seconds: int, permit: Permit) -> None:
        await self._ask("ON", str(seconds), permit)

    async def hv(self, seconds: int, permit: Permit) -> None:
        await self._ask("HV", f"{self._nonce}:{seconds}", permit)

    async def off(self) -> None:
        await self._ask("OFF")

    async def stop(self) -> None:
        await self._ask("STOP")

    async def reset(self) -> None:
        await self._ask("RESET")

    async def unlock(self) -> None:
        await self._ask("UNLOCK")

    async def close(self) -> None:
        if self._tick is not None:
            self._tick.cancel()
            await asyncio.gather(self._tick, return_exceptions=True)


class Board:
    """Eight relays; `stuck` roles do not move, `dead` does not answer. `history` has every change."""

    def __init__(self, channels: Mapping[str, int]) -> None:
        self._roles = {channel: role for role, channel in channels.items()}
        self.positions = dict.fromkeys(channels, False)
        self.stuck: set[str] = set()
        self.dead = False
        self.history: list[tuple[str, bool]] = []

    async def ensure_ready(self) -> Identity:
        await self._wire()
        return Identity()

    async def write(self, channel: int, on: bool, permit: Permit | None) -> None:
        await self._wire()
        if on:
            assert permit is not None
            permit.check()
        role = self._roles[channel]
        if role not in self.stuck and self.positions[role] is not on:
            self.positions[role] = on
            self.history.append((role, on))

    async def read_back(self) -> Sequence[bool]:
        await self._wire()
        return [self.positions[self._roles[channel]] for channel in range(len(self._roles))]

    async def all_off(self) -> None:
        raise AssertionError("the fan's safe state is on")

    async def close(self) -> None:
        return

    async def _wire(self) -> None:
        await asyncio.sleep(WIRE_S if not self.dead else 0.3)
        if self.dead:
            raise DeviceTimeout("relays", "no reply")


class Sensor:
    """Reads whatever `source` says; `dead` does not answer, `broken` raises what no driver should."""

    def __init__(self, source: Callable[[], Mapping[str, float]]) -> None:
        self._source = source
        self.dead = self.broken = False
        self.armed = self.reads = 0

    @property
    def accuracy(self) -> Mapping[str, Accuracy]:
        return dict.fromkeys(self._source(), Accuracy(0.01))

    async def ensure_ready(self) -> Identity:
        return Identity()

    async def read(self) -> Mapping[str, float]:
        self.reads += 1
        await asyncio.sleep(WIRE_S)
        if self.broken:
            raise ZeroDivisionError("a bug in a driver")
        if self.dead:
            raise DeviceTimeout("sensor", "no reply")
        return self._source()

    async def arm(self) -> None:
        self.armed += 1

    async def close(self) -> None:
        return


class Tester:
    """Puts volts on the plug while it runs and H is on."""

    accuracy: Mapping[str, Accuracy] = {"insulation_mohm": Accuracy(0.02), "earth_bond_ohm": Accuracy(0.02)}

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self.running = False
        self.stops = 0
        self.seen_while_running: list[dict[str, Any]] = []
        self.fails = False

    async def ensure_ready(self) -> Identity:
        return Identity()

    async def close(self) -> None:
        return

    async def prepare_insulation(self, setup: InsulationSetup) -> None:
        await asyncio.sleep(0.1)

    async def prepare_bond(self, setup: BondSetup) -> None:
        await asyncio.sleep(0.1)

    async def run(self, permit: Permit) -> TesterReading:
        permit.check()
        self.running = True
        self.seen_while_running.append(
            {**self._rig.board.positions, "h": self._rig.guard.core.h, "fb": self._rig.guard.fb}
        )
        self._rig.charge_v = 500.0
        await asyncio.sleep(1.0)
        if self.fails:
            raise DeviceTimeout("tester", "no reply")
        await self.stop()
        return TesterReading(80.0, None, 500.0, 1.0)

    async def stop(self) -> None:
        self.stops += 1
        self.running = False


class Touch:
    """A touch-current meter."""

    accuracy: Mapping[str, Accuracy] = {"touch_current_ma": Accuracy(0.02)}

    async def ensure_ready(self) -> Identity:
        return Identity()

    async def close(self) -> None:
        return

    async def start(self) -> None:
        await asyncio.sleep(WIRE_S)

    async def read_maximum(self) -> TouchReading:
        await asyncio.sleep(WIRE_S)
        return TouchReading(0.12, False, False)


class Sound:
    """The sound process; `playing` is what is on the DUT's input now, V rms."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self.playing = 0.0
        self.mutes = 0
        self.played: list[float] = []
        self.mute_fails = False

    async def measure_tone(self, stimulus: Stimulus) -> Any:
        self._drive(stimulus.left_v)
        await asyncio.sleep(stimulus.duration_s)
        self.playing = 0.0
        return ("left", "right")

    async def measure_response(self, frequencies_hz: tuple[float, ...], left_v: float, right_v: float) -> Any:
        self._drive(left_v)
        self.playing = 0.0
        return ("left", "right")

    async def measure_noise(self, duration_s: float) -> Any:
        return ("left", "right")

    async def start_soak(self, stimulus: Stimulus) -> Any:
        self._drive(stimulus.left_v)
        return Soak(self)

    async def start_trace(self, stimulus: Stimulus, watch: Watch) -> Any:
        self._drive(stimulus.left_v)
        return Trace(self)

    def keep_under(self, run_id: str) -> None:
        self.run_id = run_id

    async def mute(self) -> None:
        self.mutes += 1
        if self.mute_fails:
            raise DriverError("sound", "the sound process is gone")
        await asyncio.sleep(0.01)
        self.playing = 0.0

    def _drive(self, level_v: float) -> None:
        if self._rig.drive_until is None or now() >= self._rig.drive_until:
            raise PermitDenied("drive", "the page says no")
        self.playing = level_v
        self.played.append(level_v)


class Soak:
    """A stream that plays until it is closed or the sound is muted."""

    def __init__(self, sound: Sound) -> None:
        self._sound = sound

    async def advance(self, to_s: float) -> Any:
        await asyncio.sleep(to_s)
        return "batch"

    async def close(self) -> None:
        self._sound.playing = 0.0


class Trace(Soak):
    """The same with something kept, which takes a moment to be written."""

    async def mark(self, event: TraceEvent) -> None:
        await asyncio.sleep(60.0)

    async def kept(self) -> Kept:
        await asyncio.sleep(2.0)
        return Kept(missing=("nothing is kept here",))


class MemoryLatch:
    """The service latch in memory."""

    def __init__(self, reason: str | None = None) -> None:
        self.reason = reason
        self.fails = 0

    async def set(self, reason: str) -> None:
        if self.fails:
            self.fails -= 1
            raise OSError("disk full")
        self.reason = reason

    async def read(self) -> str | None:
        return self.reason


INTERLOCKS = (
    Interlock("heatsink", "temperature.heatsink_degc", 2.0, high=100.0, measurement="heatsink_degc", code="D1"),
    Interlock("power", "mains.power_w", 1.0, high=900.0, measurement="idle_power_w"),
    Interlock("dc", "dc.left_plus_v", 1.0, low=-2.0, high=2.0, for_s=0.1, when="drive", measurement="dc_offset_mv"),
    Interlock("fan", "fan.rpm", 2.0, low=500.0, when="drive", blames="station"),
)


class Rig:
    """Everything of a bench, and what a test may bend: `degc`, `terminals`, `power_w`, sensors, guard, board."""

    def __init__(
        self,
        rules: Rules | None = None,
        interlocks: Sequence[Interlock] = INTERLOCKS,
        latch: MemoryLatch | None = None,
        reset: bool = True,
        speed: float = 1.0,
    ) -> None:
        self.rules = rules if rules is not None else Rules(min_off_s=1.0, dead_s=3.0)
        self.guard = CoreGuard()
        channels = {role: number for number, role in enumerate(ROLES)}
        self.board = Board(channels)
        self.degc = {"heatsink_degc": 40.0, "ambient_degc": 25.0, "loadbank_degc": 30.0}
        self.terminals = {"left_plus_v": 0.01, "left_minus_v": 0.0, "right_plus_v": 0.01, "right_minus_v": 0.0}
        self.power_w = 40.0
        self.bias_mv = {"left_mv": 0.01, "right_mv": -0.01}  # with mains on
        self.charge_v = 0.0
        self.fan_turns = True
        self.drive_until: float | None = None
        self.sensors = {
            "temperature": Sensor(lambda: dict(self.degc)),
            "mains": Sensor(lambda: {"power_w": self.power_w if self.guard.fb else 0.0}),
            "dc": Sensor(lambda: dict(self.terminals)),
            "discharge": Sensor(self._discharge),
            "fan": Sensor(lambda: {"rpm": 1500.0 if self.board.positions["fan"] and self.fan_turns else 0.0}),
            "inrush": Sensor(lambda: {"peak_a": 14.0}),
            "loadbank": Sensor(lambda: {"left_ohm": 8.01, "right_ohm": 7.99}),
            "bias": Sensor(lambda: {side: mv * self.guard.fb for side, mv in self.bias_mv.items()}),
        }
        self.latch = latch if latch is not None else MemoryLatch()
        self.tester, self.touch, self.sound = Tester(self), Touch(), Sound(self)
        self.kernel: Kernel = build_kernel(
            self.guard, self.board, channels, {role: (sensor, 0.2) for role, sensor in self.sensors.items()},
            interlocks, self.latch, self._sink, now, self.rules,
        )  # fmt: skip
        self.bench: Bench = build_bench(self.kernel, self.tester, self.touch, self.sound, ScaledClock(speed))

    def _sink(self, until: float | None) -> None:
        self.drive_until = until

    def _discharge(self) -> Mapping[str, float]:
        if not self.tester.running:
            self.charge_v *= 0.5
        volts = 230.0 if self.guard.fb else self.charge_v
        return {"l_n_v": volts if self.guard.fb else 0.1, "l_pe_v": volts, "n_pe_v": 0.1}

    @property
    def causes(self) -> list[tuple[str, str]]:
        return [(trip.interlock, trip.cause) for trip in self.kernel.trips]

    async def settle(self, seconds: float = 1.5) -> None:
        """Let the bench run: first readings, relays in their safe state, guard open."""
        await asyncio.sleep(seconds)

    async def energise(self) -> None:
        await self.bench.mains.on(60.0)

    async def tripped(self, within_s: float = 2.0) -> None:
        async with asyncio.timeout(within_s):
            await self.kernel.wait_tripped()

    async def close(self) -> None:
        await self.kernel.close()
        await self.guard.close()
