"""The panel's twin: buttons that a test or a person at the keyboard presses, lamps and buzzer as last shown.

Serves the protocol of `drivers.gpio.socket_panel` on a Unix socket.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from drivers.ports import Button, Buzz, Lamp, LampState

TAP_READS = 5
"""A tap lasts until the station has looked this often, and its release as often: so it is never missed."""
TAP_S = 0.15
TAP_DEADLINE_S = 10.0


class PanelTwin:
    """A panel on `path`. `lamps` and `buzz` (`buzzer`: its name) as last shown; `buzzes`: all that it began to play."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._down: set[Button] = set()
        self._reads = 0
        self._seen_up = False
        self._changed = asyncio.Condition()
        self._server: asyncio.Server | None = None
        self._stations: dict[asyncio.StreamWriter, asyncio.Task[None] | None] = {}
        self._show_listeners: list[Callable[[], None]] = []
        self.lamps: Mapping[Lamp, LampState] = {lamp: LampState(False) for lamp in Lamp}
        self.buzz = Buzz()
        self.buzzes: list[str] = []

    @property
    def buzzer(self) -> str:
        """The name of what it plays or has played last; "" for silence."""
        return self.buzz.name

    async def start(self) -> None:
        """Listen. Raises `OSError`."""
        self._unlink()
        self._server = await asyncio.start_unix_server(self._serve, self._path)

    def add_show_listener(self, listener: Callable[[], None]) -> None:
        """`listener()` after the station showed something."""
        self._show_listeners.append(listener)

    async def press(self, button: Button) -> None:
        """Hold a button down until `release`."""
        self._down.add(button)

    async def release(self, button: Button) -> None:
        """Let a button go."""
        self._down.discard(button)

    async def tap(self, button: Button) -> None:
        """Press and release, each for long enough to be seen. Raises `TimeoutError` if no station looks.

        A button that is down when a station first looks is no press, so that first look is waited for.
        """
        async with asyncio.timeout(TAP_DEADLINE_S), self._changed:
            await self._changed.wait_for(lambda: self._seen_up)
        await self.press(button)
        try:
            await self._looked_at()
        finally:
            await self.release(button)
        await self._looked_at()

    async def wait_until(self, condition: Callable[[PanelTwin], bool], deadline_s: float = 5.0) -> None:
        """Wait until what is shown meets `condition`. Raises `TimeoutError`."""
        async with asyncio.timeout(deadline_s), self._changed:
            await self._changed.wait_for(lambda: condition(self))

    async def close(self) -> None:
        """Break the socket; safe to call twice."""
        server, self._server = self._server, None
        if server is None:
            return
        server.close()
        stations = dict(self._stations)
        for writer in stations:
            writer.close()
        await asyncio.gather(*(task for task in stations.values() if task is not None))
        await server.wait_closed()
        self._unlink()

    def _unlink(self) -> None:
        Path(self._path).unlink(missing_ok=True)

    async def _looked_at(self) -> None:
        enough, until = self._reads + TAP_READS, time.monotonic() + TAP_S
        async with asyncio.timeout(TAP_DEADLINE_S), self._changed:
            await self._changed.wait_for(lambda: self._reads >= enough)
        await asyncio.sleep(max(0.0, until - time.monotonic()))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._stations[writer] = asyncio.current_task()
        try:
            with contextlib.suppress(OSError, ValueError):
                while line := await reader.readline():
                    writer.write(json.dumps(await self._answer(json.loads(line))).encode() + b"\n")
                    await writer.drain()
        finally:
            self._seen_up = False
            del self._stations[writer]
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _answer(self, request: dict[str, Any]) -> dict[str, Any]:
        async with self._changed:
            if "show" in request:
                self.lamps = {Lamp(name): LampState(**state) for name, state in request["show"].items()}
                told = request["buzzer"]
                self.buzz = Buzz(**{**told, "beeps": tuple(tuple(beep) for beep in told["beeps"])})
                if self.buzzer:
                    self.buzzes.append(self.buzzer)
                answer: dict[str, Any] = {"shown": True}
            else:
                self._reads += 1
                self._seen_up = self._seen_up or not self._down
                answer = {"down": sorted(self._down)}
            self._changed.notify_all()
        if "show" in request:
            for listener in self._show_listeners:
                listener()
        return answer
