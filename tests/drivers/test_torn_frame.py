"""A frame that the line took only in part is spoilt: the next write can never complete it into a command."""

from __future__ import annotations

import os
import tty
from collections.abc import Iterator

import pytest

from drivers.errors import PortError
from drivers.uart import line as uart_line
from drivers.uart.guard_frame import decode, encode
from drivers.uart.line import SerialLine

ON, OFF = encode("00000001 7 ON 60"), encode("00000001 8 OFF")


@pytest.fixture
def ends() -> Iterator[tuple[int, SerialLine]]:
    """The far end of a pty, and a line on its near end."""
    far, near = os.openpty()
    tty.setraw(near)
    line = SerialLine("guard", os.ttyname(near), 115200, 200, lambda data, at: None, lambda error: None)
    yield far, line
    line.close()
    os.close(near)
    os.close(far)


@pytest.mark.parametrize("taken", [1, 5, len(ON) - 2, len(ON) - 1])
def test_a_torn_frame_is_never_completed_by_the_next_write(
    ends: tuple[int, SerialLine], monkeypatch: pytest.MonkeyPatch, taken: int
) -> None:
    far, line = ends
    write = os.write
    with monkeypatch.context() as full:
        full.setattr(uart_line.os, "write", lambda fd, data: write(fd, data[:taken]))
        with pytest.raises(PortError, match="took"):
            line.write(ON)
    line.write(OFF)
    got = b""
    while got.count(b"\n") < 2:
        got += os.read(far, 4096)
    torn, whole, rest = got.split(b"\n")
    assert decode(ON.rstrip(b"\n")) is not None, "it would have been a command"
    assert decode(torn) is None and decode(whole) == decode(OFF.rstrip(b"\n")) and rest == b""
