"""Every state of the page on every sheet, in both languages, in a real browser: it fits, can be read and touched."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from functools import cache

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.page.conftest import BOXES, PX_PER_MM, SIZES, TOUCH_MM, Look, look_at
from tests.page.looks import SCENES
from tests.page.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")
Sheets = dict[tuple[str, str], Look]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sheets(browser: Browser, house: tuple[Stage, str]) -> AsyncIterator[Sheets]:
    """The page at every size in every language, open side by side."""
    ways = [(size, language) for size in SIZES for language in ("zh", "en")]
    async with AsyncExitStack() as held:
        opened = (held.enter_async_context(look_at(browser, house[1], *way)) for way in ways)
        yield dict(zip(ways, await asyncio.gather(*opened), strict=True))


@cache
def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2) of `rgb(…)`."""
    parts = [float(part) / 255 for part in colour[colour.index("(") + 1 : -1].split(",")[:3]]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@cache
def contrast(one: str, other: str) -> float:
    """Contrast ratio (WCAG 2.2)."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


async def wrong_with(look: Look, state: str) -> list[str]:
    """What sticks out, and texts below AA (4.5 to 1, large ones 3 to 1), once the state is shown and settled."""
    await look.page.wait_for_selector(f"#card[data-state={state}]", timeout=8000)
    await asyncio.sleep(0.3)
    faint: list[str] = await look.page.evaluate("seenOutside()")
    for seen in await look.page.evaluate("seenTexts()"):
        large = seen["size"] >= 24 or (seen["bold"] and seen["size"] >= 18.66)
        worst = min(contrast(seen["colour"], behind) for behind in seen["behind"])
        if worst < (3.0 if large else 4.5):
            faint.append(f"{seen['text']}: {worst:.2f}")
    return faint


@pytest.mark.parametrize("scene", SCENES)
async def test_every_state_fits_every_sheet_in_both_languages_and_can_be_read(
    stage: Stage, sheets: Sheets, scene: str
) -> None:
    SCENES[scene](stage)
    state = str(stage.session.view()["state"])
    found = await asyncio.gather(*(wrong_with(look, state) for look in sheets.values()))
    assert {sheet: wrong for sheet, wrong in zip(sheets, found, strict=True) if wrong} == {}


@pytest.mark.usefixtures("stage")
async def test_what_can_be_touched_is_big_enough_and_nothing_comes_from_elsewhere(sheets: Sheets) -> None:
    for (size, _), look in sheets.items():
        await big_enough_for_gloves(look, TOUCH_MM * PX_PER_MM[size])
        assert look.complaints == []
        assert {one.split("/")[2] for one in look.asked} == {look.url.split("/")[2]}, "nothing from elsewhere"


async def big_enough_for_gloves(look: Look, least: float) -> None:
    """What can be touched, in the rail and in what it opens, is so wide and so high (a rounded pixel less)."""
    rail: list[list[float]] = await look.page.evaluate(BOXES % "#rail button")
    await look.page.click("#rail button:nth-child(3)")
    rail += await look.page.evaluate(BOXES % "#overlay .back")
    await look.page.click("#overlay .back")
    assert len(rail) == 5 and all(side >= least - 1.0 for box in rail for side in box), (least, rail)
