"""A store with finished runs, a printer's twin and the printing between them: all real but the bench."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from drivers.ports import LabelPrinter
from drivers.printer.label_printer import WiredPrinter
from drivers.printer.tcp_wire import TcpWire
from drivers.printer.zpl import Zpl
from drivers.sim.printer import PrinterTwin
from station.contract.canonical import parse_json
from station.domain.events import Event
from station.domain.plan import Purpose
from station.domain.record import Record
from station.domain.verdict import Verdict
from station.paper.printing import Printing, Told
from station.paper.rendering import Render, renderer
from station.paper.rules import paper_rules
from station.store.store import Store
from tests.uplink.rig import MESSAGES, TS, make_draft, make_record, open_store

LABELLED, PLAIN = "outgoing-amplifier", "outgoing-bench-amplifier"
RULES = paper_rules(printer=True, slips=True)
NOW = "2026-11-24T01:00:00.000Z"


class Shop:
    """One bench's paper. `events` are what watchers were told, `warnings` what the panel was."""

    def __init__(self, store: Store, twin: PrinterTwin | None, address: str = "") -> None:
        self.store, self.twin = store, twin
        self.events: list[Event] = []
        self.warnings: list[bool] = []
        self.store.paper_due = RULES
        self.printer: LabelPrinter | None = WiredPrinter(TcpWire(address), Zpl()) if address else None

    def printing(self, render: Render | None = None, pause_s: float = 0.05) -> Printing:
        """A fresh one, as after a start."""
        told = Told(self.events.append, self.warnings.append, lambda: NOW)
        render = render or renderer("zh", "Asia/Shanghai")
        made = Printing(self.store, self.printer, render, MESSAGES, told, (pause_s,))
        self.store.on_paper = made.wake
        return made

    async def finish(self, verdict: Verdict = Verdict.PASS, purpose: Purpose = "outgoing", plan: str = LABELLED) -> str:
        """One run from begin to end; its id."""
        draft = make_draft()
        draft = replace(
            draft, purpose=purpose, plan=replace(draft.plan, id=plan, label=plan == LABELLED), simulated=False
        )
        run_no = await self.store.begin_run(draft)
        await self.store.finish_run(_verdict(make_record(draft, run_no), verdict))
        return draft.run_id

    async def told_centre(self) -> list[tuple[str, str, str | None]]:
        """Events in the outbox: (event, run, work order), in order."""
        rows = await self.store.due(100_000)
        bodies = [parse_json(row.payload.decode())["body"] for row in rows if row.suffix == "event"]
        return [(body["event"], body["run_id"], body["work_order"]) for body in bodies]


def _verdict(record: Record, verdict: Verdict) -> Record:
    return replace(record, verdict=verdict, ended_at=TS)


async def open_shop(folder: Path, twin: PrinterTwin | None, address: str = "") -> Shop:
    """On the store in `folder`, new or as it was left."""
    return Shop(await open_store(folder / "station.sqlite"), twin, address)
