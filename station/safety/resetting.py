"""RESET, a person's act: relays put right, the guard asked, and everything that stands against it said.

It energises nothing and forgets nothing that happens meanwhile: a trip during RESET is a reason against it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivers.errors import DriverError, GuardRefused
from drivers.ports import GuardState

if TYPE_CHECKING:
    from station.safety.kernel import Kernel


async def clear_the_way(kernel: Kernel) -> tuple[str, ...]:
    """Do what RESET needs and return what forbids it, nothing if the latch may be cleared now."""
    known = len(kernel.trips)
    kernel.watched.revive()
    await _put_relays_right(kernel)
    reasons = kernel.why_reset_refused()
    if not reasons and kernel.status is not None and kernel.status.state is GuardState.TRIPPED:
        reasons = await _reset_guard(kernel) or kernel.why_reset_refused()
    news = tuple(f"tripped again: {t.interlock}, {t.cause}" for t in kernel.trips[known:] if t.interlock != "guard")
    return reasons or news or (() if _is_safe(kernel) else ("the guard is not SAFE",))


async def _put_relays_right(kernel: Kernel) -> None:
    """Relays that are not where they were put are put there again, as far as they obey."""
    if kernel.trips and kernel.is_off() and kernel.desk.started:
        await kernel.desk.put_right(kernel.rules.clean_up_s)


async def _reset_guard(kernel: Kernel) -> tuple[str, ...]:
    try:
        try:
            await kernel.line.guard.reset()
        except GuardRefused as refused:
            if refused.reason != "STALE":
                raise
            await kernel.line.open_again()  # the guard has lost our session: it was powered up anew
            await kernel.line.guard.reset()
        await kernel.until(lambda: _is_safe(kernel), kernel.rules.guard_answer_s, "the guard's SAFE", tripped_too=True)
    except DriverError as error:
        return (str(error),)
    return ()


def _is_safe(kernel: Kernel) -> bool:
    return kernel.status is not None and kernel.status.state is GuardState.SAFE
