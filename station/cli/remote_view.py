"""What `status` draws: the bench as a rich table of 80 columns, from the daemon's answer (`watch`: `watch_view.py`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.markup import escape
from rich.table import Table
from rich.text import Text

from station.domain.session_state import STATE_TITLES, State
from station.report.words import LANGS, VERDICTS, pick

_WANTS_SCANS = (State.WAITING, State.SCAN_MISSING)
STATE_STYLES: Mapping[str, str] = {
    State.PASS: "bold black on white",
    State.FAIL: "bold black on yellow",
    State.ABORTED: "bold black on yellow",
    State.ERROR: "bold white on magenta",
    State.TRIPPED: "bold white on magenta",
    State.ENERGISED: "bold white on red",
    State.READY: "bold white on blue",
    State.PROMPT: "bold white on blue",
}
VERDICT_STYLES: Mapping[str, str] = {
    "PASS": "bold green", "FAIL": "bold red", "ABORTED": "bold yellow", "ERROR": "bold magenta", "SKIPPED": "dim",
    "NOT_APPLICABLE": "dim",
}  # fmt: skip
_WORDS = {
    "scans": ("扫码", "scans"),
    "run": ("测试", "run"),
    "prompt": ("提示", "prompt"),
    "verdict": ("结论", "verdict"),
    "trip": ("跳闸", "trip"),
    "assigned": ("待测工单", "work orders"),
    "typed": ("手工输入的工单，未派单", "typed at the bench, not assigned"),
    "paper": ("待打印", "paper"),
    "alarm": ("报警", "alarm"),
    "centre": ("中心", "centre"),
    "connected": ("已连接", "connected"),
    "offline": ("离线", "offline"),
    "waiting": ("待发", "waiting"),
    "quarantined": ("被退回", "rejected"),
    "revision": ("配置", "configuration"),
    "own": ("本机原有", "own files"),
    "trial": ("试用中", "on trial"),
    "wanted": ("待启用", "wanted"),
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
    table.add_row("", Text.assemble((f" {title} ", STATE_STYLES.get(State(name), "bold") if known else "bold")))
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
        facts = (run.get(name) for name in ("run_id", "work_order", "serial_number", "imei", "plan"))
        table.add_row(_word("run", lang), escape("  ".join(str(fact) for fact in facts if fact)))
    if session.get("prompt"):
        table.add_row(_word("prompt", lang), Text(_in(session["prompt"], lang), style="bold"))
    if session.get("verdict"):
        table.add_row(_word("verdict", lang), _verdict(str(session["verdict"]), lang))
    if trip := session.get("trip"):
        table.add_row(_word("trip", lang), escape(f"{trip.get('code')} ") + _in(trip.get("text"), lang))
    if session.get("assigned"):
        table.add_row(_word("assigned", lang), escape(", ".join(map(str, session["assigned"]))))
    for alarm in status.get("alarms") or ():
        table.add_row(_word("alarm", lang), Text(f"{alarm.get('code')}  {alarm.get('cause')}", style="bold magenta"))
    if (uplink := status.get("uplink")) is not None:
        outbox = status.get("outbox") or {}
        said = [_word("connected" if uplink.get("connected") else "offline", lang)]
        said.append(f"{_word('waiting', lang)} {outbox.get('waiting', 0)}")
        if outbox.get("quarantined"):
            said.append(f"{_word('quarantined', lang)} {outbox['quarantined']}")
        table.add_row(_word("centre", lang), escape("  ".join((*said, str(uplink.get("error") or "")))))
    if (configuration := status.get("configuration")) is not None:
        table.add_row(_word("revision", lang), escape(revision_words(configuration, lang)))
        if configuration.get("last_apply_error"):
            table.add_row("", Text(str(configuration["last_apply_error"]), style="yellow"))
    if (paper := status.get("paper") or {}).get("pending"):
        table.add_row(_word("paper", lang), f"{paper['pending']}  {_in(paper.get('reason'), lang)}".rstrip())
    return table


def revision_words(configuration: Mapping[str, Any], lang: str) -> str:
    """Which revision of the shared part is in use, and what is about to become of it."""
    revision, wanted = configuration.get("revision"), configuration.get("wanted")
    said = str(revision)[:8] if revision else _word("own", lang)
    if configuration.get("on_trial"):
        said += f" ({_word('trial', lang)})"
    return f"{said} → {str(wanted)[:8]} ({_word('wanted', lang)})" if wanted else said
