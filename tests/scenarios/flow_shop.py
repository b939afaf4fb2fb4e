"""One work order's way through the repair centre, on a whole live bench: what `test_service_flow` looks at.

Two benches, one store and one centre: first with the device as it came in, then as it was repaired. The plans are the
shipped ones; only what lasts (soak, trace, a warm bias) is cut short, and mutual inspection is added at the end.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import tomli_w

from station.cli.demo import BADGE, Technician
from tests.scenarios.harness import dut_text
from tests.scenarios.live import SHIPPED, Event, Live

ORDER, TRACED, RETURNED = "WO-FLOW-1", "WO-FLOW-2", "WO-FLOW-3"
SERIAL, PRODUCT = "A100-FLOW", "example-a-100"
CUSTOMER = "Wang Xiaoming 13800138000"
"""What a careless centre sends along, and no file of the bench may hold."""
FAULTY = dut_text(crossover_mv=110.0, bias_ma=3.0, dropouts=[{"at_s": 100.0, "for_s": 0.3}])
REPAIRED = dut_text()
TRACE_S, SOAK_S = 200.0, 300.0
IN_A_SHORT_ONE = {
    "soak_s": {"low": SOAK_S, "source": "scenario"},
    "heatsink_rise_k": {"high": 100.0, "source": "scenario"},
}


def ago(days: int) -> str:
    """A stamp of so many days before today."""
    at = datetime.now(UTC) - timedelta(days=days)
    return at.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def history() -> list[dict[str, Any]]:
    """The same device, ten days ago, on another bench: found with the same fault, repaired, passed."""
    same = {"station": "bench-02", "work_order": "WO-BEFORE", "serial_number": SERIAL}
    return [
        same | {
            "run_id": "01900000-0000-7000-8000-000000000001", "purpose": "incoming", "verdict": "FAIL",
            "ended_at": ago(12), "areas": ["bias"], "causes": ["thd_percent (left): 0.2 %; limit at most 0.1"],
        },
        same | {
            "run_id": "01900000-0000-7000-8000-000000000002", "purpose": "outgoing", "verdict": "PASS",
            "ended_at": ago(10),
        },
    ]  # fmt: skip


class Bench(Live):
    """A live bench with a DUT of its own, on the store and the centre of the folder."""

    def __init__(self, folder: Path, dut: str) -> None:
        super().__init__(folder)
        self._dut_file = folder / "dut.toml"
        self._dut_file.write_text(dut, encoding="utf-8")

    def _start(self, module: str | None, *arguments: str) -> Any:
        if arguments[0] == "simulate":
            at = arguments.index("--dut")
            arguments = (*arguments[:at], "--dut-file", str(self._dut_file), *arguments[at + 2 :])
        return super()._start(module, *arguments)

    def _add_plan(self) -> None:
        for name, shipped, change in CHANGES:
            plan = tomllib.loads((SHIPPED / "plans" / f"{shipped}.toml").read_text(encoding="utf-8"))
            plan |= {"id": name, "step": change(plan)}
            (self._config / "plans" / f"{name}.toml").write_text(tomli_w.dumps(plan), encoding="utf-8")

    @property
    def config(self) -> Path:
        return self._config

    def assign(self, order: str, **args: Any) -> dict[str, Any]:
        """The centre's `assign`."""
        with self.connect() as client:
            return client.ask("assign", work_order=order, product=PRODUCT, serial_number=SERIAL, **args)

    def events_of(self, order: str) -> list[dict[str, Any]]:
        """What the centre was told of a work order, in order."""
        rows = self.rows("SELECT payload FROM messages WHERE kind LIKE 'event/%' ORDER BY rowid")
        bodies = [json.loads(payload)["body"] for (payload,) in rows]
        return [body for body in bodies if body["work_order"] == order]

    def labels(self) -> list[bytes]:
        """What came out of the printer, in order."""
        return [path.read_bytes() for path in sorted((self._config / "var" / "labels").glob("*.zpl"))]

    def run(self, order: str, plan: str = "", ng: str = "") -> Run:
        """One run from scans to the centre; `ng`: the item that is answered with NG."""
        scans = {"operator": f"OP:{BADGE}", "work_order": f"WO:{order}", "serial_number": f"SN:{SERIAL}"}
        hands = Hands(scans | ({"plan": f"PL:{plan}"} if plan else {}), self.send, ng)
        events = []
        for event in self.watch(hands, limit_s=80.0):  # type: ignore[arg-type]
            events.append(event)
            if event["kind"] == "run_ended":
                break
        return Run(self.result(hands.run_id), events)


class Hands(Technician):
    """The demo's technician, who can also say NG."""

    def __init__(self, scans: dict[str, str], send: Any, ng: str) -> None:
        super().__init__(scans, send)
        self._ng = ng

    def acts(self, kind: str, data: dict[str, Any]) -> Iterator[str]:
        if kind == "run_started":
            self.run_id = data["run_id"]
        session = data["session"] if kind == "status" else data if kind == "session" else {}
        if session.get("state") in ("PASS", "FAIL", "ABORTED", "ERROR") and not self.run_id:
            yield "press ok"  # what was on the bench before is put away
            return
        for command in super().acts(kind, data):
            about = (self._session.get("asks") or {}).get("about", {})
            yield "press ng" if command == "press ok" and self._ng and about.get("item") == self._ng else command


@dataclass(frozen=True, slots=True)
class Run:
    """A record as the centre holds it, and what watchers were told while it was made."""

    record: dict[str, Any]
    events: list[Event] = field(repr=False)

    @property
    def run_id(self) -> str:
        return str(self.record["run_id"])

    def step(self, name: str) -> dict[str, Any]:
        """A step by its id."""
        return next(step for step in self.record["steps"] if step["id"] == name)

    def measured(self) -> dict[str, dict[str, Any]]:
        """Measurements by name, as they were last made; of two channels the right one."""
        rows = [m for step in self.record["steps"] for m in step["measurements"]]
        return {m["name"]: m for m in sorted(rows, key=lambda m: m["value"] is not None)}

    def told(self, kind: str) -> list[dict[str, Any]]:
        """The data of events of one kind."""
        return [event["data"] for event in self.events if event["kind"] == kind]


# ---- plans -------------------------------------------------------------------------------------------------
def _rows(plan: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {step["id"]: step for step in plan["step"]}


def _proven(plan: dict[str, Any]) -> list[dict[str, Any]]:
    """What no plan that energises may leave out."""
    return [step for step in plan["step"] if step["id"] in ("switched-on", "earth-bond", "insulation")]


def _traced(plan: dict[str, Any]) -> list[dict[str, Any]]:
    """What must be proven before power and drive, power, and the trace."""
    rows = _rows(plan)
    trace = rows["trace"]
    trace["params"] |= {"duration_s": TRACE_S, "reference_s": 50.0, "rise_window_s": 150.0}
    trace |= {"limits": IN_A_SHORT_ONE | {"soak_s": {"low": TRACE_S, "source": "scenario"}}, "only_after_pass": False}
    dc = [step for step in plan["step"] if step["use"] == "dc_offset"]
    return [*_proven(plan), rows["power-up"], rows["inrush"], *dc, trace]


def _soaked(plan: dict[str, Any]) -> list[dict[str, Any]]:
    """A soak of five minutes, and a second engineer at the end."""
    rows = _rows(plan)
    rows["soak"]["params"] |= {"duration_s": SOAK_S, "reference_s": 100.0, "rise_window_s": 200.0}
    rows["soak"]["limits"] = IN_A_SHORT_ONE
    inspection = {
        "id": "inspection", "use": "mutual_inspection", "title": {"zh": "互检", "en": "Mutual inspection"},
        "requires": ["mutual_inspection_ok"], "only_after_pass": True,
        "limits": {"mutual_inspection_ok": {"low": 1.0, "source": "scenario"}},
    }  # fmt: skip
    return [*plan["step"], inspection]


def _listened_to(plan: dict[str, Any]) -> list[dict[str, Any]]:
    """Proven, switched on, and listened to."""
    rows = _rows(plan)
    return [*_proven(plan), rows["inrush"], rows["acceptance"]]


LISTENED = "outgoing-listened"
CHANGES: tuple[tuple[str, str, Any], ...] = (
    ("incoming-intermittent", "incoming-intermittent", _traced),
    ("outgoing-amplifier", "outgoing-amplifier", _soaked),
    (LISTENED, "outgoing-amplifier", _listened_to),
)
