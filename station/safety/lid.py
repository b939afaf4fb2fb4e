"""The lid: released only with K and H off, the plug proven dead, and the guard's own bleed time over [9].

And what it does to a wish for voltage: an open lid refuses it at once. A wish that waited would be granted by the lid
itself, the moment that it shuts, while a hand is still on it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivers.errors import DeviceTimeout, DriverError, GuardRefused, PermitDenied
from station.safety.errors import LidHeld, LidOpen, PlugLive
from station.safety.proof import prove_dead
from station.safety.snapshot import Wishes

if TYPE_CHECKING:
    from station.safety.kernel import Kernel

WAIT_FOR = frozenset({"BLEED", "FEEDBACK"})
SPARE_S = 2.0


async def release_lid(kernel: Kernel) -> None:
    """Prove the plug dead, then UNLOCK, waiting for the guard's bleed time. Raises `LidHeld`: it stays locked."""
    guard = kernel.line.guard
    bleed_s = guard.hello.bleed_s if guard.hello is not None else 0
    deadline = kernel.clock() + bleed_s + SPARE_S
    while True:
        _refuse_unless_off(kernel)
        try:
            await prove_dead(kernel, kernel.rules.dead_s)
        except PlugLive as error:
            raise LidHeld(str(error)) from error
        _refuse_unless_off(kernel)
        try:
            await guard.unlock()
            await kernel.until(lambda: _is_unlocked(kernel), kernel.rules.guard_answer_s, "UNLOCK", tripped_too=True)
            return
        except GuardRefused as refused:
            if refused.reason not in WAIT_FOR or kernel.clock() >= deadline:
                raise LidHeld(f"the guard says {refused.reason}") from refused
        except DriverError as error:
            raise LidHeld(f"the guard does not answer ({error})") from error
        try:
            await kernel.until(lambda: False, 0.5, "the next try", tripped_too=True)
        except DeviceTimeout:
            continue


def _refuse_unless_off(kernel: Kernel) -> None:
    if kernel.wishes != Wishes() or not kernel.is_dead():
        raise LidHeld("mains and test voltage are not shown to be off")


def _is_unlocked(kernel: Kernel) -> bool:
    return kernel.status is not None and not kernel.status.lock


async def wait_shut(kernel: Kernel, what: str) -> None:
    """Return if the guard says that the lid is shut; if it says open, wait for its next word and no longer.

    Raises `LidOpen`, `DeviceTimeout` of a silent guard, `PermitDenied` on a trip.
    """
    since = kernel.clock()

    def shut() -> bool:
        _refuse_open(kernel, since, what)
        return kernel.status is not None and kernel.status.lid

    await kernel.until(shut, kernel.rules.guard_silence_s, "the guard's word on the lid")


async def wait_permit_shut(kernel: Kernel, name: str, timeout_s: float, what: str) -> None:
    """As `Kernel.wait_permit`, but the first word of the guard that the lid is open ends it. Raises `LidOpen` too."""
    since, permit = kernel.clock(), kernel.permits.by_name[name]

    def granted() -> bool:
        _refuse_open(kernel, since, what)
        return permit.granted

    try:
        await kernel.until(granted, timeout_s, f"the {name} permit")
    except DeviceTimeout:
        raise PermitDenied(name, permit.reason) from None


def _refuse_open(kernel: Kernel, since: float, what: str) -> None:
    """What was said before `since` may be about a lid that has been shut meanwhile; a trip says more than the lid."""
    status = kernel.status
    if status is not None and status.received_at >= since and not status.lid and not kernel.trips:
        raise LidOpen(f"the lid is open: {what} stays off and does not wait for it; shut the lid, then test again")
