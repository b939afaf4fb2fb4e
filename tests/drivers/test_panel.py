"""Panels: the GPIO one on gpiozero's mock pins, the socket one against its twin over a real Unix socket."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from gpiozero.pins.mock import MockFactory, MockPin, MockPWMPin

from drivers.errors import PortError, ProtocolError
from drivers.gpio.panel import GpioPanel
from drivers.gpio.socket_panel import SocketPanel
from drivers.ports import Button, Buzz, Lamp, LampState
from drivers.settings import GpioPanelSettings
from drivers.sim.panel import TAP_READS, PanelTwin
from station.panel.buttons import ButtonPressed, ButtonScan

SILENT = Buzz()
SCAN, TRIP = Buzz("scan", ((0.05, 0.0),)), Buzz("trip", ((0.3, 0.3),), repeats=True)
FAIL = Buzz("fail", ((0.8, 0.0),), hz=587.0, volume=0.7)
SETTINGS = GpioPanelSettings(
    buttons={"start": 5, "stop": 6, "ok": 12, "ng": 13, "reset": 16},
    lamps={"blue": 17, "white": 22, "yellow": 23, "violet": 24},
    buzzer=25,
)


async def until(condition: Callable[[], bool], deadline_s: float = 3.0) -> None:
    """Wait for `condition` in the event loop, or fail."""
    async with asyncio.timeout(deadline_s):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.002)


@pytest.fixture
def pins() -> Iterator[MockFactory]:
    factory = MockFactory()
    yield factory
    factory.reset()


@pytest.fixture
async def gpio(pins: MockFactory) -> AsyncIterator[GpioPanel]:
    panel = GpioPanel(SETTINGS, pin_factory=pins)
    await panel.ensure_ready()
    yield panel
    await panel.close()


@pytest.fixture
async def twin(tmp_path: Path) -> AsyncIterator[PanelTwin]:
    twin = PanelTwin(str(tmp_path / "panel.sock"))
    await twin.start()
    yield twin
    await twin.close()


@pytest.fixture
async def panel(twin: PanelTwin, tmp_path: Path) -> AsyncIterator[SocketPanel]:
    panel = SocketPanel(str(tmp_path / "panel.sock"))
    yield panel
    await panel.close()


# ---- GPIO ------------------------------------------------------------------------------------------------------
async def test_a_button_to_ground_reads_as_down_and_a_loose_wire_as_up(gpio: GpioPanel, pins: MockFactory) -> None:
    assert await gpio.read_buttons() == frozenset()
    pins.pin(5).drive_low()
    pins.pin(6).drive_low()
    assert await gpio.read_buttons() == {Button.START, Button.STOP}
    pins.pin(5).drive_high()
    assert await gpio.read_buttons() == {Button.STOP}


async def test_no_button_of_the_gpio_panel_is_called_back(gpio: GpioPanel, pins: MockFactory) -> None:
    assert all(pins.pin(number).when_changed is None for number in SETTINGS.buttons.values())


async def test_lamps_that_are_not_named_go_off(gpio: GpioPanel, pins: MockFactory) -> None:
    await gpio.show({Lamp.BLUE: LampState(True), Lamp.WHITE: LampState(True)}, SILENT)
    assert [pins.pin(number).state for number in (17, 22, 23, 24)] == [True, True, False, False]
    await gpio.show({Lamp.VIOLET: LampState(True)}, SILENT)
    assert [pins.pin(number).state for number in (17, 22, 23, 24)] == [False, False, False, True]


async def test_a_blinking_lamp_is_both_lit_and_dark_within_its_period(gpio: GpioPanel, pins: MockFactory) -> None:
    await gpio.show({Lamp.BLUE: LampState(True, 0.1)}, SILENT)
    seen: set[bool] = set()

    def both() -> bool:
        seen.add(pins.pin(17).state)
        return seen == {False, True}

    await until(both)
    await gpio.show({Lamp.BLUE: LampState(True)}, SILENT)
    assert pins.pin(17).state


async def test_a_code_is_blinked_by_the_lamp_and_beeped_once_by_the_buzzer(
    gpio: GpioPanel, pins: MockFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LONG_S", "SHORT_S", "DARK_S", "BETWEEN_S", "PAUSE_S"):
        monkeypatch.setattr(f"drivers.gpio.blink_code.{name}", 0.03)
    lit, beeped = pins.pin(24), pins.pin(SETTINGS.buzzer)
    await gpio.show({Lamp.VIOLET: LampState(True, code=12)}, Buzz("code", code=12))
    await until(lambda: _times_on(beeped) == 3 and _times_on(lit) >= 6)
    await gpio.show({Lamp.VIOLET: LampState(True)}, SILENT)
    assert _times_on(beeped) == 3, "one long and two short, and not again with the lamp's second time"
    assert lit.state


def _times_on(pin: Any) -> int:
    return sum(change.state for change in pin.states)


async def test_a_pattern_beeps_and_ends_and_a_new_one_cuts_it_off(gpio: GpioPanel, pins: MockFactory) -> None:
    await gpio.show({}, SCAN)
    await until(lambda: pins.pin(25).state)
    await until(lambda: not pins.pin(25).state)
    await gpio.show({}, TRIP)
    await until(lambda: pins.pin(25).state)
    await gpio.show({}, SILENT)
    await until(lambda: not pins.pin(25).state)


async def test_a_wink_is_a_short_flash_of_a_long_period(gpio: GpioPanel, pins: MockFactory) -> None:
    await gpio.show({Lamp.VIOLET: LampState(True, 0.4, lit_s=0.05)}, SILENT)
    lamp = pins.pin(24)
    await until(lambda: _times_on(lamp) >= 3)
    lamp.clear_states()
    began = asyncio.get_running_loop().time()
    lit: list[float] = []

    def look() -> bool:
        lit.append(float(lamp.state))
        return asyncio.get_running_loop().time() - began > 1.2

    await until(look)
    assert 0.02 < sum(lit) / len(lit) < 0.35, "lit for an eighth of the time"


async def test_with_tones_a_beep_has_its_pitch_and_is_as_wide_as_its_volume() -> None:
    factory = MockFactory(pin_class=MockPWMPin)
    panel = GpioPanel(replace(SETTINGS, tones=True), pin_factory=factory)
    try:
        await panel.ensure_ready()
        buzzer = factory.pin(25)
        for buzz in (FAIL, Buzz("raise", ((0.06, 0.08),), True, 1760.0, 0.2)):
            await panel.show({}, buzz)
            await until(lambda buzz=buzz: buzzer.state > 0.0 and buzzer.frequency == buzz.hz)
            assert (buzzer.frequency, buzzer.state) == (buzz.hz, 0.5 * buzz.volume)
        await panel.show({}, SILENT)
        await until(lambda: buzzer.state == 0.0)
    finally:
        await panel.close()
        factory.reset()


class LgpioError(Exception):
    """As lgpio's own `error`: no GPIOZeroError and no OSError."""


def broken(pin: MockPin, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on nothing can be read from this pin or set on it."""
    kind, number = type(pin), pin.info.name

    def refuse(self: MockPin, *state: object) -> float:
        if self.info.name == number:
            raise LgpioError("bad handle")
        return float(kind._get_state(self))

    monkeypatch.setattr(pin, "__class__", type("Broken", (kind,), {"state": property(refuse, refuse)}))


@pytest.fixture
def left(monkeypatch: pytest.MonkeyPatch) -> dict[MockPin, tuple[str, float]]:
    """Function and level of each pin as it was let go of, for the first time."""
    found: dict[MockPin, tuple[str, float]] = {}
    close = MockPin.close

    def noted(pin: MockPin) -> None:
        found.setdefault(pin, (pin.function, float(pin._get_state())))
        close(pin)

    monkeypatch.setattr(MockPin, "close", noted)
    return found


ALL_ON = {lamp: LampState(True) for lamp in Lamp}


async def test_a_closed_panel_has_let_go_of_its_pins_with_everything_off(
    gpio: GpioPanel, pins: MockFactory, left: dict[MockPin, tuple[str, float]]
) -> None:
    outputs = [pins.pin(number) for number in (*SETTINGS.lamps.values(), 25)]
    await gpio.show(ALL_ON, TRIP)
    await until(lambda: all(pin.state for pin in outputs))
    await gpio.close()
    await gpio.close()
    assert [left[pin] for pin in outputs] == [("output", 0.0)] * 5
    assert {pin.function for pin in outputs} == {"input"}


async def test_a_lamp_that_fails_in_closing_leaves_no_other_lit(
    gpio: GpioPanel, pins: MockFactory, left: dict[MockPin, tuple[str, float]], monkeypatch: pytest.MonkeyPatch
) -> None:
    failing, *others = (pins.pin(number) for number in (*SETTINGS.lamps.values(), 25))
    await gpio.show(ALL_ON, TRIP)
    await until(lambda: all(pin.state for pin in others))
    broken(failing, monkeypatch)
    await gpio.close()
    assert [left[pin] for pin in others] == [("output", 0.0)] * 4


async def test_what_lgpio_raises_is_a_port_error(
    gpio: GpioPanel, pins: MockFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken(pins.pin(SETTINGS.buttons["start"]), monkeypatch)
    with pytest.raises(PortError, match="cannot read its buttons: bad handle"):
        await gpio.read_buttons()
    await gpio.show({}, SILENT)
    broken(pins.pin(SETTINGS.lamps["blue"]), monkeypatch)
    with pytest.raises(PortError, match="cannot set its lamps: bad handle"):
        await gpio.show(ALL_ON, SILENT)


# ---- socket ----------------------------------------------------------------------------------------------------
async def test_the_socket_panel_reads_what_is_held_down(panel: SocketPanel, twin: PanelTwin) -> None:
    assert (await panel.ensure_ready()).model == "socket-panel"
    await twin.press(Button.OK)
    assert await panel.read_buttons() == {Button.OK}
    await twin.release(Button.OK)
    assert await panel.read_buttons() == frozenset()


async def test_lamps_and_buzzer_arrive_whole(panel: SocketPanel, twin: PanelTwin) -> None:
    await panel.show({Lamp.YELLOW: LampState(True, 0.5)}, FAIL)
    assert twin.lamps == {lamp: LampState(lamp is Lamp.YELLOW, 0.5 if lamp is Lamp.YELLOW else 0.0) for lamp in Lamp}
    assert (twin.buzz, twin.buzzer, twin.buzzes) == (FAIL, "fail", ["fail"])
    await twin.wait_until(lambda shown: shown.lamps[Lamp.YELLOW].on)


async def test_every_tap_is_one_press_to_a_station_that_debounces(panel: SocketPanel, twin: PanelTwin) -> None:
    scan = ButtonScan()
    presses: list[Button] = []
    taps = asyncio.create_task(_tap(twin, [Button.START, Button.START, Button.OK]))
    scan.poll(frozenset(), 0.0)
    polls = 0
    while not taps.done():
        polls += 1
        presses += [event.button for event in scan.poll(await panel.read_buttons(), polls * 0.05)
                    if isinstance(event, ButtonPressed)]  # fmt: skip
        await asyncio.sleep(0.005)
    await taps
    assert presses == [Button.START, Button.START, Button.OK]
    assert polls >= 6 * TAP_READS


async def _tap(twin: PanelTwin, buttons: list[Button]) -> None:
    for button in buttons:
        await twin.tap(button)


async def test_a_tap_that_no_station_looks_at_is_told(twin: PanelTwin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drivers.sim.panel.TAP_DEADLINE_S", 0.05)
    with pytest.raises(TimeoutError):
        await twin.tap(Button.STOP)


async def test_a_gone_socket_is_a_port_error_and_its_return_is_enough(panel: SocketPanel, twin: PanelTwin) -> None:
    await panel.ensure_ready()
    await twin.close()
    for _ in range(2):
        with pytest.raises(PortError, match="gone"):
            await panel.read_buttons()
    await twin.start()
    assert await panel.read_buttons() == frozenset()


async def test_an_answer_that_names_no_button_is_refused(tmp_path: Path) -> None:
    ended = asyncio.Event()

    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b'{"down": ["fire"]}\n')
        await reader.read()
        writer.close()
        await writer.wait_closed()
        ended.set()

    path = str(tmp_path / "babble.sock")
    async with await asyncio.start_unix_server(babble, path):
        panel = SocketPanel(path)
        with pytest.raises(ProtocolError, match="fire"):
            await panel.read_buttons()
        await panel.close()
        await ended.wait()
