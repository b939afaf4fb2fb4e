"""`calibrate ROLE`: compare an instrument with a reference, and write what follows behind the revisions on record.

With the daemon stopped, whose lock is held meanwhile. Nothing energises here: readings that need a test voltage, mains
or drive come from a run behind START. The one sound is the loopback's, behind the bench's own OK button.
Exit status 0 written (or shown, with --dry-run), 1 the same and something found, 2 wrong use: nothing was written.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from drivers.catalog import CATALOG
from drivers.ports import Accuracy
from station.cli.calibrate_ask import agreed, ask_basis, ask_quantities, ask_serial, ask_who, tell
from station.cli.calibrate_file import Change, change_of, on_record, read_points, text_of, write
from station.cli.calibrate_instrument import Instrument, known_of, opened, reading_of_run
from station.cli.calibrate_view import as_document, show
from station.cli.calibrate_work import Basis, Outcome, Work, compared_on, revise
from station.domain.calibration import Calibration, Loopback
from station.domain.errors import SettingsError
from station.settings.calibrations import AUDIO, PROVING, Known
from station.settings.loading import load
from station.settings.names import suggest
from station.settings.tree import Tree
from station.steps.catalog import STEPS
from station.store.lock import StoreHeld, hold_if_there

DONE, FOUND = 0, 1


@dataclass(frozen=True, slots=True)
class Choice:
    """What the command line said."""

    role: str
    config: Path
    points: Path | None = None
    quantities: tuple[str, ...] = ()
    readings: int = 10
    loopback: bool = False
    dry_run: bool = False
    agreed: bool = False
    as_json: bool = False


def calibrate(choice: Choice) -> int:
    """Guide, fit, show, write. Raises `SettingsError`; then nothing was written."""
    tree = load(choice.config, STEPS, CATALOG)
    settings = tree.station
    known = known_of(settings)
    if choice.role in PROVING:
        raise SettingsError(
            f"calibrate {choice.role}: it proves {PROVING[choice.role]}; nothing is measured by it, and a proof is "
            "never corrected; have it adjusted if it reads wrongly"
        )
    if choice.role not in known:
        raise SettingsError(f"calibrate {choice.role}: no instrument of this bench; {suggest(choice.role, known)}")
    for name in choice.quantities:
        if name not in known[choice.role]:
            remedy = suggest(name, known[choice.role])
            raise SettingsError(f"--quantity {name}: {choice.role} does not read it; {remedy}")
    if choice.loopback and choice.role != AUDIO:
        raise SettingsError(f"--loopback: {choice.role} has none; it is of the role {AUDIO}")
    try:
        with hold_if_there(Path(settings.store_path)):
            return asyncio.run(_calibrate(choice, tree, known))
    except StoreHeld as held:
        raise SettingsError(
            f"a daemon runs (process {held.holder}) and uses the instruments; stop it first (systemctl stop station)"
        ) from None


async def _calibrate(choice: Choice, tree: Tree, known: Known) -> int:
    settings = tree.station
    today = datetime.now(ZoneInfo(settings.timezone)).date()
    before = text_of(choice.config, choice.role)
    earlier = on_record(choice.config, choice.role, known)
    async with opened(settings, choice.role, known) as instrument:
        work = await _work(choice, instrument, earlier, today)
        bounds = {name: instrument.accuracy(name) for name in known[choice.role]}
    loopback: Loopback | None = None
    findings: list[str] = []
    if choice.loopback:
        from station.cli.calibrate_loopback import look

        by = ask_who(choice.role)
        loopback, findings = await look(tree)
        loopback = replace(loopback, made=today, by=by)
    outcome = revise(earlier, choice.role, work, today, loopback)
    findings += _out_of_bounds(outcome, bounds, choice)
    change = change_of(choice.config, outcome.calibration, earlier, before, known)
    show(outcome, change, findings, as_json=choice.as_json)
    written = _write(choice, change)
    uncovered = _uncovered(outcome, known[choice.role])
    if uncovered:
        tell(f"{choice.role}: no revision covers {', '.join(uncovered)}: what hangs on them is not calibrated")
    if choice.as_json:
        print(json.dumps(as_document(outcome, change, findings, uncovered, written), ensure_ascii=False))
    return FOUND if findings else DONE


def _uncovered(outcome: Outcome, quantities: Collection[str]) -> tuple[str, ...]:
    """What the role reads and nobody has compared."""
    return tuple(name for name in quantities if name not in outcome.calibration.current.corrections)


async def _work(choice: Choice, instrument: Instrument, earlier: Calibration | None, today: date) -> Work:
    """From the file, or asked; of a loopback alone, what is on record goes on."""
    _tell_instrument(instrument, earlier)
    if choice.points is not None:
        return _from_file(choice, instrument, today)
    if instrument.silence:
        raise SettingsError(
            f"calibrate {choice.role}: it does not answer; see `station doctor` (a laboratory's certificate goes with "
            "--points, wherever the instrument is)"
        )
    on_file = earlier.serial_number if earlier is not None and earlier.declared else None
    serial, declared = ask_serial(instrument, on_file)
    if choice.loopback:
        return Work(serial, declared, _of_loopback(earlier, serial), ())
    same = earlier is not None and earlier.serial_number == serial
    believed = dict(earlier.current.corrections) if earlier is not None and same else {}

    def from_run(quantity: str, run: str) -> float:
        return reading_of_run(choice.config, run, instrument, quantity, earlier)

    basis = ask_basis(today)
    wanted = choice.quantities or instrument.quantities
    quantities = await ask_quantities(instrument, wanted, choice.readings, believed, from_run)
    return Work(serial, declared, basis, quantities)


def _tell_instrument(instrument: Instrument, earlier: Calibration | None) -> None:
    who = instrument.identity
    number = f"serial number {who.serial_number}" if who.serial_number else "without a serial number of its own"
    answers = f"{who.model or instrument.kind}, {number}"
    tell(f"{instrument.role}: {f'does not answer: {instrument.silence}' if instrument.silence else answers}")
    if earlier is None:
        tell("on record: nothing")
    else:
        now = earlier.current
        tell(f"on record: serial number {earlier.serial_number}, {now.made} by {now.by}, due {now.due}")


def _from_file(choice: Choice, instrument: Instrument, today: date) -> Work:
    assert choice.points is not None
    role, work = read_points(choice.points, today)
    if role != choice.role:
        raise SettingsError(f"--points {choice.points}: it is of the role {role!r}, not of {choice.role!r}")
    said = instrument.identity.serial_number
    if said and said != work.serial_number:
        raise SettingsError(
            f"--points {choice.points}: it is of serial number {work.serial_number!r}, the instrument says {said!r}; "
            "see which one is on the bench"
        )
    if not said and not instrument.silence and not work.declared:
        raise SettingsError(
            f"--points {choice.points}: the instrument does not say its serial number; read it off its plate and write "
            "declared = true"
        )
    return work


def _of_loopback(earlier: Calibration | None, serial: str) -> Basis:
    """A loopback alone renews nothing: what stands of the voltages stays as it is, its day and its laboratory too.

    Without a calibration there is nothing that it could stand in.
    """
    if earlier is None or earlier.serial_number != serial:
        raise SettingsError(
            "calibrate audio --loopback: no calibration of this interface is on record, and a loopback is none; first "
            "compare its voltages (docs/calibrating-a-bench.md), or give them with --points FILE --loopback"
        )
    now = earlier.current
    return Basis(now.made, now.due, now.by, now.reference, now.certificate, "a loopback added; voltages as before")


def _out_of_bounds(outcome: Outcome, bounds: Mapping[str, Accuracy | None], choice: Choice) -> list[str]:
    """What was found further off than the maker (or the calibration before) allows: earlier results are in doubt."""
    new = outcome.calibration
    before = replace(new, revisions=new.revisions[:-1]) if len(new.revisions) > 1 else None
    found = []
    for name in outcome.fits:
        old = before.current.corrections.get(name) if before else None
        bound, worst, reference = bounds.get(name), 0.0, outcome.fits[name].budget[0]
        for point in new.current.corrections[name].as_found:
            allowed = old.expanded(point.reference) if old else _allowed(bound, point.reference)
            known = math.hypot(reference.relative * point.reference, reference.absolute)
            if allowed is not None and abs(point.reading - point.reference) > math.hypot(allowed, known):
                worst = max(worst, abs(point.reading - point.reference))
        if worst:
            since = f" --since {compared_on(before, name)}" if before and old else ""
            whose = "the calibration before said" if old else "its maker says"
            found.append(
                f"{name}: as found up to {worst:.3g} off, more than {whose}; runs that it took part in: "
                f"station results recall {new.serial_number}{since}"
            )
    return found


def _allowed(bound: Accuracy | None, value: float) -> float | None:
    return None if bound is None else abs(value) * bound.relative + bound.absolute


def _write(choice: Choice, change: Change) -> bool:
    if choice.dry_run:
        tell("--dry-run: nothing was written")
        return False
    if not choice.agreed and not agreed(f"Write it to {change.path}?"):
        raise SettingsError("not agreed; nothing was written")
    write(change)
    tell(f"written: {change.path}; the daemon takes it at its next start")
    return True
