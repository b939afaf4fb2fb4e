"""systemd's journal by its native protocol: one datagram an entry, with fields that `journalctl BENCH_RUN=…` finds.

Source: systemd, docs/JOURNAL_NATIVE_PROTOCOL.md: `NAME=value` lines, or for a value with a newline the name, a newline,
its length as 64 bits little endian, the value, a newline; what is larger than a datagram goes in a sealed memfd.
"""

from __future__ import annotations

import array
import errno
import fcntl
import logging
import os
import re
import socket
import struct
from collections.abc import Callable, Mapping
from pathlib import Path

SOCKET = "/run/systemd/journal/socket"
SEND_S = 5.0
"""A journal that takes nothing for so long has lost this entry; the text goes to stderr."""
_PRIORITIES = ((logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6))
_MESSAGE = re.compile(rb"(?:^|\n)MESSAGE(?:=([^\n]*)|\n(.{8}))", re.DOTALL)


def entry(text: str, level: int, file: str, line: int, run: str, step: str) -> bytes:
    """One entry as it goes out; run and step only where there is one."""
    priority = next((its for least, its in _PRIORITIES if level >= least), 7)
    fields = {
        "MESSAGE": text, "PRIORITY": str(priority), "SYSLOG_IDENTIFIER": "station",
        "CODE_FILE": file, "CODE_LINE": str(line), "BENCH_RUN": run, "BENCH_STEP": step,
    }  # fmt: skip
    return b"".join(_field(name, value.encode(errors="backslashreplace")) for name, value in fields.items() if value)


def _field(name: str, value: bytes) -> bytes:
    if b"\n" not in value:
        return name.encode() + b"=" + value + b"\n"
    return name.encode() + b"\n" + struct.pack("<Q", len(value)) + value + b"\n"


def message_of(entry: bytes) -> bytes:
    """The text of an entry, for where the journal does not take it."""
    found = _MESSAGE.search(entry)
    if found is None:
        return b""
    if found[1] is not None:
        return found[1]
    (length,) = struct.unpack("<Q", found[2])
    return entry[found.end() : found.end() + length]


class Journal:
    """The way to the journal. `otherwise` takes the text of what it does not take."""

    def __init__(self, path: str, otherwise: Callable[[bytes], None]) -> None:
        self._path, self._otherwise = path, otherwise
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._socket.settimeout(SEND_S)

    def send(self, entry: bytes) -> None:
        """Blocks up to `SEND_S`: for the thread of the log."""
        try:
            try:
                self._socket.sendto(entry, self._path)
            except OSError as error:
                if error.errno not in (errno.EMSGSIZE, errno.ENOBUFS):
                    raise
                self._send_large(entry)
        except OSError:
            self._otherwise(message_of(entry) + b"\n")

    def close(self) -> None:
        """Let go of the socket."""
        self._socket.close()

    def _send_large(self, entry: bytes) -> None:
        handle = os.memfd_create("journal-entry", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            os.write(handle, entry)
            seals = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SEAL
            fcntl.fcntl(handle, fcntl.F_ADD_SEALS, seals)
            rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [handle]))
            self._socket.sendmsg([b""], [rights], 0, self._path)
        finally:
            os.close(handle)


def journal_of(
    otherwise: Callable[[bytes], None], environment: Mapping[str, str] = os.environ, stderr: int = 2, path: str = SOCKET
) -> Journal | None:
    """The journal, where systemd has joined this process's stderr to it (JOURNAL_STREAM, systemd.exec(5))."""
    device, _, inode = environment.get("JOURNAL_STREAM", "").partition(":")
    try:
        seen = os.fstat(stderr)
    except OSError:
        return None
    if (device, inode) != (str(seen.st_dev), str(seen.st_ino)) or not Path(path).exists():
        return None
    return Journal(path, otherwise)
