"""What every `LabelPrinter` must do: say before a job what bars it, and after it nothing but the truth."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from drivers.errors import DriverError, PrinterNotReady
from drivers.printer import label_printer, wire
from tests.contract.hand_cases import PRINTERS
from tests.contract.real_bench import real_cases
from tests.contract.rig import Case, ask_person

JOBS = {
    "zpl": b"^XA\n^PW400\n^FO0,0^GFA,1,1,1,FF^FS\n^PQ1\n^XZ\n",
    "tspl": b"SIZE 50 mm,30 mm\r\nCLS\r\nBITMAP 0,0,1,1,0,\xff\r\nPRINT 1,1\r\n",
}
on_twins = pytest.mark.parametrize("case", [case.param() for case in PRINTERS])


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(label_printer, "LOOK_S", 0.02)
    monkeypatch.setattr(wire, "ANSWER_S", 0.5)


@on_twins
async def test_a_job_that_returns_is_out_once(case: Case, tmp_path: Path) -> None:
    async with case.open(tmp_path) as rig:
        job = JOBS[rig.device.language]
        assert rig.device.dpi in (203, 300)
        await rig.device.check()
        await rig.device.print_job(job)
        assert rig.twin.printed == [job]


@on_twins
@pytest.mark.parametrize("fault", ["paper", "head", "pause"])
async def test_what_bars_a_label_is_named_and_mended_it_prints(case: Case, tmp_path: Path, fault: str) -> None:
    async with case.open(tmp_path) as rig:
        await rig.twin.set_trouble(fault, True)
        with pytest.raises(PrinterNotReady) as caught:
            await rig.device.check()
        assert (caught.value.fault, rig.twin.printed) == (fault, [])
        await rig.twin.set_trouble(fault, False)
        await rig.device.print_job(JOBS[rig.device.language])
        assert len(rig.twin.printed) == 1


@on_twins
async def test_silence_and_half_an_answer_are_trouble(case: Case, tmp_path: Path) -> None:
    async with case.open(tmp_path) as rig:
        for heard in (0, *([60] if rig.device.language == "zpl" else [])):
            rig.twin.answer_bytes = heard
            with pytest.raises(DriverError):
                await rig.device.check()
        rig.twin.answer_bytes = 1000
        await rig.device.check()


@on_twins
async def test_two_jobs_at_once_come_out_one_after_the_other(case: Case, tmp_path: Path) -> None:
    async with case.open(tmp_path) as rig:
        job = JOBS[rig.device.language]
        await asyncio.gather(rig.device.print_job(job), rig.device.check(), rig.device.print_job(job))
        assert rig.twin.printed == [job, job]


@pytest.mark.parametrize("case", [case.param() for case in real_cases("printer")])
async def test_a_person_takes_the_paper_out(case: Case, tmp_path: Path) -> None:
    async with case.open(tmp_path) as rig:
        ask_person("take the labels out of the printer")
        with pytest.raises(DriverError):
            await rig.device.check()
        ask_person("load them again")
        await rig.device.check()
