"""What `watch` draws over SSH: the bench on 80 columns and 24 lines, from what the page's board has folded.

    title, what to do          always
    alarms, refusal, prompt    where there are any
    lamps, scans, run          always
    steps, readings            as many as there is room for: the step in hand, what was measured, what is read
    last verdicts              the same
    centre, paper, revision    the last line

Every line is one line: what is too long is cut. Nothing here asks anybody anything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from typing import Any

from rich.cells import cell_len, set_cell_size
from rich.console import Group
from rich.text import Text

from station.cli.remote_view import STATE_STYLES, VERDICT_STYLES, revision_words
from station.cli.trend import arrow, sparks
from station.page.board import Board
from station.report.numbers import limits, local_time
from station.report.words import VERDICTS

WIDTH, HEIGHT = 80, 24
FACTS = ("work_order", "serial_number", "imei", "plan")
"""Of a run, beside the scans."""
TITLE, LIMIT, SPARKS, BAR = 22, 20, 16, 24
_LAMP_STYLES = {"blue": "bold blue", "white": "bold", "yellow": "bold yellow", "violet": "bold magenta"}
_RHYTHM = {"on": "●", "slow": "◐", "fast": "◓", "flicker": "◌", "wink": "·", "code": "◉"}
_WORDS = {
    "voltage": ("电压", "voltage"), "lamps": ("灯", "lamps"), "dark": ("不亮", "dark"), "scans": ("扫码", "scans"),
    "run": ("测试", "run"), "of": ("/", "of"), "last": ("最近", "last"), "none": ("无", "none"),
    "alarm": ("报警", "ALARM"), "centre": ("中心", "centre"), "connected": ("已连接", "connected"),
    "offline": ("离线", "OFFLINE"), "waiting": ("待发", "waiting"), "quarantined": ("被退回", "rejected"),
    "paper": ("待打印", "paper"), "revision": ("配置", "configuration"),
    "lost": ("与测试台失去联系", "NO CONNECTION"), "to": ("至", "to"), "orders": ("待测工单", "work orders"),
    "stuck": ("按钮卡住", "button stuck"), "simulated": ("模拟", "SIMULATED"),
}  # fmt: skip
_VOLTAGE = {
    "on": ("red", ("红 带电", "RED live")), "off": ("green", ("绿 已断电", "GREEN off")),
    "out": ("magenta", ("停用，按带电对待", "OUT OF OPERATION, treat as live")),
    "unknown": ("magenta", ("未知", "UNKNOWN")),
}  # fmt: skip


class WatchBoard(Board):
    """The page's board, and what only a maintainer is shown of a status."""

    status: Mapping[str, Any] = {}

    def heard(self, status: Mapping[str, Any], now_s: float) -> None:
        """As the board; keeps the whole answer."""
        self.status = status
        super().heard(status, now_s)


class WatchView:
    """Draws a board in one language; `zone` is for the times of past runs."""

    def __init__(self, board: WatchBoard, lang: str, zone: tzinfo) -> None:
        self._board, self._zone = board, zone
        self._place = 0 if lang == "zh" else 1
        self._lang = "zh" if lang == "zh" else "en"

    def render(self, width: int = WIDTH, height: int = HEIGHT) -> Group:
        """Exactly so many lines of at most so many columns."""
        if not self._board.section("link")["up"]:
            lost = [
                Text(self._word("lost"), "bold white on magenta"),
                Text(str(self._board.section("link")["why"] or "")),
            ]
            return _fitted(lost, width, height)
        head = [*self._title(width), *self._troubles(), self._lamps(), self._scans()]
        foot = [self._foot()]
        room = height - len(head) - len(foot)
        blocks = self._shared(room)
        body = [line for block in blocks if block for line in (*block, Text(""))]
        lines = [*head, *body[:room]]
        lines += [Text("")] * (height - len(foot) - len(lines))
        return _fitted([*lines, *foot], width, height)

    # ---- head --------------------------------------------------------------------------------------------------
    def _title(self, width: int) -> list[Text]:
        bench, session = self._board.section("bench"), self._board.section("session") or {}
        state = str(session.get("state", "?"))
        title = Text.assemble(
            (f" {bench.get('name') or ''} ", "reverse"), " ",
            (f" {self._in(session.get('title')) or state} ", STATE_STYLES.get(state, "bold")),
        )  # fmt: skip
        right = (f"{self._word('simulated')} " if bench.get("simulated") else "") + self._board.clock()
        title.append(" " * max(1, width - title.cell_len - cell_len(right)) + right)
        return [title, Text(f"  {self._in(session.get('next'))}", "bold")]

    def _troubles(self) -> list[Text]:
        session, said = self._board.section("session") or {}, self._board.section("said")
        lines = [
            Text(f"{self._word('alarm')} {one.get('code')}  {one.get('cause')}", "bold magenta")
            for one in (self._board.status.get("alarms") or ())[:2]
        ]
        if trip := session.get("trip"):
            lines.insert(0, Text(f"  {trip['code']} {self._in(trip['text'])}", "bold magenta"))
        if session.get("prompt"):
            lines.append(Text(f"  ? {self._in(session['prompt'])}", "bold cyan"))
        if session.get("stuck"):
            lines.append(Text(f"  {self._word('stuck')}: {', '.join(session['stuck'])}", "yellow"))
        if said:
            lines.append(Text(f"  ! {self._in(said['text'])}", "yellow"))
        return lines

    def _lamps(self) -> Text:
        colour, words = _VOLTAGE.get(self._board.section("voltage"), _VOLTAGE["unknown"])
        line = Text.assemble(
            self._label("voltage"), (f"● {words[self._place]}", f"bold {colour}"), f"   {self._word('lamps')} "
        )
        shown = ((self._board.section("session") or {}).get("lamps") or {}).get("lamps") or []
        for lamp, rhythm in shown:
            line.append(f"{_RHYTHM.get(rhythm, '●')} {lamp} ", _LAMP_STYLES.get(lamp, ""))
        return line if shown else line.append(self._word("dark"), "dim")

    def _scans(self) -> Text:
        session = self._board.section("session") or {}
        ticket = session.get("ticket") or {}
        told = [*session.get("scans", {}).values(), *(ticket.get(n) for n in FACTS)]
        said = "  ".join(dict.fromkeys(str(one) for one in told if one))
        orders = ", ".join(order["number"] for order in session.get("orders") or ())
        line = Text.assemble(self._label("scans"), said or self._word("none"))
        return line.append(f"   {self._word('orders')} {orders}", "dim") if orders else line

    # ---- what shares the room --------------------------------------------------------------------------------
    def _shared(self, room: int) -> list[list[Text]]:
        """Steps, readings and last verdicts, each cut to its share; what one does not need the others get."""
        steps, readings, last = self._steps(), self._readings(), self._last()
        left = room - 3
        for_last = min(len(last), max(2, left - len(steps) - len(readings)))
        for_readings = min(len(readings), max(5, left - for_last - len(steps)))
        for_steps = max(2, left - for_last - for_readings)
        shown = steps if len(steps) <= for_steps else [steps[0], *steps[len(steps) - for_steps + 1 :]]
        return [shown, readings[:for_readings], last[:for_last]]

    def _steps(self) -> list[Text]:
        """The run, its steps up to the one in hand with a bar, and the causes of its verdict."""
        run = self._board.section("run")
        if not run.get("run_id"):
            return []
        done = sum(step["verdict"] is not None for step in run["steps"])
        facts = (f"#{run.get('run_no')}", run.get("plan"), f"{done} {self._word('of')} {len(run['steps'])}")
        head = Text.assemble(self._label("run"), "  ".join(str(fact) for fact in facts), "  ")
        if run.get("verdict"):
            head.append_text(self._verdict(str(run["verdict"])))
        lines = [head]
        for step in run["steps"]:
            if step["verdict"] is not None or step["id"] == run["step"]:
                line = Text(f"  {_padded(self._in(step['title']) or step['id'], 30)} ")
                lines.append(
                    line.append_text(self._progress() if step["id"] == run["step"] else self._verdict(step["verdict"]))
                )
        return [*lines, *(Text(f"  {self._in(cause)}", "red") for cause in run["causes"][:2])]

    def _progress(self) -> Text:
        live = self._board.section("live")
        full = round(live["fraction"] * BAR)
        bar = Text.assemble(("━" * full, "bold"), ("─" * (BAR - full), "dim"), f" {live['fraction']:4.0%} ")
        if live["left"]:
            bar.append(f"{live['left']} → {live['ends_at']}", "dim")
        return bar

    def _readings(self) -> list[Text]:
        """What is read now and what was measured, each with its limit; readings with their course."""
        live, run = self._board.section("live"), self._board.section("run")
        bounds: Mapping[str, Any] = next((step["limits"] for step in run["steps"] if step["id"] == run["step"]), {})
        courses = {one["name"]: [y for _, y in one["points"]] for one in self._board.section("traces")}
        lines: list[Text] = []
        for tile in live["tiles"]:
            line = self._reading(self._in(tile["title"]), tile, bounds)
            course = courses.get(tile["name"], [])
            lines.append(line.append(f" {sparks(course, SPARKS)} {arrow(course)}", "cyan"))
        for value in reversed(live["values"]):
            title = " ".join(filter(None, (self._in(value["title"]), self._in(value["channel"]))))
            lines.append(self._reading(title, value, bounds))
        return lines

    def _reading(self, title: str, told: Mapping[str, Any], bounds: Mapping[str, Sequence[float | None]]) -> Text:
        low, high = bounds.get(told["name"], (None, None))
        value = told["value"]
        wrong = value is not None and ((low is not None and value < low) or (high is not None and value > high))
        number = f"{told['text']} {told['unit']}".strip()
        line = Text.assemble(f"  {_padded(title, TITLE)} ", (_padded(number, 14), "bold red" if wrong else "bold"))
        asked = limits(low, high, "", self._word("to")) if (low, high) != (None, None) else ""
        return line.append(_padded(f" {asked}", LIMIT), "dim")

    def _last(self) -> list[Text]:
        lines: list[Text] = []
        for row in self._board.status.get("last") or ():
            line = Text.assemble(self._label("last") if not lines else Text(" " * 9))
            line.append(f"#{row['run_no']} {local_time(row['ended_at'], self._zone)}  ", "dim")
            line.append_text(self._verdict(str(row["verdict"])))
            lines.append(line.append(f"  {row['plan']}  {row['serial_number']}"))
        return lines

    # ---- foot --------------------------------------------------------------------------------------------------
    def _foot(self) -> Text:
        centre, paper = self._board.section("centre") or {}, self._board.section("paper") or {}
        up = bool(centre.get("connected"))
        line = Text.assemble(
            self._label("centre"), (self._word("connected" if up else "offline"), "green" if up else "bold yellow"),
            f"  {self._word('waiting')} {centre.get('waiting', 0)}",
        )  # fmt: skip
        if centre.get("quarantined"):
            line.append(f"  {self._word('quarantined')} {centre['quarantined']}", "bold red")
        if paper.get("pending"):
            line.append(f"  {self._word('paper')} {paper['pending']} {self._in(paper.get('reason'))}", "yellow")
        if (configuration := self._board.status.get("configuration")) is not None:
            line.append(f"  {self._word('revision')} {revision_words(configuration, self._lang)}", "dim")
        if error := (self._board.status.get("uplink") or {}).get("error"):
            line.append(f"  {error}" if not up else "", "yellow")
        return line

    # ---- words -------------------------------------------------------------------------------------------------
    def _word(self, name: str) -> str:
        return _WORDS[name][self._place]

    def _label(self, name: str) -> Text:
        return Text(_padded(self._word(name), 8) + " ", "dim")

    def _in(self, text: Mapping[str, str] | None) -> str:
        return str(text.get(self._lang) or text.get("en") or "") if text else ""

    def _verdict(self, verdict: str) -> Text:
        pair = VERDICTS.get(verdict)
        return Text(verdict if pair is None or self._place else pair[0], VERDICT_STYLES.get(verdict, "bold"))


def _padded(text: str, cells: int) -> str:
    return set_cell_size(text, cells)


def _fitted(lines: Sequence[Text], width: int, height: int) -> Group:
    shown = [line.copy() for line in lines[:height]]
    for line in shown:
        line.truncate(width, overflow="ellipsis")
        line.no_wrap = True
    return Group(*shown)
