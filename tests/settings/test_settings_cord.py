"""Limits of home appliances: the earth bond by the length of the cord, what a class asks, what the outlet carries."""

from __future__ import annotations

import tomllib

import pytest
from settings_tree import CONFIG, TreeCopy

from station.domain.interlock import Interlock
from station.settings.cord import check_class, earth_bond_ohm
from station.settings.locate import locate
from station.settings.outlet import check_outlet
from station.settings.products import read_product
from station.settings.source import Source

HEATER, MIXER = "products/example-h-1500.toml", "products/example-p-500.toml"
OWN_LIMIT = '[limits.earth_bond_ohm]\nhigh = §{high}\nsource = "maker"\n\n[limits.insulation_mohm]'

POWER = Interlock("mains-power-appliance", "mains.power_w", 1.0, high=2000.0, families=("appliance",))
OTHERS = Interlock("mains-power", "mains.power_w", 1.0, high=900.0, families=("audio-amplifier",))
INRUSH = Interlock("inrush", "inrush.peak_a", 1.0, high=60.0)


def spoilt(file: str, old: str, new: str) -> tuple[Source, int]:
    """The shipped product with `old` replaced, and the line of § in `new` (which goes)."""
    text = (CONFIG / file).read_text(encoding="utf-8")
    assert old in text
    start = text.index(old) + new.index("§")
    text = text.replace(old, new.replace("§", ""), 1)
    return Source(file, file, tomllib.loads(text), locate(text)), text.count("\n", 0, start) + 1


@pytest.mark.parametrize(
    ("cord_m", "ohm"),
    [
        (0.0, 0.3), (1.8, 0.3), (5.0, 0.3), (5.01, 0.4), (12.5, 0.4), (12.6, 0.5), (20.0, 0.5), (27.5, 0.6),
        (35.0, 0.7), (42.5, 0.8), (50.0, 0.9), (50.1, 1.0), (57.5, 1.0), (100.0, 1.0),
    ],
)  # fmt: skip
def test_the_earth_bond_follows_the_standards_steps_of_length(cord_m: float, ohm: float) -> None:
    assert earth_bond_ohm(cord_m) == ohm


def test_a_product_that_says_its_cord_gets_its_limit_with_the_rule_as_its_source(tree: TreeCopy) -> None:
    tree.spoil(HEATER, "cord_m = 1.8", "cord_m = 14.0")
    loaded = tree.load()
    limit = loaded.products["example-h-1500"].limits["earth_bond_ohm"]
    assert limit.high == 0.5 and limit.low is None
    assert limit.source.startswith("DIN VDE 0701-0702 (secondary): cord of 14 m; 0.3 ohm to 5 m, 0.1 ohm more per")
    (step,) = [one for one in loaded.resolve("outgoing-appliance", "example-h-1500").steps if one.id == "earth-bond"]
    assert [one.limit for one in step.requires] == [limit], "the runner judges by it"


def test_a_stricter_limit_of_its_own_goes_before_the_rule() -> None:
    source, _ = spoilt(HEATER, "[limits.insulation_mohm]", OWN_LIMIT.format(high=0.1))
    product, problems = read_product(source)
    assert product is not None and problems == [] and product.limits["earth_bond_ohm"].high == 0.1


def test_class_two_has_no_earth_bond_to_derive() -> None:
    product, _ = read_product(spoilt(MIXER, "cord_m = 1.2", "cord_m = §14.0")[0])
    assert product is not None and "earth_bond_ohm" not in product.limits


@pytest.mark.parametrize(
    ("file", "old", "new", "key", "said"),
    [
        (HEATER, "[limits.insulation_mohm]", OWN_LIMIT.format(high=0.4), "earth_bond_ohm.high",
         "0.4, and DIN VDE 0701-0702 (secondary) wants at most 0.3 with a cord of 1.8 m; "
         "write high = 0.3 or stricter, or remove the limit: it follows from cord_m"),
        (MIXER, "low = 5.0\nsource = \"repair", "low = §1.5\nsource = \"repair", "insulation_mohm.low",
         "1.5, and DIN VDE 0701-0702 (secondary) wants at least 2 in class II; write low = 2 or stricter"),
        (HEATER, "high = 3.5\n", "high = §5.0\n", "touch_current_ma.high",
         "5, and DIN VDE 0701-0702 (secondary) wants at most 3.5 in class I; write high = 3.5 or stricter"),
        (MIXER, "high = 0.5\n", "high = §0.75\n", "touch_current_ma.high",
         "0.75, and DIN VDE 0701-0702 (secondary) wants at most 0.5 in class II; write high = 0.5 or stricter"),
    ],
)  # fmt: skip
def test_a_limit_that_is_looser_than_its_class_or_cord_allows_is_said_where_it_stands(
    file: str, old: str, new: str, key: str, said: str
) -> None:
    source, line = spoilt(file, old, new)
    (problem,) = check_class(source)
    assert (problem.file, problem.line) == (file, line)
    assert problem.key == f"limits.{key}" and f"{problem.wrong}; {problem.remedy}" == said


def test_a_safety_limit_without_its_bound_is_said() -> None:
    source, line = spoilt(MIXER, "[limits.touch_current_ma]\nhigh = 0.5", "§[limits.touch_current_ma]\nlow = 0.0")
    (problem,) = check_class(source)
    assert problem.line == line and problem.wrong.startswith("no bound, and DIN VDE")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("cord_m = 1.8", "cord_m = §-1.8", "is -1.8; give the length of the cord in m, from 0 to 100"),
        ("rated_v = 230.0", "rated_v = §115.0", "is 115; give what the data plate says, from 200 to 250"),
        ('main_load = "heating"', 'main_load = §"heater"', "heating"),
    ],
)
def test_a_data_plate_that_is_nonsense_is_refused(old: str, new: str, said: str) -> None:
    source, line = spoilt(HEATER, old, new)
    product, problems = read_product(source)
    assert product is None and any(said in f"{one.wrong}; {one.remedy}" for one in problems), problems
    assert [one.line for one in problems] == [line]


@pytest.mark.parametrize(
    ("file", "old", "new", "key", "said"),
    [
        (HEATER, "rated_power_w = 1500.0", "rated_power_w = §2200.0", "rated_power_w",
         "2200 W, and interlock 'mains-power-appliance' switches off above 2000 W"),
        (HEATER, "high = 1575.0", "high = §2100.0", "limits.work_power_w.high",
         "2100 W, and interlock 'mains-power-appliance' switches off above 2000 W"),
        (MIXER, "high = 30.0", "high = §80.0", "limits.start_current_a.high",
         "80 A, and interlock 'inrush' switches off above 60 A"),
    ],
)  # fmt: skip
def test_what_the_outlets_interlocks_would_trip_at_is_no_product_of_this_bench(
    file: str, old: str, new: str, key: str, said: str
) -> None:
    source, line = spoilt(file, old, new)
    (problem,) = check_outlet([source], [OTHERS, POWER, INRUSH])
    assert (problem.file, problem.line, problem.key) == (file, line, key)
    assert problem.wrong == said and problem.remedy == "test it on a bench with a larger feed"


def test_a_bench_that_watches_no_power_bounds_none() -> None:
    assert list(check_outlet([spoilt(HEATER, "rated_power_w = 1500.0", "rated_power_w = §9000.0")[0]], [OTHERS])) == []


def test_the_bound_is_the_benchs_own_interlock(tree: TreeCopy) -> None:
    tree.spoil("interlocks.toml", "high = 2000.0", "high = 1400.0")
    keys = {(one.file.rpartition("/")[2], one.key) for one in tree.problems()}
    assert keys == {("example-h-1500.toml", key) for key in (
        "rated_power_w", "limits.start_power_w.high", "limits.work_power_w.high")}  # fmt: skip
