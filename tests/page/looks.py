"""Pictures of the page in every state and size, to be looked at: python -m tests.page.looks FOLDER [--en] [STATE…]"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from playwright.async_api import Page, async_playwright

from station.domain.verdict import Verdict
from station.run import session_events as ev
from tests.page.stage import SCANS, Stage, page_process

SIZES = {"small": (800, 480), "wide": (1280, 800), "phone": (390, 844)}
CHROMIUM = "/usr/bin/chromium"


def _run(upto: str) -> Callable[[Stage], None]:
    def scene(stage: Stage) -> None:
        stage.scan(*SCANS)
        stage.start(upto)
        stage.live("on")
        if upto == "soak":
            stage.soak()
        if upto == "response":
            stage.response()

    return scene


def _ready(stage: Stage) -> None:
    stage.assign("WO-2611-0816", serial_number="A100-004799", product="example-a-100", purpose="outgoing")
    stage.assign("WO-2611-0817")
    stage.assign("WO-2611-0818")
    stage.scan(*SCANS)


def _refused(stage: Stage) -> None:
    stage.scan(SCANS[0], "XX:what is this?")


def _wrong(stage: Stage) -> None:
    stage.assign("WO-2611-0815", serial_number="A100-009999", product="example-a-100", purpose="outgoing")
    stage.scan(*SCANS[:3])


def _imei(stage: Stage) -> None:
    stage.assign("WO-2611-0815", serial_number="S5-004711", product="example-s-5", purpose="outgoing")
    stage.scan(*SCANS[:2], "SN:S5-004711", "IM:490154203237519")


def _prompt(stage: Stage) -> None:
    stage.scan(*SCANS)
    stage.start("connect")
    stage.ask(
        "音量开到最大，音调居中，输入接 AUX，扬声器开关在 A，电源开关打开。都好了吗？",
        "Volume at maximum, tone controls flat, input AUX, speakers A, power switch on. All done?",
    )


def _badge(stage: Stage) -> None:
    stage.scan(*SCANS)
    stage.start("connect")
    stage.ask(
        "互检：另一位工程师核对偏流后扫描工牌签字",
        "Mutual check: another engineer verifies the bias and signs",
        "badge",
    )


def _guide(value: float, hint: str) -> Callable[[Stage], None]:
    def scene(stage: Stage) -> None:
        stage.scan(*SCANS)
        stage.start("idle")
        stage.live("on")
        stage.guide(value, hint)

    return scene


def _passed(stage: Stage) -> None:
    _run("soak")(stage)
    stage.tell("step_ended", step="soak", verdict="PASS")
    stage.end(Verdict.PASS)


def _failed(stage: Stage) -> None:
    _run("thd")(stage)
    stage.fail_step("thd")
    stage.end(
        Verdict.FAIL,
        "thd_percent left: 0.312 %; limit at most 0.1 %",
        "thd_n_percent left: 0.34 %; limit at most 0.2 %",
    )


def _tripped(stage: Stage) -> None:
    _run("soak")(stage)
    stage.voltage = "out"
    stage.post(
        ev.Tripped(
            "G02",
            {
                "zh": "安全控制器：急停已按下；松开后按复位",
                "en": "guard: emergency stop pressed; release it, then RESET",
            },
        )
    )
    stage.end(Verdict.ABORTED, "trip: guard, ESTOP")
    stage.tell("voltage", voltage="out")


def _cooling(stage: Stage) -> None:
    _run("soak")(stage)
    stage.end(Verdict.PASS, hot=True)


SCENES: dict[str, Callable[[Stage], None]] = {
    "waiting": lambda stage: None,
    "missing": lambda stage: stage.scan(SCANS[0]),
    "refused": _refused,
    "wrong": _wrong,
    "imei": _imei,
    "ready": _ready,
    "soak": _run("soak"),
    "response": _run("response"),
    "prompt": _prompt,
    "badge": _badge,
    "guide-low": _guide(31.4, "raise"),
    "guide-hold": _guide(50.3, "hold"),
    "pass": _passed,
    "fail": _failed,
    "cooling": _cooling,
    "tripped": _tripped,
}


async def open_page(page: Page, url: str) -> None:
    """The page, once it shows something."""
    await page.goto(url)
    await page.wait_for_selector("body:not(.gone)")


async def main(folder: Path, wanted: list[str], lang: str = "zh") -> None:
    """Every state in every size."""
    folder.mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240  (once, before anything runs)
    async with async_playwright() as play:
        browser = await play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for name, scene in SCENES.items():
            if wanted and name not in wanted:
                continue
            with tempfile.TemporaryDirectory() as temporary:
                stage = Stage(Path(temporary) / "s.sock")
                await stage.server.start()
                async with page_process("--socket", str(stage.path)) as (url, _):
                    pages = {}
                    for size, (width, height) in SIZES.items():
                        pages[size] = await browser.new_page(viewport={"width": width, "height": height})
                        await open_page(pages[size], url)
                        if lang == "en":
                            await pages[size].click("#rail .lang")
                    scene(stage)
                    await asyncio.sleep(1.5)
                    for size, page in pages.items():
                        await page.screenshot(path=folder / f"{name}-{size}.png")
                    if name == "soak":
                        await stage.server.close()
                        await asyncio.sleep(1.5)
                        for size, page in pages.items():
                            await page.screenshot(path=folder / f"gone-{size}.png")
                    for page in pages.values():
                        await page.close()
                await stage.server.close()
        await browser.close()


if __name__ == "__main__":
    language = "en" if "--en" in sys.argv else "zh"
    asyncio.run(main(Path(sys.argv[1]), [name for name in sys.argv[2:] if name != "--en"], language))
