"""The sound that runs left on disk: which files are a run's, and which belong to no run that is known here.

Only folders that hold captures and nothing else are looked at: nobody's own files are deleted.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from station.sound.capture_folder import runs_of


def sound_by_run(folder: Path) -> dict[str, tuple[Path, ...]]:
    """The files of each run, by its id."""
    try:
        return {run.name: tuple(sorted(run.iterdir())) for run in runs_of(folder)}
    except OSError:  # the sound process makes room there at times
        return {}


def older_than(files: Sequence[Path], before: str) -> bool:
    """Whether all of it was written before a stamp."""
    at = datetime.fromisoformat(before).astimezone(UTC).timestamp()
    try:
        return all(file.stat().st_mtime < at for file in files)
    except OSError:
        return False


def size_of(files: Sequence[Path]) -> int:
    """In bytes; what is gone has none."""
    size = 0
    for file in files:
        with suppress(OSError):
            size += file.stat().st_size
    return size


def delete(folder: Path, run_ids: Sequence[str], held: Mapping[str, Sequence[Path]]) -> tuple[int, int]:
    """Delete the sound of these runs and their folders, also those that a purge which died left empty, and have the
    disk know; files and bytes. Raises `OSError`."""
    files = [file for run_id in run_ids for file in held.get(run_id, ())]
    size = size_of(files)
    for file in files:
        file.unlink(missing_ok=True)
    for run_id in run_ids:
        with suppress(OSError):  # there is none, or another's file is in it
            (folder / run_id).rmdir()
    if files:
        _sync(folder)
    return len(files), size


def orphans_of(held: dict[str, tuple[Path, ...]], before: str, is_known: Callable[[str], bool]) -> list[str]:
    """Folders of runs that are in no store here (a card that was replaced), all of it older than the bound."""
    return [run for run, files in held.items() if not is_known(run) and older_than(files, before)]


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
