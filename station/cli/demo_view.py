"""What a person sees of the demo: a bar a step, readings as they come, and at the end the verdict and why."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any

from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Column

from station.cli.terminal import Terminal

VERDICT_STYLE = {"PASS": "bold green", "FAIL": "bold red", "ABORTED": "bold yellow", "ERROR": "bold magenta"}
STATES = {"SKIPPED": "dim", "NOT_APPLICABLE": "dim", **VERDICT_STYLE}


class DemoView:
    """Use as a context. Shows on standard error when standard output is for a machine."""

    def __init__(self, lang: str, *, to_stderr: bool) -> None:
        self._lang = lang
        self._console = Terminal(stderr=to_stderr, highlight=False)
        self._progress = Progress(
            TextColumn("{task.description}", table_column=Column(min_width=28)),
            BarColumn(bar_width=24), TextColumn("{task.percentage:>4.0f} %"),
            TimeElapsedColumn(), TextColumn("{task.fields[readings]}"), console=self._console,
        )  # fmt: skip
        self._bars: dict[str, TaskID] = {}
        self._titles: dict[str, str] = {}
        self._told: dict[str, str] = {}

    def __enter__(self) -> DemoView:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def say(self, text: str) -> None:
        """One line above the bars."""
        self._progress.console.print(f"[dim]{escape(text)}[/]")

    def take(self, kind: str, data: dict[str, Any]) -> None:
        """One event of the daemon."""
        match kind:
            case "session" if data["title"] != self._told:
                self._told = data["title"]
                self.say(f"bench: {data['title'][self._lang]}")
            case "tell":
                self.say(f"{data['kind']}: {data['text'][self._lang]}")
            case "prompt":
                self.say(f"prompt: {data['text'].get(self._lang, '')} (OK)")
            case "run_started":
                self._titles = {step["id"]: step["title"][self._lang] for step in data["steps"]}
                self.say(f"run {data['run_no']} {data['run_id']}: {data['plan']}, {data['serial_number']}")
            case "step_started":
                bar = self._progress.add_task(escape(self._titles[data["step"]]), total=1.0, readings="")
                self._bars[data["step"]] = bar
            case "progress" if data["step"] in self._bars:
                self._progress.update(
                    self._bars[data["step"]], completed=data["fraction"], readings=_readings(data["readings"])
                )
            case "measurement" if data["step"] in self._bars:
                self._progress.update(self._bars[data["step"]], readings=_measurement(data))
            case "step_ended" if data["step"] in self._bars:
                style = STATES.get(data["verdict"], "")
                self._progress.update(
                    self._bars[data["step"]], completed=1.0, readings=f"[{style}]{data['verdict']}[/]"
                )
                self._progress.stop_task(self._bars[data["step"]])
            case "trip":
                self.say(f"TRIP {data['code']}: {data['interlock']}, {data['cause']}")
            case "receipt" if data.get("of") == "result":
                self.say(f"the centre's receipt has come: {data['status']}")

    def conclude(self, record: dict[str, Any], out: Path, wall_s: float) -> None:
        """The verdict, why, and where the files lie."""
        verdict = record["verdict"]
        print_ = self._console.print
        print_(
            f"\n[{VERDICT_STYLE[verdict]}]{verdict}[/]  {record['dut']['product']}  {record['dut']['serial_number']}"
        )
        for cause in record["causes"]:
            step = f"{cause['step']}: " if cause["step"] else ""
            print_(f"  {escape(step + cause['text'])}")
        if not record["causes"]:
            judged = sum(len(step["measurements"]) for step in record["steps"])
            print_(f"  all {judged} measurements of plan {record['plan']['id']} made and within their limits")
        print_(f"  test time {record['duration_s']:.0f} s, wall time {wall_s:.1f} s")
        for path in sorted(path for path in out.iterdir() if path.is_file() and "-" not in path.suffix):
            print_(f"  {path}")


def _readings(readings: dict[str, float]) -> str:
    return escape("  ".join(f"{name} {value:.4g}" for name, value in list(readings.items())[:4]))


def _measurement(data: dict[str, Any]) -> str:
    value = "—" if data["value"] is None else f"{data['value']:.4g}"
    channel = f" {data['channel']}" if data.get("channel") else ""
    return escape(f"{data['name']}{channel} {value}")
