"""What `status` and `watch` draw: the bench as rich tables, from the daemon's status and events. 80 columns."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from station.domain.session_state import STATE_TITLES, State
from station.report.words import LANGS, VERDICTS, pick

_WANTS_SCANS = (State.WAITING, State.SCAN_MISSING)
_STYLES = {
    State.PASS: "bold black on white",
    State.FAIL: "bold black on yellow",
    State.ABORTED: "bold black on yellow",
    State.ERROR: "bold white on magenta",
    State.TRIPPED: "bold white on magenta",
    State.ENERGISED: "bold white on red",
    State.READY: "bold white on blue",
    State.PROMPT: "bold white on blue",
}
_WORDS = {
    "scans": ("扫码", "scans"),
    "run": ("测试", "run"),
    "prompt": ("提示", "prompt"),
    "verdict": ("结论", "verdict"),
    "trip": ("跳闸", "trip"),
    "assigned": ("待测工单", "work orders"),
    "typed": ("手工输入的工单，未派单", "typed at the bench, not assigned"),
    "step": ("步骤", "step"),
    "readings": ("读数", "readings"),
    "paper": ("待打印", "paper"),
}


def _word(name: str, lang: str) -> str:
    return _WORDS[name][0 if lang == "zh" else 1]


def _in(text: Mapping[str, str] | None, lang: str) -> str:
    return escape(text.get(lang) or text.get("en") or "") if text else ""


def _verdict(verdict: str, lang: str) -> str:
    pair = VERDICTS.get(verdict)
    return escape(verdict) if pair is None else pick(pair, LANGS[0] if lang == "zh" else LANGS[1])


def status_table(status: Mapping[str, Any], lang: str) -> Table:
    """The session's view as a table. Unknown parts are left out."""
    session = status.get("session", status)
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="dim", width=12)
    table.add_column(overflow="fold", max_width=66)
    name = str(session.get("state", "?"))
    known = name in set(State)
    title = _in(STATE_TITLES[State(name)], lang) if known else escape(name)
    table.add_row("", Text.assemble((f" {title} ", _STYLES.get(State(name), "bold") if known else "bold")))
    scans = {key: value for key, value in (session.get("scans") or {}).items() if value}
    if scans:
        table.add_row(_word("scans", lang), escape("  ".join(map(str, scans.values()))))
    if session.get("missing_text") and name in _WANTS_SCANS:
        table.add_row("", _in(session["missing_text"], lang))
    if session.get("lacking"):
        table.add_row("", _in(session["lacking"]["text"], lang))
    if session.get("typed"):
        table.add_row("", _word("typed", lang))
    if run := session.get("run"):
        facts = (run.get("run_id"), run.get("work_order"), run.get("serial_number"), run.get("plan"))
        table.add_row(_word("run", lang), escape("  ".join(str(fact) for fact in facts if fact)))
    if session.get("prompt"):
        table.add_row(_word("prompt", lang), Text(_in(session["prompt"], lang), style="bold"))
    if session.get("verdict"):
        table.add_row(_word("verdict", lang), _verdict(str(session["verdict"]), lang))
    if trip := session.get("trip"):
        table.add_row(_word("trip", lang), escape(f"{trip.get('code')} ") + _in(trip.get("text"), lang))
    if session.get("assigned"):
        table.add_row(_word("assigned", lang), escape(", ".join(map(str, session["assigned"]))))
    if (paper := status.get("paper") or {}).get("pending"):
        table.add_row(_word("paper", lang), f"{paper['pending']}  {_in(paper.get('reason'), lang)}".rstrip())
    return table


class BenchView:
    """Keeps what events have told and draws it."""

    def __init__(self, lang: str) -> None:
        self._lang = lang
        self._session: Mapping[str, Any] = {}
        self._paper: Mapping[str, Any] = {}
        self._steps: deque[tuple[str, str]] = deque(maxlen=16)
        self._titles: dict[str, str] = {}
        self._step = ""
        self._said = ""
        self._fraction = 0.0
        self._readings: dict[str, Any] = {}

    def take(self, event: Mapping[str, Any]) -> None:
        """One event from the daemon; kinds that are not shown are passed over."""
        kind, data = event.get("kind"), event.get("data") or {}
        if kind in ("status", "session"):
            self._session = data.get("session", data)
            self._paper = data.get("paper", self._paper) if kind == "status" else self._paper
        elif kind == "paper":
            self._paper = data
        elif kind == "run_started":
            self._steps.clear()
            self._said = ""
        elif kind == "step_started":
            self._step, self._fraction, self._readings = str(data.get("step", "")), 0.0, {}
            title = data.get("title") or {}
            self._titles[self._step] = str(title.get(self._lang) or self._step)
        elif kind == "tell":
            self._said = str((data.get("text") or {}).get(self._lang) or "")
        elif kind == "progress":
            self._fraction = float(data.get("fraction") or 0.0)
            self._readings.update(data.get("readings") or {})
        elif kind == "reading":
            self._readings.update(data)
        elif kind == "step_ended":
            self._steps.append((str(data.get("step", "")), str(data.get("verdict", ""))))
            self._step = ""

    def _title(self, step: str) -> str:
        return escape(self._titles.get(step, step))

    def render(self) -> RenderableType:
        """The whole picture."""
        parts: list[RenderableType] = [
            status_table({"session": self._session, "paper": self._paper}, self._lang), Text("")
        ]  # fmt: skip
        steps = Table(show_header=False, box=None, pad_edge=False, width=80)
        steps.add_column(width=28, overflow="ellipsis")
        steps.add_column()
        for step, verdict in self._steps:
            steps.add_row(self._title(step), _verdict(verdict, self._lang))
        if self._step:
            steps.add_row(self._title(self._step), ProgressBar(total=1.0, completed=self._fraction, width=40))
        parts.append(steps)
        if self._readings:
            shown = "  ".join(f"{name} {_number(value)}" for name, value in list(self._readings.items())[:8])
            parts.append(Text(f"{_word('readings', self._lang)}: {shown}"))
        if self._said:
            parts.append(Text(self._said, style="yellow"))
        return Group(*parts)


def _number(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, int | float) else str(value)
