"""Everything that the page shows, folded from the daemon's events, section by section. No I/O, no clock of its own.

A section that changed is named in `dirty`; whoever sends takes the names and asks for each section as it is *then*. So
a slow client misses states in between and never the last one, and nothing queues up anywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, tzinfo
from typing import Any

from station.page.advice import Advice, both
from station.page.live import StepInHand, reading_title, unit_text, value_text
from station.page.next_step import next_step
from station.report.numbers import duration

SECTIONS = (
    "bench", "link", "voltage", "session", "run", "live", "traces", "curves", "guide", "said", "history", "paper",
    "centre",
)  # fmt: skip
SAID_S = 30.0
"""So long a refusal stands, unless something else happens."""
TRACE_S = 1.0
"""The course of a reading is sent again at most this often; the reading itself as it comes."""
MOST_ORDERS, MOST_CAUSES, MOST_STEPS, TEXT = 50, 8, 60, 400
HINTS = ("lower", "raise", "hold", "done")
"""Down before up, turning before waiting: as the panel leads."""
_RUN: Mapping[str, Any] = {"steps": [], "step": None, "verdict": None, "causes": []}


class Board:
    """`now` tells local time for what is shown as a clock; times given to methods are monotonic seconds."""

    def __init__(self, advice: Advice, zone: tzinfo, now: Any = datetime.now) -> None:
        self.dirty: set[str] = set(SECTIONS)
        self.serial_number: str | None = None
        self.work_order: str | None = None
        self._advice, self._zone, self._now = advice, zone, now
        self._speed = 1.0
        self._step = StepInHand()
        self._traced_s, self._trace_waits = -TRACE_S, False
        self._said_s = 0.0
        self._guides: dict[str | None, dict[str, Any]] = {}
        self._shown: dict[str, Any] = {
            "bench": {}, "link": {"up": False, "why": None}, "voltage": "unknown", "session": None, "run": dict(_RUN),
            "guide": None, "said": None, "history": None, "paper": None, "centre": None,
        }  # fmt: skip

    # ---- the line to the daemon --------------------------------------------------------------------------------
    def lost(self, why: str) -> None:
        """The daemon is not there: nothing that it told is shown as current any more."""
        if self._shown["link"] != {"up": False, "why": why}:
            self._set("link", {"up": False, "why": why[:TEXT]})
        for section, value in (("voltage", "unknown"), ("session", None), ("said", None)):
            self._set(section, value)
        self._guide(None)
        self._set("run", dict(_RUN))
        self._step = StepInHand()
        self.dirty |= {"live", "traces", "curves"}

    def heard(self, status: Mapping[str, Any], now_s: float) -> None:
        """The answer to `status`: whatever an event may have missed is right again."""
        self._set("link", {"up": True, "why": None})
        bench = dict(status.get("bench") or {})
        if bench:
            self._speed = max(1e-6, float(bench.get("speed") or 1.0))
            self._set("bench", {name: bench.get(name) for name in ("name", "simulated", "language", "speed")})
        self._set("voltage", str(status.get("voltage") or "unknown"))
        self._session(status.get("session") or {}, now_s)
        uplink, outbox = status.get("uplink") or {}, status.get("outbox") or {}
        self._set("centre", {
            "connected": bool(uplink.get("connected")), "waiting": outbox.get("waiting", 0),
            "quarantined": outbox.get("quarantined", 0),
        })  # fmt: skip
        if status.get("paper") is not None:
            self._set("paper", status["paper"])
        self.tick(now_s)

    def begin(self, status: Mapping[str, Any], now_s: float) -> None:
        """The first word of a new line: also the run so far, which events told before we were there."""
        self.heard(status, now_s)
        so_far = status.get("run")
        if not so_far:
            return
        self._set("run", {**_RUN, **_run_view(so_far)})
        if so_far.get("step"):
            self._step.begin(str(so_far["step"]), now_s)
            if so_far.get("progress"):
                self._step.progress(so_far["progress"], now_s)
        self.dirty |= {"live", "traces", "curves", "run"}

    # ---- events ------------------------------------------------------------------------------------------------
    def take(self, event: Mapping[str, Any], now_s: float) -> None:
        """One event; kinds that are not shown are passed over."""
        kind, data = event.get("kind"), event.get("data") or {}
        match kind:
            case "session":
                self._session(data, now_s)
            case "voltage":
                self._set("voltage", str(data.get("voltage")))
            case "run_started":
                self._set("run", {**_RUN, **_run_view(data)})
                self._forget_step()
            case "step_started" | "step_ended" | "run_ended":
                self._turn(str(kind), data, now_s)
            case "progress":
                self._step.progress(data, now_s)
                self._drawn(now_s)
            case "reading":
                self._step.readings(data, now_s)
                self._drawn(now_s)
            case "measurement":
                self._step.measured(data)
                self.dirty.add("live")
            case "curve":
                self._step.curve(data.get("curve") or {})
                self.dirty.add("curves")
            case "guide":
                self._guide(_guide_view(data.get("guide")))
            case "tell":
                self._said_s = now_s
                self._set("said", {"kind": data.get("kind"), "code": data.get("code"), "text": _text(data.get("text"))})
            case "paper":
                self._set("paper", dict(data))

    def _guide(self, guide: dict[str, Any] | None) -> None:
        """Channels are led one after the other or together: the one that wants most of the hand is shown large."""
        if guide is None:
            self._guides.clear()
            self._set("guide", None)
            return
        self._guides[guide["channel"]] = guide
        shown, *others = sorted(self._guides.values(), key=lambda one: HINTS.index(one["hint"]))
        others = [{name: one[name] for name in ("channel", "text", "unit", "hint")} for one in others]
        self._set("guide", {**shown, "others": others, "lamps": self._lamps(shown["hint"])})

    def tick(self, now_s: float) -> None:
        """Time went by: what was said long ago goes."""
        if self._trace_waits:
            self._drawn(now_s)
        if self._shown["said"] is not None and now_s - self._said_s > SAID_S:
            self._set("said", None)

    def remember(self, serial_number: str, rows: list[dict[str, Any]]) -> None:
        """What the store knows of the serial number on the bench."""
        if serial_number == self.serial_number:
            self._set("history", {"serial_number": serial_number, "rows": rows})

    def explain(self, run_id: str, causes: list[dict[str, str]]) -> None:
        """The causes of the run that has ended, in both languages, from its record."""
        run = self._shown["run"]
        if run.get("run_id") == run_id and causes:
            self._set("run", {**run, "causes": causes[:MOST_CAUSES]})

    @property
    def ended_run(self) -> str | None:
        """The run on the page, once it has ended."""
        run = self._shown["run"]
        return str(run["run_id"]) if run.get("verdict") and run.get("run_id") else None

    # ---- sections ----------------------------------------------------------------------------------------------
    def section(self, name: str) -> Any:
        """A section as it is now, JSON-ready."""
        if name == "live":
            step = self._step
            return {
                "step": step.step, "fraction": step.fraction, "tiles": step.tiles(), "values": step.values(),
                **self._ends(step.remaining_s),
            }  # fmt: skip
        if name == "traces":
            return self._step.traces()
        if name == "curves":
            return self._step.curves()
        return self._shown[name]

    def clock(self) -> str:
        """The time in the bench's zone."""
        return str(self._now(self._zone).strftime("%H:%M"))

    def _ends(self, remaining_s: float | None) -> dict[str, Any]:
        """When the step is expected to be over: test time over the bench's speed is wall time."""
        if remaining_s is None:
            return {"left": None, "ends_at": None}
        left_s = max(0.0, remaining_s / self._speed)
        ends_at = self._now(self._zone) + timedelta(seconds=left_s)
        return {"left": duration(left_s), "ends_at": ends_at.strftime("%H:%M" if left_s >= 120.0 else "%H:%M:%S")}

    def _set(self, name: str, value: Any) -> None:
        if self._shown[name] != value:
            self._shown[name] = value
            self.dirty.add(name)

    def _drawn(self, now_s: float) -> None:
        self.dirty.add("live")
        self._trace_waits = now_s - self._traced_s < TRACE_S
        if not self._trace_waits:
            self._traced_s = now_s
            self.dirty.add("traces")

    def _forget_step(self) -> None:
        self._step = StepInHand()
        self._guide(None)
        self.dirty |= {"live", "traces", "curves"}

    def _turn(self, kind: str, data: Mapping[str, Any], now_s: float) -> None:
        run = dict(self._shown["run"])
        if kind == "step_started":
            run["step"] = str(data.get("step"))
            self._step.begin(run["step"], now_s)
            self._guide(None)
        elif kind == "step_ended":
            verdict = str(data.get("verdict"))
            run["steps"] = [{**s, "verdict": verdict} if s["id"] == data.get("step") else s for s in run["steps"]]
            run["step"] = None
            self._step.end()
            self._guide(None)
        else:
            causes = [{"zh": str(cause)[:TEXT], "en": str(cause)[:TEXT]} for cause in data.get("causes") or ()]
            run |= {"step": None, "verdict": str(data.get("verdict")), "causes": causes[:MOST_CAUSES]}
            self._step.end()
        self._set("run", run)
        self.dirty |= {"live", "traces", "curves"}

    def _session(self, view: Mapping[str, Any], now_s: float) -> None:
        before = self._shown["session"] or {}
        state = str(view.get("state"))
        if before.get("state") != state and now_s - self._said_s > 1.0:
            self._set("said", None)  # what was refused belongs to what was before
        run = view.get("run") or None
        scans = dict(view.get("scans") or {})
        serial = scans.get("serial_number") or (run or {}).get("serial_number")
        self.work_order = scans.get("work_order") or (run or {}).get("work_order")
        if serial != self.serial_number:
            self.serial_number = serial
            self._set("history", {"serial_number": serial, "rows": None} if serial else None)
        self._set("session", {
            "state": state, "title": view.get("title"), "next": next_step(view, self._advice), "scans": scans,
            "missing": list(view.get("missing") or ()), "missing_text": view.get("missing_text"),
            "running": bool((run or {}).get("running")), "ticket": run, "prompt": view.get("prompt"),
            "asks": view.get("asks"), "verdict": view.get("verdict"), "trip": self._trip(view.get("trip")),
            "stuck": list(view.get("stuck") or ()), "orders": _orders(view), "typed": bool(view.get("typed")),
            "lacking": view.get("lacking"), "lamps": self._lamps(_lamps_of(state, view)),
        })  # fmt: skip

    def _trip(self, trip: Mapping[str, Any] | None) -> dict[str, Any] | None:
        if not trip:
            return None
        code = str(trip.get("code"))
        advice = self._advice.trip(code)
        told = {"code": code, "text": _text(trip.get("text")), "blink": 0, "do": None, "who": None}
        if advice is not None:
            told |= {"blink": advice.blink, "do": both(advice.do), "who": both(advice.who)}
            if not any((trip.get("text") or {}).values()):
                told["text"] = both(advice.means)
        return told

    def _lamps(self, name: str) -> dict[str, Any] | None:
        row = self._advice.lamps.get(name)
        if row is None:
            return None
        return {"lamps": [list(pair) for pair in row.lamps], "words": both(row.words), "buzzer": both(row.buzzer)}


def _lamps_of(state: str, view: Mapping[str, Any]) -> str:
    """The name in the panel's table of what it shows: a badge that is wanted has a pattern of its own."""
    return "badge" if state == "prompt" and (view.get("asks") or {}).get("kind") == "badge" else state


def _orders(view: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The work orders that wait, each at least with its number; what more the session tells of them is shown too."""
    waiting = view.get("orders") or view.get("assigned") or ()
    rows = [one if isinstance(one, Mapping) else {"work_order": one} for one in list(waiting)[:MOST_ORDERS]]
    names = ("serial_number", "product", "purpose", "fault_code", "accepted")
    return [{"number": str(row.get("work_order")), **{name: row.get(name) for name in names}} for row in rows]


def _text(given: object) -> dict[str, str]:
    words = given if isinstance(given, Mapping) else {}
    return {lang: str(words.get(lang) or words.get("en") or "")[:TEXT] for lang in ("zh", "en")}


def _run_view(told: Mapping[str, Any]) -> dict[str, Any]:
    steps = [
        {
            "id": str(step.get("id")),
            "title": _text(step.get("title")),
            "verdict": step.get("verdict"),
            "limits": dict(step.get("limits") or {}),
        }
        for step in list(told.get("steps") or ())[:MOST_STEPS]
    ]
    causes = [{"zh": str(cause)[:TEXT], "en": str(cause)[:TEXT]} for cause in told.get("causes") or ()]
    names = ("run_id", "run_no", "plan", "product", "serial_number", "step", "verdict")
    return {**{name: told.get(name) for name in names}, "steps": steps, "causes": causes[:MOST_CAUSES]}


def _guide_view(guide: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if not guide:
        return None
    name, hint = str(guide.get("name")), str(guide.get("hint"))
    numbers = {key: float(guide.get(key) or 0.0) for key in ("value", "low", "high", "target")}
    span = numbers["high"] - numbers["low"]
    digits = 2 if span < 1.0 else 1 if span < 50.0 else 0
    return {
        **numbers, "name": name, "title": reading_title(name), "unit": str(guide.get("unit") or unit_text(name)),
        "hint": hint if hint in HINTS else "hold", "channel": guide.get("channel"),
        "text": f"{numbers['value']:.{digits}f}".replace("-", "−"),
        "low_text": value_text_of(numbers["low"]), "high_text": value_text_of(numbers["high"]),
    }  # fmt: skip


def value_text_of(value: float) -> str:
    """A bound of a window: no more digits than it has."""
    return f"{value:g}".replace("-", "−") if abs(value) < 1e6 else value_text(value)
