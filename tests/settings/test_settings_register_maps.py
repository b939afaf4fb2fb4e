"""A register map that contradicts itself, or what Modbus can be asked, is refused at its key with a remedy."""

from __future__ import annotations

import tomllib

import pytest
from settings_tree import TreeCopy

from drivers.catalog import CATALOG
from station.settings.devices import place_devices
from station.settings.locate import locate
from station.settings.problem import Problem
from station.settings.source import Source

HEAD = '[devices.fan]\nkind = "modbus-registers"\nbus = "b"\naddress = 14\n'
MAP = "[devices.fan.quantities]\n"
AT = "devices.fan."


def checked(text: str) -> tuple[list[Problem], int]:
    """What is wrong with a device table by itself, and the line where § stands in the text (else its last)."""
    line = text.count("\n", 0, text.index("§") if "§" in text else len(text.rstrip("\n"))) + 1
    text = text.replace("§", "")
    source = Source("station.toml", "station.toml", tomllib.loads(text), locate(text))
    return sorted(place_devices(source, CATALOG)[1]), line


@pytest.mark.parametrize(
    ("new", "key", "said"),
    [
        ("rpm = { §register = 65536 }", "quantities.rpm.register",
         "there is no register 65536; use 0 to 65535, as on the wire (40001 of a manual is holding register 0)"),
        ('rpm = { §register = 65535, type = "uint32" }', "quantities.rpm.register", "there is no register 65535"),
        ("rpm = { register = -1 }", "quantities.rpm.register", "there is no register -1"),
        ("rpm = { register = 0, scale = 0.0 }", "quantities.rpm.scale", "0 makes every reading the same"),
        ("rpm = { register = 0, accuracy_relative = -0.1 }", "quantities.rpm.accuracy_relative",
         "-0.1 is no bound of an error; write 0 or more"),
        ('rpm = { register = 0, word_order = "little" }', "quantities.rpm.word_order",
         "uint16 is one register; remove it, or name the wider type"),
        ('rpm = { register = 0, type = "int24" }', "quantities.rpm.type", '"int24" is none of the choices'),
        ("rpm = { register = 0, bit = 16 }", "quantities.rpm.bit", "there is no bit 16; use 0 (the lowest) to 15"),
        ("rpm = { register = 0, bits = [4] }", "quantities.rpm.bits", "[4] is no field of bits; write the first and"),
        ("rpm = { register = 0, bits = [9, 4] }", "quantities.rpm.bits", "[9, 4] is no field of bits"),
        ("rpm = { register = 0, bits = [] }", "quantities.rpm.bits", "[] is no field of bits"),
        ("rpm = { register = 0, bit = 1, bits = [0, 1] }", "quantities.rpm.bits", "stands beside `bit`; keep one"),
        ('rpm = { register = 0, type = "float32", bit = 3 }', "quantities.rpm.type",
         'float32 is no row of bits; write type = "uint32", or remove bit and bits'),
        ("rpm = { register = 0, invalid = [0x18000] }", "quantities.rpm.invalid",
         "0x18000 does not fit 1 register; write raw patterns as they come, such as 0x8000"),
        ('rpm = { register = 0, function = "coil", bit = 1 }', "quantities.rpm.bit",
         "coil 0 is one bit and has none; remove this key"),
        ('rpm = { register = 0, function = "discrete", type = "uint32" }', "quantities.rpm.type",
         "is one bit and has none"),
        ("rpm = { register = 0, scale = 0.1, low = 7000.0 }", "quantities.rpm.low",
         "7000, but it reads 6553.5 at most; correct the scale, the type or the bound"),
        ("rpm = { register = 0, offset = 100.0, high = 50.0 }", "quantities.rpm.high", "50, but it reads 100 at least"),
        ('rpm = { register = 0, type = "float32" }\n§left_v = { register = 1 }', "quantities.left_v.register",
         "input registers 1 to 1 run into those of `rpm`; correct the register or type of one of the two"),
        ('rpm = { register = 0, type = "bcd32", low = 1.0e8 }', "quantities.rpm.low", "1e+08, but it reads"),
    ],
)  # fmt: skip
def test_a_wrong_quantity_is_said_once_at_its_key(new: str, key: str, said: str) -> None:
    problems, line = checked(HEAD + MAP + new)
    assert [(p.line, p.key) for p in problems] == [(line, AT + key)]
    assert f"{problems[0].wrong}; {problems[0].remedy}".startswith(said) or said in problems[0].wrong


@pytest.mark.parametrize(
    ("more", "key", "said"),
    [
        ("block_max = 126", "block_max", "126 registers at once; use 1 to 125"),
        ("block_max = 10\n§gap_max = 10", "gap_max", "10 idle registers in a block of 10; use 0 to 9"),
        ("arm_value = 2", "arm_value", "nothing is armed; name `arm_register`, or remove this key"),
        ("arm_register = 70000", "arm_register", "70000 does not fit a register"),
        ("[devices.fan.valid]\n§ready = { register = 1, bit = 3, equals = 2 }", "valid.ready.equals",
         "2 is more than 1 bit can be; use 0 to 1"),
        ("[devices.fan.valid]\n§ready = { register = 1, bits = [0, 3], equals = 16 }", "valid.ready.equals",
         "16 is more than 4 bits can be; use 0 to 15"),
        ("[devices.fan.valid]\n§ready = { register = 1, bit = 0 }", "valid.ready.equals", "is missing"),
        ('[devices.fan.valid]\n§ready = { register = 1, function = "coil", bit = 0, equals = 1 }', "valid.ready.bit",
         "a coil is one bit and has none; remove this key"),
        ("[devices.fan.valid]\n§ready = { register = 1, bit = 99, equals = 1 }", "valid.ready.bit",
         "there is no bit 99"),
        ("[devices.fan.valid]\n§ready = { register = 99999, equals = 1 }", "valid.ready.register",
         "there is no register"),
        ("[devices.fan.alive]\nregister = 3\n§max_age_s = 0.0", "alive.max_age_s",
         "leaves no time to change in; write at least two of the meter's periods"),
        ('[devices.fan.alive]\nregister = 3\nmax_age_s = 3.0\n§word_order = "little"', "alive.word_order",
         "uint16 is one register"),
        ("[devices.fan.identity]\n§model = { register = 0 }", "identity.model.words",
         "is missing: text has a length; write 1 to 32 (two letters a register)"),
        ("[devices.fan.identity]\n§model = { register = 0, words = 33 }", "identity.model.words",
         "33 registers of text"),
        ('[devices.fan.identity]\n§serial_number = { register = 0, type = "uint32", words = 2 }',
         "identity.serial_number.words", 'uint32 has its own length; remove it, or type = "ascii"'),
        ('[devices.fan.identity]\n§serial_number = { register = 0, type = "uint32", expect = "A1" }',
         "identity.serial_number.expect", "'A1' is no number, and uint32 is one; write it as \"1234\" or \"0x04D2\""),
        ("[devices.fan.identity]\n§modell = { register = 0, words = 8 }", "identity.modell",
         "unknown key; did you mean `model`?"),
    ],
)  # fmt: skip
def test_a_wrong_key_beside_the_quantities_is_said_once(more: str, key: str, said: str) -> None:
    problems, line = checked(f"{HEAD}{'' if '§' in more else '§'}{more}\n{MAP}rpm = {{ register = 0 }}\n")
    assert [(p.line, p.key) for p in problems] == [(line, AT + key)]
    assert f"{problems[0].wrong}; {problems[0].remedy}".startswith(said)


def test_a_number_wider_than_a_block_is_said() -> None:
    problems, _ = checked(f'{HEAD}block_max = 1\n{MAP}rpm = {{ register = 0, type = "float32" }}')
    assert [(p.key, p.wrong) for p in problems] == [
        (AT + "quantities.rpm.type", "takes 2 registers, and block_max allows 1")
    ]


def test_every_fault_of_a_map_is_said_at_once() -> None:
    problems, _ = checked(f"{HEAD}{MAP}rpm = {{ register = 65536, scale = 0.0, bit = 16, invalid = [0x18000] }}")
    keys = [problem.key.removeprefix(AT + "quantities.rpm.") for problem in problems]
    assert sorted(keys) == ["bit", "invalid", "register", "scale"]


def test_a_map_without_a_quantity_is_said() -> None:
    problems, _ = checked(HEAD + MAP)
    assert [(p.key, p.wrong) for p in problems] == [(AT + "quantities", "no quantity at all")]


RELAYS = ("load_left", "load_right", "capture", "source", "tester", "touch", "fan")
OUTPUTS = '[devices.relays]\nkind = "modbus-outputs"\nbus = "a"\naddress = 1\n'
MADE = "[devices.relays.outputs]\n" + "".join(
    f"{role} = {{ register = {place} }}\n" for place, role in enumerate(RELAYS)
)


@pytest.mark.parametrize(
    ("more", "bleed", "key", "said"),
    [
        ("", "{ register = 6 }", "outputs.bleed.register", "coil 6 is already fan; give each relay a place of its own"),
        ("", "{ register = 70000 }", "outputs.bleed.register", "there is no register 70000"),
        ("", '{ register = 9, function = "input" }', "outputs.bleed.function", '"input" is none of the choices'),
        ("", "{ register = 9, bit = 1 }", "outputs.bleed.bit", "a coil is on or off and has none; remove this key"),
        ("", "{ register = 9, on = 255 }", "outputs.bleed.on", "a coil is on or off and has none"),
        ("", '{ register = 9, function = "holding", bit = 16 }', "outputs.bleed.bit", "there is no bit 16"),
        ("", '{ register = 9, function = "holding", bit = 1, off = 2 }', "outputs.bleed.off", "a bit is on or off"),
        ("", '{ register = 9, function = "holding", on = 0 }', "outputs.bleed.off", "is 0 like `on`; write the value"),
        ("", '{ register = 9, function = "holding", on = 65536 }', "outputs.bleed.on", "65536 does not fit a register"),
        ("", '{ register = 9, function = "holding", reads_off = 1 }', "outputs.bleed.reads_off",
         "on and off both read 1"),
        ("§watchdog_register = -1\nwatchdog_value = 30", "{ register = 9 }", "watchdog_register", "-1 does not fit"),
        ("§watchdog_register = 9\nwatchdog_value = 30", '{ register = 9, function = "holding" }', "watchdog_register",
         "9 is already bleed; name the watchdog's own"),
        ("§block_max = 0", "{ register = 9 }", "block_max", "0 registers at once; use 1 to 125"),
    ],
)  # fmt: skip
def test_a_wrong_output_is_said_once_at_its_key(more: str, bleed: str, key: str, said: str) -> None:
    problems, line = checked(f"{OUTPUTS}{more}\n{MADE}{'' if more else '§'}bleed = {bleed}\n")
    assert [(p.line, p.key) for p in problems] == [(line, f"devices.relays.{key}")]
    assert f"{problems[0].wrong}; {problems[0].remedy}".startswith(said)


def test_half_a_watchdog_is_said() -> None:
    for there, missing in (("value", "register"), ("register", "value")):
        problems, _ = checked(f"{OUTPUTS}watchdog_{there} = 30\n{MADE}")
        assert [(p.line, p.key) for p in problems] == [(1, f"devices.relays.watchdog_{missing}")]
        assert problems[0].wrong == f"is missing beside `watchdog_{there}`"


def test_two_bits_of_one_register_are_two_relays_and_the_register_is_no_third() -> None:
    bits = [f'{role} = {{ register = 9, function = "holding", bit = {n} }}' for n, role in enumerate(("fan", "bleed"))]
    text = "\n".join((OUTPUTS, "[devices.relays.outputs]", *bits))
    assert checked(text)[0] == []
    problems, _ = checked(f"{text}\ntouch = {{ register = 9, function = 'holding' }}")
    assert [(p.key, p.wrong) for p in problems] == [
        ("devices.relays.outputs.touch.register", "holding 9 is already fan")
    ]


def test_relay_roles_are_the_same_by_register_as_by_channel(tree: TreeCopy) -> None:
    shipped = (tree.directory / "station.toml").read_text(encoding="utf-8")
    begin, end = shipped.index("[devices.relays]"), shipped.index("# ---- meters")
    for table, said in (
        ("bleed = { register = 7 }", []),
        ("bleeed = { register = 7 }", [("bleeed", "unknown relay role; did you mean `bleed`?")]),
        ("", [("bleed", "no relay has this role; add `bleed = { register = … }`")]),
    ):
        text = f"{shipped[:begin]}{OUTPUTS}{MADE}{table}\n{shipped[end:]}"
        (tree.directory / "station.toml").write_text(text, encoding="utf-8")
        found = [(p.key.rsplit(".", 1)[-1], f"{p.wrong}; {p.remedy}") for p in tree.problems()]
        assert found == said


def test_a_counter_must_be_allowed_to_stand_still_between_two_looks(tree: TreeCopy) -> None:
    alive = "[devices.fan.alive]\nregister = 9\n§max_age_s = 1.5\n\n[devices.fan.quantities]"
    line = tree.spoil("station.toml", "[devices.fan.quantities]", alive)
    (problem,) = tree.problems()
    assert (problem.line, problem.key) == (line, "devices.fan.alive.max_age_s")
    assert problem.wrong == "1.5 s, but it is asked every 1 s: it would seem to stand still"
    assert problem.remedy == "allow 2 s or more, or poll more often"
    tree.spoil("station.toml", "max_age_s = 1.5", "max_age_s = 2.0")
    assert tree.problems() == []
