"""A panel behind a Unix socket: what the simulated bench (and a panel on another board) offers instead of GPIO.

JSON lines, one answer to each request: `{"read": true}` gives `{"down": ["start", …]}`; `{"show": {"blue": {"on": true,
"blink_s": 0.5, …}, …}, "buzzer": {"name": "pass", "beeps": [[0.1, 0.1], …], "repeats": false, "hz": 1760, "volume": 1,
"code": 0}}` gives `{"shown": true}`. So every reading is fresh, and a dead panel is told.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from drivers.errors import DeviceTimeout, PortError, ProtocolError
from drivers.ports import Button, Buzz, Identity, Lamp, LampState

ANSWER_S = 1.0


class SocketPanel:
    """One panel; implements `drivers.ports.Panel`. A lost socket is opened again by the next call."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._device = f"panel {path}"
        self._lock = asyncio.Lock()
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ensure_ready(self) -> Identity:
        """Open the socket and read the buttons once. Raises `DriverError`."""
        await self.read_buttons()
        return Identity(model="socket-panel")

    async def close(self) -> None:
        """Let go of the socket; safe to call twice."""
        writer = self._drop()
        if writer is not None:
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def read_buttons(self) -> frozenset[Button]:
        """The buttons that are down now. Raises `PortError`, `DeviceTimeout`, `ProtocolError`."""
        answer = await self._ask({"read": True})
        try:
            return frozenset(Button(name) for name in answer["down"])
        except (KeyError, TypeError, ValueError) as error:
            raise ProtocolError(self._device, f"buttons were answered {answer!r}") from error

    async def show(self, lamps: Mapping[Lamp, LampState], buzz: Buzz) -> None:
        """Set every lamp (those not named go off) and begin to play."""
        wanted = {lamp: lamps.get(lamp, LampState(False)) for lamp in Lamp}
        states = {lamp.value: asdict(state) for lamp, state in wanted.items()}
        answer = await self._ask({"show": states, "buzzer": asdict(buzz)})
        if answer.get("shown") is not True:
            raise ProtocolError(self._device, f"lamps were answered {answer!r}")

    async def _ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        async with self._lock:
            try:
                async with asyncio.timeout(ANSWER_S):
                    return await self._exchange(request)
            except TimeoutError:
                self._drop()
                raise DeviceTimeout(
                    self._device, f"no answer within {ANSWER_S:g} s; is the bench still there?"
                ) from None
            except OSError as error:
                self._drop()
                raise PortError(self._device, f"gone: {error}; start the simulated bench") from error
            except BaseException:
                self._drop()  # half an exchange would be credited to the next
                raise

    async def _exchange(self, request: Mapping[str, Any]) -> dict[str, Any]:
        if self._streams is None:
            self._streams = await asyncio.open_unix_connection(self._path)
        reader, writer = self._streams
        writer.write(json.dumps(request).encode() + b"\n")
        await writer.drain()
        line = await reader.readline()
        if not line.endswith(b"\n"):
            raise ConnectionResetError("the other end closed")
        try:
            answer = json.loads(line)
        except ValueError as error:
            raise ProtocolError(self._device, f"{line!r} is no JSON") from error
        if not isinstance(answer, dict):
            raise ProtocolError(self._device, f"{line!r} is no JSON object")
        return answer

    def _drop(self) -> asyncio.StreamWriter | None:
        streams, self._streams = self._streams, None
        if streams is None:
            return None
        streams[1].close()
        return streams[1]
