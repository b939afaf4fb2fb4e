"""The bench page in a real browser, on the page's real program, on a real control socket."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from playwright.async_api import Browser

from station.domain.verdict import Verdict
from station.run import session_events as ev
from tests.page.conftest import BOXES, PX_PER_MM, TOUCH_MM, Look, look_at
from tests.page.looks import SCENES
from tests.page.stage import SCANS, Stage, page_process

pytestmark = pytest.mark.asyncio(loop_scope="module")

HOSTILE = 'WO:<img/src=x onerror="window.hurt=1">'


async def test_from_scans_to_a_verdict_the_page_says_what_to_do_next(stage: Stage, look: Look) -> None:
    await look.shows("#next", "扫描您的工牌")
    stage.scan(SCANS[0])
    await look.shows("#next", "扫描工单")
    stage.scan(*SCANS[1:])
    await look.shows("#state", "就绪，请按启动")
    stage.start("soak")
    stage.live("on")
    await look.shows("#volt-text", "带电")
    assert await look.page.get_attribute("body", "data-volt") == "on"
    assert await look.page.locator("#main .box.pass").count() == 14
    stage.soak(until=0.5)
    await look.shows(".ends", "剩余 1:00:00")
    await look.shows("[data-reading=power_w]", "W")
    await look.page.wait_for_selector(".plot polyline", timeout=8000)
    stage.tell("step_ended", step="soak", verdict="PASS")
    stage.end(Verdict.PASS)
    await look.shows("#state", "合格")
    assert await look.page.get_attribute("body", "data-volt") == "off"
    assert look.complaints == []


async def test_a_prompt_fills_the_page_and_says_which_button(stage: Stage, look: Look) -> None:
    SCENES["prompt"](stage)
    await look.shows(".question", "音量开到最大")
    assert "OK" in await look.text(".answer.ok") and "NG" in await look.text(".answer.ng")
    stage.post(ev.PromptClosed())
    stage.ask("请签字", "sign here", "badge")
    await look.shows(".answer.badge", "扫工牌")
    await look.shows("#next", "扫描工牌签字")


async def test_the_needle_follows_and_says_which_way(stage: Stage, look: Look) -> None:
    SCENES["guide-low"](stage)
    await look.shows(".guide-value", "31.4")
    low = float(await look.page.get_attribute(".needle", "data-degrees") or "nan")
    assert await look.text(".guide-hint") == "调大"
    up = await look.page.locator(".guide-sign use").get_attribute("href")
    for step in range(20):
        stage.guide(31.4 + step, "lower" if step > 18 else "raise")
        await asyncio.sleep(0.02)
    await look.shows(".guide-value", "50.4")
    high = float(await look.page.get_attribute(".needle", "data-degrees") or "nan")
    assert low < -60 < 0 < high < 5
    assert await look.page.locator(".guide-sign use").get_attribute("href") != up, "not by colour alone"
    stage.tell("guide", step="bias", guide=None)
    await look.shows(".step-title", "空载功耗")


async def test_a_refusal_stands_with_its_reason(stage: Stage, look: Look) -> None:
    stage.scan("XX:nonsense")
    await look.shows("#said", "拒绝")
    assert "无法识别的条码" in await look.text("#said")


async def test_a_hostile_scan_is_text_and_nothing_else(stage: Stage, look: Look) -> None:
    stage.scan("XX:<img src=x onerror=window.hurt=1>")
    await look.shows("#said", "<img src=x onerror=window.hurt=1>")
    stage.scan(HOSTILE.replace(" ", "/"), "SN:</script><svg/onload=window.hurt=1>")
    await look.shows(".scans", "</script><svg/onload=window.hurt=1>")
    stage.ask("<b>x</b><script>window.hurt=1</script>", "x")
    await asyncio.sleep(0.5)
    assert await look.page.evaluate("window.hurt") is None
    assert await look.page.locator("#main img, #said img, #main script").count() == 0
    assert look.complaints == []


async def test_the_language_is_a_touch_away_and_kept(stage: Stage, look: Look) -> None:
    stage.scan(*SCANS)
    await look.shows("#state", "就绪")
    await look.page.click("#rail .lang")
    await look.shows("#state", "ready, press START")
    await look.shows("#rail", "Panel lamps")
    await look.page.reload()
    await look.shows("#state", "ready, press START")
    assert await look.page.get_attribute("html", "lang") == "en"


async def test_a_daemon_that_goes_away_leaves_nothing_current_and_comes_back_by_itself(
    stage: Stage, look: Look
) -> None:
    SCENES["soak"](stage)
    await look.shows("#volt-text", "带电")
    await stage.server.close()
    await look.shows("#gone-title", "与测试台失去联系")
    assert await look.page.locator("#app").is_hidden() or await look.page.evaluate(
        "getComputedStyle(document.getElementById('app')).visibility === 'hidden'"
    )
    assert await look.page.get_attribute("body", "data-volt") == "unknown"
    await stage.server.start()
    await look.page.wait_for_selector("body:not(.gone)", timeout=8000)
    await look.shows(".step-title", "满功率稳定性")
    assert await look.page.locator("#main .box.pass").count() == 14, "the run so far is told to who comes late"


async def test_a_daemon_that_says_nothing_is_as_good_as_gone(stage: Stage, look: Look) -> None:
    stage.silent = True
    await look.shows("#gone-title", "与测试台失去联系")
    stage.silent = False
    await look.page.wait_for_selector("body:not(.gone)", timeout=8000)


async def test_a_page_program_that_is_killed_is_said_and_its_successor_taken(
    stage: Stage, browser: Browser, tmp_path: Path
) -> None:
    async with page_process("--socket", str(stage.path)) as (url, process), look_at(browser, url) as look:
        process.kill()
        await process.wait()
        await look.shows("#gone-title", "与测试台失去联系")
        await look.shows("#gone-why", "本页与其程序失去联系")
        port = url.rstrip("/").rpartition(":")[2]
        async with page_process("--socket", str(stage.path), "--port", port):
            await look.page.wait_for_selector("body:not(.gone)", timeout=8000)


async def test_a_code_is_typed_with_gloves_and_the_session_decides(stage: Stage, look: Look) -> None:
    await look.page.click("#rail button:nth-child(4)")
    for letter in ("1", "other", "W", "O"):
        await look.page.click(f".keys button:text-is('{letter}')" if len(letter) == 1 else ".keypad .other")
    keys: list[list[float]] = await look.page.evaluate(BOXES % ".keypad button")
    assert len(keys) == 40 and all(side >= TOUCH_MM * PX_PER_MM["small"] - 2.0 for box in keys for side in box), keys
    await look.page.click(".keypad .go")
    await look.shows(".typed-answer", "已收下")
    assert stage.session.view()["scans"]["work_order"] == "1WO"
    await look.page.click(".kinds button:nth-child(3)")
    await look.page.click(".keys button:text-is('X')")
    await look.page.click(".keypad .go")
    await look.shows(".typed-answer", "没有产品")
    await look.page.click(".keypad .back")
    await look.shows(".scans", "1WO")
