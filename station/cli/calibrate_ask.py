"""What `calibrate` asks a person, step by step on the terminal; prompts go to standard error, answers come in lines."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta

from station.cli.calibrate_instrument import Instrument
from station.cli.calibrate_work import Basis, Quantity
from station.domain.calibration import Correction
from station.domain.errors import SettingsError
from station.domain.printable import printable, printable_lines
from station.metrology.fitting import Beside, Comparison, Contribution
from station.settings.calibrations import AUDIO, INTERVAL_MAX

YEAR = timedelta(days=365)
FromRun = Callable[[str, str], float]
"""The instrument's reading of a quantity in a run: quantity, run."""

HOW = {
    "tester": "Join the known resistor to the outlet in place of the DUT (insulation: L and N tied, to PE; earth bond: "
    "PE to PE) and let the plan safety-only run with START until it is measured, then STOP: the tester's voltage has "
    "no other way. Answer `run NUMBER`.",
    "touch": "Put the known current through the network in a run of safety-only (a resistor from L to the accessible "
    "part, its current read with the reference meter). That needs mains at the outlet, so it goes through START "
    "alone. Answer `run NUMBER`.",
    AUDIO: "Run a plan with a gain step of 10 s on a DUT that is in order, and read a true-rms voltmeter at the "
    "speaker terminals (input_…) or at the DUT's input (output_…) meanwhile. That needs a DUT with power, so it goes "
    "through START alone. Answer `run NUMBER`.",
    "mains": "Put a load through the outlet that the reference wattmeter sees as well. The outlet has no power without "
    "START: answer with the meter's own display where it has one, or take a certificate (--points).",
    "loadbank": "Join the reference ohmmeter, or put the known resistor in place of the load.",
    "dc": "DUT off and its speaker leads pulled: put the known voltage from each terminal to chassis.",
    "bias": "DUT off: clip both pairs to the known voltage.",
    "probe": "Put the tip on the known voltage, its reference on the other pole.",
    "temperature": "Put the thermocouple into the reference bath or block beside the reference thermometer and wait "
    "until both stand still.",
    "infrared": "Point it at the black surface whose temperature the reference thermometer tells.",
}  # fmt: skip
_PART = re.compile(r"([0-9.eE+-]+)\s*(%?)")


def ask(prompt: str, default: str | None = None) -> str:
    """One line of a person, `default` for an empty one. Raises `SettingsError` where nobody answers."""
    shown = f" [{default}]" if default else ""
    print(printable(f"{prompt}{shown}: "), end="", file=sys.stderr, flush=True)
    line = sys.stdin.readline()
    if not line:
        print(file=sys.stderr)
        raise SettingsError("the answers ended before the calibration did; nothing was written")
    return line.strip() or default or ""


def ask_until(prompt: str, default: str | None, read: Callable[[str], object]) -> str:
    """Ask again until `read` takes the answer; it raises `ValueError` for what it does not take."""
    while True:
        answer = ask(prompt, default)
        try:
            read(answer)
        except ValueError as error:
            tell(f"  {error}")
        else:
            return answer


def agreed(prompt: str) -> bool:
    """Yes, in so many words."""
    return ask(f"{prompt} (yes/no)", "no").lower() in ("y", "yes")


def tell(words: str) -> None:
    """To a person."""
    print(printable_lines(words), file=sys.stderr)


def ask_basis(today: date) -> Basis:
    """Who vouches for it."""
    by = ask_until("Calibrated by (person or laboratory)", None, _words)
    reference = ask_until("Reference (what it is compared with, with its serial number)", None, _words)
    certificate = ask("Certificate number of the reference")
    due = ask_until("Due", str(today + YEAR), lambda answer: _later(answer, today))
    return Basis(today, date.fromisoformat(due), by, reference, certificate, ask("Note"))


def ask_serial(instrument: Instrument, on_file: str | None) -> tuple[str, bool]:
    """Its serial number, and whether a person has read it off its plate; `on_file`: the one that stands to be taken."""
    if instrument.identity.serial_number:
        return instrument.identity.serial_number, False
    return ask_until(f"{instrument.role} does not say its serial number; read it off its plate", on_file, _words), True


def ask_who(role: str) -> str:
    """Who joins the cables of a loopback: not the laboratory that compared the voltages."""
    return ask_until(f"Loopback of {role} by (person)", None, _words)


async def ask_quantities(
    instrument: Instrument,
    wanted: Sequence[str],
    readings: int,
    believed: Mapping[str, Correction],
    from_run: FromRun,
) -> tuple[Quantity, ...]:
    """Every wanted quantity, point by point; one without a point is left out."""
    if (how := HOW.get(instrument.role)) is not None:
        tell(f"\n{how}")
    found = []
    for name in wanted:
        tell(f"\n{name}: an empty reference ends it")
        points: list[Comparison] = []
        while reference := ask_until("  reference says", None, _number_or_nothing):
            points.append(await _compare(instrument, name, float(reference), readings, from_run))
            shown = believed.get(name, Correction()).correct(points[-1].mean)
            tell(f"  as found: {shown:.6g} for {float(reference):.6g}, {shown - float(reference):+.3g} off")
        if points:
            found.append(Quantity(name, tuple(points), _beside(instrument, name)))
    return tuple(found)


async def _compare(instrument: Instrument, name: str, reference: float, readings: int, from_run: FromRun) -> Comparison:
    if instrument.reads_itself:
        taken = await instrument.read(name, readings)
        mean = math.fsum(taken) / len(taken)
        tell(f"  {name} reads {mean:.6g} ({len(taken)} readings, {min(taken):.6g} to {max(taken):.6g})")
        return Comparison(reference, taken)
    while True:
        answer = ask(f"  {name} reads (its display), or `run NUMBER`")
        try:
            if answer.startswith("run "):
                reading = from_run(name, answer.removeprefix("run ").strip())
                tell(f"  {name} reads {reading:.6g}, before any correction")
            else:
                reading = _number(answer)
        except (ValueError, SettingsError) as error:
            tell(f"  {error}")
        else:
            return Comparison(reference, (reading,))


def _beside(instrument: Instrument, name: str) -> Beside:
    unit = name.rsplit("_", 1)[-1]
    relative, absolute = _amount(
        ask_until(f"  uncertainty of the reference, k=2 (as `0.05 %`, `0.002` {unit}, or both)", None, _some_amount)
    )
    bounds = instrument.accuracy(name)
    usual = f"{100.0 * bounds.relative:g} % {bounds.absolute:g}" if bounds is not None else None
    drift = _amount(ask_until("  drift until it is due, at most (the maker's bounds if unknown)", usual, _amount))
    step = _number(ask_until(f"  resolution of the instrument in {unit}", "0", _step))
    return Beside(Contribution("reference", relative, absolute), step, *drift)


def _words(answer: str) -> str:
    if not answer:
        raise ValueError("this is needed; a calibration without it is worth nothing")
    return answer


def _later(answer: str, today: date) -> date:
    try:
        due = date.fromisoformat(answer)
    except ValueError:
        raise ValueError(f"{answer!r} is no day; write it as {today + YEAR}") from None
    if not timedelta() < due - today <= INTERVAL_MAX:
        raise ValueError(f"{due} is not within {INTERVAL_MAX.days} days from now; look at the year")
    return due


def _number(answer: str) -> float:
    try:
        value = float(answer)
    except ValueError:
        raise ValueError(f"{answer!r} is no number; write it as 10.02") from None
    if not math.isfinite(value):
        raise ValueError(f"{answer} is no number to calibrate with")
    return value


def _step(answer: str) -> float:
    value = _number(answer)
    if value < 0.0:
        raise ValueError(f"{value:g} is under zero; a resolution is not")
    return value


def _number_or_nothing(answer: str) -> float | None:
    return _number(answer) if answer else None


def _amount(answer: str) -> tuple[float, float]:
    """`0.05 % 0.002` as (relative, absolute). Raises `ValueError`."""
    relative = absolute = 0.0
    if _PART.sub("", answer).strip():
        raise ValueError(f"{answer!r} is not understood; write `0.05 %`, `0.002`, or `0.05 % 0.002`")
    for number, percent in _PART.findall(answer):
        value = _number(number)
        if value < 0.0:
            raise ValueError(f"{value:g} is under zero; an uncertainty is not")
        if percent:
            relative += value / 100.0
        else:
            absolute += value
    return relative, absolute


def _some_amount(answer: str) -> tuple[float, float]:
    amount = _amount(answer)
    if not any(amount):
        raise ValueError("no reference is without; it stands on its certificate")
    return amount
