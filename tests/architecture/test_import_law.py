"""The import law of the house (`[tool.importlinter]` in pyproject.toml, drawn in docs/decisions/import-law.md)."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from importlinter.api import read_configuration

from tests.architecture.house import ROOT, named, parsed, sources

LINT = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
OPEN_DRIVERS = {"drivers.ports", "drivers.errors"}
"""What every room may import of the drivers: protocols, readings and the error tree."""
PUT_TOGETHER = {"station.__main__", "station.cli", "station.daemon", "station.assembly"}
"""Where the catalogue and what stands behind it may be named."""
HEAVY = {"numpy", "matplotlib", "jinja2", "scipy", "sounddevice", "soundfile", "typer", "rich", "segno"}
MICROPYTHON = {"gc", "json", "machine", "micropython", "os", "select", "sys", "time"}


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(folder), "COLUMNS": "200", "NO_COLOR": "1"}
    return subprocess.run(
        [sys.executable, "-c", LINT], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def contract(name: str) -> dict[str, list[str]]:
    contracts = read_configuration(str(ROOT / "pyproject.toml"))["contracts_options"]
    return next(contract for contract in contracts if contract["name"].startswith(name))


def rooms(package: str) -> set[str]:
    """The modules and packages right under a package."""
    found = {path for path in (ROOT / package).iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()}
    return {f"{package}.{path.stem}" for path in found if path.name != "__init__.py"}


def test_every_import_of_the_house_keeps_the_law() -> None:
    ran = lint(ROOT)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert " 0 broken" in ran.stdout


@pytest.mark.parametrize(
    ("module", "line", "broken"),
    [
        ("station/steps/gain.py", "from drivers.modbus import bus", "The catalogue and the drivers behind it"),
        ("station/safety/scan.py", "from station.run import runner", "Top imports bottom only"),
        ("station/store/store.py", "from station.contract import bodies", "Top imports bottom only"),
        ("station/assembly.py", "import drivers.sim.bench", "The simulated bench belongs"),
        ("station/run/runner.py", "import numpy", "The daemon carries no numbers"),
        ("station/domain/plan.py", "import pydantic", "pydantic is at home"),
        ("drivers/modbus/bus.py", "import station.domain.plan", "Drivers know nothing"),
        ("drivers/errors.py", "def late():\n    import drivers.ports\n    import drivers.catalog", "No cycles"),
        ("station/newroom.py", "VALUE = 1", "Top imports bottom only"),
    ],
)
def test_an_import_that_breaks_the_law_is_seen(tmp_path: Path, module: str, line: str, broken: str) -> None:
    for package in ("station", "drivers"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    with (tmp_path / module).open("a", encoding="utf-8") as file:
        file.write(f"\n{line}\n")
    ran = lint(tmp_path)
    assert ran.returncode == 1, ran.stdout + ran.stderr
    verdicts = [text for text in ran.stdout.splitlines() if text.startswith(broken)]
    assert any("BROKEN" in text for text in verdicts), ran.stdout


def test_the_law_names_every_driver_that_is_not_open_to_all() -> None:
    law = contract("The catalogue and the drivers")
    assert rooms("drivers") == set(law["forbidden_modules"]) | OPEN_DRIVERS


def test_the_law_binds_every_room_that_does_not_put_the_station_together() -> None:
    assert set(contract("The catalogue and the drivers")["source_modules"]) == rooms("station") - PUT_TOGETHER
    bound = set(contract("pydantic is at home")["source_modules"]) - {"drivers"}
    assert bound == rooms("station") - {"station.__main__", "station.settings", "station.contract"}


def test_only_the_sound_process_imports_by_name() -> None:
    """An import through a text escapes the linter; the one place that does it is argued in docs/decisions."""
    dynamic = set()
    for path in sources("station", "drivers"):
        for node in ast.walk(parsed(path)):
            name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
            if name in ("import_module", "__import__"):
                dynamic.add(named(path))
    assert dynamic == {"station/sound/worker.py"}


def test_a_daemon_that_has_imported_everything_it_wires_holds_nothing_heavy() -> None:
    code = "import sys, station.daemon; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(ran.stdout.split())
    assert "station" in loaded
    assert not loaded & HEAVY


def test_the_firmware_imports_nothing_of_the_rest_and_the_rest_nothing_of_the_firmware() -> None:
    own = {path.stem for path in sources("firmware")}
    for path in sources("firmware"):
        assert imported(path) <= own | MICROPYTHON, named(path)
    firmware = own - {"main", "run"}
    for path in sources("station", "drivers"):
        assert not imported(path) & (firmware | {"firmware"}), named(path)


def imported(path: Path) -> set[str]:
    """First names of all that a source imports."""
    names: set[str] = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names
