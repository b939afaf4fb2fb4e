"""Label printers on a serial line and behind a device file: the twin on a pty, and what goes wrong there."""

from __future__ import annotations

import asyncio
import errno
import os
import struct
import termios
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from drivers.catalog import CATALOG
from drivers.errors import DeviceTimeout, PortError, PrinterNotReady
from drivers.ports import LabelPrinter
from drivers.printer import file_wire, label_printer, wire
from drivers.printer.serial_wire import SerialWire
from drivers.settings import FilePrinterSettings, SerialPrinterSettings
from drivers.sim.printer import PrinterTwin, Trouble

JOBS = {
    "zpl": b"^XA\n^PW400\n^FO0,0^GFA,1,1,1,FF^FS\n^PQ1\n^XZ\n",
    "tspl": b"SIZE 50 mm,30 mm\r\nCLS\r\nBITMAP 0,0,2,3,0,\x1b!?PRI\r\nPRINT 1,1\r\n",
}
LONG = JOBS["zpl"].replace(b"FF", b"F" * 30_000)
XON, XOFF = b"\x11", b"\x13"
ON_SERIAL: Callable[..., LabelPrinter] = lambda port, **more: CATALOG["label-serial"].make(  # noqa: E731
    SerialPrinterSettings(port, **more), {}
)
ON_FILE: Callable[..., LabelPrinter] = lambda path, **more: CATALOG["label-file"].make(  # noqa: E731
    FilePrinterSettings(path, **({"answers": True} | more)), {}
)
both_wires = pytest.mark.parametrize("make", [ON_SERIAL, ON_FILE], ids=["serial", "file"])
both_languages = pytest.mark.parametrize("language", JOBS)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Real time is in the loop, but not much of it."""
    for module, name, seconds in (
        (label_printer, "LOOK_S", 0.02), (label_printer, "PRINT_S", 3.0),
        (wire, "ANSWER_S", 0.4), (wire, "WRITE_S", 0.4),
    ):  # fmt: skip
        monkeypatch.setattr(module, name, seconds)


@pytest.fixture
async def twin() -> AsyncIterator[PrinterTwin]:
    twin = PrinterTwin(print_s=0.02)
    yield twin
    await twin.close()


@both_wires
@both_languages
async def test_a_job_is_out_when_the_driver_says_so(
    twin: PrinterTwin, make: Callable[..., LabelPrinter], language: str
) -> None:
    printer = make(twin.start_pty(), language=language, dpi=300)
    await printer.ensure_ready()
    await printer.check()
    await printer.print_job(JOBS[language])
    assert twin.printed == [JOBS[language]]
    assert (printer.language, printer.dpi) == (language, 300)


@both_wires
@both_languages
@pytest.mark.parametrize("trouble", ["paper", "head", "pause"])
async def test_what_bars_a_label_is_named_before_a_job_and_under_it(
    twin: PrinterTwin, make: Callable[..., LabelPrinter], language: str, trouble: Trouble
) -> None:
    printer = make(twin.start_pty(), language=language)
    await twin.set_trouble(trouble, True)
    for turn in (printer.check(), printer.print_job(JOBS[language])):
        with pytest.raises(PrinterNotReady) as caught:
            await turn
        assert caught.value.fault == trouble
    await twin.set_trouble(trouble, False)
    await twin.wait_printed(1)
    await printer.check()


@both_wires
async def test_silence_and_half_an_answer_are_told_apart(twin: PrinterTwin, make: Callable[..., LabelPrinter]) -> None:
    printer = make(twin.start_pty())
    twin.answer_bytes = 0
    with pytest.raises(DeviceTimeout, match=r"does not answer ~HS within 0\.4 s: out of paper"):
        await printer.check()
    twin.answer_bytes = 50
    with pytest.raises(DeviceTimeout, match=r"answers ~HS with .* and no more within 0\.4 s; look at its cable"):
        await printer.check()
    twin.answer_bytes = 1000
    await printer.check()


async def test_an_answer_that_comes_late_is_thrown_away_with_its_turn(twin: PrinterTwin) -> None:
    printer = ON_SERIAL(twin.start_pty())
    twin.answer_bytes = 0
    with pytest.raises(DeviceTimeout):
        await printer.check()
    twin.pty.send(b"\x02030,1,0,")  # the rest of what says "out of paper"
    twin.answer_bytes = 1000
    await printer.check()


@both_wires
async def test_the_cable_out_in_the_middle_of_a_job_is_a_port_error_and_back_it_prints(
    twin: PrinterTwin, make: Callable[..., LabelPrinter], tmp_path: Path
) -> None:
    port = tmp_path / "bench-printer"
    port.symlink_to(twin.start_pty())
    printer = make(str(port))
    asyncio.get_running_loop().remove_reader(twin.pty.master)  # it reads no more, so the job stays on its way
    printing = asyncio.create_task(printer.print_job(LONG * 4))
    await asyncio.sleep(0.05)
    assert not printing.done()
    await twin.close()
    with pytest.raises(PortError, match="bench-printer"):
        await printing
    with pytest.raises(PortError, match="bench-printer"):
        await printer.check()
    port.unlink()
    port.symlink_to(twin.start_pty())
    await printer.check()
    await printer.print_job(JOBS["zpl"])
    assert twin.printed == [JOBS["zpl"]]


async def test_xoff_holds_a_job_up_and_xon_lets_it_go_on(twin: PrinterTwin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "WRITE_S", 5.0)
    printer = ON_SERIAL(twin.start_pty(), flow="xonxoff")
    await printer.check()
    held = SerialWire(SerialPrinterSettings(twin.pty.path, flow="xonxoff"))
    async with held.open() as line:
        twin.pty.send(XOFF)
        sending = asyncio.create_task(line.send(LONG))
        await asyncio.sleep(0.15)
        assert not sending.done() and twin.printed == []
        twin.pty.send(XON)
        await sending
    await twin.wait_printed(1)
    assert twin.printed == [LONG]


async def test_a_line_that_is_held_up_for_ever_is_told_and_blocks_nothing(twin: PrinterTwin) -> None:
    held = SerialWire(SerialPrinterSettings(twin.start_pty(), flow="xonxoff"))
    turns = 0
    with pytest.raises(DeviceTimeout, match=r"takes no data for 0\.4 s; look at its paper"):
        async with held.open() as line:
            twin.pty.send(XOFF)
            sending = asyncio.create_task(line.send(LONG))
            while not sending.done():
                await asyncio.sleep(0.01)
                turns += 1
            await sending
    assert turns > 10


async def test_a_cancelled_job_leaves_the_line_to_the_next(twin: PrinterTwin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "WRITE_S", 30.0)
    printer = ON_SERIAL(twin.start_pty())
    asyncio.get_running_loop().remove_reader(twin.pty.master)
    printing = asyncio.create_task(printer.print_job(LONG * 4))
    await asyncio.sleep(0.05)
    printing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await printing
    again = SerialWire(SerialPrinterSettings(twin.pty.path))
    async with again.open():  # exclusive: the first has let go
        pass


@pytest.mark.parametrize(
    ("more", "flag", "on"),
    [
        ({"flow": "rtscts"}, "cflag", True),
        ({}, "cflag", False),
        ({"flow": "xonxoff"}, "iflag", True),
        ({}, "iflag", False),
    ],
)
async def test_the_line_is_set_as_configured(twin: PrinterTwin, more: dict[str, str], flag: str, on: bool) -> None:
    settings = SerialPrinterSettings(twin.start_pty(), baud=19200, **more)  # type: ignore[arg-type]
    async with SerialWire(settings).open():
        iflag, _, cflag, _, _, speed, _ = termios.tcgetattr(twin.pty.master)
    found = cflag & termios.CRTSCTS if flag == "cflag" else iflag & termios.IXON
    assert (bool(found), speed) == (on, termios.B19200)


def test_tspl_and_xoff_do_not_go_together() -> None:
    with pytest.raises(ValueError, match="may be XOFF itself"):
        SerialPrinterSettings("/dev/bench-printer", "tspl", flow="xonxoff")


# ---- the USB port's own status ---------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("status", "fault"), [(0x18, None), (0x38, "paper"), (0x20, "paper"), (0x08, "pause"), (0x10, "other")]
)
async def test_the_usb_port_says_what_bars_a_label(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int, fault: str | None
) -> None:
    asked: list[int] = []

    def ioctl(file: int, request: int, answer: bytearray) -> int:
        asked.append(request)
        answer[:] = struct.pack("i", status)
        return 0

    monkeypatch.setattr(file_wire.fcntl, "ioctl", ioctl)
    printer = ON_FILE(str(tmp_path / "lp0"), answers=False)
    if fault is None:
        await printer.check()
    else:
        with pytest.raises(PrinterNotReady) as caught:
            await printer.check()
        assert caught.value.fault == fault
    assert asked == [0x060B]
    await ON_FILE(str(tmp_path / "lp0"), answers=False, port_status=False).check()
    assert asked == [0x060B]


@pytest.mark.parametrize(("number", "is_gone"), [(errno.ENOTTY, False), (errno.EINVAL, False), (errno.ENODEV, True)])
async def test_a_file_that_is_no_usb_port_is_not_judged_by_it_and_one_that_is_gone_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, is_gone: bool
) -> None:
    def ioctl(file: int, request: int, answer: bytearray) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(file_wire.fcntl, "ioctl", ioctl)
    printer = ON_FILE(str(tmp_path / "lp0"), answers=False)
    if is_gone:
        with pytest.raises(PortError, match="No such device; is it on and plugged in"):
            await printer.check()
    else:
        await printer.check()
    assert (tmp_path / "lp0").exists()
