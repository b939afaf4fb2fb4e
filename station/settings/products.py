"""Products: one file read, with the keys that its family's data plate adds to the common ones, and frozen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, fields
from pathlib import PurePosixPath
from typing import Any

from station.domain.limit import Limit
from station.domain.plan import Product
from station.domain.plates import FED_BY_BENCH, PLATES, ElectronicsPlate, Plate
from station.settings.cord import check_class, derived
from station.settings.locate import Path
from station.settings.names import nearest_of, suggest, unit_word
from station.settings.problem import Problem
from station.settings.schema import ProductFile
from station.settings.source import Source, table
from station.settings.validate import read

BOUNDS = ("low", "high", "relative_percent")
EXTRA_LOW_V = 60.0
"""DC, as IEC 61140 has it (secondary)."""
MAINS_V = (200.0, 250.0)
"""What data plates say that the bench's outlet suits (230 V)."""


def read_product(source: Source) -> tuple[Product | None, list[Problem]]:
    """A product, or None and what is wrong with it by itself."""
    family = source.data.get("family")
    kind = PLATES.get(family) if isinstance(family, str) else None
    keys = _plate_keys(source.data, kind)
    file, problems = read(ProductFile, {name: value for name, value in source.data.items() if name not in keys}, source)
    plate: Plate | None = None
    if kind is not None:
        plate, found = read(kind, {name: source.data[name] for name in keys}, source)
        problems += found
    elif isinstance(family, str):
        problems.append(source.problem(("family",), f"no family {family!r} is known", suggest(family, PLATES)))
    problems += check_id(source)
    problems += check_class(source)
    problems += _check_fed(source, plate)
    for name, limit in table(source.data.get("limits")).items():
        if isinstance(limit, dict):
            problems += check_bounds(source, ("limits", name), limit)
    if file is None or plate is None or problems:
        return None, problems
    limits = derived(source.data) | {name: Limit(**asdict(limit)) for name, limit in file.limits.items()}
    return Product(file.id, file.maker, file.model, file.family, file.protection_class, plate, limits, file.without), []


def _plate_keys(data: Mapping[str, Any], kind: type[Plate] | None) -> set[str]:
    """Which of the file's keys are the data plate's, misspelled ones too; all plates' where the family is not known."""
    common = {own.name for own in fields(ProductFile)}
    kinds = PLATES.values() if kind is None else (kind,)
    known = {own.name for one in kinds for own in fields(one)}
    return {
        name
        for name in data.keys() - common
        if name in known or (nearest_of(name, known) and not nearest_of(name, common))
    }


def check_id(source: Source) -> Iterator[Problem]:
    own, stem = source.data.get("id"), PurePosixPath(source.name).stem
    if isinstance(own, str) and own != stem:
        wrong = f"{own!r} differs from the file's name"
        yield source.problem(("id",), wrong, f"write {stem!r}, or rename the file to {own}.toml")


def _check_fed(source: Source, plate: Plate | None) -> Iterator[Problem]:
    """What the protection class says of the supply: III is extra-low voltage, and the bench feeds nothing else.

    In class III earth bond, insulation and touch current do not apply, so nothing that hangs on mains may claim it.
    """
    family, third = str(source.data.get("family")), source.data.get("protection_class") == "III"
    if family in FED_BY_BENCH and not third:
        wrong = f"{family} are fed by the bench, so their plans prove no insulation: class III only"
        yield source.problem(("protection_class",), wrong, 'protection_class = "III", or the family that fits it')
    elif isinstance(plate, ElectronicsPlate) and third != (plate.supply_v <= EXTRA_LOW_V):
        wrong = f"{plate.supply_v:g} V is {'no' if third else 'an'} extra-low voltage"
        remedy = f"class III has {EXTRA_LOW_V:g} V DC or less, classes I and II have mains: correct one of the two"
        yield source.problem(("supply_v",), wrong, remedy)
    elif isinstance(plate, ElectronicsPlate) and not third and not MAINS_V[0] <= plate.supply_v <= MAINS_V[1]:
        wrong = f"{plate.supply_v:g} V is not what the bench's outlet gives, and the device would be damaged"
        yield source.problem(("supply_v",), wrong, f"devices for {MAINS_V[0]:g} to {MAINS_V[1]:g} V are tested here")
    elif third and family in PLATES and family not in FED_BY_BENCH and PLATES[str(family)] is not ElectronicsPlate:
        wrong = f"{family}s hang on mains, and of class III neither earth bond nor insulation would be tested"
        yield source.problem(("protection_class",), wrong, '"I" or "II", as the data plate says')


def check_bounds(source: Source, path: Path, limit: Mapping[str, Any]) -> Iterator[Problem]:
    name = str(path[-1])
    if limit.keys() <= {"source", "decision"}:
        yield source.problem(path, "a limit without a bound", "give low, high or relative_percent")
    if "relative_percent" in limit and ("low" in limit or "high" in limit):
        yield source.problem(path, "relative_percent beside low or high", "keep one of the two sorts of bounds")
    if not unit_word(name) and name != "dropouts":
        yield source.problem(path, "the name does not end in its unit", "end it in one (`thd_percent`, `idle_power_w`)")
