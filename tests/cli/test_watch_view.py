"""What `watch` shows on 80 columns and 24 lines, over the daemon's real socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from station.cli.advice import make_advice
from station.cli.trend import arrow, sparks
from station.cli.watch_view import WatchBoard, WatchView
from station.control.watcher import ControlWatcher
from station.domain.verdict import Verdict
from station.page.follower import Follower
from tests.page.stage import SCANS, Stage

LAST = [
    {"run_no": 40 - n, "run_id": f"r{n}", "plan": "outgoing-amplifier", "serial_number": f"A100-00{n}",
     "ended_at": "2026-11-22T10:00:00.000Z", "verdict": verdict}
    for n, verdict in enumerate(("PASS", "FAIL", "ERROR"))
]  # fmt: skip
ALARM = {"code": "G12", "cause": "thermostat open", "run_id": None, "at": "2026-11-22T10:00:00.000Z"}
CONFIGURATION = {"revision": "a1b2c3d4e5", "wanted": "ffeeddcc00", "on_trial": False, "last_apply_error": None}


class Maintained(Stage):
    """A stage that also tells what a maintainer looks for."""

    def status(self) -> dict[str, Any]:
        return {**super().status(), "last": LAST, "alarms": [ALARM], "configuration": CONFIGURATION}


class Eye:
    """Looks at the bench through a real socket; `see` draws what it has heard."""

    def __init__(self, stage: Stage, lang: str) -> None:
        self.stage = stage
        self.board = WatchBoard(make_advice(()), UTC, lambda zone: datetime(2026, 11, 22, 12, 34, tzinfo=zone))
        self.view = WatchView(self.board, lang, UTC)
        self.follower = Follower(ControlWatcher(stage.path), self.board, self, again_s=0.01)

    def flush(self) -> None:
        """Drawn when asked."""

    def see(self, width: int = 80, height: int = 24) -> list[str]:
        console = Console(width=width, height=height, force_terminal=False, color_system=None)
        with console.capture() as captured:
            console.print(self.view.render(width, height), end="")
        return captured.get().rstrip("\n").split("\n")

    async def until(self, condition: Callable[[str], bool]) -> str:
        async with asyncio.timeout(20.0):
            while not condition(text := "\n".join(self.see())):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        return text


@pytest.fixture(params=["zh", "en"])
async def eye(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Eye]:
    stage = Maintained(tmp_path / "s")
    await stage.server.start()
    eye = Eye(stage, request.param)
    following = asyncio.create_task(eye.follower.run())
    await eye.until(lambda text: "bench-07" in text)
    yield eye
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    await stage.server.close()


SCENES: dict[str, Callable[[Stage], None]] = {
    "waiting": lambda stage: None,
    "ready": lambda stage: stage.scan(*SCANS),
    "soak": lambda stage: (stage.scan(*SCANS), stage.start(), stage.live("on"), stage.upto("soak"), stage.soak()),  # type: ignore[func-returns-value]
    "fail": lambda stage: (  # type: ignore[func-returns-value]
        stage.scan(*SCANS), stage.start(), stage.upto("thd"), stage.end(Verdict.FAIL, "THD 0.4 %", "crossover", "third")
    ),
}  # fmt: skip


@pytest.mark.parametrize("scene", SCENES)
async def test_whatever_goes_on_is_on_24_lines_of_80_columns_with_the_last_line_for_the_centre(
    eye: Eye, scene: str
) -> None:
    SCENES[scene](eye.stage)
    state = eye.stage.session.view()["state"]
    await eye.until(lambda text: (eye.board.section("session") or {}).get("state") == state)
    for size in ((80, 24), (60, 16), (200, 60)):
        lines = eye.see(*size)
        assert len(lines) == size[1] and max(map(cell_len, lines)) <= size[0]
        assert ("待发 0" if eye.view._lang == "zh" else "waiting 0") in lines[-1] and "bench-07" in lines[0]
    shown = "\n".join(eye.see())
    assert "12:34" in shown and "G12  thermostat open" in shown and "#40" in shown and "a1b2c3d4 → ffeeddcc" in shown


async def test_a_soak_shows_its_bar_what_is_left_readings_with_limit_and_course(eye: Eye) -> None:
    eye.stage.scan(*SCANS)
    eye.stage.start()
    eye.stage.live("on")
    eye.stage.upto("soak")
    eye.stage.soak()
    await eye.until(lambda text: "1:12:00 → 13:46" in text and "█" in text)
    run = eye.board.section("run")
    run["steps"][-1]["limits"] = {"heatsink_degc": [None, 55.0]}
    text = "\n".join(eye.see())
    zh = eye.view._lang == "zh"
    assert ("红 带电" if zh else "RED live") in text
    row = next(line for line in text.split("\n") if ("散热器" if zh else "eatsink") in line and "▁" in line)
    assert "≤ 55" in row and ("↗" in row or "→" in row)


async def test_a_daemon_that_goes_away_is_said_and_nothing_of_before_is_shown(eye: Eye) -> None:
    await eye.stage.server.close()
    text = await eye.until(lambda text: "失去联系" in text or "NO CONNECTION" in text)
    assert "A100" not in text and "G12" not in text and len(eye.see()) <= 24
    await eye.stage.server.start()
    await eye.until(lambda text: "G12" in text)


@pytest.mark.parametrize(
    ("values", "shown", "way"),
    [([], "    ", " "), ([1.0] * 9, "▄▄▄▄", "→"), ([1, 2, 3, 4, 5, 6], "▁▄▅█", "↗"), ([6, 5, 4, 3, 2, 1], "█▅▄▁", "↘")],
)
def test_a_course_is_drawn_between_its_own_ends(values: list[float], shown: str, way: str) -> None:
    assert sparks(values, 4) == shown and arrow(values) == way
