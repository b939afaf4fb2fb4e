"""interlocks.toml: read, checked against the devices and the plans, and frozen."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from station.domain.interlock import BLINK_FAMILY, Interlock
from station.domain.plates import PLATES
from station.settings.devices import Placed
from station.settings.names import suggest
from station.settings.problem import Problem
from station.settings.schema import InterlockFile, InterlockTable
from station.settings.source import Source, tables, texts
from station.settings.validate import read

FRESH = 2.0
"""A reading must be allowed to grow this many poll periods old: one lost poll is no trip."""


def read_interlocks(source: Source) -> tuple[tuple[Interlock, ...], list[Problem]]:
    """The interlocks, and what is wrong with each by itself."""
    file, problems = read(InterlockFile, source.data, source)
    for key in ("name", "code", "blink"):
        problems += check_unique(source, "interlock", key)
    for index, raw in tables(source.data.get("interlock")):
        path = ("interlock", index)
        if "low" not in raw and "high" not in raw:
            problems.append(source.problem(path, "an interlock without a bound", "give low, high or both"))
        if raw.get("blames") == "dut" and "measurement" not in raw:
            wrong = "is missing: a trip that blames the DUT must name what it stands for"
            problems.append(source.problem((*path, "measurement"), wrong, "name the measurement"))
        if raw.get("blames") == "station" and "measurement" in raw:
            wrong = "a trip that blames the station stands for no measurement of the DUT"
            problems.append(source.problem((*path, "measurement"), wrong, 'remove it, or blames = "dut"'))
        problems += _check_blink(source, path, raw)
        problems += _check_refusal(source, path, raw)
        for at, family in texts(raw.get("families")):
            if family not in PLATES:
                problems.append(
                    source.problem((*path, "families", at), f"no family {family!r} is known", suggest(family, PLATES))
                )
    if file is None or problems:
        return (), problems
    return tuple(_freeze(entry) for entry in file.interlock), []


def _check_blink(source: Source, path: tuple[str, int], raw: Mapping[str, object]) -> Iterator[Problem]:
    blink, blames = raw.get("blink"), raw.get("blames")
    family = next((digit for whom, digit in BLINK_FAMILY.items() if whom == blames), None)
    if family is not None and isinstance(blink, int) and not family * 10 < blink < family * 10 + 10:
        wrong = f"{blink} is no number of one that blames the {blames}"
        yield source.problem((*path, "blink"), wrong, f"take one of {family}1 to {family}9 that no other has")


def _check_refusal(source: Source, path: tuple[str, int], raw: Mapping[str, object]) -> Iterator[Problem]:
    """What only refuses says nothing of the DUT, and it waits for nothing: it is looked at when something is begun."""
    if raw.get("reaction") != "refuse":
        return
    if raw.get("blames") == "dut":
        wrong = "a refusal begins no test, so it can be no fault of the DUT"
        yield source.problem((*path, "blames"), wrong, 'blames = "station", or reaction = "trip"')
    if raw.get("for_s"):
        wrong = "a refusal does not wait"
        yield source.problem((*path, "for_s"), wrong, 'remove it, or reaction = "trip"')


def check_readings(source: Source, placed: Sequence[Placed], measured: Collection[str]) -> Iterator[Problem]:
    """Interlocks on readings that no device delivers or that are older than allowed between two polls.

    `measured`: every measurement that a plan requires; empty where that cannot be told.
    """
    devices = {device.place: device for device in placed if device.path[0] == "devices"}
    names = {device.place: device.readings() for device in devices.values()}
    known = [f"{role}.{name}" for role, own in names.items() for name in (own or {}).values()]
    for index, raw in tables(source.data.get("interlock")):
        path = ("interlock", index)
        reading, stands_for = raw.get("reading"), raw.get("measurement")
        if isinstance(reading, str) and reading not in known:
            role = reading.partition(".")[0]
            if names.get(role, {}) is not None:  # else the device itself is broken, which has been said
                own = [name for name in known if name.startswith(f"{role}.")]
                wrong = f"no device delivers {reading!r}"
                yield source.problem((*path, "reading"), wrong, suggest(reading, own or known))
        elif isinstance(reading, str):
            yield from _check_age(source, index, raw.get("max_age_s"), devices[reading.partition(".")[0]])
        if isinstance(stands_for, str) and measured and stands_for not in measured:
            wrong = f"no plan requires `{stands_for}`"
            yield source.problem((*path, "measurement"), wrong, suggest(stands_for, measured))


def _check_age(source: Source, index: int, max_age_s: object, device: Placed) -> Iterator[Problem]:
    if not isinstance(max_age_s, int | float) or not isinstance(device.poll_s, int | float) or max_age_s <= 0:
        return
    if max_age_s < FRESH * device.poll_s:
        wrong = f"{max_age_s} s, but {device.place} is polled every {device.poll_s} s: it would always be stale"
        remedy = f"allow {FRESH * device.poll_s:g} s or more, or poll more often"
        yield source.problem(("interlock", index, "max_age_s"), wrong, remedy)


def check_unique(source: Source, group: str, key: str) -> Iterator[Problem]:
    """Tables of `group` that give a `key` that one before them has given."""
    seen: Mapping[str | int, int] = {}
    for index, raw in tables(source.data.get(group)):
        name = raw.get(key)
        if isinstance(name, str | int) and name in seen:
            wrong = f"{name!r} is already the {key} of the one at number {seen[name] + 1}"
            yield source.problem((group, index, key), wrong, "give each one of its own")
        elif isinstance(name, str | int):
            seen = {**seen, name: index}


def _freeze(entry: InterlockTable) -> Interlock:
    return Interlock(
        name=entry.name,
        reading=entry.reading,
        max_age_s=entry.max_age_s,
        low=entry.low,
        high=entry.high,
        for_s=entry.for_s,
        when=entry.when,
        blames=entry.blames,
        measurement=entry.measurement,
        code=entry.code,
        text=(("zh", entry.text.zh), ("en", entry.text.en)),
        reaction=entry.reaction,
        blink=entry.blink,
        families=entry.families,
    )
