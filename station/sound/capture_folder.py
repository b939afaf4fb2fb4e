"""Which folders hold captures. Needs no library of sound: who counts or deletes them hears nothing."""

from __future__ import annotations

from pathlib import Path

PART = ".part"
"""Of a capture that is being written."""


def runs_of(folder: Path) -> list[Path]:
    """The folders of captures in `folder`: those that hold nothing else, so that nobody's own files are deleted."""
    if not folder.is_dir():
        return []
    return [run for run in folder.iterdir() if run.is_dir() and not run.is_symlink() and _is_run(run)]


def _is_run(folder: Path) -> bool:
    try:
        files = list(folder.iterdir())
        return bool(files) and all(map(_is_ours, files))
    except OSError:  # not ours to read: lost+found, say
        return False


def _is_ours(file: Path) -> bool:
    return file.is_file() and file.suffix in (".flac", PART)
