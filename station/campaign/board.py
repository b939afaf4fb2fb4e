"""The guard on a board that can fail: the firmware's own core, contactor, loops and lamps around it.

The core is the file that the microcontroller runs, loaded from firmware/guard. What the wires do stands here: the
hardware chain of emergency stop and lid in series with the coils, the mirror loop, power-up.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

from station.campaign.plant import CLOSE_US, OPEN_US, Plant

CORE = Path(__file__).resolve().parents[2] / "firmware" / "guard" / "guard_core.py"
TICKS_MASK = 0x3FFFFFFF
NEVER_US = -1_000_000_000_000


def load_core() -> Any:
    """The firmware's module, as it is."""
    spec = importlib.util.spec_from_file_location("guard_core_of_campaign", CORE)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Papers:
    """What the contract calls fresh, kept apart from the core: session, SEQ, nonce of each frame (invariants 5, 6)."""

    def __init__(self) -> None:
        self._session, self._seq, self._nonce = "", 0, ""
        self.broken: list[str] = []
        """Verbs that were accepted though stale."""

    def look(self, body: str, answer: str) -> bool:
        """One frame with its answer; False if it was stale and accepted all the same."""
        session, number, verb, *argument = body.split(" ")
        current = session == self._session and int(number) > self._seq
        if current:
            self._seq = int(number)
        if " OK " not in answer or verb in ("OFF", "STOP"):
            return True
        if verb == "HELLO":
            told = dict(word.split("=") for word in answer.split(" ") if "=" in word)
            self._session, self._seq, self._nonce = session, int(number), told["nonce"]
            return True
        fresh = current and (verb not in ("ARM", "HV") or argument[0].split(":")[0] == self._nonce)
        if not fresh:
            self.broken.append(verb)
        return fresh


class Board:
    """`later(us, what)` puts something on the world's agenda; `noted(text)` tells the trace what changed."""

    def __init__(
        self, module: Any, plant: Plant, wrap_ms: int, later: Callable[[int, Callable[[int], None]], None],
        noted: Callable[[str], None],
    ) -> None:  # fmt: skip
        self._module = module
        self._plant = plant
        self._wrap_ms = wrap_ms
        self._later = later
        self._noted = noted
        self._words = 0
        self._coil = False
        self.inputs = {"estop": True, "lid": True, "thermo": True}
        self._switches = dict(self.inputs)
        self._loops_out = False
        self.bad_since_us = dict.fromkeys(self.inputs, 0)
        """When an input became unhealthy; meaningless while it is healthy."""
        self.mirror_broken = False
        self.powered = True
        self.boots = 0
        self.due_us = 0
        self.heard_hb_us = NEVER_US
        self.k_rose_us = self.k_fell_us = self.hv_rose_us = self.hv_fell_us = NEVER_US
        self.accepted: list[str] = []
        """Verbs accepted since the last power-up, heartbeats left out."""
        self.lines: list[str] = []
        self._seen = ("", False, False, True)
        self._stepped_us = NEVER_US
        self.k = self.h = False
        """K and H are driven: the core says so and the board has power."""
        self.power_up(0)

    def power_up(self, now_us: int) -> None:
        """Boot: a new core."""
        self.boots += 1
        self.lines.clear()
        self.core = self._module.Guard(self._word, self.lines.append)
        self.accepted = []
        self.papers = Papers()
        self._fell(now_us)
        self._seen = (self.core.state, False, False, True)
        self._coil_follows(now_us)
        self.step(now_us)

    def _word(self) -> str:
        self._words += 1
        return f"{self.boots:04x}{self._words:04x}"

    @property
    def feedback(self) -> bool:
        """The mirror loop is open: some contactor's main contacts are closed, its wire or its 24 V is gone."""
        return self._plant.closed[0] or self._plant.closed[1] or self.mirror_broken or self._loops_out

    def step(self, now_us: int) -> None:
        """One pass of the core at this moment."""
        if not self.powered:
            return
        inputs = self.inputs
        ticks = (now_us // 1000 + self._wrap_ms) & TICKS_MASK
        self.core.step(ticks, inputs["estop"], inputs["lid"], inputs["thermo"], self.feedback)
        self._stepped_us = now_us
        self.after(now_us)

    def skip(self, quiet_us: int, *, beats: bool) -> None:
        """As if `quiet_us` had passed with nothing but a heartbeat at every scan (`beats`), or not even that.

        What the core would have done is nothing but to grow older: the caller has seen to that.
        """
        core = self.core
        kept_age, core.hb_age = core.hb_age, -1 if beats else core.hb_age
        since_status = core._status_age
        inputs = self.inputs
        core._advance(quiet_us // 1000, inputs["estop"], inputs["lid"], inputs["thermo"], self.feedback)
        core._ticks = (core._ticks + quiet_us // 1000) & TICKS_MASK
        core._status_age = since_status
        if beats:
            core.hb_age = kept_age
            self.heard_hb_us += quiet_us
        self.due_us += quiet_us

    def frame(self, body: str, now_us: int) -> list[str]:
        """Hand one frame over; the lines that the guard sends meanwhile."""
        if not self.powered:
            return []
        if self._stepped_us != now_us:  # a second pass within the same moment would do nothing
            self.step(now_us)
        self._stepped_us = NEVER_US
        self.lines.clear()
        self.core.frame(body)
        answer = self.lines[0] if self.lines else ""
        fresh = self.papers.look(body, answer)
        if " OK " in answer:
            verb = answer.split(" ", 4)[3]
            if verb != "HB":
                self.accepted.append(verb)
            elif fresh:
                self.heard_hb_us = now_us
        self.after(now_us)
        return self.lines

    def after(self, now_us: int) -> None:
        """What follows from the core's outputs."""
        core = self.core
        self.due_us = now_us + core.due_ms() * 1000
        seen = (core.state, core.k, core.h, core.lock)
        if seen == self._seen:
            return
        before, self._seen = self._seen, seen
        if core.k != before[1]:
            if core.k:
                self.k_rose_us = now_us
            else:
                self.k_fell_us = now_us
        if core.h != before[2]:
            if core.h:
                self.hv_rose_us = now_us
            else:
                self.hv_fell_us = now_us
        lock = "" if core.lock == before[3] else f", lid {'locked' if core.lock else 'released'}"
        self._noted(f"guard {core.state}{f' {core.cause}' if core.cause != '-' else ''}{lock}")
        self._coil_follows(now_us)

    def put_input(self, name: str, healthy: bool, now_us: int) -> None:
        """A loop opens or closes; emergency stop and lid also break the coils by themselves."""
        self._switches[name] = healthy
        self._loops_follow(now_us)

    def put_loops(self, supplied: bool, now_us: int) -> None:
        """The 24 V of every loop and of the coils goes or comes back: all inputs and the mirror loop read open."""
        self._loops_out = not supplied
        self._loops_follow(now_us)
        self.step(now_us)

    def _loops_follow(self, now_us: int) -> None:
        levels = {name: healthy and not self._loops_out for name, healthy in self._switches.items()}
        if levels == self.inputs:
            return
        for name, healthy in levels.items():
            if self.inputs[name] and not healthy:
                self.bad_since_us[name] = now_us
        self.inputs = levels
        self._coil_follows(now_us)
        self.step(now_us)

    @property
    def chain(self) -> bool:
        """The hardware chain, the supply of the coils and of the tester's interlock."""
        return self.powered and self._plant.supply and self.inputs["estop"] and self.inputs["lid"]

    def _coil_follows(self, now_us: int) -> None:
        self.k, self.h = bool(self.powered and self.core.k), bool(self.powered and self.core.h)
        coil = self.k and self.chain
        if coil != self._coil:
            self._coil = coil
            self._later(now_us + (CLOSE_US if coil else OPEN_US), self.contacts)
        if self._plant.testing and not (self.h and self.chain):
            self._plant.testing = False  # the tester's interlock is open
            self._plant.settle(now_us)

    def contacts(self, now_us: int) -> None:
        """The main contacts follow the coil, where they can."""
        plant, was_live = self._plant, self._plant.live
        for index in (0, 1):
            plant.closed[index] = (self._coil and not plant.dropped) or (plant.closed[index] and plant.welded[index])
        if plant.powered and not was_live:
            plant.peak_a = max(plant.peak_a, plant.dut.inrush_a)
        plant.settle(now_us)
        self.step(now_us)

    def supply_changed(self, now_us: int) -> None:
        """The building's mains went or came, the guard's own supply perhaps with it."""
        if not self.powered:
            self._fell(now_us)
        self._coil_follows(now_us)

    def _fell(self, now_us: int) -> None:
        """K and H, if they were on, went with the guard."""
        state, k, h, lock = self._seen
        if k:
            self.k_fell_us = now_us
        if h:
            self.hv_fell_us = now_us
        self._seen = state, False, False, lock
