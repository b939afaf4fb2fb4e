"""`calibrate` through the command line's door: a person at the terminal, twins on their wires, and refusals."""

from __future__ import annotations

import asyncio
import io
import json
import tomllib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from drivers.catalog import CATALOG
from drivers.ports import Button
from drivers.sim.bench import SimBench
from drivers.sim.leads import leads_of
from station.cli.calibrate_file import on_record
from station.cli.calibrate_instrument import opened
from station.cli.main import main
from station.cli.sim_config import SHIPPED, Places, write_config
from station.cli.simulate import find_dut
from station.settings.loading import load
from station.steps.catalog import STEPS
from station.store.lock import hold_store
from tests.cli.service_tree import tree_with_store

Say = Callable[..., tuple[int, str, str]]
LABORATORY = """
role = "tester"
serial_number = "{serial}"
by = "Laboratory"
reference = "decade 1433, serial number 9"
certificate = "2026-77"
due = {due}
[quantity.insulation_mohm]
points = [{points}]
reference_relative = 0.001
resolution = 0.01
drift_relative = 0.005
"""
DECADES = "[5.0, 5.05], [50.0, 50.4], [500.0, 504.0]"


@pytest.fixture
def say(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Say:
    """`say(config, "tester", "--json", answers=[…])`: exit status, standard output, standard error."""

    def through_the_door(
        config: Path, *arguments: str, answers: tuple[str, ...] = (), stdin: Any = None
    ) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["station", "calibrate", *arguments, "--config", str(config)])
        monkeypatch.setattr("sys.stdin", stdin or io.StringIO("".join(f"{line}\n" for line in answers)))
        with pytest.raises(SystemExit) as ended:
            main()
        told = capsys.readouterr()
        return int(ended.value.code or 0), told.out, told.err

    return through_the_door


@dataclass(frozen=True, slots=True)
class Desk:
    """A simulated bench with its configuration."""

    bench: SimBench
    config: Path


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    sockets = tmp_path / "s"
    sockets.mkdir()
    bench = SimBench(find_dut("repaired", None), speed=240.0, seed=7, load_ohm=8.0, sockets=sockets)
    ports = await bench.start()
    try:
        config = tmp_path / "config"
        write_config(SHIPPED, Places(config, tmp_path / "station.sqlite", sockets / "c"), asdict(ports), 240.0, None)
        for file in (config / "calibration").glob("*.toml"):
            file.unlink()
        yield Desk(bench, config)
    finally:
        await bench.close()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The shipped tree: no device of it answers."""
    tree_with_store(tmp_path / "config", tmp_path / "state" / "station.sqlite")
    return tmp_path / "config"


def certificate(folder: Path, serial: str = "GES123456", points: str = DECADES) -> str:
    file = folder.parent / "laboratory.toml"
    file.write_text(LABORATORY.format(serial=serial, points=points, due=DUE), encoding="utf-8")
    return str(file)


DUE = datetime.now(UTC).date() + timedelta(days=365)
BASIS = ("Li", "resistor 8 ohm, serial number 5", "C-1", "2019-01-01", str(DUE), "after repair")


async def pressing_ok(desk: Desk, say: Say, *arguments: str) -> tuple[int, str, str]:
    """`calibrate audio …` by Wang, with a finger on OK as soon as somebody looks at the panel."""
    verb = asyncio.create_task(asyncio.to_thread(say, desk.config, "audio", *arguments, answers=("Wang",)))
    press = asyncio.create_task(desk.bench.panel.tap(Button.OK))
    await asyncio.wait({verb})
    press.cancel()  # who looked at the panel is gone
    await asyncio.gather(press, return_exceptions=True)
    return verb.result()


async def test_a_person_compares_what_reads_by_itself_and_the_interface_in_its_loop(desk: Desk, say: Say) -> None:
    """The golden path: a known resistor, a known voltage, then the loopback behind OK at the bench."""
    status, out, told = await asyncio.to_thread(
        say, desk.config, "loadbank", "--quantity", "left_ohm", "--readings", "3",
        answers=("PLATE-1", *BASIS, "8.0", "", "0.02 %", "0.05 %", "0.001", "yes"),
    )  # fmt: skip
    assert status == 0, told
    assert "loadbank: no revision covers right_ohm" in told and "left_ohm: compared at 8 alone" in out
    kept = on_record(desk.config, "loadbank", None)
    assert kept is not None and kept.declared and kept.serial_number == "PLATE-1"
    assert kept.current.due == DUE and kept.current.note == "after repair"
    left = kept.current.corrections["left_ohm"]
    assert left.offset == 0.0 and left.as_left[0].reading == pytest.approx(8.0, abs=left.expanded(8.0))
    assert 0.0005 < left.relative < 0.002

    status, out, told = await asyncio.to_thread(
        say, desk.config, "mains", "--quantity", "voltage_v", "--readings", "2", "--json", "--dry-run",
        answers=("PLATE-2", *BASIS, "230.0", "", "0.02 %", "", "0.1"),
    )  # fmt: skip
    document = json.loads(out)
    assert not document["written"] and on_record(desk.config, "mains", None) is None
    assert document["quantities"]["voltage_v"]["shape"] == "factor", told

    audio = desk.config.parent / "laboratory.toml"
    voltages = "".join(
        f"[quantity.{way}_{side}_v]\npoints = [[10.0, 10.01]]\nreference_relative = 0.001\ndrift_relative = 0.0\n"
        for way in ("input", "output") for side in ("left", "right")
    )  # fmt: skip
    head = LABORATORY.split("[quantity")[0].format(serial="SIM-7", due=DUE).replace('"tester"', '"audio"')
    audio.write_text(head + voltages, encoding="utf-8")
    status, _, told = await asyncio.to_thread(say, desk.config, "audio", "--points", str(audio), "--yes")
    assert status == 0, told
    desk.bench.plant.set_leads(leads_of("loopback"))
    status, _, told = await pressing_ok(desk, say, "--loopback", "--yes")
    found = on_record(desk.config, "audio", None)
    assert found is not None and found.current.loopback is not None, told
    assert status == 0, told
    assert -112.0 < found.current.loopback.thd_db < -105.0
    assert found.current.loopback.noise_db == pytest.approx(-110.0, abs=0.3)
    assert found.current.loopback.response_db == 0.001
    assert found.current.due == found.revisions[0].due, "a loopback renews nothing"
    assert found.current.made == found.revisions[0].made and found.current.by == "Laboratory"
    assert found.current.loopback.by == "Wang" and found.current.loopback.made is not None
    assert found.current.corrections == found.revisions[0].corrections
    assert "late by 3.00 ms" in told and "matched to 0.00" in told


class Hands:
    """A person at the terminal whose hands set the reference before it is typed."""

    def __init__(self, desk: Desk, answers: Sequence[str | float]) -> None:
        self._desk, self._left = desk, list(answers)

    def readline(self) -> str:
        answer = self._left.pop(0)
        if isinstance(answer, float):
            self._desk.bench.plant.set_known(answer)
        return f"{answer}\n"


async def test_a_known_voltage_of_both_signs_takes_the_meters_error_away(desk: Desk, say: Say) -> None:
    answers = ("PLATE-3", *BASIS, -10.0, 0.0, 10.0, "", "0.01 % 0.0001", "0.05 %", "0.0001", "yes")
    arguments = ("dc", "--quantity", "left_plus_v", "--readings", "2", "--json")
    status, out, told = await asyncio.to_thread(say, desk.config, *arguments, stdin=Hands(desk, answers))
    assert status == 0, told
    one = json.loads(out)["quantities"]["left_plus_v"]
    found, left = (max(abs(b - a) for a, b in one[key]) for key in ("as_found", "as_left"))
    assert one["shape"] == "line" and found > 0.002 and left < found / 5.0
    desk.bench.plant.set_known(5.0)
    kept = on_record(desk.config, "dc", None)
    assert kept is not None
    correction = kept.current.corrections["left_plus_v"]
    async with opened(load(desk.config, STEPS, CATALOG).station, "dc", {"dc": ("left_plus_v",)}) as meter:
        (reading,) = await meter.read("left_plus_v", 1)
    assert correction.correct(reading) == pytest.approx(5.0, abs=correction.expanded(5.0))


async def test_crossed_cables_and_stop_write_nothing(desk: Desk, say: Say) -> None:
    audio = desk.config.parent / "laboratory.toml"
    head = LABORATORY.split("[quantity")[0].format(serial="SIM-7", due=DUE).replace('"tester"', '"audio"')
    audio.write_text(
        head + "[quantity.input_left_v]\npoints = [[10.0, 10.01]]\nreference_relative = 0.001\ndrift_relative = 0.0\n"
    )
    given = ("--points", str(audio), "--loopback", "--yes")
    desk.bench.plant.set_leads(leads_of("loopback swapped"))
    status, _, told = await pressing_ok(desk, say, *given)
    assert status == 2 and "the cables are crossed; exchange them; nothing was written" in told
    await desk.bench.panel.press(Button.STOP)
    status, _, told = await asyncio.to_thread(say, desk.config, "audio", *given, answers=("Wang",))
    assert status == 2 and "OK was not pressed; nothing was played" in told
    desk.bench.plant.set_relay("source", True)
    status, _, told = await asyncio.to_thread(say, desk.config, "audio", *given, answers=("Wang",))
    assert status == 2 and "relays source are closed, so the DUT may be joined" in told
    assert on_record(desk.config, "audio", None) is None


def test_a_laboratorys_points_become_a_revision_and_the_next_goes_behind_it(tree: Path, say: Say) -> None:
    status, out, told = say(tree, "tester", "--points", certificate(tree), "--yes", "--json")
    assert status == 0, told
    first: dict[str, Any] = json.loads(out)["quantities"]["insulation_mohm"]
    assert first["factor"] == pytest.approx(0.992, abs=0.001) and first["relative"] > 0.005
    assert json.loads(out)["uncovered"] == ["earth_bond_ohm"]
    file = tree / "calibration" / "tester.toml"
    before = file.read_text(encoding="utf-8")
    status, told, _ = say(tree, "tester", "--points", certificate(tree, points="[5.0, 5.3], [50.0, 53.0]"), "--yes")
    assert status == 1 and "station results recall GES123456 --since" in told
    assert file.read_text(encoding="utf-8").startswith(before), "old revisions stay byte by byte"
    revisions = tomllib.loads(file.read_text(encoding="utf-8"))["revision"]
    assert len(revisions) == 2
    found = revisions[1]["quantity"]["insulation_mohm"]["as_found"]
    assert found[1][1] == pytest.approx(first["factor"] * 53.0 + first["offset"]), "as the bench believed it"


@pytest.mark.parametrize(
    ("points", "shape"), [("[100.0, 99.5]", "offset"), ("[0.0, 0.3], [50.0, 50.4], [100.0, 100.3]", "line")]
)
def test_a_thermometer_at_one_point_has_an_offset_and_no_factor(tree: Path, say: Say, points: str, shape: str) -> None:
    file = Path(certificate(tree, points=points))
    text = (
        file.read_text(encoding="utf-8")
        .replace("insulation_mohm", "heatsink_degc")
        .replace('"tester"', '"temperature"')
    )
    file.write_text(text, encoding="utf-8")
    status, out, told = say(tree, "temperature", "--points", str(file), "--dry-run", "--json")
    assert status == 0, told
    assert json.loads(out)["quantities"]["heatsink_degc"]["shape"] == shape


def test_another_instrument_begins_a_file_and_the_old_one_is_kept(tree: Path, say: Say) -> None:
    assert say(tree, "tester", "--points", certificate(tree), "--yes")[0] == 0
    old = (tree / "calibration" / "tester.toml").read_text(encoding="utf-8")
    assert say(tree, "tester", "--points", certificate(tree, "NEW-1"), "--yes")[0] == 0
    assert (tree / "calibration" / "earlier" / "tester-GES123456.toml").read_text(encoding="utf-8") == old
    new = on_record(tree, "tester", None)
    assert new is not None and new.serial_number == "NEW-1" and len(new.revisions) == 1


def test_what_was_not_compared_is_carried_over_and_renews_nothing(tree: Path, say: Say) -> None:
    assert say(tree, "tester", "--points", certificate(tree), "--yes")[0] == 0
    bond = Path(certificate(tree, points="[0.1, 0.1]"))
    text = (
        bond.read_text(encoding="utf-8")
        .replace("insulation_mohm", "earth_bond_ohm")
        .replace(str(DUE), str(DUE + timedelta(days=30)))
    )
    bond.write_text(text, encoding="utf-8")
    status, told, _ = say(tree, "tester", "--points", str(bond), "--yes")
    assert status == 0 and "insulation_mohm: not compared now" in told
    now = on_record(tree, "tester", None)
    assert now is not None and set(now.current.corrections) == {"earth_bond_ohm", "insulation_mohm"}
    assert now.current.due == DUE, "the older due day counts for all of it"


@pytest.mark.parametrize(
    ("arguments", "points", "words"),
    [
        (("relays",), None, "no instrument of this bench"),
        (("dc", "--quantity", "left_v"), None, "dc does not read it; did you mean `left_plus_v`?"),
        (("discharge",), None, "it proves that the plug is dead"),
        (("dc",), None, "it does not answer; see `station doctor`"),
        (("tester", "--loopback"), None, "it is of the role audio"),
        (("dc", "--points"), DECADES, "it is of the role 'tester', not of 'dc'"),
        (("tester", "--points"), "[5.0]", "a point without a reading"),
        (("tester", "--points"), "[5.0, 50.0]", "repaired, not corrected"),
        (("tester", "--points"), "[0.0, 0.002]", "compared at zero alone"),
        (("tester", "--points"), "[1e308, 1e308], [1e308, 1e300], [-1e308, 3.0]", "see the exponent"),
        (("tester", "--points"), "[5.0, 5.05], [50.0, 58.0], [500.0, 501.0]", "nothing was written"),
        (("audio", "--loopback"), None, "it does not answer"),
    ],
)
def test_what_is_refused_says_why_and_writes_nothing(
    tree: Path, say: Say, arguments: tuple[str, ...], points: str | None, words: str
) -> None:
    given = (certificate(tree, points=points),) if points is not None else ()
    status, out, told = say(tree, *arguments, *given)
    assert status == 2 and words in told and out == ""
    assert not list((tree / "calibration").glob("*.toml"))


def test_who_does_not_agree_and_a_running_daemon_change_nothing(tree: Path, say: Say) -> None:
    status, _, told = say(tree, "tester", "--points", certificate(tree), answers=("no",))
    assert status == 2 and "not agreed; nothing was written" in told
    store = tree.parent / "state" / "station.sqlite"
    with hold_store(store):
        status, _, told = say(tree, "tester", "--points", certificate(tree), "--yes")
    assert status == 2 and "a daemon runs (process" in told
    assert not (tree / "calibration" / "tester.toml").exists()
