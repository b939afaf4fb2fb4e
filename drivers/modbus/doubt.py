"""What a reply may still be owed to, when something urgent goes out before a line is trusted again. Pure values.

Modbus numbers nothing on a serial line: an echo is told from another's by unit, function and what it repeats. FC05 and
FC06 repeat all that was asked, so the echo of an identical, earlier write proves the same. FC0F and FC10 repeat address
and count only, so the echo of other values looks the same: then nothing is proven.
"""

from __future__ import annotations

from drivers.modbus.frame import Request

UNPROVEN = "its echo may be that of an earlier write whose reply was missing: it was sent, and is not proven"


class Doubt:
    """Requests that went out since the line was last trusted."""

    def __init__(self) -> None:
        self._sent: list[Request] = []

    def settle(self) -> None:
        """The line is trusted: nothing late can come any more."""
        self._sent.clear()

    def note(self, request: Request) -> None:
        """This one goes out now."""
        self._sent.append(request)

    def is_late_possible(self, request: Request) -> bool:
        """Whether an earlier request may yet be answered by what would be taken for an answer to this one."""
        return any((one.unit, one.function) == (request.unit, request.function) for one in self._sent)

    def leaves_unproven(self, request: Request) -> bool:
        """Whether such an answer would be wrong: anything else was asked of the unit since, or other values."""
        ours = [one for one in self._sent if one.unit == request.unit]
        for place, one in enumerate(ours):
            if (one.function, one.head) == (request.function, request.head):
                return any(other.asking != request.asking for other in ours[place:])
        return False
