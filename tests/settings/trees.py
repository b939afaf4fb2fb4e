"""Archives of shared trees as the centre makes them, and as nobody should."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from station.settings.revisions import read_files

SHIPPED = Path(__file__).resolve().parents[2] / "config"
SHARED = read_files(SHIPPED)


def packed(files: Mapping[str, bytes], *, form: int = tarfile.PAX_FORMAT) -> bytes:
    """A tar.gz of these files, folders before them."""
    with io.BytesIO() as out:
        with tarfile.open(fileobj=out, mode="w", format=form) as tar:
            for folder in dict.fromkeys(name.rpartition("/")[0] for name in files):
                if folder:
                    tar.addfile(entry(folder, type=tarfile.DIRTYPE))
            for name, content in files.items():
                tar.addfile(entry(name, size=len(content)), io.BytesIO(content))
        return gzip.compress(out.getvalue(), mtime=0)


def odd(*entries: tarfile.TarInfo) -> bytes:
    """A tar.gz of entries that say whatever they like."""
    with io.BytesIO() as out:
        with tarfile.open(fileobj=out, mode="w") as tar:
            for one in entries:
                tar.addfile(one, io.BytesIO(b"\0" * one.size) if one.isreg() else None)
        return gzip.compress(out.getvalue(), mtime=0)


def entry(name: str, **fields: Any) -> tarfile.TarInfo:
    """An entry of a tar."""
    info = tarfile.TarInfo(name)
    for field, value in fields.items():
        setattr(info, field, value)
    return info
