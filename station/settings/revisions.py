"""Revisions of the part of a configuration that all benches share: kept by content, one of them in use.

    STATE/revisions/SHA/plans/…       a whole tree, never changed; SHA is `revision_of` its files
    STATE/current -> revisions/SHA    the one in use; not there: the bench's own directory holds the shared part too

STATE is `config` beside the store. What is in a tree is checked elsewhere, and who may change to which, and when, is
not known here. Every file is on the disk before the name that leads to it: killed anywhere, there is the old tree or
the new one, whole.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path

from station.settings.problem import InvalidTree, Problem
from station.settings.source import STATION

INTERLOCKS, DIAGNOSIS = "interlocks.toml", "diagnosis.toml"
FOLDERS = ("plans", "products", "duts")
KEPT_MAX = 20
"""Revisions that are kept, the latest; the one in use does not count."""
_CURRENT = "current"


def revision_of(files: Mapping[str, bytes]) -> str:
    """The name of a tree: SHA-256 over names and contents of its files, in the order of their names."""
    digest = hashlib.sha256()
    for name, content in sorted(files.items()):
        digest.update(f"{name}\n{len(content)}\n".encode() + content)
    return digest.hexdigest()


def read_files(folder: Path) -> dict[str, bytes]:
    """The shared files in a folder by their names in the tree. Raises `OSError`."""
    paths = [folder / INTERLOCKS, folder / DIAGNOSIS]
    for name in FOLDERS:
        paths += sorted((folder / name).glob("*.toml"))
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths if path.exists()}


def write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write a tree into a new folder, durably. Raises `OSError`."""
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        write_file(folder / name, content)
    for inner in {(folder / name).parent for name in files} | {folder}:
        _sync(inner)


def write_file(path: Path, content: bytes) -> None:
    """Write a file durably; its name is not synced. Raises `OSError`."""
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def put_in_place(beside: Path, path: Path) -> None:
    """Give what was written `beside` its name, at once and durably. Raises `OSError`."""
    beside.replace(path)
    _sync(path.parent)


def store_of(directory: Path) -> Path | None:
    """The store of the bench whose own directory this is; None where its station.toml does not say where it is."""
    try:
        path = Path(tomllib.loads((directory / STATION).read_text(encoding="utf-8"))["store"]["path"])
        return path if path.is_absolute() else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def state_of(directory: Path) -> Path | None:
    """STATE of that bench."""
    store = store_of(directory)
    return None if store is None else store.parent / "config"


def shared_part(directory: Path) -> Path:
    """Where the shared files of this bench are read from. Raises `InvalidTree` for a revision that is not whole."""
    state = state_of(directory)
    return (state and Revisions(state).in_use()) or directory


class Revisions:
    """Those of one bench; every method may raise `OSError`."""

    def __init__(self, state: Path) -> None:
        self.state = state

    def folder(self, revision: str) -> Path:
        """Where a revision is."""
        return self.state / "revisions" / revision

    def current(self) -> str | None:
        """The revision in use."""
        try:
            return (self.state / _CURRENT).readlink().name
        except FileNotFoundError:
            return None

    def in_use(self) -> Path | None:
        """The folder of the revision in use, read through. Raises `InvalidTree` where it is not what its name says."""
        try:
            revision = self.current()
            if revision is None or self.is_whole(revision):
                return None if revision is None else self.folder(revision)
            wrong, remedy = "the revision in use is damaged", "take another into use, or apply this one again"
        except OSError as error:
            if error.errno == errno.ENOTDIR:  # a file stands where the store would have its folder: there is no store
                return None
            wrong = f"the revision in use cannot be read: {error.strerror}"
            remedy = "read it as a member of the group bench"
        raise InvalidTree([Problem(str(self.state / _CURRENT), 1, "(revision)", wrong, remedy)])

    def is_whole(self, revision: str) -> bool:
        """Whether the files of a revision are those that it was made of."""
        return revision_of(read_files(self.folder(revision))) == revision

    def kept(self) -> list[str]:
        """Every revision that is here, the latest first."""
        folder = self.state / "revisions"
        found = [path for path in folder.iterdir() if not path.name.startswith(".")] if folder.is_dir() else []
        return [path.name for path in sorted(found, key=lambda path: path.stat().st_mtime_ns, reverse=True)]

    def keep(self, files: Mapping[str, bytes]) -> str:
        """Keep a tree; one that is here already stays. Returns its revision."""
        revision = revision_of(files)
        target = self.folder(revision)
        if target.is_dir() and self.is_whole(revision):
            return revision
        beside = target.with_name(f".{revision}")
        shutil.rmtree(beside, ignore_errors=True)
        write_files(beside, files)
        if target.exists():
            shutil.rmtree(target)
        put_in_place(beside, target)
        return revision

    def use(self, revision: str | None) -> None:
        """Take a revision into use, from the next reading on; None: the bench's own directory again."""
        link = self.state / _CURRENT
        if revision is None:
            link.unlink(missing_ok=True)
            _sync(self.state)
            return
        beside = self.state / f".{_CURRENT}"
        beside.unlink(missing_ok=True)
        beside.symlink_to(Path("revisions") / revision)
        put_in_place(beside, link)

    def forget(self, needed: Collection[str | None]) -> None:
        """Delete the oldest beyond `KEPT_MAX`, except these."""
        for revision in [one for one in self.kept() if one not in needed][KEPT_MAX:]:
            shutil.rmtree(self.folder(revision))


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
