"""The archive that `apply` brings: the shared files of a configuration as a tar.gz, made here, and taken out without
trusting it.

Nothing is unpacked by name: an entry is either exactly one of the files that a tree may have, or the archive is
refused. So there are no links, no devices, no paths that lead elsewhere; and no more is decompressed than may be kept.
"""

from __future__ import annotations

import gzip
import io
import re
import tarfile
import zlib
from collections.abc import Mapping
from typing import IO, cast

from station.domain.errors import SettingsError
from station.settings.revisions import DIAGNOSIS, FOLDERS, INTERLOCKS
from station.settings.source import STATION

FILES_MAX = 256
"""Entries, folders too."""
FILE_MAX_BYTES = 256 * 1024
UNPACKED_MAX_BYTES = 2 * 1024 * 1024
_SHARED = re.compile(rf"(?:{'|'.join(FOLDERS)})/[A-Za-z0-9][A-Za-z0-9._-]{{0,80}}\.toml")
OWN_NAMES = (STATION, "calibration", "credentials")
HOW = f"tar -czf tree.tar.gz -C DIR {INTERLOCKS} {DIAGNOSIS} plans products"


def pack(files: Mapping[str, bytes]) -> bytes:
    """The archive of these files; the same files give the same bytes."""
    with io.BytesIO() as out:
        with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
            for name, content in sorted(files.items()):
                entry = tarfile.TarInfo(name)
                entry.size = len(content)
                tar.addfile(entry, io.BytesIO(content))
        return gzip.compress(out.getvalue(), mtime=0)


def unpack(archive: bytes, left_alone: set[str] | None = None) -> dict[str, bytes]:
    """The files of an archive by their names in the tree. Raises `SettingsError` that says what it may not hold.

    What is the bench's own is refused, unless `left_alone` is there to hear that it was passed over.
    """
    files: dict[str, bytes] = {}
    try:
        with (
            gzip.GzipFile(fileobj=io.BytesIO(archive)) as plain,
            tarfile.open(mode="r|", fileobj=cast(IO[bytes], _Bounded(plain))) as tar,
        ):
            for number, entry in enumerate(tar, start=1):
                if number > FILES_MAX:
                    raise SettingsError(f"the archive has more than {FILES_MAX} entries; leave out what is no plan")
                _take(tar, entry, files, left_alone)
    except (tarfile.TarError, zlib.error, EOFError, OSError, ValueError) as error:
        raise SettingsError(f"the archive cannot be read ({error}); make it with: {HOW}") from error
    if not files:
        raise SettingsError(f"the archive is empty; make it with: {HOW}")
    return files


def _take(tar: tarfile.TarFile, entry: tarfile.TarInfo, files: dict[str, bytes], left_alone: set[str] | None) -> None:
    name = entry.name.removeprefix("./")
    shown = repr(entry.name[:80])
    if entry.type == tarfile.DIRTYPE and name.rstrip("/") in ("", ".", *FOLDERS):
        return
    first = name.partition("/")[0]
    if first in OWN_NAMES and left_alone is not None:
        left_alone.add(first)
        return
    if first in OWN_NAMES:
        raise SettingsError(f"{shown} belongs to this bench and is never replaced from afar; leave it out: {HOW}")
    if name not in (INTERLOCKS, DIAGNOSIS) and not _SHARED.fullmatch(name):
        where = ", ".join(f"{folder}/NAME.toml" for folder in FOLDERS)
        raise SettingsError(f"{shown} is no shared file; there are {INTERLOCKS}, {DIAGNOSIS}, {where}: {HOW}")
    if entry.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or entry.sparse is not None:
        raise SettingsError(f"{shown} is no plain file; links, devices and sparse files are not taken: {HOW}")
    if name in files:
        raise SettingsError(f"{shown} is in the archive twice; make it anew: {HOW}")
    if entry.size > FILE_MAX_BYTES:
        raise SettingsError(f"{shown} has {entry.size} bytes; a file has at most {FILE_MAX_BYTES}")
    content = tar.extractfile(entry)
    assert content is not None
    files[name] = content.read()


class _Bounded:
    """Gives what is decompressed, and no more than may be kept."""

    def __init__(self, plain: gzip.GzipFile) -> None:
        self._plain, self._left = plain, UNPACKED_MAX_BYTES

    def read(self, size: int) -> bytes:
        """At most `size` bytes. Raises `SettingsError` beyond the bound."""
        got = self._plain.read(min(size, self._left + 1))
        self._left -= len(got)
        if self._left < 0:
            raise SettingsError(f"the archive holds more than {UNPACKED_MAX_BYTES} bytes; a tree has at most that")
        return got
