"""The technician of the campaign: a session must come to its end, whatever the station answers."""

from __future__ import annotations

from station.campaign.bench import TICK_US, World
from station.campaign.board import load_core
from station.campaign.history import draw
from station.campaign.technician import GIVES_UP_US, Technician
from station.campaign.virtual import US


def test_one_who_is_refused_start_again_and_again_goes_home() -> None:
    world = World(load_core(), draw(0).only(()))
    technician = Technician(world, lambda text: None, "product")
    world.state, begun_us = "ready", world.now_us
    while not technician.done:
        world.now_us += TICK_US
        technician.look(world.now_us)
        assert world.now_us - begun_us < 2 * GIVES_UP_US
    assert technician._started > 10, "it was tried more than once"
    assert world.now_us - begun_us >= GIVES_UP_US


def test_one_whose_start_is_taken_stays() -> None:
    world = World(load_core(), draw(0).only(()))
    technician = Technician(world, lambda text: None, "product")
    for second in range(200):
        world.state = "preparing" if second % 40 > 20 else "ready"
        for _ in range(US // TICK_US):
            world.now_us += TICK_US
            technician.look(world.now_us)
    assert not technician.done


def answers(asks: str, prompts: int) -> list[str]:
    """What a technician scans and presses at so many prompts of this kind."""
    world, done = World(load_core(), draw(0).only(())), list[str]()
    technician = Technician(world, done.append, "product")
    for _ in range(prompts):
        for state in ("preparing", "prompt"):
            world.state, world.asks = state, asks if state == "prompt" else ""
            known = len(done)
            while state == "prompt" and len(done) == known:
                world.now_us += TICK_US
                technician.look(world.now_us)
                done += [button.value for button in world.buttons]
                world.buttons = frozenset()
            technician.look(world.now_us)
    return done


def test_prompts_are_answered_with_ok_and_now_and_then_with_ng() -> None:
    given = answers("answer", 300)
    assert set(given) == {"ok", "ng"} and 3 <= given.count("ng") <= 30


def test_where_a_badge_is_to_sign_a_colleagues_is_scanned() -> None:
    assert answers("badge", 3) == ["OP:e8"] * 3
