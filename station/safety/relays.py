"""The relay board by role: what was commanded, what the board says, and the proof that both agree.

One desk owns the board. Opening needs no permit and waits for nobody; closing needs one. A role that is being
switched has no known position until it has been read back. Which relays go together is not decided here.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence

from drivers.errors import DriverError, ProtocolError
from drivers.ports import Permit, RelayBoard
from station.safety.errors import Misrouted
from station.safety.permit import AlwaysSafe
from station.safety.pollers import REST_S, Pace
from station.safety.rules import AUDIO
from station.safety.snapshot import RelayImage

SAFE_CLOSED = ("fan", "bleed")
"""Relays that may be closed without a permit: their safe state is closed."""


class RelayDesk:
    """A board with its roles; `channels` maps roles to channel numbers, `poll_s` is how often positions are read."""

    def __init__(
        self, board: RelayBoard, channels: Mapping[str, int], clock: Callable[[], float], poll_s: float = 0.5
    ) -> None:
        self._board = board
        self._channels = dict(channels)
        self._clock = clock
        self._poll_s = poll_s
        self._commanded: dict[str, bool] = {}
        self._generation = 0
        self._switching = asyncio.Lock()
        self._image: RelayImage | None = None
        self.started = False
        self.writing = 0
        """Switches whose write is under way: positions seen meanwhile are of before or after, nobody knows."""
        self.pace = Pace()
        self.trouble: DriverError | None = None
        """The last error of the polling, None while it goes well."""

    @property
    def image(self) -> RelayImage | None:
        """Positions as last read back; None before the first time."""
        return self._image

    def has(self, role: str) -> bool:
        """Whether this bench has a relay for `role`."""
        return role in self._channels

    def commanded(self, role: str) -> bool | None:
        """Where the role was last put; None if never since the start."""
        return self._commanded.get(role)

    async def open(self, *roles: str) -> None:
        """Open these relays, in this order, and read them back. Every one is tried. Raises `DriverError`."""
        first: DriverError | None = None
        with self._under_way():
            for role in roles:
                channel = self._begin(role, False)
                try:
                    await self._board.write(channel, False, None)
                except DriverError as error:
                    first = first or error
        await self._refresh_settled()
        if first is not None:
            raise first
        self._prove(roles, False)

    async def open_all(self, timeout_s: float) -> None:
        """Open audio, loads and touch within `timeout_s`, as far as the board answers; raises nothing of its own.

        A tester that is still in circuit was not proven discharged: it stays the plug's way to discharge.
        """
        with contextlib.suppress(DriverError, TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self.open(*(role for role in (*AUDIO, "touch") if self.has(role)))

    async def put_right(self, timeout_s: float) -> None:
        """Open again what was put open and is seen closed, close fan and bleed again likewise; raises nothing.

        A lost reply leaves a relay commanded and not moved; without this it would stay so for ever. One that does not
        obey stays astray, and RESET is refused for it.
        """
        seen = self._image.seen if self._image is not None else {}
        astray = [role for role, closed in self._commanded.items() if seen.get(role, closed) is not closed]
        to_open = [role for role in astray if self._commanded[role] is False]
        to_close = [role for role in astray if self._commanded[role] and role in SAFE_CLOSED]
        with contextlib.suppress(DriverError, TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self.open(*to_open)
                if to_close:
                    await self.close(AlwaysSafe(), *to_close)

    async def close(self, permit: Permit, *roles: str) -> None:
        """Close these relays, in this order, and read them back. Raises `PermitDenied`, `DriverError`."""
        async with self._switching:
            with self._under_way():
                for role in roles:
                    permit.check()
                    before = self._commanded.get(role, False)
                    channel = self._begin(role, True)
                    try:
                        await self._board.write(channel, True, permit)
                    except BaseException:  # even a cancelled write may have gone out: reading back will tell
                        self._commanded[role] = before
                        raise
            await self._refresh_settled()
            self._prove(roles, True)

    async def keep(self, role: str, closed: bool) -> None:
        """Put a relay whose safe state is closed (fan, bleed) where the scan wants it. Raises `DriverError`."""
        assert role in SAFE_CLOSED
        if closed:
            await self.close(AlwaysSafe(), role)
        else:
            await self.open(role)

    async def refresh(self) -> None:
        """Read all positions back; a result that a switch has overtaken is thrown away. Raises `DriverError`."""
        generation = self._generation
        asked_at = self._clock()
        seen = await self._board.read_back()
        if generation == self._generation:
            self.note(seen, asked_at)

    def note(self, seen: Sequence[bool], asked_at: float) -> None:
        """Enter what the board said at `asked_at`, no switch having come in between. Raises `ProtocolError`."""
        missing = [role for role, channel in self._channels.items() if channel >= len(seen)]
        if missing:
            raise ProtocolError("relays", f"the board tells {len(seen)} relays, too few for {', '.join(missing)}")
        positions = {role: bool(seen[channel]) for role, channel in self._channels.items()}
        self._image = RelayImage(dict(self._commanded), positions, asked_at)

    async def run(self) -> None:
        """Look for ever."""
        while True:
            await self.look()
            await self.pace.sleep(max(self._poll_s, REST_S) if self.pace.resting and self.started else self._poll_s)

    async def look(self) -> None:
        """One look: bring the board into its safe state once it answers, then read it. Trouble is kept, not raised."""
        try:
            if self.started:
                await self.refresh()
            else:
                await self._start()
            self.trouble = None
        except DriverError as error:
            self.trouble = error

    async def _start(self) -> None:
        """Fan on (the load bank may be hot from before a crash), audio, loads and touch open; the scan does the rest.

        The bleed stays where it is until the scan has its say. A tester that is found in circuit was left there by a
        crash in the middle of a test: it is the plug's way to discharge, and `Leftover` opens it once the plug is dead.
        """
        await self._board.ensure_ready()
        if self.has("fan"):
            await self.close(AlwaysSafe(), "fan")
        await self.open(*(role for role in (*AUDIO, "touch") if self.has(role)))
        seen = self._image.seen if self._image is not None else {}
        for role in ("tester", "bleed"):
            if seen.get(role):
                self._commanded[role] = True
            elif self.has(role):
                await self.open(role)
        self.started = True

    @contextlib.contextmanager
    def _under_way(self) -> Iterator[None]:
        self.writing += 1
        try:
            yield
        finally:
            self.writing -= 1

    async def _refresh_settled(self) -> None:
        """Read back until no other switch has come in between."""
        for _ in range(len(self._channels)):
            generation = self._generation
            await self.refresh()
            if generation == self._generation:
                return

    def _begin(self, role: str, closed: bool) -> int:
        channel = self._channels.get(role)
        if channel is None:
            raise Misrouted(f"relay {role} does not exist on this bench; name its channel in station.toml")
        self._generation += 1
        self._commanded[role] = closed
        if self._image is not None:
            seen = {other: position for other, position in self._image.seen.items() if other != role}
            self._image = RelayImage(dict(self._commanded), seen, self._image.seen_at)
        return channel

    def _prove(self, roles: tuple[str, ...], closed: bool) -> None:
        seen = self._image.seen if self._image is not None else {}
        wrong = [role for role in roles if seen.get(role) is not closed]
        if wrong:
            state = "closed" if closed else "open"
            raise ProtocolError("relays", f"{', '.join(wrong)} did not read back as {state}; check board and relays")
