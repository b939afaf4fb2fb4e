"""The panel on the Pi's own GPIO through gpiozero: buttons to ground, lamps and buzzer through drivers.

Buttons are polled, never called back, and not debounced here. Lamps blink and the buzzer beeps in the event loop, so a
loop that stands still shows as lamps that stand still. The chip is found by its label (see `chip`); there is no other
pin factory to fall back to.

lgpio's own error has no base but `Exception`, so nothing narrower is caught where a pin is touched.

A pin stays as it was driven when the process is killed (raspberrypi/linux issues 6117 and 6150): lamps keep their last
state, and a buzzer with a pitch of its own goes on. Lamps and buzzer are claimed by the first `show`, so whoever reads
the buttons alone leaves them as they are; whoever has shown something and closes the panel puts all of it out.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence

import gpiozero

from drivers.errors import PortError
from drivers.gpio.blink_code import flashes, is_lit
from drivers.gpio.chip import find_chip
from drivers.ports import Button, Buzz, Identity, Lamp, LampState
from drivers.settings import GpioPanelSettings

EDGE_S = 0.01
DUTY_MAX = 0.5
"""Of the square wave at full volume: a piezo is loudest there."""


class GpioPanel:
    """One panel; implements `drivers.ports.Panel`."""

    def __init__(self, settings: GpioPanelSettings, pin_factory: gpiozero.Factory | None = None) -> None:
        """`pin_factory` is for tests; without it the chip with a label of `settings.chip` is opened through lgpio."""
        self._settings = settings
        self._given_factory = pin_factory
        self._factory: gpiozero.Factory | None = None
        self._device = "panel"
        self._chip = ""
        self._opening = asyncio.Lock()
        self._buttons: dict[Button, gpiozero.InputDevice] = {}
        self._lamps: dict[Lamp, gpiozero.DigitalOutputDevice] = {}
        self._buzzer: gpiozero.DigitalOutputDevice | gpiozero.PWMOutputDevice | None = None
        self._shown: dict[Lamp, LampState] = {}
        self._shown_s = 0.0
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def ensure_ready(self) -> Identity:
        """Claim the buttons if need be; no output is touched. Raises `PortError`."""
        async with self._opening:
            if self._factory is None:
                await self._open()
        return Identity(model=self._chip)

    async def close(self) -> None:
        """What was shown goes off, pins are let go; safe to call twice."""
        tasks, self._tasks = list(self._tasks.values()), {}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._release()

    async def read_buttons(self) -> frozenset[Button]:
        """The buttons that are down now. Raises `PortError`."""
        await self.ensure_ready()
        try:
            return frozenset(button for button, pin in self._buttons.items() if pin.is_active)
        except Exception as error:
            raise PortError(self._device, f"cannot read its buttons: {error}") from error

    async def show(self, lamps: Mapping[Lamp, LampState], buzz: Buzz) -> None:
        """Set every lamp (those not named go off) and begin to play. Raises `PortError`."""
        await self.ensure_ready()
        if self._buzzer is None:
            self._claim(self._claim_outputs)
        self._shown = {lamp: lamps.get(lamp, LampState(False)) for lamp in Lamp}
        self._shown_s = time.monotonic()
        try:
            self._light(time.monotonic())
        except Exception as error:
            raise PortError(self._device, f"cannot set its lamps: {error}") from error
        self._replace("lamps", self._blink())
        self._replace("buzzer", self._beep(buzz))

    async def _open(self) -> None:
        factory, self._chip = self._given_factory, "given pins"
        if factory is None:
            factory, self._chip = await asyncio.to_thread(_lgpio_factory, self._device, self._settings.chip)
        self._factory = factory
        self._claim(self._claim_buttons)

    def _claim(self, claim: Callable[[], None]) -> None:
        try:
            claim()
        except Exception as error:
            self._release()
            raise PortError(self._device, f"cannot claim its pins: {error}; see gpioinfo for who has them") from error

    def _claim_buttons(self) -> None:
        for name, pin in self._settings.buttons.items():
            self._buttons[Button(name)] = gpiozero.InputDevice(pin, pull_up=True, pin_factory=self._factory)

    def _claim_outputs(self) -> None:
        for name, pin in self._settings.lamps.items():
            self._lamps[Lamp(name)] = gpiozero.DigitalOutputDevice(pin, pin_factory=self._factory)
        kind = gpiozero.PWMOutputDevice if self._settings.tones else gpiozero.DigitalOutputDevice
        self._buzzer = kind(self._settings.buzzer, pin_factory=self._factory)

    def _release(self) -> None:
        outputs = [*self._lamps.values(), *([self._buzzer] if self._buzzer else [])]
        for device in outputs:
            with contextlib.suppress(Exception):
                device.off()
        for device in [*outputs, *self._buttons.values()]:
            with contextlib.suppress(Exception):
                device.close()
        self._buttons, self._lamps, self._buzzer = {}, {}, None
        if self._factory is not None and self._given_factory is None:
            with contextlib.suppress(Exception):
                self._factory.close()
        self._factory = None

    def _replace(self, name: str, play: Coroutine[None, None, None]) -> None:
        before = self._tasks.pop(name, None)
        if before is not None:
            before.cancel()
        self._tasks[name] = asyncio.create_task(play, name=f"panel {name}")

    def _light(self, now_s: float) -> None:
        for lamp, state in self._shown.items():
            if lamp in self._lamps:
                self._lamps[lamp].value = self._lit(state, now_s)[0]

    def _lit(self, state: LampState, now_s: float) -> tuple[bool, float]:
        """Whether a lamp is lit now, and for how long it stays so."""
        if not state.on:
            return False, math.inf
        if state.code:
            return is_lit(state.code, now_s - self._shown_s)
        if state.blink_s > 0:
            lit_s, at_s = state.lit_s or state.blink_s / 2, now_s % state.blink_s
            return at_s < lit_s, (lit_s if at_s < lit_s else state.blink_s) - at_s
        return True, math.inf

    async def _blink(self) -> None:
        while True:
            now_s = time.monotonic()
            left_s = min(self._lit(state, now_s)[1] for state in self._shown.values())
            if left_s == math.inf:
                return
            await asyncio.sleep(max(EDGE_S, left_s))
            self._light(time.monotonic())

    async def _beep(self, buzz: Buzz) -> None:
        beeps = flashes(buzz.code) if buzz.code else buzz.beeps
        buzzer = self._buzzer
        if buzzer is None:
            return
        buzzer.off()
        try:
            while beeps:
                for on_s, off_s in beeps:
                    _begin(buzzer, buzz)
                    await asyncio.sleep(on_s)
                    buzzer.off()
                    await asyncio.sleep(off_s)
                if not buzz.repeats:
                    return
        finally:
            with contextlib.suppress(Exception):
                buzzer.off()


def _begin(buzzer: gpiozero.DigitalOutputDevice | gpiozero.PWMOutputDevice, buzz: Buzz) -> None:
    """A beep begins: at its pitch, a square wave as narrow as its volume; or just on, where it has one pitch only."""
    if isinstance(buzzer, gpiozero.PWMOutputDevice):
        buzzer.frequency = buzz.hz
        buzzer.value = DUTY_MAX * buzz.volume
    else:
        buzzer.on()


def _lgpio_factory(device: str, labels: Sequence[str]) -> tuple[gpiozero.Factory, str]:
    """The factory of the chip with one of these labels, and which it was. Raises `PortError`."""
    label, number = find_chip(device, labels)
    try:
        from gpiozero.pins.lgpio import LGPIOFactory
    except ImportError as error:
        raise PortError(device, f"lgpio is not installed ({error}); install the extra 'pi'") from error
    except OSError as error:  # at its import lgpio makes a pipe of its own, .lgd-nfy, in the working directory
        raise PortError(
            device, f"lgpio cannot start ({error}); start the station in a folder it may write to"
        ) from error
    try:
        return LGPIOFactory(chip=number), label
    except Exception as error:
        raise PortError(
            device, f"gpiochip{number} cannot be opened: {error}; is the user in the group gpio?"
        ) from error
