"""The page beside the real daemon on the simulated bench: a run, its verdict, its history; and a daemon that dies."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from playwright.async_api import async_playwright

from tests.page.conftest import CHROMIUM
from tests.page.stage import page_process
from tests.scenarios.live import Live

STEPS = ("supply", "switched-on", "earth-bond", "insulation", "inrush", "idle-power")


@pytest.mark.timeout(180)
async def test_a_run_from_power_up_to_its_verdict_and_into_the_history(tmp_path: Path) -> None:
    live = await asyncio.to_thread(Live(tmp_path, steps=STEPS).__enter__)
    try:
        async with async_playwright() as play, page_process("--config", str(live._config)) as (url, process):
            browser = await play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            page = await browser.new_page(viewport={"width": 800, "height": 480})
            volts: list[str] = []
            await page.expose_function("volt", lambda volt: volts.append(volt))
            await page.add_init_script(
                "addEventListener('DOMContentLoaded', () => new MutationObserver(() =>"
                " volt(document.body.dataset.volt)).observe(document.body, { attributeFilter: ['data-volt'] }))"
            )
            await page.goto(url)
            await page.wait_for_selector("#card[data-state]", timeout=30_000)
            await asyncio.to_thread(live.run_until, lambda event: event["kind"] == "run_ended")
            await page.wait_for_selector("#card[data-state=PASS]", timeout=10_000)
            assert "on" in volts and await page.get_attribute("body", "data-volt") == "off"
            assert await page.locator("#main .box.pass").count() == len(STEPS)
            await page.wait_for_selector("#main .was.pass", timeout=10_000)
            assert await page.locator("#sim").is_visible()
            live.kill(live.station)
            await page.wait_for_selector("body.gone", timeout=10_000)
            assert process.returncode is None, "the page outlives the daemon"
            await asyncio.to_thread(live.start_station)
            await page.wait_for_selector("body:not(.gone)", timeout=40_000)
            await page.wait_for_selector("#card[data-state=waiting], #card[data-state=tripped]", timeout=10_000)
            await browser.close()
    finally:
        await asyncio.to_thread(live.__exit__, None, None, None)
