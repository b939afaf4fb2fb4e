"""Relays for steps: only those that join the DUT to audio and load, and only when its terminals are quiet [21]."""

from __future__ import annotations

from station.safety.errors import Misrouted
from station.safety.kernel import Kernel
from station.safety.proof import prove_quiet
from station.safety.rules import AUDIO, LOADS
from station.safety.settled import settle
from station.safety.snapshot import DriveWish, HvWish
from station.safety.sound import GuardedSound

NEED_QUIET = (*LOADS, "capture")


class GuardedRouting:
    """See `bench.Routing`. Tester, touch, fan and bleed relays belong to their own ports and are refused here."""

    def __init__(self, kernel: Kernel, sound: GuardedSound) -> None:
        self._kernel = kernel
        self._sound = sound

    async def close(self, *roles: str) -> None:
        """Close these relays and prove it. Raises `TerminalsLive`, `PermitDenied`, `DriverError`, `Misrouted`."""
        kernel = self._kernel
        _refuse_foreign(roles)
        kernel.refuse_if_tripped()
        missing = [role for role in roles if not self.is_closed(role)]
        if not missing:
            return
        if kernel.desk.commanded("tester") is not False or kernel.wishes.hv is not HvWish.OFF:
            raise Misrouted("the tester is in circuit; audio and loads stay open until it is out")
        await self.silence()
        if any(role in NEED_QUIET for role in missing):
            await prove_quiet(kernel)
        await kernel.desk.close(kernel.permits.routing, *missing)

    async def open(self, *roles: str) -> None:
        """Open these relays and prove it; sound goes off before. Raises `DriverError`, `Misrouted`."""
        _refuse_foreign(roles)
        await self.silence()
        await settle(self._kernel.desk.open(*roles))

    async def silence(self) -> None:
        """Take the drive permit away and mute, if drive is in use; the fan runs on."""
        if self._kernel.wishes.drive in (DriveWish.LOW, DriveWish.FULL):
            self._kernel.request_drive(DriveWish.PREPARE)
            await settle(self._sound.mute())

    def is_closed(self, role: str) -> bool:
        """Whether the role was read back as closed, and nothing has moved it since."""
        return self._kernel.relay(role) is True


def _refuse_foreign(roles: tuple[str, ...]) -> None:
    foreign = [role for role in roles if role not in AUDIO]
    if foreign:
        raise Misrouted(f"relay {', '.join(foreign)} is not for steps; they may switch {', '.join(AUDIO)}")
