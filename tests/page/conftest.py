"""A stage, the page's program on its socket, and a browser that tells what it did not like."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright

from tests.page.stage import Stage, page_process

CHROMIUM = "/usr/bin/chromium"
SEEN = Path(__file__).with_name("seen.js").read_text(encoding="utf-8")
SIZES = {"small": (800, 480), "wide": (1280, 800), "phone": (390, 844)}
TOUCH_MM = 15.0
BOXES = (
    "[...document.querySelectorAll('%s')].map(b => { const { width, height } = b.getBoundingClientRect();"
    " return [width, height]; })"
)
PX_PER_MM = {"small": 800 / 154.08, "wide": 1280 / 216.96, "phone": 6.04}
"""Of a 7 inch and a 10.1 inch panel and a 6.1 inch phone: CSS pixels in a millimetre."""


@dataclass
class Look:
    """A page that is open, and what its browser had to complain about or asked for."""

    page: Page
    url: str
    complaints: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    async def shows(self, selector: str, words: str) -> None:
        """Until the element says it."""
        await self.page.wait_for_function(
            "([selector, words]) => document.querySelector(selector)?.textContent.includes(words)",
            arg=[selector, words], timeout=8000,
        )  # fmt: skip

    async def text(self, selector: str) -> str:
        """What the element says now."""
        return await self.page.locator(selector).inner_text()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Stage, str]]:
    """A stage and the page's own program on its socket, for all tests of a file."""
    folder = tmp_path_factory.mktemp("page")
    stage = Stage(folder / "s.sock")
    await stage.server.start()
    async with page_process("--socket", str(stage.path), log=folder / "page.log") as (url, _):
        yield stage, url
    await stage.server.close()


@pytest_asyncio.fixture(loop_scope="module")
async def stage(house: tuple[Stage, str]) -> Stage:
    """The bench as it is in the morning."""
    house[0].reset()
    return house[0]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as play:
        one = await play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield one
        await one.close()


@asynccontextmanager
async def look_at(browser: Browser, url: str, size: str = "small", language: str = "") -> AsyncIterator[Look]:
    """The page in a browser of this size."""
    width, height = SIZES[size]
    context = await browser.new_context(viewport={"width": width, "height": height})
    await context.add_init_script(SEEN)
    if language:
        await context.add_init_script(f"localStorage.setItem('lang', '{language}')")
    page = await context.new_page()
    look = Look(page, url)
    page.on("console", lambda message: look.complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: look.complaints.append(str(error)))
    page.on("request", lambda request: look.asked.append(request.url))
    await page.goto(url)
    await page.wait_for_selector("body:not(.gone)", timeout=8000)
    yield look
    await context.close()


@pytest.fixture
def url(house: tuple[Stage, str]) -> str:
    """Where the page is."""
    return house[1]


@pytest_asyncio.fixture(loop_scope="module")
async def look(browser: Browser, stage: Stage, url: str) -> AsyncIterator[Look]:
    """The page at 800 x 480."""
    async with look_at(browser, url) as one:
        yield one
