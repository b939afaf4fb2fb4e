"""24 V of all loops gone in a session: everything opens, nothing is taken for a weld, and the next run is clean."""

from __future__ import annotations

import logging
import tempfile
from functools import cache
from pathlib import Path

import pytest

from drivers.catalog import CATALOG
from station.campaign.board import Board, load_core
from station.campaign.campaign import PRODUCT
from station.campaign.history import FOR_EVER_US, KINDS, Happening, History
from station.campaign.life import make_setting
from station.campaign.plant import Dut, Plant
from station.campaign.session import Machinery, Mode
from station.campaign.virtual import US
from station.safety.rules import ROLES
from station.settings.loading import load
from station.steps.catalog import STEPS

SEED = 29
CONFIG = Path(__file__).resolve().parents[2] / "config"


Played = tuple[Machinery, list[tuple[int, str]]]


def play(folder: Path, *happenings: Happening) -> Played:
    setting = make_setting(load(CONFIG, STEPS, CATALOG), PRODUCT, 1.0)
    history = History(SEED, happenings, Dut(), 0, (1 << 30) - 30_000)
    machinery = Machinery(load_core(), setting, history, folder, Mode.JUMP)
    logging.disable(logging.CRITICAL)
    try:
        outcome = machinery.play()
    finally:
        logging.disable(logging.NOTSET)
    assert outcome.violations == ()
    return machinery, list(outcome.trace)


@cache
def energised_us() -> int:
    """When an honest session has mains on, from its begin."""
    with tempfile.TemporaryDirectory() as folder:
        _, trace = play(Path(folder))
    return next(us for us, words in trace if words.startswith("guard ENERGISED"))


def board() -> Board:
    plant = Plant(Dut(), dict.fromkeys(ROLES, False))
    return Board(load_core(), plant, 0, lambda us, what: None, lambda words: None)


def test_the_kind_is_drawn_and_lasts_from_100_ms_to_10_s() -> None:
    assert KINDS["loops_out"].for_ms == (100, 10_000) and KINDS["loops_out"].weight >= 1


def test_a_loop_that_a_person_holds_open_stays_open_when_the_supply_is_back() -> None:
    one = board()
    one.put_input("lid", False, 1_000)
    one.put_loops(False, 2_000)
    assert not any(one.inputs.values()) and one.feedback and not one.chain
    one.put_input("estop", False, 3_000)
    one.put_input("lid", True, 4_000)
    assert not any(one.inputs.values())
    one.put_loops(True, 5_000)
    assert one.inputs == {"estop": False, "lid": True, "thermo": True} and not one.feedback


@pytest.mark.parametrize("for_us", [150_000, 900_000, 8 * US])
def test_a_lost_supply_under_mains_is_no_weld_and_the_technician_goes_on(for_us: int, tmp_path: Path) -> None:
    machinery, trace = play(tmp_path, Happening(energised_us() + 2 * US, "loops_out", "", for_us))
    said = [words for _, words in trace]
    assert any("TRIPPED ESTOP" in words for words in said)
    assert machinery.world.service_latch is None
    after = said.index(next(words for words in said if words.startswith("* over: loops_out")))
    assert any(words.startswith("guard SAFE") for words in said[after:]), "RESET is taken again"


def test_a_weld_behind_a_lost_supply_is_latched_when_the_supply_is_back(tmp_path: Path) -> None:
    at_us = energised_us() + 2 * US
    welds = [Happening(at_us - 1000, "weld", which, 0) for which in ("0", "1")]
    machinery, _ = play(tmp_path, *welds, Happening(at_us, "loops_out", "", 3 * US))
    assert machinery.world.service_latch is not None


def test_without_its_supply_for_ever_nothing_is_reset_and_nothing_latched(tmp_path: Path) -> None:
    machinery, trace = play(tmp_path, Happening(energised_us() + 2 * US, "loops_out", "", FOR_EVER_US))
    said = [words for _, words in trace]
    tripped = next(index for index, words in enumerate(said) if "TRIPPED ESTOP" in words)
    assert not any(words.startswith(("guard SAFE", "guard ENERGISED")) for words in said[tripped:])
    assert machinery.world.service_latch is None
