"""A calibration's files: points out of a laboratory's file, and the revision that goes behind those on record.

What is written is first read by the station's own loader; old revisions stay byte by byte; the file changes whole or
not at all. The file of an instrument that was replaced goes into `calibration/earlier/`.
"""

from __future__ import annotations

import difflib
import fcntl
import json
import os
import tempfile
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date as Day
from pathlib import Path

from station.cli.calibrate_work import Basis, Quantity, Work
from station.domain.calibration import Calibration, Correction, Point, Revision
from station.domain.errors import SettingsError
from station.domain.printable import printable
from station.metrology.fitting import Beside, Comparison, Contribution, Shape
from station.settings.calibrations import Amount, Known, Share, path_of, read_calibration
from station.settings.locate import locate
from station.settings.problem import InvalidTree, Problem
from station.settings.revisions import put_in_place
from station.settings.source import CALIBRATION, Source, read_source
from station.settings.validate import read

EARLIER = "earlier"
"""Below `calibration/`: files of instruments that are no longer in their role."""


@dataclass(frozen=True, slots=True)
class QuantityPoints:
    """One quantity of a laboratory's file. `points`: the reference, then each reading of the instrument itself.

    Of reference and drift at least one key each, that of the reference above zero.
    """

    points: tuple[tuple[float, ...], ...]
    reference_relative: Share = 0.0
    reference_absolute: Amount = 0.0
    resolution: Amount = 0.0
    drift_relative: Share | None = None
    drift_absolute: Amount | None = None
    fit: Shape | None = None


@dataclass(frozen=True, slots=True)
class PointsFile:
    """What `--points` reads (docs/calibrating-a-bench.md)."""

    role: str
    serial_number: str
    by: str
    reference: str
    certificate: str
    due: Day
    quantity: Mapping[str, QuantityPoints] = field(default_factory=dict)
    date: Day | None = None
    note: str = ""
    declared: bool = False


def read_points(path: Path, today: Day) -> tuple[str, Work]:
    """The role, and what was done. Raises `SettingsError`."""
    source = _source(path)
    file, problems = read(PointsFile, source.data, source)
    if file is not None:
        problems += _check_days(source, file, today)
        for name, one in file.quantity.items():
            problems += _check_quantity(source, name, one)
    if file is None or problems:
        raise InvalidTree(problems)
    basis = Basis(file.date or today, file.due, file.by, file.reference, file.certificate, file.note)
    quantities = tuple(_quantity(name, one) for name, one in file.quantity.items())
    return file.role, Work(file.serial_number, file.declared, basis, quantities)


def _check_days(source: Source, file: PointsFile, today: Day) -> Iterator[Problem]:
    """A day that cannot be would jam the bench: no START, and nothing to calibrate behind it."""
    if file.date is not None and file.date > today:
        wrong = f"{file.date} is after today, {today}"
        yield source.problem(("date",), wrong, "write the day on which it was compared, or see the clock")
    if file.due <= today:
        yield source.problem(("due",), f"{file.due} is over, today is {today}", "write a later day, or have it renewed")


def _check_quantity(source: Source, name: str, one: QuantityPoints) -> Iterator[Problem]:
    at = ("quantity", name)
    if not one.points or any(len(point) < 2 for point in one.points):
        yield source.problem((*at, "points"), "a point without a reading", "write [[reference, reading, …], …]")
    if not (one.reference_relative or one.reference_absolute):
        remedy = "write reference_relative or reference_absolute (k=2) from the reference's certificate"
        yield source.problem(at, "the reference's uncertainty is missing", remedy)
    if one.drift_relative is None and one.drift_absolute is None:
        remedy = "write drift_relative or drift_absolute, at most until it is due (the maker's bounds if unknown)"
        yield source.problem(at, "how far the instrument drifts is missing", remedy)


def _quantity(name: str, one: QuantityPoints) -> Quantity:
    reference = Contribution("reference", one.reference_relative, one.reference_absolute)
    compared = tuple(Comparison(point[0], tuple(point[1:])) for point in one.points)
    beside = Beside(reference, one.resolution, one.drift_relative or 0.0, one.drift_absolute or 0.0)
    return Quantity(name, compared, beside, one.fit)


def _source(path: Path) -> Source:
    try:
        text = path.read_text(encoding="utf-8").replace("\r\n", "\n")
        return Source(str(path), f"{CALIBRATION}/{path.name}", tomllib.loads(text), locate(text))
    except OSError as error:
        raise SettingsError(f"--points {path}: {error.strerror}; name the file with the points") from error
    except ValueError as error:
        raise SettingsError(f"--points {path}: not TOML: {error}; docs/calibrating-a-bench.md shows one") from error


def text_of(directory: Path, role: str) -> str | None:
    """A role's file as it is, its line ends too; None without one. Raises `SettingsError`."""
    return _text_of(path_of(directory, role))


def _text_of(path: Path) -> str | None:
    try:
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read: {error}; nothing was written") from error


def on_record(directory: Path, role: str, known: Known | None) -> Calibration | None:
    """The calibration of a role that is on record. Raises `InvalidTree` for a file that is broken."""
    if not path_of(directory, role).exists():
        return None
    source, problems = read_source(directory, f"{CALIBRATION}/{role}.toml")
    if source is None:
        raise InvalidTree(problems)
    calibration, problems = read_calibration(source, known)
    if calibration is None:
        raise InvalidTree(problems)
    return calibration


@dataclass(frozen=True, slots=True)
class Change:
    """What a file was and becomes.

    `before`: None without a file. `aside`: where the file of the instrument before goes; None: it is the same one.
    """

    path: Path
    before: str | None
    after: str
    aside: Path | None

    def diff(self) -> str:
        """The unified difference, without controls."""
        before = [] if self.aside is not None else (self.before or "").splitlines()
        lines = difflib.unified_diff(before, self.after.splitlines(), "on record", "new", lineterm="", n=1)
        return "\n".join(printable(line) for line in lines)


def change_of(
    directory: Path, new: Calibration, earlier: Calibration | None, before: str | None, known: Known | None
) -> Change:
    """The file with the last revision of `new` behind those on record, as the loader accepts it.

    `earlier` and its text `before`: what was on record when `new` was begun. Raises `SettingsError` with what the
    loader has against it.
    """
    path = path_of(directory, new.role)
    aside = None
    if earlier is not None and earlier.serial_number != new.serial_number:
        aside = path.parent / EARLIER / f"{new.role}-{_plain(earlier.serial_number)}.toml"
    begins = before if before is not None and aside is None else _head(new)
    end = "\r\n" if "\r\n" in begins else "\n"
    after = begins + ("" if begins.endswith("\n") else end) + end + revision_text(new.current).replace("\n", end)
    _prove(new.role, after, known)
    return Change(path, before, after, aside)


def write(change: Change) -> None:
    """Put the file in its place, whole, if it still is what the change was made from.

    Raises `SettingsError`; then nothing has changed.
    """
    try:
        change.path.parent.mkdir(parents=True, exist_ok=True)
        with _alone(change.path.parent):
            if _text_of(change.path) != change.before:
                raise SettingsError(
                    f"{change.path}: it was changed meanwhile, and a revision could be lost; nothing was written; see "
                    "what it says now and begin again"
                )
            if change.aside is not None and change.before is not None:
                change.aside.parent.mkdir(exist_ok=True)
                _put(_free(change.aside), change.before)
            _put(change.path, change.after)
    except OSError as error:
        told = f"{change.path}: {error.strerror}; nothing has changed; write it as the user who owns the tree (sudo)"
        raise SettingsError(told) from error


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One `calibrate` at a time looks and writes here; the lock goes with the handle, also of one that dies."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _put(path: Path, text: str) -> None:
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        like = path.parent.stat()
        Path(name).chmod(0o644)  # no secret: the daemon and doctor read it
        if os.geteuid() == 0:
            os.chown(name, like.st_uid, like.st_gid)
        put_in_place(Path(name), path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _free(path: Path) -> Path:
    """A name that is not taken: an instrument may come and go more than once."""
    taken = (path.with_stem(f"{path.stem}-{number}") for number in range(2, 1000))
    return path if not path.exists() else next(one for one in taken if not one.exists())


def _plain(serial_number: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in serial_number)


def _prove(role: str, text: str, known: Known | None) -> None:
    with tempfile.TemporaryDirectory(prefix="calibrate-") as folder:
        path = path_of(Path(folder), role)
        path.parent.mkdir()
        path.write_bytes(text.encode("utf-8"))
        try:
            on_record(Path(folder), role, known)
        except InvalidTree as refused:
            first = max(refused.problems, key=lambda problem: problem.key.count("."))
            raise SettingsError(f"{role}: {first.key}: {first.wrong}; {first.remedy}; nothing was written") from None


def _head(new: Calibration) -> str:
    declared = "true    # read off its plate: it cannot say it" if new.declared else "false"
    return (
        "# Written by `station calibrate`; revisions are only ever added (docs/calibrating-a-bench.md).\n"
        f"role = {_text(new.role)}\nserial_number = {_text(new.serial_number)}\ndeclared = {declared}\n"
    )


def revision_text(revision: Revision) -> str:
    """One `[[revision]]` as it stands in the file."""
    lines = [
        "[[revision]]", f"date = {revision.made}", f"due = {revision.due}", f"by = {_text(revision.by)}",
        f"reference = {_text(revision.reference)}", f"certificate = {_text(revision.certificate)}",
        f"note = {_text(revision.note)}",
    ]  # fmt: skip
    for name, correction in revision.corrections.items():
        lines += ["", f"[revision.quantity.{name}]", *_correction(correction)]
    if (found := revision.loopback) is not None:
        lines += ["", "[revision.loopback]"]
        lines += [] if found.made is None else [f"date = {found.made}"]
        lines += [f"by = {_text(found.by)}"] if found.by else []
        lines += [f"thd_db = {found.thd_db:.1f}", f"noise_db = {found.noise_db:.1f}"]
        lines += [] if found.response_db is None else [f"response_db = {found.response_db:.4f}"]
        for key, curve in (("response_left", found.response_left), ("response_right", found.response_right)):
            if curve:
                lines.append(f"{key} = [{', '.join(f'[{hz:g}, {level_db:.4f}]' for hz, level_db in curve)}]")
    return "\n".join(lines) + "\n"


def _correction(one: Correction) -> Iterable[str]:
    for key in ("factor", "offset", "relative", "absolute"):
        digits = 9 if key in ("factor", "offset") else 3
        yield f"{key} = {float(f'{getattr(one, key):.{digits}g}')!r}"
    yield f"as_found = {_points(one.as_found)}"
    yield f"as_left = {_points(one.as_left)}"


def _points(points: Iterable[Point]) -> str:
    pairs = (f"[{float(f'{p.reference:.7g}')!r}, {float(f'{p.reading:.7g}')!r}]" for p in points)
    return f"[{', '.join(pairs)}]"


def _text(words: str) -> str:
    """A basic string of TOML; controls are no words of a certificate."""
    return json.dumps(printable(words), ensure_ascii=False)
