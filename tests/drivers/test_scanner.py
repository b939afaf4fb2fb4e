"""The serial scanner on a real pty."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from drivers.errors import PortError
from drivers.sim.scanner import ScannerTwin
from drivers.uart.scanner import KEPT_SCANS, SerialScanner


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
