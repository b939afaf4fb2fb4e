"""What is different between two shared parts: every key that changed is named, and what loosens safety comes first."""

from __future__ import annotations

import copy
import tomllib
from typing import Any

import pytest
import tomli_w
from hypothesis import given, settings
from hypothesis import strategies as st

from station.domain.plan import Needs
from station.settings.differences import ORDER, Change, differences, not_accepted
from station.settings.looser import ABSENT, POWERLESS, Way
from station.steps.catalog import STEPS
from tests.settings.trees import SHARED

TREE = {name: content for name, content in SHARED.items() if not name.startswith("duts/")}
PARSED = {name: tomllib.loads(content.decode()) for name, content in TREE.items()}
PLAN, PRODUCT = "plans/outgoing-amplifier.toml", "products/example-a-100.toml"
PLAIN = {name: tomli_w.dumps(data).encode() for name, data in PARSED.items()}
MIRROR = {Way.LOOSER: Way.TIGHTER, Way.TIGHTER: Way.LOOSER, Way.MAYBE: Way.MAYBE, Way.NONE: Way.NONE}


def edited(file: str, *edits: tuple[str, str]) -> dict[str, bytes]:
    """The shipped tree with texts exchanged in one file."""
    text = TREE[file].decode()
    for old, new in edits:
        assert old in text, old
        text = text.replace(old, new, 1)
    return {**TREE, file: text.encode()}


def said(new: dict[str, bytes], old: dict[str, bytes] = TREE) -> list[str]:
    return [str(change) for change in differences(old, new)]


@pytest.mark.parametrize(
    ("file", "edit", "says"),
    [
        (PRODUCT, ("high = 0.1\n", "high = 0.2\n"),
         "product example-a-100: limit thd_percent <= 0.1 → <= 0.2 (looser)"),
        (PRODUCT, ("low = 28.0\n", ""), "product example-a-100: limit gain_db lower bound >= 28.0 → none (looser)"),
        (PRODUCT, ("load_ohm = 8.0", "load_ohm = 4.0"), "product example-a-100: load_ohm 8.0 → 4.0 (looser)"),
        (PRODUCT, ("rated_power_w = 100.0", "rated_power_w = 140.0"),
         "product example-a-100: rated_power_w 100.0 → 140.0 (looser)"),
        (PRODUCT, ("\ngain_db = 29.0", "\ngain_db = 32.0"), "product example-a-100: gain_db 29.0 → 32.0 (tighter)"),
        (PRODUCT, ('class = "I"', 'class = "II"'), 'product example-a-100: protection_class "I" → "II" (looser)'),
        (PRODUCT, ("percent = 10.0", "percent = 5.0"),
         "product example-a-100: limit soak_mains_power_w relative_percent 10.0 → 5.0 (tighter)"),
        ("interlocks.toml", ('families = ["appliance"]', 'families = ["phone"]'),
         'interlock mains-power-appliance: families without "appliance" and with "phone" (may be looser)'),
        ("interlocks.toml", ("high = 100.0", 'high = 100.0\nfamilies = ["phone"]'),
         'interlock heatsink: families = ["phone"] added (looser)'),
        (PRODUCT, ('"audio-amplifier"', '"phone"'),
         'product example-a-100: family "audio-amplifier" → "phone" (may be looser)'),
        (PLAN, ('"audio-amplifier"', '"phone"'),
         'plan outgoing-amplifier: family "audio-amplifier" → "phone" (may be looser)'),
        ("products/example-h-1500.toml", ("cord_m = 1.8", "cord_m = 30.0"),
         "product example-h-1500: cord_m 1.8 → 30.0 (looser)"),
        ("interlocks.toml", ("high = 100.0", "high = 110.0"),
         "interlock heatsink: trips above 100.0 → 110.0 degC (looser)"),
        ("interlocks.toml", ("low = 500.0", "low = 600.0"), "interlock fan: trips below 500.0 → 600.0 rpm (tighter)"),
        ("interlocks.toml", ("for_s = 0.1", "for_s = 0.5"), "interlock dc-left: for_s 0.1 → 0.5 (looser)"),
        ("interlocks.toml", ('when = "energised"', 'when = "drive"'),
         'interlock heatsink: when "energised" → "drive" (looser)'),
        ("interlocks.toml", ('"temperature.heatsink_degc"', '"infrared.object_degc"'),
         'interlock heatsink: reading "temperature.heatsink_degc" → "infrared.object_degc" (may be looser)'),
        (PLAN, ("frequency_hz = 1000.0", "frequency_hz = 997.0"),
         "plan outgoing-amplifier: step thd: params.frequency_hz 1000.0 → 997.0"),
        (PLAN, ("test_s = 5.0", "test_s = 1.0"),
         "plan outgoing-amplifier: step insulation: params.test_s 5.0 → 1.0 (looser)"),
        (PLAN, ('on_fail = "mains_off"', 'on_fail = "continue"'),
         'plan outgoing-amplifier: step inrush: on_fail "mains_off" → "continue" (looser)'),
        (PLAN, ('requires = ["thd_percent"]', "requires = []"),
         'plan outgoing-amplifier: step thd: requires without "thd_percent" (looser)'),
        (PLAN, ("max_mains_s = 9000.0", "max_mains_s = 9900.0"),
         "plan outgoing-amplifier: max_mains_s 9000.0 → 9900.0 (looser)"),
        (PLAN, ("# ----", "# ----- "), f"{PLAN}: comments, blanks, the order of keys or the way of writing alone"),
    ],
)  # fmt: skip
def test_what_a_maintainer_needs_to_read_is_said_in_one_line(file: str, edit: tuple[str, str], says: str) -> None:
    assert said(edited(file, edit)) == [says]


def test_steps_that_came_went_and_moved_are_told_by_their_names() -> None:
    plan = copy.deepcopy(PARSED[PLAN])
    steps = {step["id"]: step for step in plan["step"]}
    del steps["touch-current"]
    steps["thd-2"] = {**steps["thd"], "id": "thd-2"}
    steps["snr"], steps["crosstalk"] = steps["crosstalk"], steps["snr"]
    new = {**TREE, PLAN: tomli_w.dumps({**plan, "step": list(steps.values())}).encode()}
    first, second, third = said(new)
    assert first == "plan outgoing-amplifier: step touch-current: removed (looser)"
    assert second.startswith("plan outgoing-amplifier: step thd-2: added (") and "(tighter)" in second
    assert third.startswith("plan outgoing-amplifier: steps in another order: controls, switched-on, earth-bond")


@pytest.mark.parametrize(
    ("moved", "behind", "loosens"),
    [("touch-current", "thd", True), ("inrush", "touch-current", True), ("earth-bond", "insulation", False),
     ("insulation", "inrush", True), ("thd", "snr", False), ("gain", "switched-on", True)],
)  # fmt: skip
def test_a_safety_step_that_comes_later_than_what_it_is_to_forbid_is_accepted_by_name(
    moved: str, behind: str, loosens: bool
) -> None:
    steps = [step for step in PARSED[PLAN]["step"] if step["id"] != moved]
    place = [step["id"] for step in steps].index(behind) + 1
    its = next(step for step in PARSED[PLAN]["step"] if step["id"] == moved)
    plan = {**PARSED[PLAN], "step": [*steps[:place], its, *steps[place:]]}
    (change,) = differences(PLAIN, {**PLAIN, PLAN: tomli_w.dumps(plan).encode()})
    assert change.loosens_safety is loosens and change.name == "outgoing-amplifier.order"


def test_which_steps_have_no_power_is_what_the_catalogue_says() -> None:
    assert {name for name, spec in STEPS.items() if spec.needs is Needs.NOTHING} == POWERLESS


@pytest.mark.parametrize(
    ("file", "before", "after"),
    [
        (PLAN, "[step]\nx = 1", "[step]\nx = 2"),
        (PLAN, "[step]\nx = 1", "[step]\ny = 2"),
        (PLAN, "step = 1", '[[step]]\nid = "a"\nuse = ["inrush"]'),
        (PLAN, '[[step]]\nid = "a"\nuse = "inrush"', '[[step]]\nid = "a"\nuse = ["inrush"]\non_fail = ["x"]'),
        (PLAN, '[[step]]\nid = "a"\nrequires = [{x = 1}]', '[[step]]\nid = "a"\nrequires = [["y"]]'),
        (PLAN, "limits = 1", "[limits]\nx = 1"),
        (PRODUCT, 'protection_class = "I"\nwithout = 1', 'protection_class = ["II"]\nwithout = [[1]]'),
        ("interlocks.toml", "[interlock]\nx = 1", "[interlock]\nx = [1]"),
        ("interlocks.toml", '[[interlock]]\nname = "a"\nwhen = "hv"', '[[interlock]]\nname = "a"\nwhen = ["hv"]'),
    ],
)  # fmt: skip
def test_what_no_plan_could_hold_is_compared_all_the_same(file: str, before: str, after: str) -> None:
    for first, second in ((before, after), (after, before)):
        assert differences({file: first.encode()}, {file: second.encode()})
    if "on_fail" in after:
        (_, on_fail) = differences({file: before.encode()}, {file: after.encode()})
        assert on_fail.way is Way.MAYBE and on_fail.loosens_safety


def test_a_changed_comment_carries_no_file() -> None:
    (change,) = differences(TREE, edited(PLAN, ("# ----", "# ----- ")))
    assert (change.before, change.after) == (ABSENT, ABSENT) and change.plain()["before"] is None


def test_files_that_came_went_or_do_not_parse_are_said() -> None:
    new = {**TREE, "plans/new.toml": b'id = "new"', "interlocks.toml": b"[["}
    del new["diagnosis.toml"]
    assert said(new) == [
        "interlocks.toml: no TOML (after); other bytes (may be looser)",
        "diagnosis.toml: removed",
        "plan new: new",
    ]


def test_what_loosens_safety_comes_first_and_is_accepted_by_name() -> None:
    new = {
        **edited(PRODUCT, ("high = 0.1\n", "high = 0.2\n"), ("high = 0.5\n", "high = 0.7\n")),
        "interlocks.toml": edited("interlocks.toml", ("high = 60.0", "high = 90.0"))["interlocks.toml"],
    }
    changes = differences(TREE, new)
    assert [change.name for change in changes] == [
        "inrush.high", "example-a-100.limits.touch_current_ma.high", "example-a-100.limits.thd_percent.high",
    ]  # fmt: skip
    assert [change.loosens_safety for change in changes] == [True, True, False]
    assert not_accepted(changes, []) == changes[:2]
    assert not_accepted(changes, ["inrush", "example-a-100.limits.touch"]) == changes[1:2], "no half name counts"
    assert not_accepted(changes, ["inrush.high", "example-a-100"]) == []


@pytest.mark.parametrize("name", ["mains-feed", "inrush"])
def test_an_interlock_without_a_floor_in_check_is_loosened_in_the_open(name: str) -> None:
    rows = [row for row in PARSED["interlocks.toml"]["interlock"] if row["name"] != name]
    (change,) = differences(TREE, {**TREE, "interlocks.toml": tomli_w.dumps({"interlock": rows}).encode()})
    assert str(change) == f"interlock {name}: removed (looser)" and change.loosens_safety


# ---- generated edits ---------------------------------------------------------------------------------------
LEAVES = st.one_of(st.booleans(), st.integers(-9, 9), st.floats(-9, 9), st.sampled_from(["energised", "drive", "x"]))


def leaves(value: Any, keys: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where everything stands that is no table, list places as numbers."""
    if isinstance(value, dict):
        return [path for key, inner in value.items() for path in leaves(inner, (*keys, key))]
    if isinstance(value, list) and value and all(isinstance(one, dict) for one in value):
        return [path for place, inner in enumerate(value) for path in leaves(inner, (*keys, place))]
    return [keys]


PLACES = {name: leaves(data) for name, data in PARSED.items()}


@st.composite
def trees(draw: st.DrawFn) -> tuple[dict[str, bytes], set[tuple[str, tuple[str, ...]]]]:
    """The shipped tree with up to six leaves exchanged or taken away, and where."""
    parsed, where = copy.deepcopy(PARSED), set()
    for _ in range(draw(st.integers(1, 6))):
        file = draw(st.sampled_from(sorted(parsed)))
        path = draw(st.sampled_from(PLACES[file]))
        if path[-1] in ("id", "name"):
            continue
        table, named = parsed[file], []
        for key in path[:-1]:
            table = table[key]
            named.append(table.get("id", table.get("name", key)) if isinstance(key, int) else key)
        if path[-1] not in table:
            continue
        value = draw(st.one_of(LEAVES, st.none()))
        if value is None:
            del table[path[-1]]
        else:
            table[path[-1]] = value
        where.add((file, (*named, path[-1])))
    return {name: tomli_w.dumps(data).encode() for name, data in parsed.items()}, where


def told(changes: list[Change]) -> dict[tuple[str, tuple[str, ...]], Change]:
    return {(change.file, change.keys): change for change in changes}


@settings(max_examples=40, deadline=None)
@given(trees())
def test_every_changed_leaf_is_named_nothing_else_is_and_the_way_back_mirrors_it(
    case: tuple[dict[str, bytes], set[tuple[str, tuple[str, ...]]]],
) -> None:
    new, where = case
    there, back = differences(PLAIN, new), differences(new, PLAIN)
    assert differences(new, new) == []
    for change in there:
        of_rule = change.keys[:1] == ("rule",) and isinstance(change.before, list)  # conditions have no names
        assert of_rule or any(change.file == file and keys[: len(change.keys)] == change.keys for file, keys in where)
        assert all(key in str(change) for key in change.keys if key not in ("step", "limits", "rule", "interlock")) or (
            change.keys[-1] in ("high", "low")
        )
    for file, keys in where:
        before, after = value_at(PARSED[file], keys), value_at(tomllib.loads(new[file].decode()), keys)
        if repr(before) != repr(after):
            assert any(change.file == file and keys[: len(change.keys)] == change.keys for change in there), keys
    assert told(there).keys() == told(back).keys()
    for at, change in told(there).items():
        other = told(back)[at]
        assert (change.way, change.before, change.after) == (MIRROR[other.way], other.after, other.before)
        assert change.safety == other.safety and change.keys[-1:] != (ORDER,)


def value_at(data: Any, keys: tuple[Any, ...]) -> Any:
    """What stands there; an element of a list by its name, a nameless one by its place."""
    for key in keys:
        if isinstance(data, list):
            named = [one for one in data if key in (one.get("id"), one.get("name"))]
            data = data[key] if isinstance(key, int) else named[0]
        elif key in data:
            data = data[key]
        else:
            return ABSENT
    return data
