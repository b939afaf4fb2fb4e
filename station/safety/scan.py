"""The scan: what may energise, from one snapshot of everything. Pure: no I/O, no clock, no memory but its state.

`step` finds what is wrong, latches it, and says which permits stand, whether the guard may be fed and where fan and
bleed relay belong. A trip latches; only `reset`, after a person's act and with nothing left to refuse it, clears
the latch, and it never energises: it forgets every wish.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

from drivers.ports import GuardState, GuardStatus
from station.domain.interlock import Interlock, Trip
from station.safety.finding import EPSILON_S, find_trips, fresh_trips, mismatches
from station.safety.granting import is_silent, positions, refusals
from station.safety.interlocks import find_fault, find_unproven
from station.safety.rules import LOADS, Rules
from station.safety.snapshot import DriveWish, HvWish, MainsWish, ScanInputs, ScanOutputs, ScanState

LOOPS = ("estop", "lid", "thermo")
NO_SUPPLY = "24 V of the loops is missing: estop, lid and thermo all read open at once (check the 24 V supply)"


def begin(rules: Rules, now: float, *, never_energised: bool = False) -> ScanState:
    """The state before the first scan: nothing was heard, nothing is granted.

    OFF counts from here, because whoever ran before may have ended with K on; `never_energised` says that nobody did.
    """
    return ScanState(started_at=now, off_until=now if never_energised else now + rules.min_off_s)


def step(
    rules: Rules, interlocks: Sequence[Interlock], state: ScanState, inputs: ScanInputs
) -> tuple[ScanState, ScanOutputs]:
    """One scan. Deterministic in its arguments; unchanged inputs give the same until `next_deadline`."""
    state = _follow(rules, state, inputs)
    state, new = find_trips(rules, interlocks, state, inputs)
    if new:
        state = replace(state, trips=state.trips + new)
    safe = confirmed_off(rules, inputs.guard, inputs.now)
    refused = refusals(rules, interlocks, state, inputs)
    drive = not refused["drive"]
    if drive is not state.drive_established:
        state = replace(state, drive_established=drive)
    settled = safe and (inputs.resetting or _is(inputs.guard, GuardState.TRIPPED))
    return state, ScanOutputs(
        refusals=refused,
        permit_until=inputs.now + rules.permit_s,
        heartbeat=not state.trips or safe,
        stop=state.tripped and not settled,
        fan=state.fan,
        bleed=_bleed(rules, state, inputs),
        trips=new,
        welded=_welded(rules, inputs),
    )


def latch(state: ScanState, trip: Trip) -> ScanState:
    """Add a trip that comes from outside the scan (STOP, a fault of the kernel); the first cause stays first."""
    return replace(state, trips=state.trips + fresh_trips(state.trips, [trip]))


def confirmed_off(rules: Rules, status: GuardStatus | None, now: float) -> bool:
    """Whether the guard says, and has just said, that it drives nothing."""
    if status is None or is_silent(rules, status, now):
        return False
    return status.state in (GuardState.SAFE, GuardState.TRIPPED) and not status.k and not status.h


def reset_refusals(
    rules: Rules, interlocks: Sequence[Interlock], state: ScanState, inputs: ScanInputs
) -> tuple[str, ...]:
    """Everything that forbids RESET now. A guard that is itself TRIPPED does not: it is asked next, and may refuse."""
    reasons = []
    status = inputs.guard
    if status is None or not confirmed_off(rules, status, inputs.now):
        why = "" if inputs.guard_trouble is None else f": {inputs.guard_trouble}"
        reasons.append(f"the guard does not say that it is off{why}")
    else:
        unhealthy = [name for name in LOOPS if not getattr(status, name)]
        if len(unhealthy) == len(LOOPS):
            reasons.append(NO_SUPPLY)
        else:
            reasons += [f"guard input {name} is not healthy" for name in unhealthy]
        if status.fb:
            reasons.append("the contactor's feedback is closed")
    if inputs.guard is not None and inputs.guard_unfit:
        reasons.append(inputs.guard_unfit)
    if inputs.service_latch is not None:
        reasons.append(f"service latch: {inputs.service_latch}; a maintainer clears it")
    reasons += [f"the poller of {role} is dead" for role in sorted(inputs.dead_pollers)]
    reasons += [f"relay {role} is not where it was put" for role in mismatches(inputs)]
    for row in interlocks:
        if row.when == "always":
            fault = find_fault(row, inputs.readings.get(row.reading), inputs.now, 0.0)
            if fault is not None:
                reasons.append(f"interlock {row.name}: {row.reading} is {fault.cause.lower()}")
    return tuple(reasons)


def reset(state: ScanState, inputs: ScanInputs) -> ScanState:
    """Clear the latch, after a person's act and with `reset_refusals` empty; the present guard counts from now on."""
    up_ms = inputs.guard.up_ms if inputs.guard is not None else 0
    return replace(state, trips=(), bad_since={}, unwanted_since=None, boot=inputs.boot, up_ms=up_ms)


def _follow(rules: Rules, state: ScanState, inputs: ScanInputs) -> ScanState:
    """What is energised, wanted and established now, and since when; what was heard; where the fan belongs."""
    status, wishes, now = inputs.guard, inputs.wishes, inputs.now
    k = status is not None and (status.k or status.fb or status.state is GuardState.ENERGISED)
    h = status is not None and (status.h or status.state is GuardState.HV)
    energised = k or wishes.mains is MainsWish.ON
    unwanted = (k and wishes.mains is not MainsWish.ON) or (h and wishes.hv is not HvWish.ON)
    return replace(
        state,
        energised_since=_since(state.energised_since, energised, now),
        hv_since=_since(state.hv_since, h or wishes.hv is HvWish.ON, now),
        live_since=_since(state.live_since, status is not None and status.fb, now),
        drive_since=_since(state.drive_since, wishes.drive in (DriveWish.LOW, DriveWish.FULL), now),
        mains_established=wishes.mains is MainsWish.ON
        and (state.mains_established or _is(status, GuardState.ENERGISED)),
        hv_established=wishes.hv is HvWish.ON and (state.hv_established or _is(status, GuardState.HV)),
        unwanted_since=_since(state.unwanted_since, unwanted, now),
        off_until=now + rules.min_off_s if state.energised_since is not None and not energised else state.off_until,
        heard=state.heard or status is not None,
        boot=inputs.boot if state.boot is None else state.boot,
        fan=_fan(rules, state, inputs),
        up_ms=state.up_ms if status is None else max(state.up_ms, status.up_ms),
    )  # fmt: skip


def _welded(rules: Rules, inputs: ScanInputs) -> bool:
    """The guard has tripped for a weld and the feedback stands closed still, seen through loops that have a supply.

    A mirror loop without its 24 V reads closed as well, but then estop, lid and thermo all read open: that is no weld.
    It is looked at in every scan, so a weld behind a lost supply is known as soon as the supply is back.
    """
    status = inputs.guard
    if status is None or is_silent(rules, status, inputs.now) or status.state is not GuardState.TRIPPED:
        return False
    told = status.cause == "WELD" or "WELD" in status.also
    return told and status.fb and not status.k and any(getattr(status, name) for name in LOOPS)


def _since(before: float | None, on: bool, now: float) -> float | None:
    return (now if before is None else before) if on else None


def _is(status: GuardStatus | None, wanted: GuardState) -> bool:
    return status is not None and status.state is wanted


def _fan(rules: Rules, state: ScanState, inputs: ScanInputs) -> bool:
    """The fan runs while drive is wanted or a load is in circuit, and until the load bank is known to be cool [23].

    While the board is busy opening a load the fan stays as it is: a load that is put open once more (as before every
    test voltage) is no reason to let its relay clatter.
    """
    if inputs.wishes.drive is not DriveWish.OFF:
        return True
    seen = positions(rules, inputs)
    for role in LOADS:
        if seen.get(role) is not False and (state.fan or not _is_opening(inputs, role)):
            return True
    reading = inputs.readings.get(rules.load_bank)
    if find_unproven(reading, rules.load_bank_max_age_s, inputs.now) is not None:
        return True
    assert reading is not None and reading.value is not None
    return reading.value >= (rules.fan_off_degc if state.fan else rules.fan_on_degc)


def _is_opening(inputs: ScanInputs, role: str) -> bool:
    """Put open, and not read back since."""
    image = inputs.relays
    return image is not None and image.commanded.get(role) is False and role not in image.seen


def _bleed(rules: Rules, state: ScanState, inputs: ScanInputs) -> bool:
    """The bleed resistor hangs on the plug whenever the plug is off, and never on mains or on the test voltage."""
    status = inputs.guard
    if status is None or is_silent(rules, status, inputs.now) or inputs.wishes.mains is not MainsWish.OFF:
        return False
    return state.energised_since is None and state.hv_since is None and status.state is not GuardState.ARMED


def next_deadline(
    rules: Rules, interlocks: Sequence[Interlock], state: ScanState, inputs: ScanInputs, *, renewed: bool = False
) -> float:
    """The earliest moment after now at which the same inputs would give another result.

    `renewed`: as if readings, status and relay positions went on coming with the same values; their ages are no
    deadline then (for a simulation that jumps over quiet time).
    """
    moments: list[float] = []
    add: Callable[[float], None] = moments.append
    if inputs.guard is None:
        add(state.started_at + rules.guard_silence_s)
    elif not renewed:
        add(inputs.guard.received_at + rules.guard_silence_s)
    if inputs.relays is not None and not renewed:
        add(inputs.relays.seen_at + rules.relay_max_age_s)
    if inputs.wishes.mains_until is not None:
        add(inputs.wishes.mains_until)
    if state.unwanted_since is not None:
        add(state.unwanted_since + rules.unwanted_s)
    add(state.off_until)
    ages = [(row.reading, row.max_age_s) for row in interlocks]
    for name, max_age_s in [*ages, (rules.load_bank, rules.load_bank_max_age_s)]:
        reading = inputs.readings.get(name)
        if reading is not None and not renewed:
            add(reading.taken_at)
            add(reading.taken_at + max_age_s)
    for row in interlocks:
        add(state.started_at + row.max_age_s)
        if row.name in state.bad_since:
            add(state.bad_since[row.name] + row.for_s)
    return min((moment for moment in moments if moment >= inputs.now - EPSILON_S), default=math.inf)
