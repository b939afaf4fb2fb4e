"""kill -9 of the daemon in different steps: one ABORTED record with what was measured, a dead bench, and no way back
to power but through a person's RESET."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from tests.scenarios.live import Event, Live

HEARTBEAT_S = 0.3
RELEASE_S = 1.0
"""Invariant 13: K and H are off within the heartbeat limit and the release time."""
STEPS = ("earth-bond", "insulation", "inrush", "connection", "gain", "soak")
RNG = random.Random(20260101)


def reached(step: str, kind: str = "step_started"):  # type: ignore[no-untyped-def]
    """Whether an event is of this step."""

    def wanted(event: Event) -> bool:
        return event["kind"] == kind and event["data"].get("step") == step

    return wanted


def crash(live: Live, step: str, kind: str = "step_started", delay_s: float | None = None) -> tuple[str, float]:
    """Let a run come to this point, then kill the daemon; returns the run and when."""
    run_id, _ = live.run_until(reached(step, kind))
    time.sleep(RNG.uniform(0.0, 0.5) if delay_s is None else delay_s)
    return run_id, live.kill(live.station)


def state(live: Live) -> str:
    """Of the session, as the daemon tells it now."""
    with live.connect() as client:
        return str(client.ask("status")["data"]["session"]["state"])


def check_dead(live: Live, killed_at: float) -> None:
    """K and H went off in time, by the guard's own stamps."""
    live.wait_dead()
    for name in ("k", "h"):
        changes = live.outputs(name)
        if changes and changes[-1][0] > killed_at:
            off_s = changes[-1][0] - killed_at
            assert not changes[-1][1] and off_s < HEARTBEAT_S + RELEASE_S, f"{name} went off {off_s:.3f} s after"


def check_record(live: Live, run_id: str, made: int) -> None:
    """One ABORTED record at the centre, with at least `made` steps measured and the rest skipped."""
    record = live.result(run_id)
    assert record["verdict"] == "ABORTED" and "stopped in the middle" in record["causes"][-1]["text"]
    assert [step["id"] for step in record["steps"]] == list(STEPS), "every planned step is on record"
    verdicts = [step["verdict"] for step in record["steps"]]
    assert all(verdict == "PASS" for verdict in verdicts[:made]), verdicts
    assert verdicts[-1] == "SKIPPED"
    for step, verdict in zip(record["steps"], verdicts, strict=True):
        assert all((m["value"] is None) == (verdict == "SKIPPED") for m in step["measurements"])
    events = [row[0] for row in live.rows(f"SELECT event FROM events WHERE run_id = '{run_id}' ORDER BY ts, msg_id")]
    assert sorted(events) == ["run_ended", "run_started"]


@pytest.mark.timeout(180)
def test_kill_nine_in_four_steps_gives_each_run_one_aborted_record_and_a_dead_bench(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Live, "afresh", True)  # what is killed here is what systemd starts
    with Live(tmp_path, steps=STEPS) as live:
        moments = (("earth-bond", "step_started", 0), ("insulation", "step_started", 1), ("gain", "step_started", 4),
                   ("soak", "progress", 5))  # fmt: skip
        runs: list[tuple[str, int]] = []
        for step, kind, made in moments:
            run_id, killed_at = crash(live, step, kind)
            check_dead(live, killed_at)
            changes = (live.outputs("k"), live.outputs("h"))
            live.start_station()
            live.until(lambda: state(live) == "tripped", "tripped: START needs a RESET first")
            runs.append((run_id, made))
            assert (live.outputs("k"), live.outputs("h")) == changes, "nothing re-energises by itself"
        for run_id, made in runs:
            check_record(live, run_id, made)
        assert len(live.results()) == len(moments)
        assert any(on for _, on in live.outputs("h")) and any(on for _, on in live.outputs("k"))


@pytest.mark.timeout(120)
def test_start_without_reset_after_a_crash_does_nothing_and_with_it_a_run_passes(tmp_path: Path) -> None:
    with Live(tmp_path, steps=("insulation", "inrush")) as live:
        run_id, _ = crash(live, "insulation", delay_s=0.1)  # it takes longer than that
        live.wait_dead()
        live.start_station()
        with live.connect() as client:
            for scan in ("OP:live", "WO:LIVE-1", "SN:S1", "PL:live", "PR:example-a-100"):
                client.ask("scan", text=scan)
        for event in live.watch(live.technician(idle=True)):
            if event["kind"] in ("status", "quiet"):
                live.send("press start")
            if event["kind"] == "tell":
                assert event["data"]["code"] == "tripped"
                break
        assert not live.energised()
        again, ended = live.run_until(lambda event: event["kind"] == "run_ended")
        assert ended["data"]["verdict"] == "PASS" and again != run_id
        assert live.result(again)["run_no"] == live.result(run_id)["run_no"] + 1


@pytest.mark.byhand
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("round_no", range(10))
def test_kill_nine_at_any_instant_of_a_run(tmp_path: Path, round_no: int) -> None:
    with Live(tmp_path, steps=STEPS) as live:
        for _ in range(4):
            step = RNG.choice(STEPS)
            _, killed_at = crash(live, step, delay_s=RNG.uniform(0.0, 3.0))
            check_dead(live, killed_at)
            live.start_station()
        with live.connect():
            live.until(lambda: len(live.results()) == 4, "four records at the centre")
        assert {body["verdict"] for body in live.results().values()} <= {"ABORTED", "PASS"}
