"""A configuration directory, read whole: every error of every file at once, or the tree as frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from station.domain.calibration import Calibration
from station.domain.diagnosis import DiagnosisRule
from station.domain.interlock import Interlock
from station.domain.plan import Product
from station.domain.plates import PLATES
from station.settings.bench import read_station
from station.settings.calibrations import names_of, quantities_of, read_calibration
from station.settings.devices import DriverEntry, Placed
from station.settings.diagnosis import know, read_diagnosis
from station.settings.interlocks import check_readings, read_interlocks
from station.settings.load_bank import check_load_bank
from station.settings.mislaid import mislaid
from station.settings.names import nearest_of
from station.settings.needs import check_needs
from station.settings.outlet import check_outlet
from station.settings.plan_safety import check_gate_limits
from station.settings.plans import check_limits, read_plan, steps_of
from station.settings.problem import InvalidTree, Problem
from station.settings.products import read_product
from station.settings.required import bias_rows, check_required
from station.settings.revisions import DIAGNOSIS, INTERLOCKS, shared_part
from station.settings.secrets import secrets_in
from station.settings.source import CALIBRATION, STATION, Source, read_source
from station.settings.tree import PlanTemplate, StepEntry, Tree, content_sha256


def load(directory: Path, steps: Mapping[str, StepEntry], drivers: Mapping[str, DriverEntry]) -> Tree:
    """The tree of the bench whose own directory this is, its shared part from the revision in use where there is one.

    Raises `InvalidTree` (a `SettingsError`) that carries every problem; opens no device.
    """
    tree, problems = _read(directory, shared_part(directory), steps, drivers)
    if tree is None:
        raise InvalidTree(problems)
    return tree


def check(
    directory: Path,
    steps: Mapping[str, StepEntry],
    drivers: Mapping[str, DriverEntry],
    shared: Path | None = None,
) -> list[Problem]:
    """Every problem of what `load` reads, by file and line; empty if it is clean. `shared`: another shared part."""
    try:
        return _read(directory, shared or shared_part(directory), steps, drivers)[1]
    except InvalidTree as damaged:
        return list(damaged.problems)


@dataclass(slots=True)
class _Files:
    """The files of a tree that are TOML, and what was wrong with reading them."""

    found: dict[str, Source] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    unread: set[str] = field(default_factory=set)

    def group(self, folder: str) -> list[Source]:
        return [source for name, source in self.found.items() if name.startswith(f"{folder}/")]


def _read(
    directory: Path, shared: Path, steps: Mapping[str, StepEntry], drivers: Mapping[str, DriverEntry]
) -> tuple[Tree | None, list[Problem]]:
    files = _read_files(directory, shared)
    problems: list[Problem] = []
    station, placed = None, None
    if STATION in files.found:
        station, placed, found = read_station(files.found[STATION], drivers)
        problems += found
    calibrations, found = _calibrations(files.group(CALIBRATION), placed)
    problems += found
    plans: dict[str, PlanTemplate] = {}
    for source in files.group("plans"):
        plan, found = read_plan(source, steps)
        problems += found
        if plan is not None:
            plans[plan.id] = plan
    products: dict[str, Product] = {}
    for source in files.group("products"):
        product, found = read_product(source)
        problems += found
        if product is not None:
            products[product.id] = product
    all_read = not any(name.startswith(("plans/", "products/")) for name in files.unread)
    problems += check_limits(files.group("plans"), files.group("products"), steps, all_read)
    problems += check_needs(files.group("plans"), all_read)
    problems += check_gate_limits(files.found, plans.values(), list(products.values()))
    interlocks: tuple[Interlock, ...] = ()
    rules: tuple[DiagnosisRule, ...] = ()
    if INTERLOCKS in files.found:
        interlocks, found = read_interlocks(files.found[INTERLOCKS])
        problems += found
        if placed is not None:
            measured = _required(files.group("plans"), steps) if all_read else set()
            problems += (astray := list(check_readings(files.found[INTERLOCKS], placed, measured)))
            if interlocks and not astray:
                adjusted = bias_rows(files.group("plans"), files.group("products"))
                families = {str(product.data.get("family")) for product in files.group("products")} & PLATES.keys()
                roles = [device.place for device in placed]
                problems += check_required(files.found[INTERLOCKS], roles, adjusted, families)
    problems += check_load_bank(files.group("products"), placed or ())
    problems += check_outlet(files.group("products"), interlocks)
    if DIAGNOSIS in files.found:
        interlocks_file = files.found.get(INTERLOCKS)
        sound = interlocks_file is not None and all(problem.file != interlocks_file.file for problem in problems)
        known = know(steps, files.group("plans") if all_read else (), interlocks if sound else None)
        rules, found = read_diagnosis(files.found[DIAGNOSIS], known)
        problems += found
    if problems or files.problems or station is None:
        return None, _in_order(files.problems, problems)
    sha256 = content_sha256({name: source.data for name, source in files.found.items()})
    return Tree(replace(station, calibrations=calibrations), interlocks, rules, plans, products, sha256), []


def _calibrations(
    sources: list[Source], placed: list[Placed] | None
) -> tuple[dict[str, Calibration], list[Problem]]:  # fmt: skip
    """By role. What the bench has is not told where a device of it cannot be read."""
    readings = {one.place: one.readings() for one in placed or () if one.path[0] == "devices"}
    told = {role: names for role, names in readings.items() if names is not None}
    known = quantities_of(told) if placed is not None and len(told) == len(readings) else None
    found: dict[str, Calibration] = {}
    problems: list[Problem] = []
    for source in sources:
        calibration, wrong = read_calibration(source, known)
        problems += wrong
        if calibration is not None:
            found[calibration.role] = calibration
    return found, problems


def _required(plans: list[Source], steps: Mapping[str, StepEntry]) -> set[str]:
    return {name for plan in plans for step in steps_of(plan, steps) for _, name in step.requires}


def _in_order(of_files: list[Problem], problems: list[Problem]) -> list[Problem]:
    """By file and line, each once; where a key holds what no file may hold (NaN, …), that says enough of it."""
    said = {(problem.file, problem.key) for problem in of_files}
    return sorted({*of_files, *(problem for problem in problems if (problem.file, problem.key) not in said)})


def _read_files(directory: Path, shared: Path) -> _Files:
    files = _Files()
    for name in (*_names(shared), *names_of(directory)):
        folder = directory if name == STATION or name.startswith(f"{CALIBRATION}/") else shared
        if name == DIAGNOSIS and not (folder / name).exists():
            continue
        source, found = read_source(folder, name)
        files.problems += found
        if source is None:
            files.unread.add(name)
        else:
            files.found[name] = source
    for sort in ("plans", "products"):
        if not any(name.startswith(f"{sort}/") for name in (*files.found, *files.unread)):
            path = str(shared / sort)
            files.problems.append(Problem(path, 1, "(folder)", "holds no .toml file", f"put the {sort} there"))
            files.unread.add(f"{sort}/")
    astray = mislaid(directory)
    said = {one.file for one in astray}
    files.problems += astray
    for folder in {directory, shared}:
        files.problems += [one for one in _misnamed(folder) if one.file not in said]
    files.problems += _secrets(files, {directory, shared})
    return files


def _secrets(files: _Files, folders: set[Path]) -> list[Problem]:
    """What stands in a line that has been complained of is said already."""
    said = {(problem.file, problem.line) for problem in files.problems}
    read = {source.file for source in files.found.values()}
    found = {problem for folder in folders for problem in secrets_in(folder, read)}
    return [problem for problem in sorted(found) if (problem.file, problem.line) not in said]


def _names(shared: Path) -> list[str]:
    names = [STATION, INTERLOCKS, DIAGNOSIS]
    for folder in ("plans", "products"):
        names += sorted(f"{folder}/{path.name}" for path in (shared / folder).glob("*.toml"))
    return names


def _misnamed(directory: Path) -> list[Problem]:
    """A file that nobody reads because its name is nearly right."""
    known = [STATION, INTERLOCKS, DIAGNOSIS]
    problems = []
    for path in sorted(directory.glob("*.toml")):
        near = None if path.name in known else nearest_of(path.name, known)
        if near is not None:
            problems.append(Problem(str(path), 1, "(file)", "nobody reads a file of this name", f"rename it to {near}"))
    return problems
