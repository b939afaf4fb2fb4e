"""What the page costs: weight, first paint, memory and processor of its process after an hour's worth of events.

    python -m tests.benchmarks.bench_page [EVENTS]

One JSON document. The daemon's end is a real control socket in this process; the page and Chromium are the real ones.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from playwright.async_api import async_playwright

from tests.page.conftest import CHROMIUM
from tests.page.looks import SCENES
from tests.page.stage import Stage, page_process

WAITING = 100
"""Events that may wait for the page while we send: as fast as it takes them, and none is dropped."""
FILES = ("", "page.css", "page.js", "dom.js", "draw.js", "views.js", "keypad.js", "icon.svg")
PAINT = (
    """() => Object.fromEntries(performance.getEntriesByType('paint').map(e => [e.name, Math.round(e.startTime)]))"""
)


def rss_kib(pid: int) -> int:
    """Resident memory."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])


def cpu_s(pid: int) -> float:
    """Processor time, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def weight(url: str) -> dict[str, int]:
    """Bytes of all files of the page, plain and as a browser gets them."""
    plain = packed = 0
    for name in FILES:
        for gzip in (False, True):
            asked = urllib.request.Request(url + name, headers={"accept-encoding": "gzip"} if gzip else {})
            with urllib.request.urlopen(asked) as reply:
                size = len(reply.read())
            plain, packed = (plain, packed + size) if gzip else (plain + size, packed)
    return {"plain": plain, "gzip": packed}


async def replay(stage: Stage, events: int) -> float:
    """Progress, readings and guides as fast as they are taken; returns seconds."""
    began = time.monotonic()
    for i in range(events):
        at = i / events
        readings = {"power_w": 410.0 + i % 7, "heatsink_degc": 61.0, "left_v": 28.3, "right_v": 28.2}
        stage.tell("progress", step="soak", fraction=at, remaining_s=7200.0 * (1 - at), readings=readings)
        if i % 50 == 0:
            await asyncio.sleep(0)
        while any(queue.qsize() > WAITING for queue in stage.server._watchers.values()):  # noqa: ASYNC110
            await asyncio.sleep(0.002)
    return time.monotonic() - began


async def main(events: int) -> dict[str, Any]:
    """Everything."""
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        stage = Stage(Path(folder) / "s.sock")
        await stage.server.start()
        SCENES["soak"](stage)
        async with page_process("--socket", str(stage.path)) as (url, process), async_playwright() as play:
            figures["weight_bytes"] = await asyncio.to_thread(weight, url)
            browser = await play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            paints = []
            for _ in range(5):
                page = await browser.new_page(viewport={"width": 800, "height": 480})
                await page.goto(url)
                await page.wait_for_selector("body:not(.gone)")
                shown = await page.evaluate("Math.round(performance.now())")
                paints.append({**await page.evaluate(PAINT), "state-shown": shown})
                if len(paints) < 3:
                    await page.close()
            figures["paint_ms"] = paints
            await asyncio.sleep(2.0)
            figures["rss_kib_before"], before_s = rss_kib(process.pid), cpu_s(process.pid)
            await asyncio.sleep(10.0)
            figures["cpu_percent_quiet_3_viewers"] = round(10.0 * (cpu_s(process.pid) - before_s), 2)
            before_s = cpu_s(process.pid)
            wall_s = await replay(stage, events)
            await asyncio.sleep(2.0)
            used_s = cpu_s(process.pid) - before_s
            figures |= {
                "events": events, "replay_s": round(wall_s, 1), "rss_kib_after": rss_kib(process.pid),
                "cpu_s": round(used_s, 2), "cpu_us_an_event": round(1e6 * used_s / events, 1),
                "watchers_dropped": stage.server.dropped,
            }  # fmt: skip
            before_s = cpu_s(process.pid)
            for i in range(100):
                stage.tell(
                    "progress", step="soak", fraction=i / 100, remaining_s=100.0 - i, readings={"power_w": i / 7}
                )
                await asyncio.sleep(0.1)
            figures["cpu_percent_10_hz_3_viewers"] = round(10.0 * (cpu_s(process.pid) - before_s), 2)
            await browser.close()
        await stage.server.close()
    return figures


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 50_000)), indent=1))
