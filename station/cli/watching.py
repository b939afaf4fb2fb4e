"""`watch`: follows the daemon and draws, until Ctrl-C. A daemon that goes away is said, and its successor taken."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import UTC, datetime
from pathlib import Path

from rich.live import Live

from station.cli.advice import make_advice
from station.cli.terminal import Terminal
from station.cli.watch_view import HEIGHT, WIDTH, WatchBoard, WatchView
from station.control.client import ControlClient
from station.control.watcher import ControlWatcher
from station.page.follower import Follower
from station.report.numbers import zone_of

ANSWER_S = 5.0
DRAWS_S = 0.2
"""A line of a modem takes 80 x 24 characters five times a second."""
AGAIN_S = 1.0


def watch(socket: Path, lang: str) -> None:
    """Until Ctrl-C. Raises `ControlError` where no daemon is there at first."""
    with ControlClient(socket) as client:
        bench = client.ask("status")["data"].get("bench") or {}
    zone = zone_of(str(bench["timezone"]))[0] if bench.get("timezone") else datetime.now().astimezone().tzinfo or UTC
    board = WatchBoard(make_advice(()), zone)
    asyncio.run(_follow(socket, board, WatchView(board, lang, zone)))


def print_events(socket: Path) -> None:
    """One JSON document a line, until the daemon goes away. Raises `ControlError`."""
    with ControlClient(socket) as client:
        for event in client.watch():
            print(json.dumps(event, ensure_ascii=False), flush=True)


class _Picture:
    """Draws when something changed, and no more often than a slow line takes."""

    def __init__(self, live: Live, view: WatchView) -> None:
        self._live, self._view = live, view
        self._dirty = True

    def flush(self) -> None:
        """Something changed."""
        self._dirty = True

    async def run(self, board: WatchBoard) -> None:
        """Until cancelled."""
        while True:
            board.tick(time.monotonic())
            if self._dirty:
                self._dirty = False
                width, height = self._live.console.size
                self._live.update(
                    self._view.render(width, height if self._live.console.is_terminal else HEIGHT), refresh=True
                )
            await asyncio.sleep(DRAWS_S)


async def _follow(socket: Path, board: WatchBoard, view: WatchView) -> None:
    console = Terminal()
    console = console if console.is_terminal else Terminal(width=WIDTH)
    with Live(console=console, screen=console.is_terminal, auto_refresh=False, vertical_overflow="crop") as live:
        picture = _Picture(live, view)
        drawing = asyncio.create_task(picture.run(board))
        try:
            while True:  # a follower ends once another configuration is in use
                await Follower(ControlWatcher(socket, ANSWER_S), board, picture, again_s=AGAIN_S).run()
        finally:
            drawing.cancel()
