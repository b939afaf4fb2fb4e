"""Calibrations that nobody reads because they lie or are called nearly right: they must not pass for none at all.

A role without a file may make a PASS where `[calibration] required` is false; one whose calibration has expired may
not. So a file that was put aside, by a slip or on purpose, is said.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from station.settings.names import nearest_of
from station.settings.problem import Problem
from station.settings.source import CALIBRATION

PUT_ASIDE = ("", ".bak", ".old", ".orig", ".off", ".disabled", ".txt", ".tml", ".tom")
_MARK = b"[[revision]]"


def mislaid(directory: Path) -> list[Problem]:
    """What looks like a calibration in the bench's own tree, and is not read."""
    return [*_folders(directory), *_beside(directory), *_within(directory / CALIBRATION)]


def _folders(directory: Path) -> Iterator[Problem]:
    for path in sorted(directory.glob("[!.]*")):
        if path.name != CALIBRATION and path.is_dir() and nearest_of(path.name.lower(), (CALIBRATION,)):
            yield Problem(str(path), 1, "(folder)", "nobody reads a folder of this name", f"rename it to {CALIBRATION}")


def _beside(directory: Path) -> Iterator[Problem]:
    for path in sorted(directory.glob("*.toml")):
        try:
            is_one = path.is_file() and _MARK in path.read_bytes()
        except OSError:
            continue
        if is_one:
            remedy = f"move it to {CALIBRATION}/ROLE.toml"
            yield Problem(str(path), 1, "(file)", "a calibration, and nobody reads it here", remedy)


def _within(folder: Path) -> Iterator[Problem]:
    if not folder.exists() and not folder.is_symlink():
        return
    try:
        names = sorted(path.name for path in folder.iterdir())
    except OSError as error:
        wrong = f"cannot be read: {error.strerror or 'unreadable'}"
        yield Problem(str(folder), 1, "(folder)", wrong, "it is a folder, readable to bench")
        return
    for name in names:
        path = folder / name
        if path.is_dir() and name.lower().endswith(".toml"):
            yield Problem(str(path), 1, "(folder)", "a folder where a calibration should be", "rename it")
        elif not (name.startswith(".") or name.endswith(".toml") or path.is_dir()) and _is_put_aside(path):
            remedy = f"rename it to ROLE.toml; of an instrument that was replaced, move it to {CALIBRATION}/earlier"
            yield Problem(str(path), 1, "(file)", "nobody reads a calibration of this name", remedy)


def _is_put_aside(path: Path) -> bool:
    name = path.name.lower().rstrip("~")
    return "toml" in name or Path(name).suffix in PUT_ASIDE
