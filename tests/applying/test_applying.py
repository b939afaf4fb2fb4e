"""A tree on its way from the store into use: checked elsewhere, answered once, used from a quiet moment on."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from station.applying import LEFT_S, Quiet
from station.domain.commands import KeepTree, TooMany
from station.domain.errors import SettingsError, StoreError
from station.domain.session_state import State
from station.settings.archive import unpack
from station.settings.revisions import revision_of
from station.settings.switching import HOLDS_S, Switching
from station.store.asked import TREES_MAX
from tests.applying.rig import OTHER, TREE, TRIP, Bench, Rig
from tests.settings.trees import packed


async def test_a_tree_is_checked_kept_answered_once_and_wanted_until_the_bench_is_quiet(rig: Rig) -> None:
    await rig.ask(TREE, "c1")
    await rig.answered()
    revision = revision_of(unpack(TREE))
    (reply,) = await rig.replies()
    assert (reply["cmd_id"], reply["status"]) == ("c1", "done") and revision[:12] in reply["reason"]
    assert rig.switching.revisions.current() is None and rig.applying.look()["wanted"] == revision
    looks = iter(range(20))
    assert not await rig.run(lambda: next(looks, None) is None), "a trip is latched"
    rig.bench.state = State.WAITING
    rig.fresh()
    assert await rig.run(lambda: False), "it wants to start again"
    assert rig.events[-1].kind == "configuration" and len(await rig.replies()) == 1


async def test_a_tree_with_problems_is_refused_with_the_first_of_them_and_changes_nothing(rig: Rig) -> None:
    rig.problems = [*(f"plans/a.toml:{n}: high: too high; write less" for n in range(5)), "and 4 more"]
    await rig.ask(TREE, "c1")
    await rig.answered()
    (reply,) = await rig.replies()
    assert reply["status"] == "refused" and reply["reason"].startswith("apply: plans/a.toml:0: high: too high; write")
    assert "plans/a.toml:4" in reply["reason"] and reply["reason"].endswith("| and 4 more")
    look = rig.applying.look()
    assert look["wanted"] is None and look["last_apply_error"] == reply["reason"]
    assert rig.switching.revisions.kept() == [], "what was refused is not kept"


@pytest.mark.parametrize(
    ("archive", "problems", "says"),
    [
        (packed({"station.toml": b""}), [], "belongs to this bench"),
        (b"no archive", [], "cannot be read"),
        (TREE, SettingsError("not checked within 60 s"), "not checked within 60 s"),
        (TREE, OSError(28, "No space left on device"), "No space left on device"),
        (TREE, ZeroDivisionError("a bug"), "the station broke on it (ZeroDivisionError('a bug'))"),
    ],
    ids=["bench's own", "no archive", "check late", "disk full", "bug"],
)
async def test_whatever_goes_wrong_is_the_reply_and_the_next_tree_is_taken(
    rig: Rig, archive: bytes, problems: Any, says: str
) -> None:
    rig.problems = problems
    await rig.ask(archive, "c1")
    await rig.answered()
    rig.problems = []
    await rig.ask(OTHER, "c2")
    await rig.answered()
    first, second = await rig.replies()
    assert first["status"] == "refused" and says in first["reason"]
    assert (second["cmd_id"], second["status"]) == ("c2", "done") and rig.applying.look()["last_apply_error"] is None


async def test_a_station_that_dies_before_the_reply_is_kept_checks_it_again_and_answers_once(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    await rig.ask(TREE, "c1")

    async def full(*_: Any) -> None:
        raise StoreError("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(rig.store, "tree_checked", full)
        assert not await rig.run(lambda: rig.checked and rig.applying.look()["wanted"])
    assert await rig.replies() == []
    rig.fresh()
    await rig.answered()
    assert [reply["status"] for reply in await rig.replies()] == ["done"] and len(rig.checked) == 2


async def test_several_are_answered_in_order_and_the_last_is_wanted(rig: Rig) -> None:
    for number in range(TREES_MAX):
        await rig.ask(TREE if number % 2 == 0 else OTHER, f"c{number}")
    assert await rig.store.change([KeepTree("0" * 64, TREE)]) == TooMany(
        "apply: 4 configurations wait to be checked already; send it again in a minute"
    )
    await rig.answered()
    assert [reply["cmd_id"] for reply in await rig.replies()] == ["c0", "c1", "c2", "c3"]
    assert rig.applying.look()["wanted"] == revision_of(unpack(OTHER))


async def test_what_came_by_the_socket_is_told_to_watchers_and_not_to_the_centre(rig: Rig) -> None:
    await rig.store.change([KeepTree("0" * 64, b"nothing")])
    await rig.answered()
    assert await rig.replies() == [] and "cannot be read" in str(rig.events[-1].data["last_apply_error"])


async def test_a_revision_on_trial_holds_after_a_minute_and_nothing_else_is_taken_before(rig: Rig) -> None:
    rig.bench.state = State.WAITING
    await rig.ask(TREE, "c1")
    assert await rig.run(lambda: False)
    assert rig.switching.switch()
    rig.switching.begin()
    rig.fresh()
    await rig.ask(OTHER, "c2")
    await rig.answered()
    assert rig.applying.look()["on_trial"] and rig.applying.look()["wanted"] == revision_of(unpack(OTHER))
    task = asyncio.create_task(rig.applying.run())
    await asyncio.sleep(0.05)
    assert not task.done(), "one on trial is not left for another"
    rig.now_s = HOLDS_S
    await asyncio.wait_for(task, 10.0)
    assert not rig.applying.look()["on_trial"]


async def test_that_it_went_back_is_an_alarm_once(rig: Rig) -> None:
    await rig.ask(TREE, "c1")
    await rig.answered()
    rig.switching.switch()
    rig.switching.go_back("it does not load")
    for _ in range(2):
        rig.fresh()
        await rig.run(lambda: not rig.switching.read().untold)
    alarms = [json.loads(row.payload)["body"] for row in await rig.store.due(99) if row.suffix == "alarm"]
    assert [alarm["code"] for alarm in alarms] == ["config_went_back"] and "it does not load" in alarms[0]["cause"]
    assert [event.data["code"] for event in rig.events if event.kind == "alarm"] == ["config_went_back"]


async def test_on_a_full_disk_the_daemon_does_not_restart_over_and_over(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    await rig.ask(TREE, "c1")
    await rig.answered()
    rig.bench.state = State.WAITING
    rig.fresh()
    tries: list[Path] = []

    def full(path: Path, content: bytes) -> None:
        tries.append(path)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("station.applying.AGAIN_S", 0.001)
    with monkeypatch.context() as disk:
        disk.setattr("station.settings.switching.write_file", full)
        assert not await rig.run(lambda: len(tries) > 2)
    assert await rig.run(lambda: False), "with room it starts again"


async def test_what_a_full_disk_did_not_take_is_written_when_there_is_room_and_told_once(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    await rig.ask(TREE, "c1")
    await rig.answered()
    rig.switching.switch()
    tries: list[Path] = []

    def full(path: Path, content: bytes) -> None:
        tries.append(path)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("station.applying.AGAIN_S", 0.001)
    with monkeypatch.context() as disk:
        disk.setattr("station.settings.switching.write_file", full)
        rig.switching.go_back("it does not load")
        rig.fresh()
        await rig.run(lambda: len(tries) > 4)
    await rig.run(lambda: not rig.switching.behind)
    kept = Switching(rig.switching.revisions).read()
    assert kept.trial is None and not kept.untold and "it does not load" in str(kept.error)
    assert [row.suffix for row in await rig.store.due(99)].count("alarm") == 1


# ---- when -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("state", list(State))
def test_a_restart_is_for_a_bench_at_rest(state: State) -> None:
    bench, now_s = Bench(state), [0.0]
    quiet = Quiet(bench, bench, lambda: now_s[0])
    at_once = quiet.holds()
    now_s[0] = LEFT_S
    later = quiet.holds()
    resting = {State.SCAN_MISSING, State.WRONG_SERIAL, State.READY, State.PASS, State.FAIL, State.ABORTED, State.ERROR}
    assert at_once is (state is State.WAITING)
    assert later is (state is State.WAITING or state in resting)


@pytest.mark.parametrize("what", [{"running": True}, {"off": False}, {"trips": (TRIP,)}])
def test_no_restart_in_a_run_with_voltage_on_or_over_a_latch(what: dict[str, Any]) -> None:
    for state in State:
        bench, now_s = Bench(state, **what), [0.0]
        quiet = Quiet(bench, bench, lambda now_s=now_s: now_s[0])  # type: ignore[misc]
        quiet.holds()
        now_s[0] = 10 * LEFT_S
        assert not quiet.holds()


def test_scans_and_verdicts_are_given_their_time_from_the_last_change_on() -> None:
    bench, now_s = Bench(State.SCAN_MISSING), [0.0]
    quiet = Quiet(bench, bench, lambda: now_s[0])
    assert not quiet.holds()
    now_s[0] = LEFT_S - 1
    bench.scans["operator"] = "E07"
    assert not quiet.holds()
    now_s[0] = 2 * LEFT_S - 2
    assert not quiet.holds()
    now_s[0] = 2 * LEFT_S - 1
    assert quiet.holds()
    bench.state = State.WAITING
    assert not quiet.holds(), "a badge is on the bench"


@pytest.mark.parametrize(
    ("what", "says"),
    [
        ({"running": True}, "the run under way"), ({"trips": (TRIP,)}, "a trip is latched (DUT-HEATSINK-HOT)"),
        ({"off": False}, "mains and test voltage to be off"), ({"state": State.COOLING}, "the bench: "),
        ({"state": State.FAIL}, "300 s more if nobody comes"), ({}, ""),
    ],
)  # fmt: skip
def test_what_a_restart_waits_for_is_said(what: dict[str, Any], says: str) -> None:
    bench = Bench(**what)
    said = Quiet(bench, bench, lambda: 0.0).waits_for()
    assert says in said and bool(says) is bool(said)
