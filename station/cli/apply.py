"""`apply` and `rollback`: check a tree, say what changes, hand it to the daemon, and see whether it stays.

Exit status: 0 it is in use and held (or was handed over: --no-wait), 1 it was handed over and is not in use (gone back,
refused, another one came, followed for too long, its answer was lost), 2 nothing was handed over, with why. Files are
changed by the daemon alone; where none runs, here under the store's lock, for the next start.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import pwd
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from station.cli.follow import Followed, follow, told
from station.cli.offline import take_into_use
from station.cli.revisions import CURRENT, SHORT, baseline, files_of, find, print_changes, revisions_of
from station.contract.commands import MAX_TREE_BYTES
from station.control.answers import ControlError
from station.control.client import ControlClient
from station.domain.errors import SettingsError
from station.domain.printable import printable, printable_lines
from station.settings import check
from station.settings.archive import OWN_NAMES, pack, unpack
from station.settings.differences import Change, differences, not_accepted
from station.settings.history import OWN, before
from station.settings.problem import Problem
from station.settings.revisions import Revisions, revision_of, write_files
from station.settings.source import STATION
from station.settings.switching import Switching, words_of

DONE, NOT_IN_USE, WRONG_USE = 0, 1, 2
STDIN = "-"
SHOWN = 20
"""Problems that people are shown."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The options of both verbs. `config`: the bench's own directory."""

    config: Path
    socket: Path | None
    accepted: tuple[str, ...]
    no_wait: bool
    timeout_s: float | None
    dry_run: bool
    as_json: bool


@dataclass(slots=True)
class _Report:
    """What `--json` prints."""

    revision: str | None = None
    outcome: str = "refused"
    reason: str = ""
    left_alone: list[str] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def plain(self) -> dict[str, Any]:
        return {
            "revision": self.revision, "outcome": self.outcome, "reason": self.reason, "left_alone": self.left_alone,
            "changes": [change.plain() for change in self.changes],
            "problems": [asdict(problem) for problem in self.problems],
        }  # fmt: skip


def apply_tree(source: str, choice: Choice) -> int:
    """Take the shared files of a directory, or of a tar.gz on standard input, into use. Raises `SettingsError`."""
    left: set[str] = set()
    if source == STDIN:
        archive = sys.stdin.buffer.read(MAX_TREE_BYTES + 1)
        if len(archive) > MAX_TREE_BYTES:
            raise SettingsError(f"the archive on standard input has more than {MAX_TREE_BYTES} bytes; leave out duts/")
        files: Mapping[str, bytes] = unpack(archive, left)
    else:
        folder = Path(source)
        if not folder.is_dir():
            raise SettingsError(f"{source}: no such directory; name a configuration tree, or - for its tar.gz")
        if folder.resolve() != choice.config.resolve():
            left = {name for name in OWN_NAMES if (folder / name).exists()}
        files = unpack(pack(files_of(str(folder), choice.config)))
    report = _Report(left_alone=sorted(left))
    if left:
        _say(choice, f"left alone: {', '.join(sorted(left))}: apply never replaces what is the bench's own")
    return _take("the archive" if source == STDIN else source, files, report, choice)


def roll_back(name: str | None, choice: Choice) -> int:
    """Take a revision of before into use again. Raises `SettingsError`."""
    target = name or _before(revisions_of(choice.config))
    _say(choice, f"back to {target if target in (OWN, CURRENT) else words_of(target)}")
    return _take(target, files_of(target, choice.config), _Report(), choice)


def cannot(choice: Choice, why: str) -> int:
    """One clear line, and with `--json` the document."""
    print(f"station: {printable_lines(why)}", file=sys.stderr)
    if choice.as_json:
        print(json.dumps(_Report(reason=why).plain(), ensure_ascii=False))
    return WRONG_USE


def _before(revisions: Revisions) -> str:
    """What held before the one in use; what is in use, where another one only waits."""
    state = Switching(revisions).read()
    current = revisions.current()
    if state.wanted is not None and state.trial is None:
        return OWN if current is None else current
    if current is None:
        raise SettingsError("the bench's own files are in use and nothing waits: there is nothing to go back from")
    back = state.trial.back if state.trial is not None else before(state.history, current)
    return OWN if back is None else find(back, revisions)


# ---- the way of both ---------------------------------------------------------------------------------------
def _take(source: str, files: Mapping[str, bytes], report: _Report, choice: Choice) -> int:
    revisions = revisions_of(choice.config)
    report.revision = revision_of(files)
    report.problems = _problems(files, source, choice.config)
    if report.problems:
        for problem in report.problems[:SHOWN]:
            _say(choice, printable(problem))
        count = len(report.problems)
        return _end(choice, report, WRONG_USE, "refused", f"{count} error{'s' * (count > 1)}: nothing was changed")
    old, damage = baseline(choice.config, files)
    report.changes = [*damage, *differences(old, files)]
    print_changes(report.changes, to_people=choice.as_json)
    if looser := not_accepted(report.changes, choice.accepted):
        options = " ".join(f"--accept-looser {change.name}" for change in looser)
        why = f"safety gets looser ({len(looser)} marked with !): nothing was changed; if that is meant, add {options}"
        return _end(choice, report, WRONG_USE, "refused", why)
    if choice.dry_run:
        return _end(choice, report, DONE, "dry run", f"revision {report.revision[:SHORT]} is fit for use here")
    state = Switching(revisions).read()
    settled = state.wanted is None and state.trial is None and revisions.current() == report.revision
    if not report.changes and settled and revisions.is_whole(report.revision):
        return _end(choice, report, DONE, "in use", f"revision {report.revision[:SHORT]} is in use already")
    return _hand_over(files, report, choice)


def _problems(files: Mapping[str, bytes], source: str, config: Path) -> list[Problem]:
    """What `check` says of these files with this bench's own part, the files named as they came."""
    from drivers.catalog import CATALOG
    from station.steps.catalog import STEPS

    with tempfile.TemporaryDirectory(prefix="bench-apply-") as folder:
        shared = Path(folder) / "tree"
        write_files(shared, files)
        found = check(config, STEPS, CATALOG, shared)
        return [
            Problem(one.file.replace(str(shared), source, 1), one.line, one.key, one.wrong, one.remedy) for one in found
        ]


def _hand_over(files: Mapping[str, bytes], report: _Report, choice: Choice) -> int:
    assert report.revision is not None
    archive = pack(files)
    if len(archive) > MAX_TREE_BYTES:
        raise SettingsError(
            f"the tree is {len(archive)} bytes packed, and {MAX_TREE_BYTES} are allowed; leave out duts/"
        )
    socket = choice.socket or _socket_of(choice.config)
    try:
        since = told(socket).last
    except ControlError as error:
        outcome = take_into_use(choice.config, files, who(), str(error))
        return _end(choice, report, DONE, outcome.what, outcome.why)
    its = {"sha256": hashlib.sha256(archive).hexdigest(), "tree": base64.b64encode(archive).decode(), "by": who()}
    try:
        with ControlClient(socket) as client:
            reply = client.ask("apply", **its)
    except ControlError as error:
        if not _has_come(socket, report.revision, since):
            why = f"{error}; whether the daemon has it is not known, see: station revisions"
            return _end(choice, report, NOT_IN_USE, "unknown", why)
        reply = {"status": "done"}
    if reply["status"] != "done":
        return _end(choice, report, WRONG_USE, "refused", str(reply["reason"]))
    _say(choice, f"revision {report.revision[:SHORT]} is with the daemon")
    if choice.no_wait:
        return _end(choice, report, DONE, "handed over", "follow it with: station revisions")
    followed = follow(socket, report.revision, since, choice.timeout_s, lambda words: _say(choice, words))
    return _end(choice, report, _status_of(followed), followed.what, followed.why)


def _has_come(socket: Path, revision: str, since: int) -> bool:
    """Whether a daemon whose answer was lost has it all the same."""
    try:
        seen = told(socket)
    except ControlError:
        return False
    its = any(one["revision"] == revision and one["number"] > since for one in seen.happened)
    return its or seen.configuration.get("wanted") == revision


def _status_of(followed: Followed) -> int:
    return DONE if followed.what == "in use" else 130 if followed.what == "left" else NOT_IN_USE


def _socket_of(config: Path) -> Path:
    import tomllib

    return Path(tomllib.loads((config / STATION).read_text(encoding="utf-8"))["control"]["socket"])


def who() -> str:
    """Who asks, for the history: the person behind sudo, and from where if that is known."""
    try:
        name = os.environ.get("SUDO_USER") or pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        name = str(os.getuid())
    came = os.environ.get("SSH_CONNECTION", "").split()
    text = f"{name} from {came[0]}" if came else name
    return "".join(one for one in text if one.isprintable())[:100]


# ---- words -------------------------------------------------------------------------------------------------
def _say(choice: Choice, words: str) -> None:
    print(printable_lines(words), file=sys.stderr if choice.as_json else sys.stdout, flush=True)


def _end(choice: Choice, report: _Report, status: int, outcome: str, reason: str) -> int:
    report.outcome, report.reason = outcome, reason
    if status == WRONG_USE:
        print(f"station: {printable_lines(reason)}", file=sys.stderr)
    else:
        _say(choice, f"{outcome}: {reason}" if reason else outcome)
    if choice.as_json:
        print(json.dumps(report.plain(), ensure_ascii=False))
    return status
