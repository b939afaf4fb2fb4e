"""`revisions` and `diff`: which configurations a bench has had, and what is different between two, in words."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from station.domain.errors import SettingsError
from station.domain.printable import printable, printable_lines
from station.settings.differences import Change, differences
from station.settings.history import OWN, Row, rows
from station.settings.looser import ABSENT, Way
from station.settings.revisions import Revisions, read_files, revision_of, shared_part, state_of
from station.settings.switching import Switching

CURRENT = "current"
SHORT = 12
"""Characters of a revision for people."""
SHORTEST = 4
DONE, FOUND = 0, 1


def revisions_of(config: Path) -> Revisions:
    """Those of the bench whose own directory this is. Raises `SettingsError` where it names no store."""
    if not config.is_dir():
        raise SettingsError(f"{config}: no such directory; name this bench's own one with --config")
    state = state_of(config)
    if state is None:
        raise SettingsError(f"{config}/station.toml does not say where the store is; see: station check {config}")
    return Revisions(state)


def files_of(name: str, config: Path) -> Mapping[str, bytes]:
    """The shared files of a directory, of a revision by the beginning of its name, of `current` or `own`.

    Raises `SettingsError`.
    """
    try:
        if name == CURRENT:
            return read_files(shared_part(config))
        if name == OWN:
            return _present(config, read_files(config))
        if Path(name).is_dir():
            return _present(Path(name), read_files(Path(name)))
        revisions = revisions_of(config)
        revision = find(name, revisions)
        if not revisions.is_whole(revision):
            raise SettingsError(f"revision {revision[:SHORT]} is damaged on this disk; apply its tree again")
        return read_files(revisions.folder(revision))
    except OSError as error:
        raise SettingsError(f"{error.filename or name}: {error.strerror}; ask as root (sudo) or group bench") from None


def baseline(config: Path, files: Mapping[str, bytes]) -> tuple[Mapping[str, bytes], list[Change]]:
    """What `files` are compared with, and what is to be accepted besides: the shared files in use; where these are
    damaged, the last whole ones before, and that nobody knows what they said of safety. Sent again, the same ones
    mend them and change nothing. Raises `SettingsError`.
    """
    revisions = revisions_of(config)
    try:
        current = revisions.current()
        if current is None or revisions.is_whole(current):
            return read_files(shared_part(config)), []
        if revision_of(files) == current:
            return files, []
        whole = _whole_before(current, revisions)
    except OSError as error:
        raise SettingsError(f"{error.filename}: {error.strerror}; ask as root (sudo) or group bench") from None
    words = f"revision {current[:SHORT]}, in use, is damaged on this disk: whether safety gets looser cannot be told"
    than = OWN if whole is None else f"revision {whole[:SHORT]}"
    change = Change(CURRENT, (), ABSENT, ABSENT, Way.MAYBE, True, f"{words}; compared with {than}")
    return read_files(config if whole is None else revisions.folder(whole)), [change]


def _whole_before(current: str, revisions: Revisions) -> str | None:
    """The last revision that held before and is whole on the disk; None: the bench's own files."""
    state = Switching(revisions).read()
    found = [] if state.trial is None else [state.trial.back]
    found += [one.revision for one in reversed(state.history) if one.what == "in use"]
    return next((one for one in found if one is not None and one != current and revisions.is_whole(one)), None)


def find(name: str, revisions: Revisions) -> str:
    """The one revision that is kept here under that beginning. Raises `SettingsError`."""
    kept = revisions.kept()
    found = [one for one in kept if len(name) >= SHORTEST and one.startswith(name)]
    if len(found) == 1:
        return found[0]
    known = ", ".join(one[:SHORT] for one in kept) or "none"
    wrong = "fits more than one revision" if found else "is no directory and no revision that is kept here"
    raise SettingsError(f"{name} {wrong}; kept: {known}; and there are {CURRENT} and {OWN}")


def _present(folder: Path, files: Mapping[str, bytes]) -> Mapping[str, bytes]:
    if not files:
        raise SettingsError(f"{folder}: holds no shared file (interlocks.toml, diagnosis.toml, plans/, products/)")
    return files


# ---- the list ----------------------------------------------------------------------------------------------
def list_revisions(config: Path, *, as_json: bool = False) -> int:
    """Print every revision that is known here, the latest first."""
    revisions = revisions_of(config)
    state = Switching(revisions).read()
    try:
        own = read_files(config)
        found = rows(
            state.history, revisions.kept(), current=revisions.current(), wanted=state.wanted,
            on_trial=state.trial is not None, own=revision_of(own) if own else None,
        )  # fmt: skip
    except OSError as error:
        raise SettingsError(f"{error.filename}: {error.strerror}; ask as root (sudo) or group bench") from None
    if as_json:
        print(json.dumps([asdict(row) for row in found], ensure_ascii=False))
        return DONE
    for row in found:
        print(printable(_line(row)))
    if state.error:
        print(f"last trouble: {printable_lines(state.error)}")
    return DONE


def _line(row: Row) -> str:
    mark = "*" if row.standing in ("in use", "on trial") else " "
    here = "" if row.here else "  (its files are gone)"
    facts = [f"kept {row.kept_at[:19]}"] if row.kept_at else []
    facts += [f"in use {row.used_at[:19]}"] if row.used_at else []
    facts += [f"by {row.by}"] if row.by else []
    facts += [row.why] if row.why else []
    return f"{mark} {row.revision[:SHORT]:<{SHORT}}  {row.standing:<18}  {'  '.join(facts)}{here}".rstrip()


# ---- the difference ----------------------------------------------------------------------------------------
def show_differences(
    first: str, second: str, config: Path, *, looser: bool = False, most: int | None = None, as_json: bool = False
) -> int:
    """Print what changes from the first to the second; 1 where anything does."""
    new = files_of(second, config)
    old, damage = baseline(config, new) if first == CURRENT else (files_of(first, config), [])
    changes = [*damage, *differences(old, new)]
    if looser:
        changes = [change for change in changes if change.loosens_safety]
    if as_json:
        document = {"count": len(changes), "changes": [change.plain() for change in changes[:most]]}
        print(json.dumps(document, ensure_ascii=False))
    else:
        print_changes(changes[:most])
        if not changes:
            print("no difference")
    return FOUND if changes else DONE


def print_changes(changes: list[Change], to_people: bool = False) -> None:
    """In words, what loosens safety marked. `to_people`: standard output belongs to JSON."""
    for change in changes:
        print(
            f"{'!' if change.loosens_safety else ' '} {printable(change)}", file=sys.stderr if to_people else sys.stdout
        )
