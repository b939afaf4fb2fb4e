"""The station's end of the guard in one life: the guard's own words from the board, over a line that can fail."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from drivers.errors import DeviceTimeout, GuardRefused, PortError
from drivers.ports import GuardHello, GuardState, GuardStatus, Permit
from drivers.uart.guard_frame import parse_hello, parse_reply
from station.campaign.virtual import US

if TYPE_CHECKING:
    from station.campaign.bench import World
    from station.campaign.ports import Wire

ANSWER_S = 0.5
LINE_S = 0.002
_STATES = {state.value: state for state in GuardState}


class GuardPort:
    """See `drivers.ports.Guard`. `session` differs from life to life."""

    def __init__(self, wire: Wire, life: int) -> None:
        self._wire = wire
        self._life = life
        self._openings = 0
        self._session, self._seq, self._nonce = "", 0, ""
        self._status: GuardStatus | None = None
        self._hello: GuardHello | None = None
        self.world.on_guard_words = self._hear

    @property
    def world(self) -> World:
        """The bench."""
        return self._wire.world

    @property
    def status(self) -> GuardStatus | None:
        return None if self.world.guard_lost else self._status

    @property
    def hello(self) -> GuardHello | None:
        return None if self.world.guard_lost else self._hello

    def lose(self) -> None:
        """The port is gone; what it said is too."""
        self._status = self._hello = None

    def _hear(self, now_us: int) -> None:
        """The guard has just sent a status line: what it says is what the core is."""
        core = self.world.board.core
        self._status = GuardStatus(
            _STATES[core.state], core.k, core.h, core.lock, core.fb, core.estop, core.lid, core.thermo,
            None if core.cause == "-" else core.cause, core.also, core.hb_age, _left_s(core), core.bad, core.up,
            now_us / US,
        )  # fmt: skip

    def shift(self, by_s: float) -> None:
        """Quiet time was jumped over: the last word is as young as it was."""
        if self._status is not None:
            status, core = self._status, self.world.board.core
            self._status = replace(
                status, on_left_s=_left_s(core), up_ms=status.up_ms + int(by_s * 1000),
                received_at=status.received_at + by_s,
            )  # fmt: skip

    async def open(self) -> GuardHello:
        await self._pass_over()
        self._openings += 1
        self._session, self._seq = f"{self._life:04x}{self._openings:04x}", 0
        said = parse_hello(await self._ask("HELLO"))
        if said is None:
            raise DeviceTimeout("guard", "no answer to HELLO")
        self._hello, self._nonce = said
        return self._hello

    def heartbeat(self) -> None:
        world = self.world
        if self._wire.is_gone() or world.guard_lost or self._hello is None:
            return
        world.heartbeat_asked()
        body = self._body("HB")
        if world.guard_delay_us:
            world.later(world.now_us + world.guard_delay_us, lambda now_us: world.send_late(body))
        else:
            world.to_guard(body)

    async def arm(self, permit: Permit) -> None:
        await self._ask("ARM", self._nonce, permit)

    async def on(self, seconds: int, permit: Permit) -> None:
        await self._ask("ON", str(seconds), permit)

    async def hv(self, seconds: int, permit: Permit) -> None:
        await self._ask("HV", f"{self._nonce}:{seconds}", permit)

    async def off(self) -> None:
        await self._ask("OFF")

    async def stop(self) -> None:
        await self._ask("STOP")

    async def reset(self) -> None:
        await self._ask("RESET")

    async def unlock(self) -> None:
        await self._ask("UNLOCK")

    async def close(self) -> None:
        if not self._wire.is_gone() and not self.world.guard_lost:
            self.world.to_guard(self._body("OFF"))

    def _body(self, verb: str, argument: str = "") -> str:
        self._seq += 1
        return f"{self._session} {self._seq} {verb} {argument}" if argument else f"{self._session} {self._seq} {verb}"

    async def _pass_over(self) -> None:
        await asyncio.sleep(LINE_S + self.world.guard_delay_us / US)
        await self._wire.alive()
        if self.world.guard_lost:
            raise PortError("guard", "unplugged")

    async def _ask(self, verb: str, argument: str = "", permit: Permit | None = None) -> str:
        await self._pass_over()
        if permit is not None:
            permit.check()
        for line in self.world.to_guard(self._body(verb, argument)):
            reply = parse_reply(line)
            if reply is not None:
                if not reply.accepted:
                    raise GuardRefused("guard", verb, reply.rest)
                return reply.rest
        await asyncio.sleep(ANSWER_S)
        await self._wire.alive()
        raise DeviceTimeout("guard", f"no answer to {verb}")


def _left_s(core: Any) -> int:
    return int((core.bound_s * 1000 - core.state_age + 999) // 1000) if core.k or core.h else 0
