"""Label printers against their twin on a real TCP port, and against a printer that answers as the manuals say."""

from __future__ import annotations

import asyncio
import fcntl
import os
import threading
import time
import tty
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from drivers.catalog import CATALOG
from drivers.errors import DeviceTimeout, DriverError, PortError, PrinterNotReady, ProtocolError
from drivers.ports import LabelPrinter
from drivers.printer import label_printer, tcp_wire, wire
from drivers.printer.file_wire import FileWire
from drivers.printer.label_printer import WiredPrinter
from drivers.printer.tcp_wire import TcpWire
from drivers.printer.tspl import Tspl
from drivers.printer.zpl import Zpl, read_status
from drivers.settings import FilePrinterSettings, TcpPrinterSettings
from drivers.sim.printer import PrinterTwin

ZPL = b"^XA\n^PW400\n^FO0,0^GFA,1,1,1,FF^FS\n^PQ1\n^XZ\n"
TSPL = b"SIZE 50 mm,30 mm\r\nCLS\r\nBITMAP 0,0,2,3,0,\x1b!?PRI\r\nPRINT 1,1\r\n"
"""Its six bytes of picture look like commands."""
KINDS = {"zpl-tcp": ZPL, "tspl-tcp": TSPL}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Real time is in the loop, but not much of it."""
    monkeypatch.setattr(label_printer, "LOOK_S", 0.02)
    monkeypatch.setattr(label_printer, "PRINT_S", 0.6)
    monkeypatch.setattr(wire, "ANSWER_S", 0.3)
    monkeypatch.setattr(wire, "WRITE_S", 0.3)
    monkeypatch.setattr(tcp_wire, "CONNECT_S", 1.0)


@pytest.fixture
async def twin() -> AsyncIterator[PrinterTwin]:
    twin = PrinterTwin(print_s=0.05)
    yield twin
    await twin.close()


def zpl(address: str) -> WiredPrinter:
    return WiredPrinter(TcpWire(address), Zpl())


def tspl(address: str) -> WiredPrinter:
    return WiredPrinter(TcpWire(address), Tspl())


def file(path: str) -> WiredPrinter:
    return WiredPrinter(FileWire(path), Zpl(), answers=False)


def make(kind: str, address: str, answers: bool = True) -> LabelPrinter:
    printer: LabelPrinter = CATALOG[kind].make(TcpPrinterSettings(address, answers=answers), {})
    return printer


@pytest.mark.parametrize("kind", KINDS)
async def test_a_job_is_out_when_the_driver_says_so(twin: PrinterTwin, kind: str) -> None:
    printer = make(kind, await twin.start())
    await printer.check()
    await printer.print_job(KINDS[kind])
    assert twin.printed == [KINDS[kind]]
    await printer.print_job(KINDS[kind])
    assert len(twin.printed) == 2 and printer.language == kind[:-4] and printer.dpi == 203


@pytest.mark.parametrize("kind", KINDS)
async def test_out_of_paper_is_known_before_a_job_and_named(twin: PrinterTwin, kind: str) -> None:
    printer = make(kind, await twin.start())
    await twin.set_paper(False)
    with pytest.raises(PrinterNotReady, match="paper: load labels") as caught:
        await printer.check()
    assert caught.value.fault == "paper" and twin.printed == []
    await twin.set_paper(True)
    await printer.check()


@pytest.mark.parametrize("kind", KINDS)
async def test_paper_that_ends_under_a_job_is_an_error_and_the_printer_has_the_job(
    twin: PrinterTwin, kind: str
) -> None:
    printer = make(kind, await twin.start())
    await twin.set_paper(False)
    with pytest.raises(PrinterNotReady):
        await printer.print_job(KINDS[kind])
    await twin.set_paper(True)
    await twin.wait_printed(1)


async def test_silence_is_trouble_unless_the_printer_is_known_never_to_answer() -> None:
    twin = PrinterTwin(print_s=0.01, silent_when_out=True)
    address = await twin.start()
    await twin.set_paper(False)
    with pytest.raises(DeviceTimeout, match=r"does not answer ~HS within 0\.3 s: out of paper"):
        await make("zpl-tcp", address).check()
    blind = make("zpl-tcp", address, answers=False)
    await blind.check()
    await blind.print_job(ZPL)
    await twin.set_paper(True)
    await twin.wait_printed(1)
    await twin.close()


@pytest.mark.parametrize("kind", KINDS)
async def test_a_printer_that_is_off_is_no_port_and_comes_back(twin: PrinterTwin, kind: str) -> None:
    printer = make(kind, await twin.start())
    await twin.close()
    for call in (printer.check(), printer.print_job(KINDS[kind])):
        with pytest.raises(PortError, match=r"cannot be reached .*; switch it on"):
            await call
    await twin.start()
    await printer.check()


@asynccontextmanager
async def answering(answer: bytes) -> AsyncIterator[str]:
    """A printer that says one thing to everything."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(65536):
            writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


def host_status(paper: int = 0, pause: int = 0, formats: int = 0, head: int = 0, left: int = 0, hot: int = 0) -> bytes:
    """As in the guide's own table; the letters are those of ~HS."""
    return (
        f"\x02030,{paper},{pause},0240,{formats:03d},0,0,0,000,0,0,{hot}\x03\r\n"
        f"\x02000,0,{head},0,0,2,6,0,{left:08d},1,000\x03\r\n\x021234,0\x03\r\n"
    ).encode()


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (host_status(paper=1), "paper"),
        (host_status(head=1), "head"),
        (host_status(pause=1), "pause"),
        (host_status(hot=1), "temperature"),
        (host_status(paper=1, pause=1, head=1), "paper"),
    ],
)
async def test_every_flag_of_the_host_status_that_bars_a_label_is_named(answer: bytes, fault: str) -> None:
    async with answering(answer) as address:
        with pytest.raises(PrinterNotReady) as caught:
            await zpl(address).check()
    assert caught.value.fault == fault


@pytest.mark.parametrize("status", [host_status(formats=1), host_status(left=2)])
async def test_a_printer_that_never_gets_done_is_told(status: bytes) -> None:
    async with answering(status) as address:
        with pytest.raises(DeviceTimeout, match=r"not done with a label after 0\.6 s"):
            await zpl(address).print_job(ZPL)


async def test_what_is_no_host_status_is_no_answer() -> None:
    assert read_status(host_status()) == (None, "", False)
    async with answering(b"\x02\x03\r\n" * 3) as address:
        with pytest.raises(ProtocolError, match="is it set to ZPL"):
            await zpl(address).check()


@pytest.mark.parametrize(
    ("status", "fault"),
    [(1, "head"), (2, "jam"), (4, "paper"), (5, "paper"), (8, "ribbon"), (16, "pause"), (64, "cover"), (128, "other")],
)
async def test_every_bit_of_the_status_byte_is_named(status: int, fault: str) -> None:
    async with answering(bytes([status])) as address:
        with pytest.raises(PrinterNotReady) as caught:
            await tspl(address).check()
    assert caught.value.fault == fault


@pytest.mark.parametrize("answer", [b"\x00\r", b"OK\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n\x00"])
async def test_what_is_no_single_byte_is_no_status(answer: bytes) -> None:
    async with answering(answer) as address:
        with pytest.raises(ProtocolError, match="which is one byte; is it set to TSPL"):
            await tspl(address).check()


async def test_a_printer_that_talks_without_end_is_cut_short() -> None:
    async with answering(b"x" * 1_000_000) as address:
        with pytest.raises(ProtocolError, match=r"answers ~HS with more than 4096 bytes, beginning with b'xxx") as told:
            await zpl(address).check()
    assert len(str(told.value)) < 200


async def test_printing_is_no_fault_but_not_done() -> None:
    async with answering(b"\x20") as address:
        await tspl(address).check()
        with pytest.raises(DeviceTimeout, match="not done"):
            await tspl(address).print_job(TSPL)


async def test_a_plain_file_takes_the_jobs_one_after_the_other(tmp_path: Path) -> None:
    path = tmp_path / "labels"
    printer: LabelPrinter = CATALOG["label-file"].make(FilePrinterSettings(str(path), "tspl", 300), {})
    await printer.check()
    await printer.print_job(ZPL)
    await printer.print_job(TSPL)
    assert path.read_bytes() == ZPL + TSPL and (printer.language, printer.dpi) == ("tspl", 300)


async def test_a_device_that_takes_no_more_is_told_in_time(tmp_path: Path) -> None:
    fifo = tmp_path / "lp0"
    os.mkfifo(fifo)
    with pytest.raises(PortError, match="cannot be opened"):
        await file(str(fifo)).check()
    held = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    try:
        await file(str(fifo)).print_job(ZPL)
        assert os.read(held, 1000) == ZPL
        with pytest.raises(DeviceTimeout, match=r"takes no data for 0\.3 s"):
            await file(str(fifo)).print_job(b"x" * 1_000_000)
    finally:
        os.close(held)


async def test_a_job_is_handed_over_only_once_nothing_of_it_is_on_its_way(tmp_path: Path) -> None:
    """A full pipe, as a USB printer: the last write is accepted, and what closing would throw away still waits."""
    fifo = tmp_path / "lp0"
    os.mkfifo(fifo)
    held = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    room = fcntl.fcntl(held, fcntl.F_GETPIPE_SZ)
    try:
        with pytest.raises(DeviceTimeout, match="takes no data"):
            await file(str(fifo)).print_job(b"x" * room)
        assert len(os.read(held, room)) == room
        printing = asyncio.create_task(file(str(fifo)).print_job(b"x" * room))
        await asyncio.sleep(0.1)
        assert not printing.done()
        os.read(held, room)
        await printing
    finally:
        os.close(held)


async def test_a_printer_that_goes_with_the_end_of_a_job_on_its_way_is_told(tmp_path: Path) -> None:
    fifo = tmp_path / "lp0"
    os.mkfifo(fifo)
    held = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    printing = asyncio.create_task(file(str(fifo)).print_job(b"x" * fcntl.fcntl(held, fcntl.F_GETPIPE_SZ)))
    await asyncio.sleep(0.1)
    os.close(held)
    with pytest.raises(PortError, match="is it on and plugged in"):
        await printing


async def test_a_serial_line_takes_a_job() -> None:
    far, near = os.openpty()
    tty.setraw(near)
    await file(os.ttyname(near)).print_job(ZPL)
    assert os.read(far, 1000) == ZPL
    os.close(near)
    os.close(far)


async def test_a_slow_disk_holds_up_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, threads = os.fsync, []

    def slow(file: int) -> None:
        threads.append(threading.current_thread())
        time.sleep(0.2)
        real(file)

    monkeypatch.setattr(os, "fsync", slow)
    printing = asyncio.create_task(file(str(tmp_path / "labels")).print_job(ZPL))
    turns = 0
    while not printing.done():
        await asyncio.sleep(0.01)
        turns += 1
    assert turns > 5 and threads and threads[0] is not threading.main_thread()
    await printing


@pytest.mark.parametrize("address", ["bench..printer:9100", "a" * 64, f"127.0.0.1:{2**16 - 1}", "[::1]:1", "[::1]"])
async def test_an_address_that_leads_nowhere_is_a_port_error(address: str) -> None:
    with pytest.raises(PortError, match="cannot be reached"):
        await zpl(address).check()


async def test_below_dev_nothing_is_made() -> None:
    with pytest.raises(PortError, match="is it on, plugged in"):
        await file("/dev/no-such-printer").check()
    with pytest.raises(FileNotFoundError):
        os.close(os.open("/dev/no-such-printer", os.O_RDONLY))


async def test_a_full_disk_is_a_port_error() -> None:
    with pytest.raises(DriverError, match="No space left"):
        await file("/dev/full").print_job(ZPL)
