"""What became of the revisions of a bench: asked for, refused, on trial, in use, given up; when, by whom and why.

Kept in `state.json` with where the switching stands, so that both are one write; the trees themselves may be gone by
then. Times are the bench's own clock, which may have been wrong.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

OWN = "own"
"""How people call the shared files in the bench's own directory."""
HAPPENED_MAX = 200
"""So much is kept, the latest."""
WHY_MAX = 300
What = Literal["kept", "refused", "on trial", "in use", "given up"]


@dataclass(frozen=True, slots=True)
class Happened:
    """One thing that became of a revision. `number` counts from 1; `revision` None: what was sent could not be read.
    `by`: who asked for it."""

    number: int
    at: str
    what: What
    revision: str | None
    by: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A revision as `revisions` lists it; `here`: its files are still kept."""

    revision: str
    here: bool
    standing: str
    kept_at: str = ""
    used_at: str = ""
    by: str = ""
    why: str = ""


def add(
    history: Sequence[Happened], at: str, what: What, revision: str | None, by: str = "", why: str = ""
) -> tuple[Happened, ...]:
    """With one thing more at its end."""
    number = history[-1].number + 1 if history else 1
    return (*history, Happened(number, at, what, revision, by, why[:WHY_MAX]))[-HAPPENED_MAX:]


def before(history: Sequence[Happened], revision: str | None) -> str | None:
    """The revision that was in use before this one, None: the bench's own directory."""
    held = [one.revision for one in history if one.what == "in use" and one.revision != revision]
    return held[-1] if held else None


def asker_of(history: Sequence[Happened], revision: str) -> str:
    """Who asked for it last."""
    asked = [one.by for one in history if one.revision == revision and one.what == "kept"]
    return asked[-1] if asked else ""


def rows(
    history: Sequence[Happened],
    kept: Sequence[str],
    *,
    current: str | None,
    wanted: str | None,
    on_trial: bool,
    own: str | None,
) -> list[Row]:
    """Every revision that is known, the latest first, the bench's own files last. `own`: the revision of these."""
    latest: dict[str, int] = {}
    for one in history:
        if one.revision is not None:
            latest[one.revision] = one.number
    known = sorted({*latest, *kept}, key=lambda revision: (-latest.get(revision, 0), _place(kept, revision)))
    found = [_row(revision, history, kept, current, wanted, on_trial) for revision in known]
    standing = "in use" if current is None else "as first installed"
    if own is not None and current != own:
        found.append(Row(OWN, True, standing, why=f"the files are those of revision {own[:12]}" * (own in known)))
    return found


def _place(kept: Sequence[str], revision: str) -> int:
    return kept.index(revision) if revision in kept else len(kept)


def _row(
    revision: str,
    history: Sequence[Happened],
    kept: Collection[str],
    current: str | None,
    wanted: str | None,
    on_trial: bool,
) -> Row:
    its = [one for one in history if one.revision == revision]
    first = next((one for one in its if one.what == "kept"), None)
    used = [one for one in its if one.what in ("on trial", "in use")]
    standing: str = its[-1].what if its else "kept"
    if revision == current:
        standing = "on trial" if on_trial else "in use"
    elif revision == wanted:
        standing = "wanted"
    elif standing in ("in use", "on trial"):
        standing = "earlier"
    return Row(
        revision, revision in kept, standing, first.at if first else "", used[-1].at if used else "",
        asker_of(its, revision), its[-1].why if its and standing in ("given up", "refused") else "",
    )  # fmt: skip
