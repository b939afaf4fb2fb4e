"""Which permits a scan grants: pure. Each function returns why not ("" is a grant), the first reason that counts.

A permit is given for what is wanted now and no more; what a sensor must watch once energised must be fresh before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from drivers.ports import GuardState, GuardStatus
from station.domain.interlock import Interlock, When
from station.safety.interlocks import Fault, find_fault
from station.safety.rules import AUDIO, ISOLATED_FROM, LOADS, Rules
from station.safety.snapshot import DriveWish, HvWish, MainsWish, ScanInputs, ScanState

_NOWHERE: Mapping[str, bool] = {}


def refusals(rules: Rules, interlocks: Iterable[Interlock], state: ScanState, inputs: ScanInputs) -> Mapping[str, str]:
    """Why not, by permit; a permit that is granted has "" ."""
    common = _common(rules, state, inputs)
    if common:
        return dict.fromkeys(("routing", "hv", "test_voltage", "mains", "drive"), common)
    status = inputs.guard
    assert status is not None  # _common refuses without one
    rows = tuple(interlocks)
    hv = _hv(rules, rows, state, inputs, status)
    running = status.state is GuardState.HV and status.h
    return {
        "routing": "",
        "hv": hv,
        "test_voltage": hv or ("" if running else "the guard is not in HV"),
        "mains": _mains(rules, rows, state, inputs, status),
        "drive": _drive(rules, rows, state, inputs, status),
    }


def is_silent(rules: Rules, status: GuardStatus | None, now: float) -> bool:
    """Whether the guard has not been heard of for too long."""
    return status is None or now - status.received_at > rules.guard_silence_s


def positions(rules: Rules, inputs: ScanInputs) -> Mapping[str, bool]:
    """Where relays stand as read back; a role that is not in it is not known now."""
    image = inputs.relays
    if image is None or inputs.now - image.seen_at > rules.relay_max_age_s:
        return _NOWHERE
    return image.seen


def _common(rules: Rules, state: ScanState, inputs: ScanInputs) -> str:
    if state.trips:
        return f"tripped: {state.trips[0].interlock}, {state.trips[0].cause}; remove the cause, then RESET"
    if is_silent(rules, inputs.guard, inputs.now):
        return "the guard is silent; check its USB lead"
    return ""


def _mains(rules: Rules, rows: tuple[Interlock, ...], state: ScanState, inputs: ScanInputs, status: GuardStatus) -> str:
    if inputs.wishes.mains is MainsWish.OFF:
        return "mains is not wanted"
    if inputs.wishes.hv is not HvWish.OFF or status.h:
        return "the test voltage is in use"
    if inputs.now < state.off_until:
        return f"mains was switched off less than {rules.min_off_s:g} s ago"
    if status.fb and not status.k:
        return "the contactor's feedback is closed though K is off"
    return (
        _unhealthy(inputs, status)
        or _wrong_positions(rules, inputs, closed=(), opened=("tester", "bleed", "touch", *AUDIO))
        or _not_ok(rows, inputs, ("always", "energised"), judge_low=("always",))
        or ("" if state.mains_established else _refused(rows, inputs, ("always", "energised")))
    )


def _hv(rules: Rules, rows: tuple[Interlock, ...], state: ScanState, inputs: ScanInputs, status: GuardStatus) -> str:
    if inputs.wishes.hv is not HvWish.ON:
        return "the test voltage is not wanted"
    if inputs.wishes.mains is not MainsWish.OFF or status.k or status.fb:
        return "mains is not off"
    if inputs.wishes.drive is not DriveWish.OFF:
        return "drive is not released"
    return (
        _unhealthy(inputs, status)
        or _wrong_positions(rules, inputs, closed=("tester",), opened=(*ISOLATED_FROM, "bleed"))
        or _not_ok(rows, inputs, ("always", "hv"), judge_low=("always",))
        or ("" if state.hv_established else _refused(rows, inputs, ("always", "hv")))
    )


def _drive(rules: Rules, rows: tuple[Interlock, ...], state: ScanState, inputs: ScanInputs, status: GuardStatus) -> str:
    wish = inputs.wishes.drive
    if wish in (DriveWish.OFF, DriveWish.PREPARE):
        return "drive is not prepared"
    if not (status.state is GuardState.ENERGISED and status.k and status.fb):
        return "mains is not on"
    closed = ("fan", "source", "capture", *(LOADS if wish is DriveWish.FULL else ()))
    return (
        _wrong_positions(rules, inputs, closed=closed, opened=("tester", "touch"))
        or _not_ok(rows, inputs, ("always", "energised", "drive"), judge_low=("always", "energised", "drive"))
        or ("" if state.drive_established else _refused(rows, inputs, ("always", "drive")))
    )


def _unhealthy(inputs: ScanInputs, status: GuardStatus) -> str:
    barred = next(iter(bars(inputs)), "")
    if barred:
        return barred
    bad = [name for name in ("estop", "lid", "thermo") if not getattr(status, name)]
    return f"guard input not healthy: {', '.join(bad)}" if bad else ""


def _wrong_positions(rules: Rules, inputs: ScanInputs, closed: Iterable[str], opened: Iterable[str]) -> str:
    seen = positions(rules, inputs)
    for roles, wanted in ((closed, True), (opened, False)):
        for role in roles:
            at = seen.get(role)
            if at is not wanted:
                told = "not known" if at is None else "closed" if at else "open"
                return f"relay {role} is {told}, must be {'closed' if wanted else 'open'}"
    return ""


def _not_ok(
    rows: tuple[Interlock, ...], inputs: ScanInputs, when: tuple[When, ...], judge_low: tuple[When, ...]
) -> str:
    for row in rows:
        if row.when in when and row.reaction == "trip":
            low_from = 0.0 if row.when in judge_low else None
            fault = find_fault(row, inputs.readings.get(row.reading), inputs.now, low_from)
            if fault is not None:
                return _said(row, fault)
    return ""


def _refused(rows: Iterable[Interlock], inputs: ScanInputs, when: Iterable[When]) -> str:
    """The first reason of those that only refuse: looked at where something begins, never where it goes on."""
    return next(iter(begin_refusals(rows, inputs, when)), "")


def bars(inputs: ScanInputs) -> tuple[str, ...]:
    """What bars this bench from energising until a maintainer has come."""
    reasons = [] if not inputs.guard_unfit else [inputs.guard_unfit]
    if inputs.service_latch is not None:
        reasons.append(f"service latch: {inputs.service_latch}; a maintainer clears it (station service clear-weld)")
    return tuple(reasons)


def begin_refusals(
    rows: Iterable[Interlock], inputs: ScanInputs, when: Iterable[When] = ("always", "energised", "hv", "drive")
) -> tuple[str, ...]:
    """What stands against beginning anything now, of the interlocks whose reaction is `refuse`."""
    wanted, reasons = set(when), []
    for row in rows:
        if row.reaction == "refuse" and row.when in wanted:
            fault = find_fault(row, inputs.readings.get(row.reading), inputs.now, 0.0)
            if fault is not None:
                reasons.append(_said(row, fault))
    return tuple(reasons)


def _said(row: Interlock, fault: Fault) -> str:
    figures = "" if fault.unproven or fault.value is None else f" ({fault.value:g}, limit {fault.limit:g})"
    return f"interlock {row.name}: {row.reading} is {fault.cause.lower()}{figures}"
