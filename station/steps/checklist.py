"""Guided checks: what a person at the bench sees, sets or hears, one item after the other. The items stand in the plan.

An item that prepares has a `remedy`: NG says what to set and asks once more, a second NG ends the run. An item that
judges names what it `measures`: OK is 1, NG is 0, and the plan's limit says what that is worth. No item does both.
Nothing here energises; where `bench_off`, mains and drive go off before anybody is asked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from station.domain.errors import StepDeclined
from station.domain.measurement import Measurement
from station.domain.prompt import PROMPT_S
from station.steps.params import require
from station.steps.step import StepContext

ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
WAIT_S_MAX = 86_400.0


@dataclass(frozen=True, slots=True)
class Words:
    """What the technician reads, in both languages of the house; short enough for a screen seen from 2 m."""

    zh: str
    en: str

    def __post_init__(self) -> None:
        if not (self.zh.strip() and self.en.strip()):
            raise ValueError("zh and en must both say something; write the text in both languages")


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to look at. `text`: how it should be; `remedy`: what to do on NG, or `measures`: what an NG fails."""

    id: str
    text: Words
    remedy: Words | None = None
    measures: str = ""

    def __post_init__(self) -> None:
        if not ID.fullmatch(self.id):
            raise ValueError(f"item id {self.id!r}; use small letters, digits and -")
        if bool(self.remedy) == bool(self.measures):
            raise ValueError(f"item {self.id!r} needs a remedy or `measures`; give one of the two")
        if self.measures and not self.measures.endswith("_ok"):
            raise ValueError(f"item {self.id!r} measures {self.measures!r}; end the name in _ok")


@dataclass(frozen=True, slots=True)
class Params:
    """`items` in the order of asking. `together`: all in one prompt; NG then asks them one by one.

    `bench_off`: mains and drive off first, and the lid is released while the questions stand, because hands are wanted
    at the device. `wait_s`: how long each question waits, wall seconds.
    """

    items: tuple[Item, ...]
    together: bool = False
    bench_off: bool = False
    wait_s: float = PROMPT_S

    def __post_init__(self) -> None:
        names = [item.id for item in self.items]
        if not names or len(set(names)) < len(names):
            raise ValueError("items must be there, each with an id of its own; correct the list")
        if self.together and any(item.measures for item in self.items):
            raise ValueError("together is for items with a remedy; what judges the device is asked by itself")
        require("wait_s", self.wait_s, 10.0, WAIT_S_MAX)


def items_of(params: Mapping[str, Any]) -> Mapping[str, str]:
    """See `step.ItemsOf`; says nothing about items that are not well formed."""
    items = params.get("items")
    rows = [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
    return {str(item.get("id")): str(item.get("measures", "")) for item in rows}


async def measure(context: StepContext, params: Params) -> None:
    """Records what its items measure (1 OK, 0 NG); what was prepared is noted, item by item.

    Raises `StepDeclined` on a second NG of the same item, `StepError` on a time-out.
    """
    items = [item for item in params.items if item.id not in context.product.without]
    if params.bench_off:
        await context.bench.mains.off()
        await context.bench.drive.release()
    if params.together and len(items) > 1 and await _ask(context, params, _joined(items), {"items": _ids(items)}):
        context.note(f"confirmed together: {', '.join(item.id for item in items)}")
        return
    for done, item in enumerate(items):
        await _one(context, params, item)
        context.progress((done + 1) / len(items))


async def _one(context: StepContext, params: Params, item: Item) -> None:
    answer = await _ask(context, params, asdict(item.text), {"item": item.id})
    if item.measures:
        conditions: dict[str, str | float] = {"asked": item.text.en, "answer": "OK" if answer else "NG"}
        context.record(Measurement(item.measures, 1.0 if answer else 0.0, conditions=conditions))
        return
    assert item.remedy is not None
    if answer:
        context.note(f"confirmed: {item.id}")
    elif await _ask(context, params, asdict(item.remedy), {"item": item.id, "again": "1"}):
        context.note(f"confirmed after NG: {item.id}")
    else:
        raise StepDeclined(
            f"{item.id}: NG twice ({item.text.en}); the technician sets it and tests again, or has the device repaired"
        )


async def _ask(context: StepContext, params: Params, text: Mapping[str, str], about: Mapping[str, str]) -> bool:
    return await context.ask(text, about, wait_s=params.wait_s, hands=params.bench_off)


def _joined(items: Sequence[Item]) -> dict[str, str]:
    """All texts as one, in the order of asking."""
    return {"zh": "；".join(item.text.zh for item in items), "en": "; ".join(item.text.en for item in items)}


def _ids(items: Sequence[Item]) -> str:
    return " ".join(item.id for item in items)
