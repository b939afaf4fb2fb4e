"""`check` names every error of a tree with file, line, key and remedy, and says nothing twice."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from settings_tree import TreeCopy

from drivers.catalog import CATALOG
from drivers.ports import Button, Lamp
from station.domain.errors import SettingsError
from station.settings import InvalidTree, check, load
from station.settings.pins import BUTTONS, LAMPS
from station.steps.catalog import STEPS

STATION, INTERLOCKS = "station.toml", "interlocks.toml"
PLAN, SELF_TEST, PRODUCT = "plans/outgoing-amplifier.toml", "plans/self-test.toml", "products/example-a-100.toml"
ONE_ERROR = tomllib.loads((Path(__file__).parent / "one_error.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", ONE_ERROR)
def test_one_error_is_said_once_with_its_line(case: str, tree: TreeCopy) -> None:
    expected = ONE_ERROR[case]
    line = tree.spoil(expected["file"], expected["old"], expected["new"])
    problems = tree.problems()
    assert [(p.file, p.line, p.key) for p in problems] == [
        (str(tree.directory / expected["file"]), line, expected["key"])
    ]
    assert expected["wrong"] in problems[0].wrong
    assert expected["remedy"] in problems[0].remedy


def test_a_problem_prints_as_file_line_key_what_and_remedy(tree: TreeCopy) -> None:
    line = tree.spoil(STATION, "timezone", "timezon")
    expected = f"{tree.at(STATION, line)}station.timezon: unknown key; did you mean `timezone`?"
    assert [str(problem) for problem in tree.problems()] == [expected]


# ---- what is missing stands at the table that it is missing from ------------------------------------------------
@pytest.mark.parametrize(
    ("file", "gone", "mark", "key", "said"),
    [
        (PRODUCT, 'maker = "Example"', "# Data plate", "maker", "is missing; add `maker = …`"),
        (PLAN, "requires = []                   # a guided", '[[step]]\nid = "connection"', "step[9].requires",
         "is missing; add `requires = …`"),
        (INTERLOCKS, 'measurement = "inrush_a"', '[[interlock]]\nname = "inrush"', "interlock[5].measurement",
         "is missing: a trip that blames the DUT must name what it stands for; name the measurement"),
        (STATION, "bleed = 7 ", "[devices.relays.channels]", "devices.relays.channels.bleed",
         "no relay has this role; add `bleed = <channel>`"),
        (STATION, "arm_register = 16 ", "[devices.inrush]", "devices.inrush.arm_register",
         "is missing; name the register that clears the hold"),
        (SELF_TEST, 'source = "', "[step.limits.supply_v]", "step[1].limits.supply_v.source",
         "is missing; say where the plan's own bound comes from"),
        (STATION, "rpm = { register = 0, ", "[devices.fan.quantities]", "devices.fan.quantities",
         "is missing; add `quantities = …`"),
    ],
)  # fmt: skip
def test_what_is_missing_is_said_at_its_table(
    file: str, gone: str, mark: str, key: str, said: str, tree: TreeCopy
) -> None:
    line = tree.spoil(file, gone, "# ", mark)
    if gone.startswith("rpm"):
        line = tree.spoil(file, "[devices.fan.quantities]", "# ", "[devices.fan]")
    assert [str(problem) for problem in tree.problems()] == [f"{tree.at(file, line)}{key}: {said}"]


def test_a_role_that_no_device_has_is_said_at_the_devices(tree: TreeCopy) -> None:
    tree.spoil(INTERLOCKS, 'reading = "fan.rpm"\nlow = 500.0', 'reading = "mains.voltage_v"\nlow = 100.0')
    line = tree.spoil(STATION, "[devices.fan]", "[devices.blower]", "[devices.relays]")
    tree.spoil(STATION, "[devices.fan.quantities]", "[devices.blower.quantities]")
    assert [str(problem) for problem in tree.problems()] == [
        f"{tree.at(STATION, line)}devices.fan: no device has this role; add [devices.fan]"
    ]


def test_a_misspelled_role_is_recognised(tree: TreeCopy) -> None:
    tree.spoil(STATION, "[devices.touch]", "[devices.tuoch]")
    said = [str(problem).split(": ", 1)[1] for problem in tree.problems()]
    assert "devices.touch: no device has this role; did you mean `tuoch` to be it?" in said


def test_a_required_measurement_without_a_limit_is_said_for_every_product(tree: TreeCopy) -> None:
    text = (tree.directory / PRODUCT).read_text(encoding="utf-8")
    start, end = text.index("[limits.damping_factor]"), text.index("# ---- soak")
    other = text.replace("example-a-100", "example-b-50")
    (tree.directory / PRODUCT).write_text(text[:start] + text[end:], encoding="utf-8")
    (tree.directory / "products/example-b-50.toml").write_text(
        other[: other.index("[limits.damping_factor]")] + other[other.index("# ---- soak") :], encoding="utf-8"
    )
    line = tree.spoil(PLAN, 'requires = ["damping_factor"]', 'requires = ["damping_factor"]')
    said = "step[17].requires[1]: `damping_factor` is required but has no limit for product"
    of_step = [str(one).split("; ")[0] for one in tree.problems() if (one.file, one.line) == tree.place(PLAN, line)]
    assert of_step == [f"{tree.at(PLAN, line)}{said} 'example-a-100'", f"{tree.at(PLAN, line)}{said} 'example-b-50'"]


def test_a_limit_that_no_step_requires_would_judge_nothing_and_is_said(tree: TreeCopy) -> None:
    for plan in (tree.directory / "plans").glob("*.toml"):
        text = plan.read_text(encoding="utf-8").replace('"gain_db", "channel_balance_db"', '"gain_db"')
        plan.write_text(text, encoding="utf-8")
    line = tree.spoil(PRODUCT, "[limits.channel_balance_db]", "[limits.channel_balance_db]")
    (problem,) = (one for one in tree.problems() if one.file.endswith(PRODUCT))
    assert str(problem).startswith(f"{tree.at(PRODUCT, line)}limits.channel_balance_db: no step of any plan requires")


def test_a_plan_that_requires_nothing_proves_nothing(tree: TreeCopy) -> None:
    line = tree.spoil(SELF_TEST, 'requires = ["supply_v"]', "requires = []", "[[step]]")
    said = [str(problem) for problem in tree.problems()]
    assert any(text.startswith(f"{tree.at(SELF_TEST, line)}step: no step requires a measurement") for text in said)


def test_a_plans_bound_that_crosses_the_products_is_said_at_the_plan(tree: TreeCopy) -> None:
    new = 'requires = ["snr_db"]\n§[step.limits.snr_db]\nhigh = 90.0\nsource = "x"'
    line = tree.spoil(PLAN, 'requires = ["snr_db"]', new)
    expected = "step[15].limits.snr_db: with the limit of product 'example-a-100', low 95.0 is above high 90.0"
    assert [str(problem) for problem in tree.problems()] == [f"{tree.at(PLAN, line)}{expected}; give both bounds here"]


def test_an_interlock_that_would_always_be_stale_is_said(tree: TreeCopy) -> None:
    tree.spoil(STATION, 'model = "fan tachometer"\nbus = "b"\naddress = 14\npoll_s = 1.0',
               'model = "fan tachometer"\nbus = "b"\naddress = 14\npoll_s = 5.0')  # fmt: skip
    (problem,) = tree.problems()
    assert (Path(problem.file).name, problem.key) == (INTERLOCKS, "interlock[6].max_age_s")
    assert "it would always be stale" in problem.wrong


# ---- everything at once --------------------------------------------------------------------------------------
def test_every_error_of_every_file_is_said_at_once(tree: TreeCopy) -> None:
    lines = [
        (INTERLOCKS, tree.spoil(INTERLOCKS, "high = 100.0", "high = inf")),
        (INTERLOCKS, tree.spoil(INTERLOCKS, "fan.rpm", "fan.rmp")),
        (PLAN, tree.spoil(PLAN, "test_s = 3.0", "test_ms = 3000.0")),
        (PLAN, tree.spoil(PLAN, 'on_fail = "no_drive"', 'on_fail = "nodrive"')),
        (PLAN, tree.spoil(PLAN, 'use = "thd_n"', 'use = "thdn"')),
        (PRODUCT, tree.spoil(PRODUCT, "load_ohm = 8.0", "load_ohm = -8.0")),
        (PRODUCT, tree.spoil(PRODUCT, "low = -50.0", "low = 51.0")),
        (STATION, tree.spoil(STATION, "simulated = false", 'simulated = "no"')),
        (STATION, tree.spoil(STATION, "touch = 5", "touch = 4")),
        (STATION, tree.spoil(STATION, "address = 2", "address = 1")),
    ]
    assert [(p.file, p.line) for p in tree.problems()] == [(str(tree.directory / f), line) for f, line in lines]


def test_every_parameter_out_of_bounds_is_said_at_once(tree: TreeCopy) -> None:
    tree.spoil(
        PLAN, "{ voltage_v = 500.0, test_s = 5.0 }", '{ voltage_v = 1000.0, test_s = 0.1, tester_low_mohm = "1" }'
    )
    assert {problem.key for problem in tree.problems()} == {
        "step[4].params.voltage_v",
        "step[4].params.test_s",
        "step[4].params.tester_low_mohm",
    }


def test_a_file_that_is_no_toml_hides_nothing_in_the_others_and_invents_nothing(tree: TreeCopy) -> None:
    broken = tree.spoil(PLAN, 'id = "outgoing-amplifier"', "id = outgoing-amplifier")
    wrong = tree.spoil(STATION, "address = 2", "address = 1")
    assert [(Path(p.file).name, p.line) for p in tree.problems()] == [
        (Path(PLAN).name, broken),
        (STATION, wrong),
    ]


def test_a_file_that_is_not_utf_8_is_said_with_its_line(tree: TreeCopy) -> None:
    path = tree.directory / SELF_TEST
    path.write_bytes(b'id = "self-test"\n# gr\xfc\xdfe\n' + path.read_bytes())
    assert [str(problem) for problem in tree.problems()] == [
        f"{tree.at(SELF_TEST, 2)}(text): is not UTF-8; save the file as UTF-8"
    ]


def test_lines_are_right_in_a_file_with_windows_line_ends(tree: TreeCopy) -> None:
    line = tree.spoil(PRODUCT, "[limits.gain_db]\nlow = 28.0", "[limits.gain_db]\n§low = 38.0")
    path = tree.directory / PRODUCT
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert [(problem.line, problem.key) for problem in tree.problems()] == [(line, "limits.gain_db.low")]


# ---- files that are not there -----------------------------------------------------------------------------------
@pytest.mark.parametrize("name", [STATION, INTERLOCKS])
def test_a_missing_file_is_said(name: str, tree: TreeCopy) -> None:
    (tree.directory / name).unlink()
    assert [(p.file, "cannot be read" in p.wrong) for p in tree.problems()] == [(str(tree.directory / name), True)]


def test_a_misnamed_file_is_said_with_its_right_name(tree: TreeCopy) -> None:
    (tree.directory / "diagnosis.toml").rename(tree.directory / "diagnose.toml")
    (problem,) = tree.problems()
    assert (Path(problem.file).name, problem.remedy) == ("diagnose.toml", "rename it to diagnosis.toml")


@pytest.mark.parametrize("folder", ["plans", "products"])
def test_a_tree_without_plans_or_products_is_no_tree(folder: str, tree: TreeCopy) -> None:
    for path in (tree.directory / folder).iterdir():
        path.unlink()
    assert str(tree.directory / folder) in {problem.file for problem in tree.problems()}


def test_an_empty_directory_is_never_clean(tmp_path: Path) -> None:
    assert len(check(tmp_path, STEPS, CATALOG)) == 4


def test_load_raises_with_every_problem(tree: TreeCopy) -> None:
    tree.spoil(STATION, "address = 2", "address = 1")
    tree.spoil(PRODUCT, "load_ohm = 8.0", "load_ohm = nan")
    with pytest.raises(InvalidTree) as error:
        load(tree.directory, STEPS, CATALOG)
    assert isinstance(error.value, SettingsError)
    assert list(error.value.problems) == tree.problems()
    assert str(error.value) == "\n".join(str(problem) for problem in tree.problems())
    assert len(error.value.problems) == 2


def test_the_names_of_the_panel_that_check_knows_are_those_of_the_port() -> None:
    assert (set(BUTTONS), set(LAMPS)) == (set(Button), set(Lamp))
