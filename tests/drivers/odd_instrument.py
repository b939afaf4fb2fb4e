"""An instrument with every bad manner that a line of text can have, on a wire without a port, in the loop's own time.

It does what `ScpiLine` assumes and no more: it answers in the order in which it was asked, says each answer at most
twice, and nothing later than ten seconds after its question. Whether it is late, silent, doubled, torn, noisy or talks
unasked is thrown with `Dice` that a history brings along; a throw of 0 is always good manners.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

from drivers.errors import PortError

IDENTITY = r"ACME,[^,]*,[^,]*,[^,]*"
IDENTITY_TEXT = "ACME,100,7,V1"
VALUE = r"\d{6}"
"""All questions have answers of this one shape: the question's digit, and the number of the asking."""
DELAYS_S = (0.0, 0.05, 0.4, 0.95, 1.02, 1.5, 2.5, 4.0)
BYTE_S = 1e-5
ENDS = (b"\r\n", b"\n", b"\r", b"\n\r")
NOISE = (b"\xff\xfe\r\n", b"\x00\x00\x01", b"x" * 700 + b"\r\n", b"y" * 5000, b"\r\n\r\n", b"NOTE 1\r\n", b"NO")


class Dice:
    """Throws out of a history; good manners for ever once it is used up."""

    def __init__(self, history: bytes) -> None:
        self._bytes: Iterator[int] = iter(history)

    def throw(self, sides: int) -> int:
        """0 to `sides` - 1."""
        return next(self._bytes, 0) % sides


class OddInstrument:
    """A `Wire` with the instrument behind it. `heard` is every line that came, with its time."""

    name = "odd"

    def __init__(self, dice: Dice) -> None:
        self._dice = dice
        self._heard: Callable[[bytes], None] = bytes
        self._lost: Callable[[PortError], None] = str
        self._free_at = 0.0
        self._plugged_in = True
        self._echoes = dice.throw(4) == 3
        self._end = ENDS[dice.throw(len(ENDS))]
        self._asked = 0
        self.is_open = False
        self.heard: list[tuple[float, str]] = []
        self.latest: dict[str, str] = {}

    def attach(self, heard: Callable[[bytes], None], lost: Callable[[PortError], None]) -> None:
        self._heard, self._lost = heard, lost

    async def open(self) -> None:
        self.open_now()

    def open_now(self) -> None:
        if not self._plugged_in:
            raise PortError(self.name, "unplugged")
        self.is_open = True

    def close(self) -> None:
        self.is_open = False

    def plug(self, plugged_in: bool) -> None:
        """Pull the wire out or put it back; what is said meanwhile is lost, what is still to be said is not."""
        self._plugged_in = plugged_in
        if not plugged_in and self.is_open:
            self.is_open = False
            self._lost(PortError(self.name, "unplugged"))

    def say(self, data: bytes) -> None:
        """Bytes that nobody asked for, at once."""
        if self.is_open:
            self._heard(data)

    def write(self, data: bytes) -> None:
        if not self.is_open:
            raise PortError(self.name, "unplugged")
        for line in data.decode().splitlines():
            self.heard.append((asyncio.get_running_loop().time(), line))
            if self._echoes:
                self._later(0.0, line.encode() + self._end)
            if line == "*IDN?":
                self._answer(IDENTITY_TEXT)
            elif line.endswith("?"):
                self._asked += 1
                self.latest[line] = f"{line[1]}{self._asked:05d}"
                self._answer(self.latest[line])

    def _answer(self, text: str) -> None:
        dice, whole = self._dice, text.encode() + self._end
        manner = dice.throw(12)
        if manner == 1:
            return
        self._later(DELAYS_S[dice.throw(len(DELAYS_S))] if manner in (2, 3, 4) else 0.0)
        if manner in (5, 6):
            self._later(0.0, NOISE[dice.throw(len(NOISE))])
        if manner == 7:  # torn in two by a line of its own
            cut = 1 + dice.throw(len(text) - 1)
            self._later(0.0, whole[:cut] + (b"\r\nDONE\r\n", b"DONE\r\n", b"\r\n")[dice.throw(3)])
            whole = whole[cut:]
        if manner == 8:  # in two halves with a pause between
            cut = 1 + dice.throw(len(text))
            self._later(0.0, whole[:cut])
            self._later(DELAYS_S[dice.throw(len(DELAYS_S))])
            whole = whole[cut:]
        if manner == 9:
            whole = bytes((whole[0] | 0x80, *whole[1:]))
        self._later(0.0, whole)
        if manner in (4, 10, 11):
            self._later(DELAYS_S[dice.throw(len(DELAYS_S))], whole)

    def _later(self, delay_s: float, data: bytes = b"") -> None:
        """After everything that is still to be said."""
        loop = asyncio.get_running_loop()
        self._free_at = max(self._free_at, loop.time()) + delay_s + BYTE_S  # timers of one instant have no order
        if data:
            loop.call_at(self._free_at, self.say, data)
