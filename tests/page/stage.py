"""A bench for the page to look at: a real control server with a real session behind it, told what a run would tell.

The page itself is the real program in a process of its own; a browser is the real Chromium.
"""

from __future__ import annotations

import asyncio
import math
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from drivers.ports import Button
from station.control.protocol import Command, Outcome
from station.control.server import ControlServer
from station.control.so_far import RunSoFar
from station.domain.events import Event
from station.domain.prompt import Prompt
from station.domain.verdict import Verdict
from station.panel.buttons import ButtonPressed
from station.run import session_events as ev
from station.run.session import Session
from station.run.session_scans import Catalogue
from tests.docs.pages import ROOT

RUN_ID = "0193e1a2-0000-7000-8000-000000000007"
STEPS = (
    ("bond", "接地电阻", "Earth bond"), ("insulation", "绝缘电阻", "Insulation"), ("inrush", "开机冲击电流", "Inrush"),
    ("touch", "接触电流", "Touch current"), ("idle", "空载功耗", "Idle power"), ("offset", "直流偏移", "DC offset"),
    ("connect", "连接检查", "Connection check"), ("gain", "增益与平衡", "Gain and balance"),
    ("power", "输出功率", "Output power"), ("thd", "失真", "THD"), ("response", "频率响应", "Response"),
    ("snr", "信噪比", "Signal-to-noise ratio"), ("crosstalk", "串扰", "Crosstalk"),
    ("damping", "阻尼系数", "Damping factor"),
    ("soak", "满功率稳定性 2 小时", "Stability, 2 h at full power"),
)  # fmt: skip
SCANS = ("OP:badge-0042", "WO:WO-2611-0815", "SN:A100-004711", "PR:example-a-100")


class Stage:
    """The bench; every method tells what the daemon would tell then."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.server = ControlServer(path, self)
        self.commands: list[Command] = []
        self.reset()

    def reset(self) -> None:
        """A bench as it is in the morning."""
        self.session = Session(
            Catalogue(
                {"example-a-100": "audio-amplifier", "example-s-5": "phone"},
                {"outgoing-amplifier": "outgoing", "adjust-bias": "adjust", "self-test": "engineering"},
                with_imei=frozenset({"example-s-5"}),
            )
        )
        self.voltage = "off"
        self.silent = False
        self.bench: dict[str, Any] = {
            "name": "bench-07", "timezone": "Asia/Shanghai", "language": "zh", "simulated": False, "speed": 1.0,
        }  # fmt: skip
        self.paper: Mapping[str, Any] | None = None
        self.connected = True
        self._so_far = RunSoFar()
        self._view: dict[str, Any] = {}
        self._now_s = 0.0
        self.post(ev.Tick())

    async def command(self, command: Command) -> Outcome:
        """As the daemon's desk."""
        self.commands.append(command)
        while self.silent:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        if command.verb in ("status", "watch"):
            return Outcome(data=self.status())
        if command.verb == "scan":
            for action in self.post(ev.Scanned(command.args["text"], "socket")):
                if isinstance(action, ev.Refuse):
                    return Outcome("refused", action.text["en"], {"code": action.code, "text": dict(action.text)})
            return Outcome()
        return Outcome("refused", "not on this stage")

    def status(self) -> dict[str, Any]:
        """What `status` answers."""
        return {
            "session": self.session.view(), "voltage": self.voltage, "run": self._so_far.view, "bench": self.bench,
            "outbox": {"waiting": 0 if self.connected else 3, "quarantined": 0}, "paper": self.paper,
            "uplink": {"connected": self.connected, "error": None},
        }  # fmt: skip

    def post(self, event: ev.Event) -> tuple[ev.Action, ...]:
        """As the conductor: refusals are told first, then the session where it has changed."""
        self._now_s += 1.0
        actions = self.session.step(event, self._now_s)
        for action in actions:
            if isinstance(action, ev.Refuse | ev.Tell):
                kind = type(action).__name__.lower()
                self.tell("tell", kind=kind, code=action.code, text=dict(action.text))
        if (view := self.session.view()) != self._view:
            self._view = view
            self.tell("session", **view)
        return actions

    def tell(self, kind_: str, /, **data: Any) -> None:
        """One event to every watcher."""
        event = Event(kind_, data)
        self._so_far.take(event)
        self.server.publish(event)

    def live(self, voltage: str) -> None:
        """Another lamp of the guard."""
        self.voltage = voltage
        self.tell("voltage", voltage=voltage)
        self.post(ev.VoltageChanged(voltage == "on"))

    # ---- scenes ------------------------------------------------------------------------------------------------
    def scan(self, *texts: str) -> None:
        """As by the scanner."""
        for text in texts:
            self.post(ev.Scanned(text))

    def assign(self, number: str, **more: Any) -> None:
        """The centre puts a work order on the list."""
        from station.domain.work_order import WorkOrder

        self.post(ev.Assigned(WorkOrder(number, assigned=True, **more)))

    def start(self, upto: str = "bond") -> None:
        """START, and the plan up to the step `upto`, which is begun."""
        self.post(ButtonPressed(Button.START))
        self.post(ev.RunBegan(RUN_ID))
        steps = [{"id": one, "title": {"zh": zh, "en": en}} for one, zh, en in STEPS]
        self.tell(
            "run_started", run_id=RUN_ID, run_no=41, plan="outgoing-amplifier", product="example-a-100",
            serial_number="A100-004711", steps=steps,
        )  # fmt: skip
        self.upto(upto)

    def upto(self, upto: str) -> None:
        """Every step before `upto` is done, `upto` is begun."""
        for one, zh, en in STEPS:
            self.tell("step_started", step=one, title={"zh": zh, "en": en})
            if one == upto:
                return
            self.tell("step_ended", step=one, verdict="PASS")

    def soak(self, until: float = 0.4, points: int = 120) -> None:
        """The soak up to a fraction of it."""
        for i in range(points):
            at = until * (i + 1) / points
            self.tell(
                "progress", step="soak", fraction=at, remaining_s=7200.0 * (1.0 - at),
                readings={
                    "power_w": 412.0 + 6.0 * math.exp(-8 * at) + math.sin(i / 3),
                    "heatsink_degc": 61.0 - 36.0 * math.exp(-9 * at),
                    "left_v": 28.28 - 0.05 * at + 0.01 * math.sin(i), "right_v": 28.25 - 0.04 * at + 0.01 * math.cos(i),
                    "remaining_s": 7200.0 * (1.0 - at),
                },
            )  # fmt: skip

    def response(self) -> None:
        """The curves of the response step."""
        xs = [20.0 * 10 ** (3 * i / 40) for i in range(41)]
        for channel, fall in (("left", 90e3), ("right", 70e3)):
            ys = [-10 * math.log10((1 + (x / fall) ** 2) * (1 + (4 / x) ** 2)) for x in xs]
            self.tell("curve", step="response", curve={
                "name": "response", "x_name": "frequency", "x_unit": "Hz", "y_name": "level", "y_unit": "dB",
                "x": xs, "y": ys, "channel": channel, "mask": [-3.0] * 41,
            })  # fmt: skip

    def guide(self, value: float, hint: str, channel: str = "left") -> None:
        """A reading of the bias while the trimmer is turned."""
        self.tell("guide", step="bias", guide={
            "name": "bias_ma", "value": value, "unit": "mA", "low": 45.0, "high": 55.0, "target": 50.0, "hint": hint,
            "channel": channel,
        })  # fmt: skip

    def ask(self, zh: str, en: str, kind: Any = "answer") -> None:
        """A question."""
        self.post(ev.PromptAsked(Prompt({"zh": zh, "en": en}, kind)))

    def end(self, verdict: Verdict, *causes: str, hot: bool = False) -> None:
        """The run is over."""
        if self.voltage == "on":
            self.live("off")
        self.tell("run_ended", run_id=RUN_ID, run_no=41, verdict=verdict.value, causes=list(causes))
        self.post(ev.RunEnded(verdict, hot))

    def fail_step(self, step: str) -> None:
        """A step that is not good."""
        self.tell("step_ended", step=step, verdict="FAIL")


@asynccontextmanager
async def page_process(
    *arguments: str, log: Path | None = None
) -> AsyncIterator[tuple[str, asyncio.subprocess.Process]]:
    """`station page …`: its address and its process."""
    with (log or Path(os.devnull)).open("ab") as errors:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "station", "page", "--port", "0", *arguments, stdout=asyncio.subprocess.PIPE,
            stderr=errors, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
    assert process.stdout is not None
    try:
        yield (await asyncio.wait_for(process.stdout.readline(), 20.0)).decode().strip(), process
    finally:
        if process.returncode is None:
            process.terminate()
        await asyncio.wait_for(process.wait(), 10.0)
