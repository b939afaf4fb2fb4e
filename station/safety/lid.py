"""The lid: released only with K and H off, the plug proven dead, and the guard's own bleed time over [9]."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivers.errors import DeviceTimeout, DriverError, GuardRefused
from station.safety.errors import LidHeld, PlugLive
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
