"""The referee: what was so before a message and after it, and which of the differences a message may make.

It knows the contract, not the code: no message energises, arms, resets, unlocks a live bench, clears a latch or begins
a run; a message that was refused or ignored changes nothing; every message is answered or counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from station.control.server import MAX_CLIENTS
from station.domain.interlock import Trip
from station.domain.session_state import State
from station.domain.work_order import WorkOrder
from station.run.session_scans import WorkOrders
from station.uplink.inbox import STRANGERS_MAX
from tests.hostile.attacked import Attacked

S = State
IDLE = {S.WAITING, S.SCAN_MISSING, S.WRONG_SERIAL, S.READY}
RUNNING = {S.PREPARING, S.ENERGISED, S.PROMPT}
VERDICTS = {S.PASS, S.FAIL, S.ABORTED, S.ERROR}
NEVER_SAID = {"ARM", "ON", "HV", "RESET"}
WITHOUT_EFFECT = {"identify", "status", "watch", "resend", "apply", "label", "requeue"}
"""On the session: verbs after which it is as it was."""


@dataclass(frozen=True, slots=True)
class Look:
    """Everything that the rules compare."""

    state: State
    view: Mapping[str, Any]
    k: bool
    h: bool
    lock: bool
    closed: frozenset[str]
    permits: frozenset[str]
    trips: tuple[Trip, ...]
    service: str | None
    said: int
    rises: int
    opened_live: int
    turns: int
    errors: int

    @property
    def live(self) -> bool:
        """Mains or test voltage."""
        return self.k or self.h

    @property
    def running(self) -> bool:
        """A run is on."""
        return bool((self.view["run"] or {}).get("running"))


@dataclass(frozen=True, slots=True)
class Done:
    """A message that was answered with `done`: its verb, its arguments, and who sent it."""

    verb: str
    args: Mapping[str, Any]
    by: str


def look(station: Attacked) -> Look:
    """Now."""
    core, kernel = station.guard.core, station.kernel
    return Look(
        station.session.state, station.conductor.view, bool(core.k), bool(core.h), bool(core.lock),
        frozenset(role for role, on in station.bench.board.positions.items() if on and role not in ("fan", "bleed")),
        frozenset(name for name, permit in kernel.permits.by_name.items() if permit.granted),
        kernel.trips, kernel.service_latch, len(station.guard.said),
        station.rises, station.opened_live, station.turns, len(station.errors.seen),
    )  # fmt: skip


def judge(station: Attacked, before: Look, after: Look, done: Done | None) -> Iterator[str]:
    """What the message must not have done."""
    yield from judge_bench(station, before, after)
    yield from judge_session(before, after, done)
    if after.turns <= before.turns or any(task.done() for task in station.tasks):
        yield "the scan, the panel or the session's watch stands still"
    if after.errors > before.errors:
        yield f"an exception escaped: {station.errors.seen[before.errors :]}"
    yield from judge_bounds(station)


def judge_bench(station: Attacked, before: Look, after: Look) -> Iterator[str]:
    """What hangs on the guard, the kernel and the relays."""
    said = set(station.guard.said[before.said :])
    if (after.k, after.h) > (before.k, before.h) or after.h > before.h or after.rises > before.rises:
        yield f"K or H came on: {before.k, before.h} -> {after.k, after.h}"
    if said & NEVER_SAID:
        yield f"the guard was told {sorted(said & NEVER_SAID)}"
    if after.opened_live > before.opened_live or (after.live and not after.lock):
        yield "the lid was unlocked with voltage on"
    if before.state is after.state is S.COOLING and (after.lock < before.lock or "UNLOCK" in said):
        yield "the lid was unlocked while the bench is hot"
    if after.closed - before.closed:
        yield f"relays closed: {sorted(after.closed - before.closed)}"
    if after.permits - before.permits - ({"routing"} if before.running and not after.running else set()):
        yield f"permits granted: {sorted(after.permits - before.permits)}"
    if after.trips[: len(before.trips)] != before.trips:
        yield f"the latch was cleared: {before.trips} -> {after.trips}"
    if after.service != before.service:
        yield f"the service latch changed: {before.service} -> {after.service}"


def judge_session(before: Look, after: Look, done: Done | None) -> Iterator[str]:
    """What the session may make of it."""
    if after.running > before.running or (after.state in RUNNING and before.state not in RUNNING):
        yield f"a run began: {before.state} -> {after.state}"
    if done is None or done.verb in WITHOUT_EFFECT:
        changed = sorted(name for name in after.view if after.view[name] != before.view[name])
        if changed:
            said = done or "nothing was done"
            yield f"{said}, and yet the session changed: {before.state} -> {after.state}, {changed}"
        return
    allowed = _targets(before, done)
    if after.state not in allowed:
        yield f"{done} took the session from {before.state} to {after.state}; allowed: {sorted(allowed)}"
    if done.verb == "start" and after.view["scans"]["work_order"] != done.args.get("work_order"):
        yield f"{done} put {after.view['scans']['work_order']} in front"


def _targets(before: Look, done: Done) -> set[State]:
    """Where a verb that was done may have led."""
    state = before.state
    match done.verb:
        case "assign" | "withdraw":
            return IDLE if state in IDLE else {state}
        case "start":
            return IDLE if state in IDLE | VERDICTS else set()
        case "scan" if done.by == "socket":
            return IDLE if state in IDLE | VERDICTS else {state} if state is not S.COOLING else set()
        case "abort" if before.running and done.args.get("run_id") == before.view["run"]["run_id"]:
            winding_up = {state, S.PREPARING, S.COOLING, S.TRIPPED, *VERDICTS} | (
                {S.ENERGISED} if before.live else set()
            )
            return winding_up if state is not S.TRIPPED else {state}
    return set()


def judge_bounds(station: Attacked) -> Iterator[str]:
    """What may not grow, whatever comes."""
    orders: Mapping[str, WorkOrder] = station.conductor.orders
    sizes = {
        "orders": (len(orders), WorkOrders.MOST),
        "strangers": (len(station.inbox._strangers_s), STRANGERS_MAX),
        "clients": (len(station.desk._server._clients), MAX_CLIENTS),
        "retained": (len(station.uplink.retained), 3),
        "tasks of the conductor": (len(station.conductor._tasks), 20),
    }
    yield from (f"{name}: {size}, at most {most}" for name, (size, most) in sizes.items() if size > most)
