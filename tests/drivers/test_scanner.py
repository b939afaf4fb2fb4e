"""The serial scanner on a real pty."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from drivers.errors import PortError
from drivers.ports import Identity
from drivers.sim.scanner import ScannerTwin
from drivers.uart.scanner import SerialScanner
from drivers.uart.scans import KEPT_SCANS
from drivers.usb_identity import usb_identity


@pytest.fixture
def twin() -> Iterator[ScannerTwin]:
    twin = ScannerTwin()
    yield twin
    twin.close()


@pytest.fixture
async def scanner(twin: ScannerTwin) -> AsyncIterator[SerialScanner]:
    scanner = SerialScanner(twin.start())
    await scanner.ensure_ready()
    yield scanner
    await scanner.close()


async def read(scanner: SerialScanner) -> str:
    return await asyncio.wait_for(scanner.read_line(), 3.0)


async def test_scans_come_whole_and_in_order_without_their_line_ends(scanner: SerialScanner, twin: ScannerTwin) -> None:
    twin.scan("OP:E123")
    twin.scan("WO:2026-0042")
    assert [await read(scanner), await read(scanner)] == ["OP:E123", "WO:2026-0042"]


async def test_a_scan_of_unprintable_or_overlong_text_is_none(scanner: SerialScanner, twin: ScannerTwin) -> None:
    for text in ("SN:\x1b[2J", "x" * 5000, "y" * 201, "   ", "SN:1"):
        twin.scan(text)
    assert await read(scanner) == "SN:1"


async def test_framed_scans_come_without_their_frames_and_noise_before_them(
    scanner: SerialScanner, twin: ScannerTwin
) -> None:
    for sent in (b"\x02SN:1\x03", b"\x02SN:2\r\n\x03", b"noise\x02SN:3\x03", b"\x02SN:torn\x02SN:4\x03\r\n"):
        twin.raw(sent)
    assert [await read(scanner) for _ in range(4)] == ["SN:1", "SN:2", "SN:3", "SN:4"]


async def test_a_frame_is_read_after_a_flood_that_never_ended(scanner: SerialScanner, twin: ScannerTwin) -> None:
    for sent in (b"x" * 3000, b"\x02SN:", b"5\x03"):
        twin.raw(sent)
        await asyncio.sleep(0.01)
    assert await read(scanner) == "SN:5"


async def test_that_nothing_was_read_is_no_scan_and_a_second_of_the_same_code_is_one(
    scanner: SerialScanner, twin: ScannerTwin
) -> None:
    for text in ("NOREAD", "No Read", "NR", "?", "ERROR", "WO:7", "WO:7"):
        twin.scan(text)
    assert [await read(scanner), await read(scanner)] == ["WO:7", "WO:7"]


def test_a_port_on_usb_says_whose_it_is(tmp_path: Path) -> None:
    number = Path("/dev/null").stat().st_rdev
    device = tmp_path / "devices" / "usb1" / "1-1"
    tty = device / "1-1:1.0" / "tty" / "ttyACM0"
    tty.mkdir(parents=True)
    for name, said in (
        ("idVendor", "05e0"),
        ("product", "Bar Code Scanner"),
        ("serial", "S/N:7"),
        ("bcdDevice", "0110"),
    ):
        (device / name).write_text(said + "\n", encoding="ascii")
    char = tmp_path / "dev" / "char"
    char.mkdir(parents=True)
    (char / f"{os.major(number)}:{os.minor(number)}").symlink_to(tty)
    assert usb_identity("/dev/null", tmp_path) == Identity("Bar Code Scanner", "S/N:7", "0110")
    (device / "serial").unlink()
    assert usb_identity("/dev/null", tmp_path) == Identity("Bar Code Scanner", "", "0110")


def test_what_is_not_on_usb_says_nothing() -> None:
    assert usb_identity("/dev/null") == usb_identity("/dev/no-such-port") == Identity()


async def test_of_scans_that_nobody_takes_the_newest_are_kept(scanner: SerialScanner, twin: ScannerTwin) -> None:
    waiting = asyncio.create_task(read(scanner))
    await asyncio.sleep(0)
    twin.scan("first")
    assert await waiting == "first"
    for number in range(KEPT_SCANS + 3):
        twin.scan(f"SN:{number}")
    twin.scan("x" * 300)  # a whole read more, so that all before it have been taken in
    assert await read(scanner) in {f"SN:{number}" for number in range(4)}


async def test_a_scan_is_not_lost_with_a_reader_that_gave_up(scanner: SerialScanner, twin: ScannerTwin) -> None:
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(scanner.read_line(), 0.02)
    twin.scan("PR:example-a-100")
    assert await read(scanner) == "PR:example-a-100"


async def test_an_unplugged_scanner_is_a_port_error_also_for_the_one_who_opens_it_again(twin: ScannerTwin) -> None:
    scanner = SerialScanner(twin.start())
    await scanner.ensure_ready()
    waiting = asyncio.create_task(read(scanner))
    await asyncio.sleep(0.01)
    twin.close()
    with pytest.raises(PortError, match="lost"):
        await waiting
    with pytest.raises(PortError, match="cannot open"):
        await scanner.ensure_ready()
    await scanner.close()


async def test_a_port_in_use_is_refused(scanner: SerialScanner) -> None:
    with pytest.raises(PortError, match="cannot open"):
        await SerialScanner(scanner._port).ensure_ready()
