"""One interlock against one reading: pure. What is stale, missing or no number is never OK."""

from __future__ import annotations

import math
from dataclasses import dataclass

from station.domain.interlock import SENSOR_BLINK, Interlock, Reading, Trip
from station.safety.lamp_codes import SENSOR


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a reading is not OK. `unproven`: it says nothing of the DUT, trips at once, blames the station."""

    cause: str
    value: float | None
    limit: float | None
    unproven: bool


def find_unproven(reading: Reading | None, max_age_s: float, now: float) -> Fault | None:
    """The fault of a reading that cannot be relied on, whatever its value; None if it can."""
    if reading is None:
        return Fault("MISSING", None, None, True)
    if reading.value is None:
        return Fault("FAILED", None, None, True)
    if not math.isfinite(reading.value) or reading.taken_at > now:
        return Fault("INVALID", None, None, True)
    if not now - reading.taken_at <= max_age_s:
        return Fault("STALE", reading.value, max_age_s, True)
    return None


def find_fault(interlock: Interlock, reading: Reading | None, now: float, low_from: float | None) -> Fault | None:
    """What is wrong with `reading` now, or None. `low_from`: the low bound is judged on readings taken since then.

    What energising brings (mains volts, fan speed) cannot be there before, so a low bound waits for the first
    reading after it; freshness alone bounds that wait. None: the low bound is not judged.
    """
    unproven = find_unproven(reading, interlock.max_age_s, now)
    if unproven is not None or reading is None or reading.value is None:
        return unproven
    if interlock.high is not None and not reading.value <= interlock.high:
        return Fault("HIGH", reading.value, interlock.high, False)
    judge_low = interlock.low is not None and low_from is not None and reading.taken_at >= low_from
    if judge_low and interlock.low is not None and not reading.value >= interlock.low:
        return Fault("LOW", reading.value, interlock.low, False)
    return None


def trip_of(interlock: Interlock, fault: Fault, at: float) -> Trip:
    """The trip that `fault` makes; an unproven reading stands for no measurement of the DUT."""
    blames = "station" if fault.unproven else interlock.blames
    measurement = None if fault.unproven else interlock.measurement
    code, blink = interlock.code, interlock.blink
    if fault.unproven:  # it is the sensor that a technician must look at, not what it watches
        code, blink = code + SENSOR, blink + SENSOR_BLINK if blink else 0
    return Trip(
        interlock.name, fault.cause, fault.value, fault.limit, blames, at, measurement, code, "machine", blink
    )  # fmt: skip
