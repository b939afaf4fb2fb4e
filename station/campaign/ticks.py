"""What the daemon's periodic tasks do, done from the world's tick by whoever owns time: polls, panel, scan, outbox.

The order is fixed: devices are read, lines kept open, buttons looked at, and the scan comes last, as its heartbeat
does.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from drivers.errors import DriverError
from drivers.ports import Button
from station.campaign.bench import TICK_US
from station.campaign.life import POLL_S, Life
from station.campaign.virtual import US
from station.panel.buttons import ButtonPressed, ButtonScan, ButtonStuck
from station.run import session_events as ev
from station.safety.pollers import REST_S

if TYPE_CHECKING:
    from station.campaign.session import Machinery

LINE_TICKS, LOOK_TICKS, DRAIN_TICKS = 20, 2, 40
DESK_TICKS = {False: 10, True: 20}
"""By whether the bench rests."""
POLL_TICKS = {
    False: {role: round(poll_s * US) // TICK_US for role, poll_s in POLL_S.items()},
    True: {role: round(max(poll_s, REST_S) * US) // TICK_US for role, poll_s in POLL_S.items()},
}


class Ticks:
    """One a session; knows which life it last worked for."""

    def __init__(self, machinery: Machinery) -> None:
        self._machinery = machinery
        self._world = machinery.world
        self._life: Life | None = None
        self._buttons = ButtonScan()
        self._idle_polls = 0
        self._panel_lost = False
        self._waiting = False
        self._resting = False
        self._work: dict[str, asyncio.Task[Any]] = {}

    def tick(self, life: Life, now_us: int, due_us: int) -> None:
        """One tick of a station that is ready. `due_us`: when this scan should have begun."""
        if life is not self._life:
            self._begin(life)
        number = now_us // TICK_US
        if not life.ticking:
            self._poll(life, number)
            self._keep_lines(life, number)
            self._look_at_panel(life, now_us)
            if number % LOOK_TICKS == 0:
                life.conductor.look()
            life.kernel.turn(due_us / US)
        if number % DRAIN_TICKS == 0 and self._waiting:
            self._drain(life)

    def _begin(self, life: Life) -> None:
        self._life = life
        self._buttons, self._idle_polls, self._panel_lost = ButtonScan(), 0, False
        self._work.clear()
        self._waiting, self._resting = True, False
        self._listen(life)

    def _listen(self, life: Life) -> None:
        def posted() -> None:
            self._waiting = True

        life.store.on_posted = posted
        sight = self._machinery.sight
        post = life.conductor.post

        def watched(event: ev.Event) -> tuple[ev.Action, ...]:
            button = event.button if isinstance(event, ButtonPressed) else None
            sight.resets += button is Button.RESET
            actions = post(event)
            for action, asked_by in ((ev.StartRun, Button.START), (ev.ResetTrip, Button.RESET)):
                if any(isinstance(one, action) for one in actions):
                    sight.starts += action is ev.StartRun
                    if button is not asked_by:
                        sight.unasked.append(f"{action.__name__} after {type(event).__name__}")
            return actions

        life.conductor.post = watched  # type: ignore[method-assign]

    def _poll(self, life: Life, number: int) -> None:
        resting = life.kernel.pollers.pace.resting
        woken, self._resting = self._resting and not resting, resting
        for role, period in POLL_TICKS[resting].items():
            if woken or number % period == 0:
                self._read(life, role)

    def _read(self, life: Life, role: str) -> None:
        sensor, table, now_s = life.sensors[role], life.kernel.table, self._world.now_us / US
        try:
            table.put(role, sensor.sample(), now_s)
        except DriverError:
            table.fail(role, sensor.accuracy, now_s)

    def _see_relays(self, life: Life) -> None:
        desk = life.kernel.desk
        try:
            desk.note(life.relays.sample(), self._world.now_us / US)
            desk.trouble = None
        except DriverError as error:
            desk.trouble = error

    def catch_up(self, life: Life, since_us: int) -> None:
        """Quiet time since then was jumped over: the last polls in it are done as of their own moments."""
        world, resting = self._world, life.kernel.pollers.pace.resting
        now_us, desk = world.now_us, life.kernel.desk
        for role, period in POLL_TICKS[resting].items():
            world.now_us = now_us // (period * TICK_US) * (period * TICK_US)
            if world.now_us > since_us:
                self._read(life, role)
        period_us = DESK_TICKS[resting] * TICK_US
        world.now_us = now_us // period_us * period_us
        if world.now_us > since_us and desk.started and not desk.writing:
            self._see_relays(life)
        world.now_us = now_us

    def _keep_lines(self, life: Life, number: int) -> None:
        desk, line = life.kernel.desk, life.kernel.line
        if number % DESK_TICKS[life.kernel.pollers.pace.resting] == 0:
            if not desk.started:
                self._once("desk", desk.look)
            elif not desk.writing:
                self._see_relays(life)
        if line.needs_opening and (number % LINE_TICKS == 0 or line.status is None):
            self._once("line", line.keep_open)

    def _once(self, name: str, work: Any) -> None:
        task = self._work.get(name)
        if task is None or task.done():
            self._work[name] = asyncio.get_running_loop().create_task(work(), name=name)

    def _look_at_panel(self, life: Life, now_us: int) -> None:
        try:
            down = life.panel_port.sample()
        except DriverError as error:
            if not self._panel_lost:
                self._panel_lost = True
                life.conductor.post(ev.PanelLost(str(error)))
            return
        if self._panel_lost:
            self._panel_lost, self._buttons = False, ButtonScan()
            life.conductor.post(ev.PanelBack())
        self._idle_polls = 0 if down else self._idle_polls + 1
        if self._idle_polls <= 4:
            for event in self._buttons.poll(down, now_us / US):
                if isinstance(event, ButtonPressed | ButtonStuck):
                    life.conductor.post(event)

    def _drain(self, life: Life) -> None:
        async def drain() -> None:
            self._waiting = False
            if await self._machinery.centre.drain(life.store):
                self._waiting = True

        self._once("drain", drain)
