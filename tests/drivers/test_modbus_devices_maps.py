"""Register maps byte by byte: every type, order, bit and sentinel; statuses, counters and identities that must hold."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.errors import DriverError, ProtocolError, SettingMismatch
from drivers.modbus.bus import ModbusBus
from drivers.modbus.decoding import WORDS, NoReading, Span, plan_blocks
from drivers.modbus.register_map import RegisterMapMeter, decode
from drivers.modbus.settings import (
    AliveField,
    IdentityField,
    IdentityFields,
    RegisterField,
    RegisterMapSettings,
    StatusField,
)
from tests.drivers.fake_registers import device_with

FORMATS = {
    "int16": ">h", "uint16": ">H", "int32": ">i", "uint32": ">I", "int64": ">q", "uint64": ">Q",
    "float32": ">f", "float64": ">d",
}  # fmt: skip
ORDERS = st.sampled_from(("big", "little"))


def meter(bus: ModbusBus, quantities: Mapping[str, RegisterField], **more: object) -> RegisterMapMeter:
    return RegisterMapMeter(bus, RegisterMapSettings("b", 12, quantities, **more))  # type: ignore[arg-type]


def laid_out(data: bytes, word_order: str, byte_order: str) -> tuple[int, ...]:
    """The registers in which a meter of that order keeps `data` (highest byte first); written down again on purpose."""
    words = [data[at : at + 2] for at in range(0, len(data), 2)]
    words = words if word_order == "big" else words[::-1]
    return tuple(int.from_bytes(word if byte_order == "big" else word[::-1], "big") for word in words)


@settings(max_examples=300, deadline=None)
@given(
    st.data(), st.sampled_from(sorted(FORMATS)), st.sampled_from(("big", "little")), st.sampled_from(("big", "little"))
)
def test_any_number_of_any_type_comes_back_in_any_order(
    data: st.DataObject, kind: str, word_order: str, byte_order: str
) -> None:
    if kind.startswith("float"):
        value = data.draw(st.floats(width=32 if kind == "float32" else 64, allow_nan=False, allow_infinity=False))
    else:
        low = -(1 << 16 * WORDS[kind] - 1) if kind.startswith("int") else 0
        value = data.draw(st.integers(low, low + (1 << 16 * WORDS[kind]) - 1))
    words = laid_out(struct.pack(FORMATS[kind], value), word_order, byte_order)
    entry = RegisterField(0, type=kind, word_order=word_order, byte_order=byte_order)  # type: ignore[arg-type]
    assert decode(entry, words) == float(value)


def test_binary_coded_decimal_is_read_by_its_digits_and_nothing_else() -> None:
    assert decode(RegisterField(0, type="bcd32", scale=0.01), (0x1234, 0x5678)) == pytest.approx(123456.78)
    assert decode(RegisterField(0, type="bcd16", byte_order="little"), (0x3412,)) == 1234.0
    with pytest.raises(NoReading, match="0x12A4 is no binary-coded decimal"):
        decode(RegisterField(0, type="bcd16"), (0x12A4,))


def test_single_bits_and_fields_of_bits_are_cut_out_of_their_register() -> None:
    assert [decode(RegisterField(0, bit=place), (0b1010,)) for place in range(4)] == [0.0, 1.0, 0.0, 1.0]
    assert decode(RegisterField(0, bits=(4, 11), scale=0.5), (0xABCD,)) == 0xBC * 0.5
    assert decode(RegisterField(0, type="uint32", bits=(8, 23)), (0x1234, 0x5678)) == 0x3456


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (RegisterField(0, type="int16", invalid=(0x8000,)), (0x8000,)),
        (RegisterField(0, type="int16", invalid=(-32768,)), (0x8000,)),
        (RegisterField(0, type="int16", invalid=(0x8000, 0x7FFF)), (0x7FFF,)),
        (RegisterField(0, type="uint32", word_order="little", invalid=(0xFFFF_FFFE,)), (0xFFFE, 0xFFFF)),
        (RegisterField(0, type="float32", invalid=(0x7FC0_0000,)), (0x7FC0, 0)),
    ],
)
def test_a_pattern_that_means_no_reading_is_none(entry: RegisterField, words: tuple[int, ...]) -> None:
    with pytest.raises(NoReading, match='means "no reading"'):
        decode(entry, words)


async def test_no_reading_is_an_error_that_names_pattern_and_quantity() -> None:
    async with device_with({0: 230, 1: 0x8000}) as (bus, _):
        quantities = {"voltage_v": RegisterField(0), "board_degc": RegisterField(1, type="int16", invalid=(0x8000,))}
        with pytest.raises(ProtocolError, match=r'board_degc reads 0x8000, which means "no reading"; check the sensor'):
            await meter(bus, quantities).read()


async def test_coils_and_discrete_inputs_are_quantities_of_0_and_1() -> None:
    async with device_with({}, {3: True, 5: True}) as (bus, line):
        readings = await meter(
            bus,
            {
                "fan_ok": RegisterField(3, "discrete"),
                "door_ok": RegisterField(4, "discrete"),
                "rpm": RegisterField(5, "coil", scale=1450.0),
            },
        ).read()
        assert readings == {"fan_ok": 1.0, "door_ok": 0.0, "rpm": 1450.0}
        assert sorted((r[1], r[3], r[5]) for r in line.requests) == [(1, 5, 1), (2, 3, 2)]


def test_blocks_are_as_few_as_gap_and_size_allow() -> None:
    spans = [Span("input", 0, 2), Span("input", 6, 2), Span("input", 12, 2), Span("holding", 8, 1), Span("input", 6, 1)]
    assert plan_blocks(spans, 125, 0) == (
        Span("holding", 8, 1), Span("input", 0, 2), Span("input", 6, 2), Span("input", 12, 2),
    )  # fmt: skip
    assert plan_blocks(spans, 125, 4) == (Span("holding", 8, 1), Span("input", 0, 14))
    assert plan_blocks(spans, 8, 4) == (Span("holding", 8, 1), Span("input", 0, 8), Span("input", 12, 2))


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(("input", "coil")), st.integers(0, 60), st.integers(1, 4)), min_size=1),
    st.integers(4, 20),
    st.integers(0, 10),
)
def test_every_register_is_in_a_block_and_no_block_is_too_long(
    wanted: list[tuple[str, int, int]], block_max: int, gap_max: int
) -> None:
    spans = [Span(*one) for one in wanted]
    blocks = plan_blocks(spans, block_max, gap_max)
    assert all(block.count <= block_max for block in blocks)
    for span in spans:
        assert any(b.function == span.function and b.first <= span.first and span.end <= b.end for b in blocks)


STATUS = {"voltage_v": RegisterField(0)}


@pytest.mark.parametrize(
    ("condition", "reads", "said"),
    [
        (StatusField(7, 1, bit=2), 0b1011, r"ready: input register 7 bit 2 reads 0, not 1: its readings do not count"),
        (StatusField(7, 0, bit=2), 0b0100, r"ready: input register 7 bit 2 reads 1, not 0"),
        (StatusField(7, 1, bits=(0, 7)), 0x3302, r"ready: input register 7 bits 0 to 7 reads 2, not 1"),
        (StatusField(7, 0), 9, r"ready: input register 7 reads 9, not 0"),
        (StatusField(7, 1, "discrete"), 0, r"ready: discrete input 7 reads 0, not 1"),
    ],
)
async def test_a_status_that_says_no_makes_no_reading_count(condition: StatusField, reads: int, said: str) -> None:
    async with device_with({0: 230, 7: reads}) as (bus, _):
        with pytest.raises(ProtocolError, match=said):
            await meter(bus, STATUS, valid={"ready": condition}).read()


async def test_a_status_that_holds_lets_the_readings_through_in_one_transaction() -> None:
    async with device_with({0: 230, 2: 0b0101}) as (bus, line):
        valid = {"ready": StatusField(2, 1, bit=0), "clipped": StatusField(2, 0, bit=1)}
        assert await meter(bus, STATUS, valid=valid, gap_max=1).read() == {"voltage_v": 230.0}
        assert len(line.requests) == 1


async def test_a_meter_whose_counter_stands_still_measures_no_more() -> None:
    words, clock = {0: 230, 4: 1}, [100.0]
    async with device_with(words) as (bus, _):
        own = RegisterMapSettings("b", 12, STATUS, alive=AliveField(4, 2.0))
        one = RegisterMapMeter(bus, own, lambda: clock[0])
        for now, count in ((100.0, 1), (101.9, 1), (102.0, 2), (103.5, 2), (104.0, 2)):
            words[4], clock[0] = count, now
            assert await one.read() == {"voltage_v": 230.0}
        clock[0] = 104.1
        with pytest.raises(ProtocolError, match=r"input register 4 has read 0x0002 for 2.1 s, longer than 2 s"):
            await one.read()
        words[4] = 3
        assert await one.read() == {"voltage_v": 230.0}


WORDS_OF_SHARK = {0: 0x5368, 1: 0x6172, 2: 0x6B31, 3: 0x3030, 4: 0x2020, 8: 0x0001, 9: 0xE240}


@pytest.mark.parametrize(
    ("identity", "told"),
    [
        (IdentityFields(model=IdentityField(0, words=5, expect="Shark100")), ("Shark100", "", "")),
        (IdentityFields(serial_number=IdentityField(8, type="uint32", expect="0x1E240")), ("meter", "123456", "")),
        (IdentityFields(firmware=IdentityField(8, type="bcd16")), ("meter", "", "1")),
    ],
)
async def test_a_device_is_who_its_registers_say(identity: IdentityFields, told: tuple[str, str, str]) -> None:
    async with device_with(WORDS_OF_SHARK) as (bus, _):
        who = await meter(bus, STATUS, identity=identity, model="meter").ensure_ready()
        assert (who.model, who.serial_number, who.firmware) == told


async def test_another_device_at_the_address_is_refused() -> None:
    async with device_with(WORDS_OF_SHARK) as (bus, line):
        model = IdentityFields(model=IdentityField(0, words=4, expect="Shark200"))
        with pytest.raises(SettingMismatch, match=r"address 12 .*its model is 'Shark100', .* expects 'Shark200'"):
            await meter(bus, STATUS, identity=model).ensure_ready()
        serial = IdentityFields(serial_number=IdentityField(8, type="uint32", expect="77"))
        with pytest.raises(SettingMismatch, match=r"serial number is '123456', the configuration expects '77'"):
            await meter(bus, STATUS, identity=serial).ensure_ready()
        assert {request[1] for request in line.requests} == {3}, "only asked, never written"


async def test_an_identity_that_is_no_text_is_an_error() -> None:
    async with device_with({0: 0x0102}) as (bus, _):
        with pytest.raises(ProtocolError, match=r"its model 0x0102 is no text"):
            await meter(bus, STATUS, identity=IdentityFields(model=IdentityField(0, words=1))).ensure_ready()


@settings(max_examples=150, deadline=None)
@given(st.lists(st.integers(0, 0xFFFF), min_size=4, max_size=4), st.sampled_from(sorted(WORDS)))
def test_whatever_comes_is_a_number_or_said_to_be_none(words: list[int], kind: str) -> None:
    entry = RegisterField(0, type=kind, bits=None)  # type: ignore[arg-type]
    try:
        value = decode(entry, tuple(words[: WORDS[kind]]))
    except NoReading as none:
        assert kind.startswith("bcd") and "decimal" in str(none)
    else:
        assert isinstance(value, float)
        assert math.isfinite(value) or kind.startswith("float")


async def test_a_register_that_the_meter_has_not_is_the_meters_refusal() -> None:
    async with device_with({}, refused=range(40, 41)) as (bus, _):
        with pytest.raises(DriverError, match="exception 2"):
            await meter(bus, {"voltage_v": RegisterField(40)}).read()
