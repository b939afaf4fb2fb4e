"""A load bank against itself and against the products: nothing is driven into a bank that cannot take it."""

from __future__ import annotations

import pytest
from settings_tree import TreeCopy

STATION, PRODUCT = "station.toml", "products/example-a-100.toml"


@pytest.mark.parametrize(
    ("old", "new", "file", "key", "said"),
    [
        ("rated_power_w = 100.0", "rated_power_w = 151.0", PRODUCT, "rated_power_w",
         "151 W, and loadbank (300 W a channel) may be driven with 150 W; test it on a bench with a larger load bank"),
        ("load_ohm = 8.0", "load_ohm = 4.0", PRODUCT, "load_ohm",
         "4 ohm, and the loads of loadbank have 8 ohm; test it on a bench with such a load"),
        ("rated_power_w = 300.0", "rated_power_w = 0.0", STATION, "devices.loadbank.rated_power_w", "0 is no rating"),
        ("ohm_tolerance_percent = 2.0", "ohm_tolerance_percent = 30.0", STATION,
         "devices.loadbank.ohm_tolerance_percent", "30 % is no tolerance of a load; write more than 0, 20 at most"),
        ("rated_power_w = 300.0", "arm_register = 1\nrated_power_w = 300.0", STATION, "devices.loadbank.arm_register",
         "a load bank holds no peak; remove this key"),
        ("load_ohm = 8.0   ", "load_ohms = 8.0   ", STATION, "devices.loadbank.load_ohms", "unknown key; did you mean"),
    ],
)  # fmt: skip
def test_one_wrong_rating_is_said_once(old: str, new: str, file: str, key: str, said: str, tree: TreeCopy) -> None:
    line = tree.spoil(file, old, new)
    problems = tree.problems()
    assert [(p.file, p.line, p.key) for p in problems] == [(*tree.place(file, line), key)]
    assert f"{problems[0].wrong}; {problems[0].remedy}".startswith(said)


@pytest.mark.parametrize(
    ("gone", "key", "said"),
    [
        ("thermostat_ok = {", "quantities.thermostat_ok", "is missing"),
        ("left_ohm  = {", "quantities.left_ohm", "is missing"),
        ("fan_ok = {", "quantities", "no proof of the fan; add `fan_ok` (a contact) or `fan_rpm` (a tachometer)"),
    ],
)
def test_what_a_load_bank_must_tell_is_missed(gone: str, key: str, said: str, tree: TreeCopy) -> None:
    tree.spoil(STATION, gone, "spare_ok = {" if "ohm" not in gone else "spare_ohm = {")
    (problem,) = tree.problems()
    assert problem.key == f"devices.loadbank.{key}"
    assert f"{problem.wrong}; {problem.remedy}".startswith(said)


def test_a_product_that_just_fits_is_clean(tree: TreeCopy) -> None:
    tree.spoil(PRODUCT, "rated_power_w = 100.0", "rated_power_w = 150.0")
    tree.spoil(PRODUCT, "load_ohm = 8.0", "load_ohm = 8.1")
    assert tree.problems() == []


FAN = '[devices.fan]                   # proof that the fan of the load bank turns\nkind = "modbus-registers"\n'


def test_two_roles_may_be_one_device_where_that_is_said(tree: TreeCopy) -> None:
    """The fan's proof contact is an input of the load bank's I/O, and stays `fan.rpm` for plans and interlocks."""
    path = tree.directory / STATION
    text = path.read_text(encoding="utf-8")
    begin, end = text.index("[devices.fan]"), text.index("[devices.loadbank]")
    fan = text[begin:end].replace("address = 14", 'address = 15\nshares = "loadbank"')
    fan = fan.replace('type = "uint16"', 'function = "discrete", scale = 1450.0').replace("10000.0", "1450.0")
    rest = text[:begin] + text[end:]
    after = rest.index("[devices.probe]")
    path.write_text(rest[:after] + fan + rest[after:], encoding="utf-8")
    assert tree.problems() == []
    tree.spoil(STATION, 'shares = "loadbank"', "")
    assert [p.wrong for p in tree.problems()] == ["address 15 on bus b is already taken by loadbank"]


def test_a_peak_probe_is_no_share_of_a_relay_board_nor_at_its_address(tree: TreeCopy) -> None:
    """Clearing its hold is a write without a permit: at another's registers it would switch a relay."""
    path = tree.directory / STATION
    text = path.read_text(encoding="utf-8")
    begin = text.index("[devices.inrush]")
    probe = text[begin : text.index("[devices.", begin + 1)]
    bus, address = text.index('bus = "', begin), text.index("address = ", begin)
    assert begin < bus < address < begin + len(probe)
    lines = probe.splitlines(keepends=True)
    for shares, said in (
        ('shares = "relays"\n', "could switch it without a permit"),
        ("", "is already taken by relays"),
    ):
        moved = [shares + 'bus = "a"\n' if line.startswith("bus = ") else line for line in lines]
        moved = ["address = 1\n" if line.startswith("address = ") else line for line in moved]
        path.write_text(text.replace(probe, "".join(moved)), encoding="utf-8")
        assert [problem.wrong for problem in tree.problems() if said in problem.wrong], tree.problems()


def test_a_share_of_a_device_elsewhere_is_refused(tree: TreeCopy) -> None:
    line = tree.spoil(STATION, "address = 14\n", 'address = 14\n§shares = "dc"\n')
    (problem,) = tree.problems()
    assert (problem.line, problem.key) == (line, "devices.fan.shares")
    assert problem.wrong == "no role 'dc' stands before it with this bus and address"
