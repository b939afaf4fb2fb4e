"""Printing: a real store, the real drawing process, the printer's twin on its port."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import zxingcpp

from drivers.errors import PrinterNotReady
from drivers.printer import label_printer
from drivers.sim.printer import PrinterTwin
from station.domain.errors import StationError, StoreError
from station.domain.paper import PendingPaper
from station.domain.verdict import Verdict
from station.paper import reasons
from station.paper.printing import RENDER_TRIES
from station.paper.reasons import in_words
from station.paper.rendering import RenderError
from station.report.label_layout import PAPERS
from tests.paper.rig import LABELLED, PLAIN, Shop, open_shop
from tests.report.label_printer import printed
from tests.report.test_slips import shows
from tests.uplink.rig import until

SMALL = PAPERS[203].rows[0]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(label_printer, "LOOK_S", 0.02)
    monkeypatch.setattr(label_printer, "PRINT_S", 1.0)


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    twin = PrinterTwin(print_s=0.02)
    shop = await open_shop(tmp_path, twin, await twin.start())
    yield shop
    await shop.store.close()
    await twin.close()


def twin_of(shop: Shop) -> PrinterTwin:
    assert shop.twin is not None
    return shop.twin


def again(job: bytes) -> bool:
    """Whether the paper says that it is a second one."""
    return shows(printed(job, "zpl"), "补打 2026-11-24", SMALL)


async def test_a_pass_is_printed_marked_and_told_in_one(shop: Shop) -> None:
    run_id = await shop.finish()
    before = shop.store.commits_by_kind.get("paper", 0)
    assert await shop.printing().turn() is None
    (job,) = twin_of(shop).printed
    assert [code.text for code in zxingcpp.read_barcodes(printed(job, "zpl"))] == [run_id] and not again(job)
    assert await shop.told_centre() == [("label_printed", run_id, "WO-1")]
    assert await shop.store.pending_paper() == 0
    assert shop.store.commits_by_kind["paper"] - before == 2, "tried; printed together with its event"
    assert shop.warnings == []


@pytest.mark.parametrize(
    ("verdict", "purpose", "plan", "title"),
    [
        (Verdict.FAIL, "outgoing", LABELLED, "返修单"),
        (Verdict.FAIL, "outgoing", PLAIN, "返修单"),
        (Verdict.ERROR, "incoming", "incoming-amplifier", "重测单"),
        (Verdict.ABORTED, "outgoing", LABELLED, "重测单"),
        (Verdict.PASS, "outgoing", PLAIN, None),
        (Verdict.PASS, "outgoing", "unknown", None),
        (Verdict.PASS, "incoming", LABELLED, None),
        (Verdict.PASS, "engineering", LABELLED, None),
        (Verdict.FAIL, "incoming", "incoming-amplifier", None),
        (Verdict.FAIL, "verify", "verify-golden", None),
        (Verdict.ERROR, "engineering", "self-test", None),
    ],
)
async def test_which_slip_comes_out(shop: Shop, verdict: Verdict, purpose: Any, plan: str, title: str | None) -> None:
    await shop.finish(verdict, purpose, plan)
    await shop.printing().turn()
    jobs = twin_of(shop).printed
    assert len(jobs) == (title is not None)
    assert title is None or shows(printed(jobs[0], "zpl"), title, PAPERS[203].titles[0])
    assert await shop.told_centre() == [], "slips are no label"


async def test_without_paper_it_waits_warns_says_why_and_prints_when_there_is_some(shop: Shop) -> None:
    await twin_of(shop).set_paper(False)
    printing = shop.printing()
    work = asyncio.create_task(printing.run())
    run_ids = [await shop.finish(), await shop.finish()]
    await until(lambda: shop.warnings == [True], "the warning")
    assert printing.view["pending"] == 2 and printing.view["reason"]["zh"] == "打印机缺纸：请装入标签纸"
    assert shop.events[-1].kind == "paper" and shop.events[-1].data == printing.view
    await twin_of(shop).set_paper(True)
    await until(lambda: shop.warnings == [True, False], "the all-clear")
    work.cancel()
    assert [again(job) for job in twin_of(shop).printed] == [False, False], "nothing was tried, so none is a second"
    assert [run for _, run, _ in await shop.told_centre()] == run_ids
    assert printing.view == {"pending": 0, "reason": None}


async def test_a_printer_that_is_off_loses_nothing_over_a_restart_of_the_station(shop: Shop, tmp_path: Path) -> None:
    address = await _off(shop)
    run_id = await shop.finish()
    assert "cannot be reached" in str(await shop.printing().turn())
    await shop.store.close()
    after = await open_shop(tmp_path, shop.twin, address)
    await twin_of(shop).start()
    assert await after.printing().turn() is None
    assert [again(job) for job in twin_of(shop).printed] == [False]
    assert await after.told_centre() == [("label_printed", run_id, "WO-1")]
    await after.store.close()


async def _off(shop: Shop) -> str:
    address = await twin_of(shop).start() if twin_of(shop)._server is None else f"127.0.0.1:{twin_of(shop)._port}"
    await twin_of(shop).close()
    return address


async def test_paper_that_ends_under_a_label_makes_the_next_one_say_that_it_may_be_the_second(shop: Shop) -> None:
    run_id = await shop.finish()
    real = shop.printing()
    assert shop.printer is not None
    check = shop.printer.check

    async def check_then_empty() -> None:
        await check()
        await twin_of(shop).set_paper(False)

    shop.printer.check = check_then_empty  # type: ignore[method-assign]
    assert isinstance(await real.turn(), PrinterNotReady)
    shop.printer.check = check  # type: ignore[method-assign]
    await twin_of(shop).set_paper(True)
    await twin_of(shop).wait_printed(1)
    assert await shop.told_centre() == [], "nobody knows yet that it is out"
    assert await real.turn() is None
    assert [again(job) for job in twin_of(shop).printed] == [False, True]
    assert await shop.told_centre() == [("label_printed", run_id, "WO-1")]


async def test_a_commit_that_fails_after_the_label_makes_no_second_one(shop: Shop) -> None:
    run_id = await shop.finish()
    printing = shop.printing()
    commit, failed = shop.store.paper_printed, []

    async def full(*args: Any) -> None:
        if not failed:
            failed.append(args)
            raise StoreError("the disk is full")
        await commit(*args)

    shop.store.paper_printed = full  # type: ignore[method-assign]
    assert "disk is full" in str(await printing.turn())
    assert await printing.turn() is None
    assert len(twin_of(shop).printed) == 1
    assert await shop.told_centre() == [("label_printed", run_id, "WO-1")]


async def test_what_cannot_be_drawn_waits_and_holds_up_nothing(shop: Shop) -> None:
    bad, good = await shop.finish(), await shop.finish()
    draw = shop.printing()._render

    async def render(paper: PendingPaper, *how: Any) -> bytes:
        if paper.run_id == bad:
            raise RenderError("the label has a fault")
        return await draw(paper, *how)

    printing = shop.printing(render)
    assert isinstance(await printing.turn(), RenderError)
    assert [run for _, run, _ in await shop.told_centre()] == [good]
    assert printing.view["pending"] == 1 and "标签无法生成" in printing.view["reason"]["zh"] and shop.warnings == [True]
    assert await shop.printing().turn() is None, "the fault is mended"
    assert len(twin_of(shop).printed) == 2


async def test_what_cannot_be_drawn_at_all_is_given_up_said_once_and_put_back_by_a_person(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    bad = await shop.finish()
    slip = await shop.finish(Verdict.FAIL)

    async def render(paper: PendingPaper, *how: Any) -> bytes:
        raise RenderError("no room") if paper.run_id == bad else UnicodeError("a lone surrogate")

    printing = shop.printing(render)
    for _ in range(RENDER_TRIES - 1):
        assert isinstance(await printing.turn(), RenderError)
    assert printing.view["pending"] == 2 and shop.warnings == [True]
    assert await printing.turn() is None
    assert printing.view == {"pending": 0, "reason": None} and shop.warnings == [True, False]
    for run_id in (bad, slip):
        assert caplog.text.count(f"`station results label {run_id}` has it printed") == 1
    after = shop.printing()
    assert await after.turn() is None and twin_of(shop).printed == [], "a restart tries it no more"
    await after.reprint(bad, to_file=False)
    await after.reprint(slip, to_file=False)
    assert await after.turn() is None
    assert [again(job) for job in twin_of(shop).printed] == [False, False]
    assert await shop.told_centre() == [("label_printed", bad, "WO-1")], "it is the first one"


async def test_a_fault_of_the_program_ends_no_printing(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    run_id = await shop.finish()
    assert shop.printer is not None
    check, faults = shop.printer.check, [UnicodeError("label empty or too long"), KeyError("x"), KeyError("x")]

    async def faulty() -> None:
        if faults:
            raise faults.pop(0)
        await check()

    shop.printer.check = faulty  # type: ignore[method-assign]
    work = asyncio.create_task(shop.printing().run())
    await until(lambda: twin_of(shop).printed, "the label")
    await until(lambda: shop.warnings == [True, False], "the all-clear")
    assert not work.done()
    work.cancel()
    assert caplog.text.count("a fault of the program in printing") == 2, "each once"
    assert await shop.told_centre() == [("label_printed", run_id, "WO-1")]


async def test_a_record_that_is_none_is_refused_by_the_drawing_process(shop: Shop) -> None:
    await shop.finish()
    render = shop.printing()._render
    paper = PendingPaper(1, "run", "label", False, False, None, "{}")
    with pytest.raises(RenderError, match="label of run run: not drawn: label: the record has no"):
        await render(paper, "zpl", 203, None)


async def test_an_orderly_stop_lets_the_label_in_hand_come_out(shop: Shop) -> None:
    run_id = await shop.finish()
    twin_of(shop)._print_s = 0.3
    work = asyncio.create_task(shop.printing().run())
    await until(lambda: twin_of(shop)._waiting, "the job")
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)
    assert len(twin_of(shop).printed) == 1
    assert await shop.told_centre() == [("label_printed", run_id, "WO-1")]


async def test_a_reprint_is_marked_and_an_event_of_its_own(shop: Shop) -> None:
    run_id = await shop.finish()
    printing = shop.printing()
    await printing.turn()
    await printing.reprint(run_id, to_file=False)
    with pytest.raises(StoreError, match="waits for the printer already"):
        await printing.reprint(run_id, to_file=False)
    assert await printing.turn() is None
    assert [again(job) for job in twin_of(shop).printed] == [False, True]
    await printing.reprint(run_id, to_file=True)
    assert await printing.turn() is None and len(twin_of(shop).printed) == 2
    assert await shop.told_centre() == [
        ("label_printed", run_id, "WO-1"), ("label_reprinted", run_id, "WO-1"), ("label_reprinted", run_id, "WO-1")
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("verdict", "purpose", "plan"),
    [(Verdict.FAIL, "outgoing", LABELLED), (Verdict.PASS, "engineering", LABELLED), (Verdict.PASS, "outgoing", PLAIN)],
)
async def test_no_reprint_where_there_was_no_first(shop: Shop, verdict: Verdict, purpose: Any, plan: str) -> None:
    run_id = await shop.finish(verdict, purpose, plan)
    printing = shop.printing()
    for to_file in (False, True):
        with pytest.raises(StoreError, match="no label was due"):
            await printing.reprint(run_id, to_file=to_file)
    assert await shop.told_centre() == []


async def test_a_bench_without_a_printer_queues_nothing_says_so_once_and_may_still_write_files(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    from station.paper.rules import paper_rules

    shop = await open_shop(tmp_path, None)
    shop.store.paper_due = paper_rules(printer=False, slips=False)
    run_id = await shop.finish()
    await shop.finish(Verdict.FAIL)
    printing = shop.printing()
    with caplog.at_level("INFO"):
        work = asyncio.create_task(printing.run())
        await asyncio.sleep(0.05)
        await shop.finish()
        await asyncio.sleep(0.05)
        assert not work.done()
        work.cancel()
    assert caplog.text.count("nothing is queued") == 1
    assert await shop.store.pending_paper() == 0 and shop.events == []
    with pytest.raises(StationError, match=r"no \[printer\]"):
        await printing.reprint(run_id, to_file=False)
    await printing.reprint(run_id, to_file=True)
    assert await shop.told_centre() == [("label_reprinted", run_id, "WO-1")]
    await shop.store.close()


async def test_what_waited_while_no_printer_was_configured_is_printed_once_there_is_one_again(
    shop: Shop, tmp_path: Path
) -> None:
    address = await _off(shop)
    run_id = await shop.finish()
    without = Shop(shop.store, None)
    work = asyncio.create_task(without.printing().run())
    await asyncio.sleep(0.05)
    work.cancel()
    await twin_of(shop).start()
    assert await Shop(shop.store, shop.twin, address).printing().turn() is None
    assert await shop.told_centre() == [("label_printed", run_id, "WO-1")]


def test_there_are_words_for_every_fault() -> None:
    from typing import get_args

    from drivers.ports import PrinterFault

    assert set(reasons.FAULTS) == set(get_args(PrinterFault))
    for fault in get_args(PrinterFault):
        words = in_words(PrinterNotReady("printer", fault, "look"))
        assert words["zh"] != words["en"]
