"""What a label printer hangs on: a turn of conversation at a time, over whatever carries the bytes.

The dialogue (what is asked, what an answer means) is the language's: `zpl`, `tspl`. The printer made of both is in
`label_printer`.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from drivers.errors import DeviceTimeout, ProtocolError
from drivers.ports import Identity

ANSWER_S = 2.0
WRITE_S = 10.0
"""A printer that takes no byte for so long has its buffer full: it is out of paper, or stuck."""

ANSWER_BYTES_MAX = 4096
"""Some fifty times the longest answer: what says more is no label printer."""


class Connection(Protocol):
    """One turn. Raises `PortError` when the wire breaks and `DeviceTimeout` when nothing comes or goes."""

    async def look(self) -> None:
        """What the wire itself says of the printer, if it can: raises `PrinterNotReady`."""

    async def send(self, data: bytes) -> None:
        """Hand over all of it."""

    async def receive(self, until: Callable[[bytes], bool], question: str) -> bytes:
        """What comes until it is whole."""


class Wire(Protocol):
    """The way to one printer. `device` names it in errors."""

    device: str

    def open(self) -> AbstractAsyncContextManager[Connection]:
        """A turn of its own; the next waits. Raises `PortError` where there is no way."""

    def identity(self) -> Identity:
        """Who the wire says is there; empty where it cannot tell."""


def stuck(device: str) -> DeviceTimeout:
    """It takes no more."""
    return DeviceTimeout(device, f"takes no data for {WRITE_S:g} s; look at its paper and its lamps")


def require_short(device: str, question: str, heard: bytes) -> None:
    """Raise `ProtocolError` for more than any printer answers."""
    if len(heard) > ANSWER_BYTES_MAX:
        raise ProtocolError(
            device,
            f"answers {question} with more than {ANSWER_BYTES_MAX} bytes, beginning with {heard[:20]!r}; is it a label "
            "printer at all?",
        )


def silent(device: str, question: str, heard: bytes) -> DeviceTimeout:
    """It does not answer, or not to the end."""
    if heard:
        return DeviceTimeout(
            device, f"answers {question} with {heard[:20]!r} and no more within {ANSWER_S:g} s; look at its cable"
        )
    return DeviceTimeout(
        device,
        f"does not answer {question} within {ANSWER_S:g} s: out of paper, its head open, or of a make that never does; "
        "load labels and close it, or set `answers = false`",
    )
