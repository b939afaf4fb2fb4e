"""A stage for one hand-made history: a short session with a device that is good, played until something is found.

Moments are named by what an honest session does then (`at("guard ENERGISED", 1.0)`), so that a change of its pace
moves the happenings with it.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from drivers.catalog import CATALOG
from station.campaign.board import load_core
from station.campaign.campaign import PRODUCT, _fast_disk
from station.campaign.history import FOR_EVER_US, START_US, Happening, History
from station.campaign.life import Setting, make_setting
from station.campaign.plant import Dut
from station.campaign.session import Machinery, Mode, Outcome
from station.campaign.virtual import US
from station.settings.loading import load
from station.settings.tree import Tree
from station.steps.catalog import STEPS

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / "config"
ONE_RUN, TWO_RUNS = 29, 60
"""Seeds whose technician tests one device, and two."""
FOR_EVER_S = FOR_EVER_US / US


@cache
def read_tree() -> Tree:
    """The configuration tree under test."""
    return load(CONFIG, STEPS, CATALOG)


@cache
def honest_setting() -> Setting:
    """What is under test when nothing is sabotaged."""
    return make_setting(read_tree(), PRODUCT, 1.0)


@dataclass(frozen=True, slots=True)
class At:
    """So many seconds after an honest session does `words` for the `nth` time."""

    words: str
    plus_s: float = 0.0
    nth: int = 0


@dataclass(frozen=True, slots=True)
class What:
    """A happening at a named moment."""

    at: At
    kind: str
    target: str = ""
    for_s: float = 0.0
    amount: int = 0


@dataclass(frozen=True, slots=True)
class Scene:
    """A session: its happenings, its device, which steps its plan has (all), how long the technician stays."""

    happenings: tuple[What, ...] = ()
    dut: Dut = field(default_factory=Dut)
    soak: bool = False
    seed: int = ONE_RUN
    steps: tuple[str, ...] = ()
    bound_s: float = 0.0
    without: tuple[str, ...] = ()
    """Interlocks that are not declared."""
    stays_s: float = 0.0
    """Virtual seconds for which the session goes on although the technician is done, who then tests one device only."""

    def setting(self) -> Setting:
        """The honest setting with these changes."""
        setting = honest_setting()
        plans = setting.plans
        if self.steps:
            plans = {
                name: replace(plan, steps=tuple(step for step in plan.steps if step.use in self.steps))
                for name, plan in plans.items()
            }
        if self.bound_s:
            plans = {name: replace(plan, max_mains_s=self.bound_s) for name, plan in plans.items()}
        rows = tuple(row for row in setting.interlocks if row.name not in self.without)
        return replace(setting, plans=plans, interlocks=rows)

    def history(self) -> History:
        """The scene as a history."""
        bare = replace(self, happenings=(), dut=Dut())
        happenings = tuple(
            Happening(_moment_us(bare, one.at), one.kind, one.target, round(one.for_s * US), one.amount)
            for one in self.happenings
        )
        return History(self.seed, happenings, replace(self.dut), 7_200 if self.soak else 0, (1 << 30) - 30_000)


class Stage(Machinery):
    """Ends as soon as every invariant of `wanted` is found broken."""

    wanted: Collection[int] = ()
    stays_us = 0

    def _over(self) -> bool:
        found = {one.invariant for one in self.watch.violations}
        if self.wanted and found.issuperset(self.wanted):
            return True
        return super()._over() and self.world.now_us - START_US >= self.stays_us


def play_scene(scene: Scene, wanted: Collection[int] = (), core: Any = None) -> Outcome:
    """Play it, jumping over quiet time. `core`: a module of the guard's core, sabotaged or not."""
    return play_history(scene.history(), scene.setting(), wanted, core, scene.stays_s)


def play_history(
    history: History, setting: Setting, wanted: Collection[int] = (), core: Any = None, stays_s: float = 0.0
) -> Outcome:
    """The same for a history and a setting."""
    logging.disable(logging.CRITICAL)
    try:
        with tempfile.TemporaryDirectory(prefix="stage-", dir=_fast_disk()) as folder:
            stage = Stage(core or load_core(), setting, history, Path(folder), Mode.JUMP)
            stage.wanted, stage.stays_us = wanted, round(stays_s * US)
            if stays_s:
                stage.technician._started = 1  # the one that is coming is the last
            return stage.play()
    finally:
        logging.disable(logging.NOTSET)


@cache
def _honest_trace(key: tuple[Any, ...]) -> tuple[tuple[int, str], ...]:
    return play_scene(_SCENES[key]).trace


_SCENES: dict[tuple[Any, ...], Scene] = {}


def _moment_us(bare: Scene, at: At) -> int:
    if not at.words:
        return round(at.plus_s * US)
    key = (bare.soak, bare.seed, bare.steps, bare.bound_s)
    _SCENES[key] = replace(bare, without=(), stays_s=0.0)
    moments = [us for us, words in _honest_trace(key) if words.startswith(at.words)]
    assert len(moments) > at.nth, f"an honest session never does {at.words!r} {at.nth + 1} times"
    return moments[at.nth] + round(at.plus_s * US)


Sabotage = Callable[[Any, Any], None]
"""(pytest's monkeypatch, the guard core's module of this session): puts the bug in."""
