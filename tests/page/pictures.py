"""The pictures of README and docs, from the real thing: python -m tests.page.pictures

Simulated bench, daemon and page as they are shipped, a technician who scans and presses, and Chromium that looks on at
three sizes. Rewrites docs/pictures/page-*.png; takes about three minutes.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.async_api import Browser, Page, async_playwright

from tests.page.conftest import CHROMIUM, SIZES
from tests.page.stage import page_process
from tests.scenarios.live import ROOT, Event, Live, Technician

PICTURES = ROOT / "docs" / "pictures"
COLOURS = 128
SCANS = {
    "operator": "OP:badge-0042", "work_order": "WO:WO-2611-0815", "serial_number": "SN:A100-004711",
    "product": "PR:example-a-100",
}  # fmt: skip


class Patient(Technician):
    """One who waits at START and at the first question until the picture is taken."""

    def __init__(self, scans: dict[str, str]) -> None:
        super().__init__(scans)
        self.seen: dict[str, threading.Event] = {}
        self.go: dict[str, threading.Event] = {name: threading.Event() for name in ("press start", "press ok")}

    def acts(self, kind: str, data: dict[str, Any]) -> Iterator[str]:
        for command in super().acts(kind, data):
            if command in self.go and not self.go[command].is_set():
                self.reached(command)
                self.go[command].wait(60.0)
            yield command

    def reached(self, what: str) -> None:
        """Tell who waits for it."""
        self.seen.setdefault(what, threading.Event()).set()

    async def until(self, what: str) -> None:
        """Wait for it."""
        await asyncio.to_thread(self.seen.setdefault(what, threading.Event()).wait, 120.0)


async def shoot(pages: dict[str, Page], name: str, sizes: tuple[str, ...] = ("small", "wide", "phone")) -> None:
    """A picture at each size, in few colours so that it is small."""
    await asyncio.sleep(0.7)
    for size in sizes:
        path = PICTURES / f"page-{name}-{size}.png"
        await pages[size].screenshot(path=path)
        with Image.open(path) as picture:
            picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)
        print(f"{path.relative_to(ROOT)}: {path.stat().st_size // 1024} KiB", file=sys.stderr)


def follow(live: Live, technician: Patient, wanted: Callable[[Event], str | None]) -> threading.Thread:
    """Play the technician until the run has ended, in a thread of its own; `wanted` names what a picture waits for."""

    def play() -> None:
        for event in live.watch(technician, limit_s=180.0):
            if (what := wanted(event)) is not None:
                technician.reached(what)
            if event["kind"] == "session" and event["data"]["state"] in ("PASS", "FAIL", "ABORTED", "ERROR"):
                return

    thread = threading.Thread(target=play, daemon=True)
    thread.start()
    return thread


def moments(event: Event) -> str | None:
    """What in a run is worth a picture."""
    data = event["data"]
    if event["kind"] == "progress" and data["step"] == "soak" and data["fraction"] > 0.55:
        return "soak"
    if event["kind"] == "curve" and data["step"] == "response":
        return "response"
    return None


async def with_bench(folder: Path, dut: str, scans: dict[str, str], play: Any) -> None:
    """A bench with this DUT, the page and its browser windows."""
    live = await asyncio.to_thread(Live(folder, dut).__enter__)
    try:
        async with async_playwright() as playing, page_process("--config", str(live._config)) as (url, _):
            browser = await playing.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            pages = await windows(browser, url)
            technician = Patient(scans)
            await play(live, technician, pages)
            await browser.close()
    finally:
        await asyncio.to_thread(live.__exit__, None, None, None)


async def outgoing(live: Live, technician: Patient, pages: dict[str, Page]) -> None:
    """A device that passes, from the scans to the label; then the daemon is gone."""
    thread = follow(live, technician, moments)
    await technician.until("press start")
    await shoot(pages, "ready")
    technician.go["press start"].set()
    await technician.until("press ok")
    await shoot(pages, "prompt")
    technician.go["press ok"].set()
    await technician.until("response")
    await shoot(pages, "response", ("wide",))
    await technician.until("soak")
    await shoot(pages, "soak")
    await asyncio.to_thread(thread.join, 120.0)
    await shoot(pages, "pass")
    for page in pages.values():
        await page.click("#rail .lang")
    await shoot(pages, "pass-en", ("small",))
    live.kill(live.station)
    await asyncio.sleep(2.0)
    await shoot(pages, "no-connection", ("small",))


async def failing(live: Live, technician: Patient, pages: dict[str, Page]) -> None:
    """A device with crossover distortion; then a trip."""
    for one in technician.go.values():
        one.set()
    thread = follow(live, technician, moments)
    await asyncio.to_thread(thread.join, 150.0)
    await asyncio.sleep(1.0)
    await shoot(pages, "fail")
    live.send("estop 0")
    await shoot(pages, "tripped")


async def adjusting(folder: Path) -> None:
    """The bias, live, turned by the technician of the demo."""
    cold = folder / "cold.toml"
    repaired = (ROOT / "config" / "duts" / "repaired.toml").read_text(encoding="utf-8")
    cold.write_text(f"bias_ma = 12.0\n{repaired}", encoding="utf-8")
    demo = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "station", "demo", "--plan", "adjust-bias", "--speed", "5", "--out", str(folder),
        "--dut-file", str(cold),
        cwd=ROOT, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        while not (folder / "bench" / "station.toml").exists():  # noqa: ASYNC110
            await asyncio.sleep(0.1)
        async with async_playwright() as playing, page_process("--config", str(folder / "bench")) as (url, _):
            browser = await playing.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            pages = await windows(browser, url)
            await pages["small"].wait_for_selector(".turn[data-hint=raise]", timeout=90_000)
            await shoot(pages, "guide")
            await browser.close()
    finally:
        if demo.returncode is None:
            demo.terminate()
        await demo.wait()


async def windows(browser: Browser, url: str) -> dict[str, Page]:
    """The page at each size."""
    pages = {}
    for size, (width, height) in SIZES.items():
        pages[size] = await browser.new_page(viewport={"width": width, "height": height})
        await pages[size].goto(url)
    return pages


async def main(wanted: list[str]) -> None:
    """Everything, or the scenes that are named."""
    for name, dut, scans, play in (
        ("outgoing", "repaired", {**SCANS, "plan": "PL:outgoing-amplifier"}, outgoing),
        ("failing", "crossover", {**SCANS, "plan": "PL:outgoing-amplifier"}, failing),
    ):
        if not wanted or name in wanted:
            with tempfile.TemporaryDirectory() as folder:
                await with_bench(Path(folder), dut, scans, play)
    if not wanted or "adjusting" in wanted:
        with tempfile.TemporaryDirectory() as folder:
            await adjusting(Path(folder))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
