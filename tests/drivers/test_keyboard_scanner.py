"""The keyboard scanner, event by event: from recorded bytes of the kernel to lines, and through a FIFO for a device."""

from __future__ import annotations

import asyncio
import errno
import os
import struct
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.errors import PortError
from drivers.ports import Identity
from drivers.sim.keyboard import CODES, KeyboardTwin
from drivers.uart.key_events import EVENT, KeyReader
from drivers.uart.keyboard_scanner import KeyboardScanner
from drivers.uart.scans import SCAN_MAX

PREFIXES = ("OP:", "WO:", "SN:", "PR:", "PL:")
GAP_S = 0.05
RECORDED = """
6f6c2163 00000000 a0860100 00000000 0400 0400 e1000700
6f6c2163 00000000 a0860100 00000000 0100 2a00 01000000
6f6c2163 00000000 a0860100 00000000 0000 0000 00000000
6f6c2163 00000000 889e0100 00000000 0100 1f00 01000000
6f6c2163 00000000 889e0100 00000000 0000 0000 00000000
6f6c2163 00000000 70b60100 00000000 0100 1f00 00000000
6f6c2163 00000000 70b60100 00000000 0100 2a00 00000000
6f6c2163 00000000 58ce0100 00000000 0100 0200 01000000
6f6c2163 00000000 58ce0100 00000000 0100 0200 02000000
6f6c2163 00000000 40e60100 00000000 0100 0200 00000000
6f6c2163 00000000 28fe0100 00000000 0100 1c00 01000000
6f6c2163 00000000 28fe0100 00000000 0100 1c00 00000000
"""
"""`S1` and Enter as a 64-bit kernel says it, byte by byte: scan codes, keys, reports, and a repetition of the 1."""


def events(*keys: tuple[int, int], at_s: float = 1.0) -> bytes:
    """Presses (1) and releases (0) by key number, all at once."""
    return b"".join(struct.pack("@llHHi", int(at_s), round(at_s % 1 * 1e6), 1, code, value) for code, value in keys)


def typed(path: Path, text: str, gap_s: float = 0.004) -> bytes:
    """What the twin puts on the wire for `text` and Enter."""
    twin, sent = KeyboardTwin(path), bytearray()
    twin.raw = sent.extend  # type: ignore[method-assign]
    twin.scan(text, gap_s)
    return bytes(sent)


# ---- the bytes -------------------------------------------------------------------------------------------------
@pytest.mark.skipif(struct.calcsize("@l") != 8, reason="recorded on a 64-bit kernel; a 32-bit one says it in 16 bytes")
def test_recorded_events_of_a_64_bit_kernel_are_read_at_any_cut() -> None:
    recorded = bytes.fromhex(RECORDED.replace(" ", "").replace("\n", ""))
    assert EVENT.size == 24 and len(recorded) == 12 * 24
    for cut in range(len(recorded)):
        reader = KeyReader(GAP_S)
        assert reader.feed(recorded[:cut]) + reader.feed(recorded[cut:]) == ["S1"]


@given(st.sampled_from(PREFIXES), st.text(st.sampled_from(sorted(CODES)), max_size=SCAN_MAX - 3))
def test_every_text_that_a_scanner_types_comes_out_equal(prefix: str, text: str) -> None:
    assert KeyReader(GAP_S).feed(typed(Path("unused"), prefix + text)) == [prefix + text]


def test_every_printable_ascii_character_has_its_key() -> None:
    every = "".join(map(chr, range(32, 127)))
    assert set(every) == set(CODES)
    assert KeyReader(GAP_S).feed(typed(Path("unused"), "SN:" + every)) == ["SN:" + every]


def test_the_keypad_and_both_shifts_type_too() -> None:
    keypad = [
        (code, value) for code in (79, 80, 81, 75, 76, 77, 71, 72, 73, 82, 83, 98, 55, 74, 78) for value in (1, 0)
    ]
    assert KeyReader(GAP_S).feed(events(*keypad, (96, 1))) == ["1234567890./*-+"]
    assert KeyReader(GAP_S).feed(events((54, 1), (30, 1), (54, 0), (30, 0), (30, 1), (28, 1))) == ["Aa"]


@pytest.mark.parametrize("end", [[(28, 1)], [(96, 1)], [(15, 1)], [(29, 1), (36, 1)], [(97, 1), (50, 1)]])
def test_enter_and_tab_end_a_line_and_so_do_their_control_keys(end: list[tuple[int, int]]) -> None:
    assert KeyReader(GAP_S).feed(events((30, 1), *end)) == ["a"]


def test_keys_pressed_by_hand_are_no_scan_and_spoil_none() -> None:
    reader = KeyReader(GAP_S)
    assert reader.feed(typed(Path("unused"), "SN:1", gap_s=0.06)) == []
    assert reader.feed(events((30, 1), at_s=9e6)) == []
    assert reader.feed(events((48, 1), (28, 1), at_s=9e6 + 0.2)) == ["b"], "the a was typed long before"


@pytest.mark.parametrize("key", [59, 56, 125, 58, 14, 1, 105])
def test_a_line_with_a_key_that_prints_nothing_is_thrown_away_whole(key: int) -> None:
    reader = KeyReader(GAP_S)
    assert reader.feed(events((30, 1), (key, 1), (key, 0), (48, 1), (28, 1))) == []
    assert reader.feed(events((46, 1), (28, 1))) == ["c"]


def test_control_and_a_letter_is_no_letter() -> None:
    assert KeyReader(GAP_S).feed(events((30, 1), (29, 1), (27, 1), (27, 0), (29, 0), (48, 1), (28, 1))) == []


def test_a_line_that_is_too_long_is_thrown_away_whole_and_the_next_is_read() -> None:
    reader = KeyReader(GAP_S)
    assert reader.feed(typed(Path("unused"), "x" * SCAN_MAX)) == ["x" * SCAN_MAX]
    assert reader.feed(typed(Path("unused"), "x" * (SCAN_MAX + 1))) == []
    assert KeyReader(GAP_S).feed(typed(Path("unused"), "SN:1")) == ["SN:1"]


def test_the_rest_of_a_scan_of_which_events_were_lost_is_never_taken_for_a_scan() -> None:
    """The kernel's queue ran over in the middle; so long that the rest comes after a gap."""
    reader, lost = KeyReader(GAP_S), struct.pack("@llHHi", 1, 0, 0, 3, 0)
    assert reader.feed(events((24, 1), (25, 1)) + lost + events((30, 1), (28, 1), at_s=2.0)) == []
    assert reader.feed(events((46, 1), (28, 1), at_s=3.0)) == ["c"]


# ---- the device ------------------------------------------------------------------------------------------------
@pytest.fixture
def twin(tmp_path: Path) -> Iterator[KeyboardTwin]:
    twin = KeyboardTwin(tmp_path / "usb-Twin-event-kbd")
    yield twin
    twin.close()


@pytest.fixture
async def scanner(twin: KeyboardTwin) -> AsyncIterator[KeyboardScanner]:
    scanner = KeyboardScanner(twin.start(), GAP_S, twin.ioctl)
    await scanner.ensure_ready()
    yield scanner
    await scanner.close()


async def read(scanner: KeyboardScanner) -> str:
    return await asyncio.wait_for(scanner.read_line(), 5.0)


async def test_it_is_grabbed_from_the_console_and_says_who_it_is(scanner: KeyboardScanner, twin: KeyboardTwin) -> None:
    assert twin.grabbed == 1
    identity = await scanner.ensure_ready()
    assert identity == Identity("Twin Bar Code Scanner (05e0:1200)", "SIM-7", "0110")
    assert twin.grabbed == 1


async def test_a_scanner_without_a_number_of_its_own_has_none(tmp_path: Path) -> None:
    twin = KeyboardTwin(tmp_path / "kbd", unique="")
    scanner = KeyboardScanner(twin.start(), GAP_S, twin.ioctl)
    assert (await scanner.ensure_ready()).serial_number == ""
    await scanner.close()
    twin.close()


async def test_scans_come_in_order_and_a_second_of_the_same_code_is_kept(
    scanner: KeyboardScanner, twin: KeyboardTwin
) -> None:
    for text in ("OP:E123", "WO:2026-0042", "WO:2026-0042", "noread", "SN:a b"):
        twin.scan(text)
    assert [await read(scanner) for _ in range(4)] == ["OP:E123", "WO:2026-0042", "WO:2026-0042", "SN:a b"]


async def test_an_unplugged_scanner_is_told_and_plugged_in_again_it_is_grabbed_again(
    scanner: KeyboardScanner, twin: KeyboardTwin
) -> None:
    waiting = asyncio.create_task(read(scanner))
    await asyncio.sleep(0)
    twin.close()
    with pytest.raises(PortError, match=r"lost: .*; plug it in again"):
        await waiting
    with pytest.raises(PortError, match="nothing is plugged in under this name"):
        await scanner.read_line()
    twin.start()
    await scanner.ensure_ready()
    twin.scan("SN:7")
    assert (await read(scanner), twin.grabbed) == ("SN:7", 2)


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.EBUSY, "another program has grabbed it"),
        (errno.EACCES, "group input"),
        (errno.ENODEV, "plug it in again"),
    ],
)
async def test_a_refusal_names_its_remedy_and_leaves_nothing_open(twin: KeyboardTwin, number: int, said: str) -> None:
    def refuse(file: int, request: int, argument: object) -> int:
        refused.append(file)
        raise OSError(number, os.strerror(number))

    refused: list[int] = []
    with pytest.raises(PortError, match=said):
        await KeyboardScanner(twin.start(), GAP_S, refuse).ensure_ready()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(refused[0])


async def test_what_is_no_input_device_is_refused_by_the_real_request(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(PortError, match="this is no input device; name one of /dev/input/by-id"):
        await KeyboardScanner(str(tmp_path / "file")).ensure_ready()


async def test_whoever_waits_is_told_when_it_is_closed(scanner: KeyboardScanner) -> None:
    waiting = asyncio.create_task(read(scanner))
    await asyncio.sleep(0)
    await scanner.close()
    await scanner.close()
    with pytest.raises(PortError, match="closed"):
        await waiting


def test_the_requests_are_those_of_the_kernels_header() -> None:
    from drivers.uart import keyboard_scanner as driver

    def request(direction: int, number: int, size: int) -> int:
        return direction << 30 | size << 16 | ord("E") << 8 | number

    assert request(1, 0x90, 4) == driver.GRAB
    assert request(1, 0xA0, 4) == driver.SET_CLOCK
    assert request(2, 0x02, 8) == driver.GET_ID
    assert (request(2, 0x06, 256), request(2, 0x08, 256)) == (driver.GET_NAME, driver.GET_UNIQUE)
