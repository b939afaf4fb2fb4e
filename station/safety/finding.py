"""What is wrong: every trip that one snapshot gives reason for, in the order of its evidence. Pure.

What follows from a trip (permits, heartbeat, STOP) is the scan's.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

from drivers.ports import GuardState
from station.domain.interlock import Interlock, Trip
from station.safety.causes import guard_trip, station_trip
from station.safety.granting import is_silent, positions
from station.safety.interlocks import find_fault, trip_of
from station.safety.rules import ISOLATED_FROM, Rules
from station.safety.snapshot import MainsWish, ScanInputs, ScanState

EPSILON_S = 1e-6
Dated = tuple[float, Trip]
"""A trip and the monotonic second of its evidence."""


def find_trips(
    rules: Rules, interlocks: Sequence[Interlock], state: ScanState, inputs: ScanInputs
) -> tuple[ScanState, tuple[Trip, ...]]:
    """Everything that is wrong now and not latched yet, first cause first; the state remembers since when."""
    state, found = _judge_interlocks(interlocks, state, inputs)
    told, own = _guard_trips(rules, state, inputs), _own_trips(rules, state, inputs)
    if not (told or own or found):
        return state, ()
    status = inputs.guard
    told_at = inputs.now if status is None or is_silent(rules, status, inputs.now) else status.received_at
    wrong = _in_order([(told_at, trip) for trip in told], own, found, inputs.now)
    return state, fresh_trips(state.trips, wrong)


def fresh_trips(known: Sequence[Trip], found: Iterable[Trip]) -> tuple[Trip, ...]:
    """Those of `found` that are not latched yet, each once."""
    seen = {(trip.interlock, trip.cause) for trip in known}
    fresh = []
    for trip in found:
        if (trip.interlock, trip.cause) not in seen:
            seen.add((trip.interlock, trip.cause))
            fresh.append(trip)
    return tuple(fresh)


def _in_order(guard: list[Dated], own: list[Trip], found: list[Dated], now: float) -> list[Trip]:
    """What one scan finds at once, by the age of its evidence: the oldest is the cause, the rest may follow from it.

    A DUT that was read out of bounds before the guard's word came is not excused by the contactor that it took down;
    read after it, it is. Relays astray come before all: they put readings wrong, and no reading puts them wrong.
    """
    ours = [(-math.inf if trip.interlock == "relays" else now, trip) for trip in own]
    return [trip for _, trip in sorted([*guard, *ours, *found], key=lambda one: one[0])]


def _judge_interlocks(
    interlocks: Sequence[Interlock], state: ScanState, inputs: ScanInputs
) -> tuple[ScanState, list[Dated]]:
    """Trips of declared interlocks, each with the moment of its evidence: the first bad reading, or now for none."""
    since = {
        "always": state.started_at, "energised": state.energised_since, "hv": state.hv_since, "drive": state.drive_since
    }  # fmt: skip
    low_from = {"always": 0.0, "energised": state.live_since, "hv": state.hv_since, "drive": state.drive_since}
    bad_since: dict[str, float] = {}
    trips: list[Dated] = []
    for row in interlocks:
        if since[row.when] is None or row.reaction == "refuse":
            continue
        if (
            row.when == "always"
            and inputs.now - state.started_at <= row.max_age_s
            and row.reading not in inputs.readings
        ):
            continue  # just started: the first reading has as long as any other
        reading = inputs.readings.get(row.reading)
        fault = find_fault(row, reading, inputs.now, low_from[row.when])
        if fault is None:
            continue
        first = state.bad_since.get(row.name, inputs.now if reading is None else min(reading.taken_at, inputs.now))
        bad_since[row.name] = first
        if fault.unproven or inputs.now - first >= row.for_s - EPSILON_S:
            trips.append((inputs.now if fault.unproven else first, trip_of(row, fault, inputs.now)))
    if bad_since != state.bad_since:
        state = replace(state, bad_since=bad_since)
    return state, trips


def _guard_trips(rules: Rules, state: ScanState, inputs: ScanInputs) -> list[Trip]:
    status, now = inputs.guard, inputs.now
    if status is None:
        waited_s = now - state.started_at
        return [guard_trip("LOST", now)] if state.heard or waited_s > rules.guard_silence_s else []
    trips = []
    if is_silent(rules, status, now):
        trips.append(guard_trip("SILENT", now))
    if status.state is GuardState.TRIPPED:
        causes = (status.cause or "UNKNOWN", *status.also)
        own_stop = bool(state.trips)  # HOST is then the echo of our own STOP
        trips += [guard_trip(cause, now) for cause in causes if not (cause == "HOST" and own_stop)]
    changed = state.boot is not None and inputs.boot is not None and inputs.boot != state.boot
    if changed or status.up_ms < state.up_ms:
        trips.append(guard_trip("RESTARTED", now))
    if state.unwanted_since is not None and now - state.unwanted_since > rules.unwanted_s:
        trips.append(guard_trip("UNWANTED", now))
    left_mains = state.mains_established and status.state is not GuardState.ENERGISED
    left_hv = state.hv_established and status.state is not GuardState.HV
    if (left_mains or left_hv) and status.state is not GuardState.TRIPPED:
        trips.append(guard_trip("LEFT", now))
    return trips


def _own_trips(rules: Rules, state: ScanState, inputs: ScanInputs) -> list[Trip]:
    now, wishes = inputs.now, inputs.wishes
    trips = [station_trip("poller", f"DEAD {role}", now) for role in sorted(inputs.dead_pollers)]
    late_s = now - inputs.due
    if late_s > rules.period_s + EPSILON_S:
        trips.append(station_trip("scan", "LATE", now, late_s, rules.period_s))
    if wishes.mains is MainsWish.ON and wishes.mains_until is not None and now >= wishes.mains_until:
        trips.append(station_trip("mains", "BOUND", now))
    trips += [station_trip("relays", f"MISMATCH {role}", now) for role in mismatches(inputs)]
    energised, hv = state.energised_since is not None, state.hv_since is not None
    if not (energised or hv):
        return trips
    seen_at = inputs.relays.seen_at if inputs.relays is not None else -math.inf
    if now - seen_at > rules.relay_max_age_s:
        trips.append(station_trip("relays", "STALE", now, None, rules.relay_max_age_s))
    at = positions(rules, inputs)
    if energised and at.get("tester"):
        trips.append(station_trip("relays", "TESTER_ON_MAINS", now))
    if state.hv_established and any(at.get(role) for role in ISOLATED_FROM):
        trips.append(station_trip("relays", "NOT_ISOLATED", now))
    return trips


def mismatches(inputs: ScanInputs) -> list[str]:
    """Relays that were read back where they were not put."""
    image = inputs.relays
    if image is None:
        return []
    return [role for role, seen in image.seen.items() if image.commanded.get(role, seen) is not seen]
