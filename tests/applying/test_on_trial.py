"""What a bench shows around a switch: devices answer as before, its own part loads, who asked is known."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest

from station.doctor.health import TRIES
from station.domain.commands import KeepTree
from station.domain.errors import SettingsError
from station.domain.session_state import State
from station.settings.archive import unpack
from station.settings.revisions import revision_of
from station.settings.switching import HOLDS_S
from tests.applying.rig import OTHER, TREE, TRIP, Rig
from tests.uplink.rig import until


async def on_trial(rig: Rig, *silent: dict[str, str]) -> None:
    """A revision on trial, taken into use after the first of these looks; the others come in the trial."""
    rig.silent = list(silent[:1])
    rig.bench.state = State.WAITING
    await rig.ask(TREE, "c1")
    assert await rig.run(lambda: False) and rig.switching.switch()
    rig.switching.begin()
    rig.silent = list(silent[1:])
    rig.fresh()


async def holds(rig: Rig) -> None:
    """Its minute passes, and it holds."""
    task = asyncio.create_task(rig.applying.run())
    await asyncio.sleep(0)
    rig.now_s += HOLDS_S
    await until(lambda: not rig.applying.on_trial, "it holds")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


ALL = {"mains": "", "fan": "", "touch": "touch: no answer within 0.3 s"}
LOST = {**ALL, "fan": "fan: no answer within 0.3 s"}


async def test_a_device_that_answered_before_and_is_silent_now_takes_the_revision_back(rig: Rig) -> None:
    await on_trial(rig, ALL, LOST)
    assert rig.switching.read().trial.answered == ("fan", "mains")  # type: ignore[union-attr]
    assert await rig.run(lambda: False), "it wants to start again"
    assert rig.switching.condemned == "fan answered before and is silent now: fan: no answer within 0.3 s"


@pytest.mark.parametrize(
    "seen",
    [
        (ALL, ALL), (LOST, LOST), (ALL, LOST, LOST, ALL), (ALL, LOST, ALL), (LOST, ALL),
        (ALL, LOST, {**ALL, "mains": "no answer"}, ALL), (ALL, {"mains": "", "touch": "no answer"}),
    ],
    ids=[
        "as before", "silent before too", "one of three is an answer", "one failed read", "better",
        "another one each time", "no longer configured",
    ],
)  # fmt: skip
async def test_what_comes_and_goes_by_itself_says_nothing_against_a_revision(
    rig: Rig, seen: tuple[dict[str, str], ...]
) -> None:
    await on_trial(rig, *seen)
    await holds(rig)
    assert rig.switching.condemned is None and TRIES == 3


async def test_nobody_is_examined_in_a_run_and_nothing_holds_before_it_was(rig: Rig) -> None:
    await on_trial(rig, ALL, LOST)
    rig.bench.running = True
    task = asyncio.create_task(rig.applying.run())
    await asyncio.sleep(0)
    rig.now_s += HOLDS_S
    await asyncio.sleep(0.1)
    assert rig.applying.on_trial and not task.done() and rig.silent == [LOST]
    rig.bench.running = False
    await asyncio.wait_for(task, 10.0)
    assert rig.switching.condemned


async def test_an_examination_lets_go_of_the_devices_when_somebody_comes(rig: Rig) -> None:
    await on_trial(rig, ALL)
    let_go = asyncio.Event()

    async def hangs() -> dict[str, str]:
        rig.bench.running = True
        try:
            await asyncio.Event().wait()
        finally:
            let_go.set()
        return {}

    rig._examine = hangs  # type: ignore[method-assign]
    rig.fresh()
    task = asyncio.create_task(rig.applying.run())
    await asyncio.wait_for(let_go.wait(), 10.0)
    assert rig.applying.on_trial and not task.done()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_bug_in_an_examination_ends_neither_the_daemon_nor_the_trial(rig: Rig) -> None:
    await on_trial(rig, ALL)

    async def breaks() -> dict[str, str]:
        raise ZeroDivisionError("a driver")

    rig._examine = breaks  # type: ignore[method-assign]
    rig.fresh()
    await holds(rig)
    assert rig.switching.condemned is None


async def test_no_switch_while_the_benchs_own_part_on_disk_would_not_load(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("station.applying.AGAIN_S", 0.001)
    await rig.ask(TREE, "c1")
    await rig.answered()
    rig.bench.state = State.WAITING
    rig.problems = ["station.toml:3: guard.port: empty; name it"]
    assert not await rig.run(lambda: "guard.port" in rig.applying.look()["waits_for"])
    rig.problems, rig.own_part = [], SettingsError("receipt-keys.json: no such file")
    assert not await rig.run(lambda: "receipt-keys" in rig.applying.look()["waits_for"])
    rig.own_part = None
    assert await rig.run(lambda: False)


async def test_what_loosens_safety_is_in_the_reply_an_alarm_and_the_history(rig: Rig) -> None:
    rig.looser = ["interlock inrush: trips above 60 → 90 A (looser)"]
    await rig.ask(TREE, "c1")
    await rig.answered()
    (reply,) = await rig.replies()
    alarms = [json.loads(row.payload)["body"] for row in await rig.store.due(99) if row.suffix == "alarm"]
    assert reply["status"] == "done" and reply["reason"].endswith(f"looser: {rig.looser[0]}")
    assert [alarm["code"] for alarm in alarms] == ["config_looser"] and rig.looser[0] in alarms[0]["cause"]
    (kept,) = rig.applying.look()["happened"]
    assert (kept["what"], kept["by"]) == ("kept", "the centre (c1)") and rig.looser[0] in kept["why"]


async def test_who_sent_it_by_the_socket_is_kept_over_a_restart(rig: Rig) -> None:
    await rig.store.change([KeepTree("0" * 64, TREE, "maria from 10.0.0.5")])
    await rig.answered()
    await rig.store.change([KeepTree("0" * 64, b"nothing", "")])
    await rig.answered()
    assert [one.by for one in rig.switching.read().history] == ["maria from 10.0.0.5", "the bench's socket"]


# ---- a revision that trips the bench ------------------------------------------------------------------------
async def trips(rig: Rig, **what: Any) -> asyncio.Task[None]:
    """On trial, with an interlock latched, and its minute over."""
    await on_trial(rig, ALL)
    rig.bench.state, rig.bench.trips = State.TRIPPED, (TRIP,)
    for name, value in what.items():
        setattr(rig.bench, name, value)
    task = asyncio.create_task(rig.applying.run())
    await asyncio.sleep(0.05)
    assert not task.done(), "before its minute"
    rig.now_s += HOLDS_S
    return task


async def over(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_one_that_trips_the_idle_bench_goes_back_at_its_minute_over_a_latch_that_the_guard_holds(
    rig: Rig,
) -> None:
    await asyncio.wait_for(await trips(rig), 10.0)
    assert rig.switching.condemned == "the bench trips with it and no run: heatsink: too hot"


async def test_one_that_was_compared_first_and_trips_then_does_not_hold(rig: Rig) -> None:
    await on_trial(rig, ALL)
    task = asyncio.create_task(rig.applying.run())
    await until(lambda: rig.applying._compared, "it is compared")
    rig.bench.state, rig.bench.trips = State.TRIPPED, (TRIP,)
    rig.now_s += HOLDS_S
    await asyncio.wait_for(task, 10.0)
    assert rig.switching.condemned and rig.applying.on_trial


@pytest.mark.parametrize(
    "what",
    [
        {"guard_holds": False}, {"off": False},
        {"trips": (replace(TRIP, interlock="guard"),)}, {"trips": (replace(TRIP, interlock="scan"),)},
    ],
    ids=["the latch is the station's alone", "something may be on", "emergency stop", "a late scan"],
)  # fmt: skip
async def test_a_latch_that_would_be_lost_or_is_no_interlocks_waits_for_reset(rig: Rig, what: dict[str, Any]) -> None:
    task = await trips(rig, **what)
    await asyncio.sleep(0.1)
    assert not task.done() and rig.applying.on_trial and rig.switching.condemned is None
    assert rig.applying.look()["waits_for"].startswith("RESET at the bench: a trip is latched")
    await over(task)


async def test_a_trip_after_a_run_is_the_devices_and_says_nothing_against_a_revision(rig: Rig) -> None:
    await on_trial(rig, ALL)
    rig.bench.running = True
    task = asyncio.create_task(rig.applying.run())
    await until(lambda: rig.applying.look()["waits_for"].startswith("the run"), "it waits for the run")
    rig.bench.running, rig.bench.state, rig.bench.trips = False, State.TRIPPED, (TRIP,)
    rig.now_s += HOLDS_S
    await asyncio.sleep(0.1)
    assert not task.done() and rig.switching.condemned is None
    await over(task)


@pytest.mark.parametrize("latched", [True, False])
async def test_rollback_in_a_trial_goes_back_at_once_over_a_latch_too(rig: Rig, latched: bool) -> None:
    rig.bench.state = State.WAITING
    await rig.ask(OTHER, "c0")
    assert await rig.run(lambda: False) and rig.switching.switch()
    rig.switching.begin()
    rig.switching.holds()
    rig.fresh()
    await on_trial(rig, ALL)
    if latched:
        rig.bench.state, rig.bench.trips = State.TRIPPED, (TRIP,)
    await rig.ask(OTHER, "rollback")
    assert await rig.run(lambda: False), "it wants to start again, long before its minute"
    assert rig.switching.condemned == "taken back by the centre (rollback)" and rig.now_s < HOLDS_S
    assert rig.switching.go_back(rig.switching.condemned)
    state = rig.switching.read()
    back = revision_of(unpack(OTHER))
    assert (rig.switching.revisions.current(), state.wanted, state.trial) == (back, None, None)
    assert [one.what for one in state.history[-3:]] == ["kept", "given up", "in use"], "whoever follows sees its end"
    assert state.history[-1].revision == back


async def test_another_one_is_told_what_it_waits_for_in_a_trial(rig: Rig) -> None:
    await on_trial(rig, ALL)
    await rig.ask(OTHER, "c2")
    assert not await rig.run(lambda: "to hold or go back, 60 s more" in rig.applying.look()["waits_for"])
