"""What a person at the bench does: scans, presses START, answers, resets after a while, takes the next device.

Looks at the session's state at every scan and acts after a delay of their own. Presses are real: a button is down for
a while, and the panel's debouncing decides what that means.
"""

from __future__ import annotations

from collections.abc import Callable

from drivers.ports import Button
from station.campaign.bench import World
from station.campaign.chance import Chance
from station.campaign.virtual import US

RESETS_MAX = 6
GIVES_UP_US = 60 * US
PRESS_US = 250_000
NG_IN = 25
IDLE = ("waiting", "scan_missing", "wrong_serial")
VERDICTS = ("PASS", "FAIL", "ABORTED", "ERROR")


class Technician:
    """`scan` hands a line to the scanner. `done` once nothing more will be asked of the bench."""

    def __init__(self, world: World, scan: Callable[[str], None], product: str) -> None:
        self._world = world
        self._scan = scan
        self._product = product
        self._chance = Chance(world.history.seed, "technician")
        self._state = ""
        self._since_us = world.now_us
        self._act_us = 0
        self._resets = 0
        self._started = 0
        self._finished = False
        self.done = False
        self.reset_pressed_us = self.start_pressed_us = -(10**15)

    def look(self, now_us: int) -> None:
        """Look at the bench now and do what is due."""
        state = self._world.state
        if state != self._state:
            self._state, self._since_us = state, now_us
            self._act_us = now_us + self._chance.whole(500, 3_000) * 1000
        if now_us < self._act_us or self._waits:
            return
        self._act_us = now_us + self._chance.whole(1_000, 4_000) * 1000
        if self._finished and state in (*IDLE, "READY", "ready"):
            self.done = True
        elif state in IDLE:
            self._scan_all()
        elif state == "ready":
            self._start(now_us)
        elif state == "prompt":
            self._answer()
        elif state == "tripped":
            self._reset(now_us)
        elif state in VERDICTS:
            self._after_verdict()
        elif state == "cooling" and now_us - self._since_us > 400 * US:
            self.done = True

    @property
    def next_us(self) -> int:
        """When they act next, if the state stays: quiet time ends before."""
        return (1 << 62) if self._waits else self._act_us

    @property
    def _waits(self) -> bool:
        return self.done or self._state in ("preparing", "energised", "")

    def _scan_all(self) -> None:
        number = self._started + 1
        plan = "short" if number > 1 or not self._world.history.soak_s else "whole"
        for text in ("OP:e7", f"WO:{number}", f"SN:{number}", f"PR:{self._product}", f"PL:{plan}"):
            self._scan(text)

    def _start(self, now_us: int) -> None:
        if now_us - self._since_us > GIVES_UP_US:  # START is refused again and again
            self.done = True
            return
        self._started += 1
        self._press(Button.START)

    def _answer(self) -> None:
        """OK as a rule; NG once in a while; where a badge is to sign, a colleague's."""
        if self._world.asks == "badge":
            self._scan("OP:e8")
        else:
            self._press(Button.NG if self._chance.one_in(NG_IN) else Button.OK)

    def _reset(self, now_us: int) -> None:
        if self._resets >= RESETS_MAX or now_us - self._since_us > GIVES_UP_US:
            self.done = True
            return
        self._resets += 1
        self._press(Button.RESET)

    def _after_verdict(self) -> None:
        if self._started >= 2 or not self._chance.one_in(2):
            self._finished = True
        self._resets = 0
        self._press(Button.OK)

    def _press(self, button: Button) -> None:
        world = self._world
        world.buttons |= {button}
        if button is Button.RESET:
            self.reset_pressed_us = world.now_us

        def up(now_us: int) -> None:
            world.buttons -= {button}

        world.later(world.now_us + PRESS_US, up)
