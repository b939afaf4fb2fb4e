"""The daemon's desk: what the control socket may ask, and where everything that happens is told.

Watchers get every event, and so does whoever tells the centre (`station.telling`). Nothing here can arm, reset or
energise: the verbs are those of the socket, and the session answers them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from station import logs
from station.commands import Commands
from station.control.protocol import Command, Outcome
from station.control.server import ControlServer
from station.control.so_far import RunSoFar
from station.domain.events import Event, Publish
from station.paper.printing import Printing
from station.run.conductor import Conductor
from station.store.store import Store
from station.uplink.uplink import Uplink

LAST = 5
"""Runs that `status` tells of."""


class Telling(Protocol):
    """What tells the centre of what goes on, as far as the desk needs it."""

    def follow(self, event: Event) -> None:
        """What watchers are told, of any kind."""

    def alarms(self) -> list[dict[str, Any]]:
        """What is latched now."""


class Desk:
    """Made first, because everything publishes; learns the conductor and the uplink when they are there."""

    def __init__(self, socket: Path, store: Store) -> None:
        self._server = ControlServer(socket, self)
        self._store = store
        self.commands = Commands(store)
        """What the session is asked to do, by this socket and by the centre."""
        self._conductor: Conductor | None = None
        self._uplink: Uplink | None = None
        self._printing: Printing | None = None
        self._tell_centre: Publish = lambda event: None
        self._read_alarms: Callable[[], list[dict[str, Any]]] = list
        self._so_far = RunSoFar()
        self._bench: Mapping[str, Any] = {}
        self._read_voltage: Callable[[], str] = lambda: "unknown"
        self._read_configuration: Callable[[], Mapping[str, Any]] = dict
        self._voltage = "unknown"
        self._examine: Callable[[], Awaitable[Mapping[str, Any]]]

    def use(
        self, conductor: Conductor, uplink: Uplink, printing: Printing, telling: Telling,
        examine: Callable[[], Awaitable[Mapping[str, Any]]],
    ) -> None:  # fmt: skip
        """From here on commands are answered, and the centre is told. `examine`: what answers on this bench."""
        self._examine = examine
        self._conductor, self._uplink, self._printing = conductor, uplink, printing
        self._tell_centre, self._read_alarms = telling.follow, telling.alarms
        self.commands.use(conductor)

    def introduce(
        self, bench: Mapping[str, Any], voltage: Callable[[], str], configuration: Callable[[], Mapping[str, Any]]
    ) -> None:
        """What `status` tells of the bench itself (name, language, speed …), the guard's lamp in a word, and which
        revision of the shared configuration is in use."""
        self._bench, self._read_voltage, self._read_configuration = dict(bench), voltage, configuration

    def look_at_voltage(self) -> None:
        """Tell watchers when another lamp of the guard is lit; called after every scan, never waits or raises."""
        now = self._read_voltage()
        if now != self._voltage:
            self._voltage = now
            self._server.publish(Event("voltage", {"voltage": now}))

    async def start(self) -> None:
        """Serve the socket. Raises `StationError`."""
        await self._server.start()

    async def close(self) -> None:
        """Stop serving."""
        await self._server.close()

    def publish(self, event: Event) -> None:
        """Tell every watcher and the centre's ear; never waits."""
        self._server.publish(event)
        self._so_far.take(event)
        logs.follow(event.kind, event.data)
        self._tell_centre(event)

    async def command(self, command: Command) -> Outcome:
        """Carry a command to the session; a refusal comes back with its reason."""
        if command.verb in ("status", "watch"):
            return Outcome(data=await self._status())
        if command.verb == "label":
            return await self._label(command.args["run_id"], to_file=command.args.get("to_file", False))
        if command.verb == "doctor":
            return Outcome(data=await self._examine())
        if command.verb == "requeue":
            return Outcome(data={"messages": await self._store.requeue(command.args.get("run_id"))})
        answer = await self.commands.ask(command.verb, command.args)
        return Outcome(answer.status, answer.reason, answer.data)

    async def _label(self, run_id: str, *, to_file: bool) -> Outcome:
        """A label again: not a command of the centre's, the paper is here."""
        assert self._printing is not None
        await self._printing.reprint(run_id, to_file=to_file)
        return Outcome()

    async def _status(self) -> dict[str, Any]:
        assert self._conductor is not None and self._uplink is not None and self._printing is not None
        counts = await self._store.counts()
        return {
            "session": self._conductor.view,
            "voltage": self._read_voltage(),
            "run": self._so_far.view,
            "bench": self._bench,
            "configuration": dict(self._read_configuration()),
            "paper": self._printing.view,
            "outbox": {"waiting": counts.waiting, "quarantined": counts.quarantined},
            "uplink": {"connected": self._uplink.connected, "error": self._uplink.last_error},
            "alarms": self._read_alarms(),
            "last": await self._store.latest(LAST),
        }
