"""What must be shown before something else may happen: a plug that is dead or seen live, quiet terminals, a fan.

Proof is by readings taken now, never from the table: a voltmeter that does not answer proves nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

from drivers.errors import DriverError
from station.domain.errors import StepError
from station.safety.errors import ClipsOn, OutputBridged, PlugLive, PlugUnseen, TerminalsLive
from station.safety.rules import BIAS, DISCHARGE, MINUS, PLUS

if TYPE_CHECKING:
    from station.safety.kernel import Kernel

BETWEEN_SAMPLES_S = 0.05


async def prove_dead(kernel: Kernel, within_s: float) -> None:
    """L-N, L-PE and N-PE below 60 V in a row of fresh samples [9]. Raises `PlugLive`, also for a dead voltmeter."""
    rules = kernel.rules
    deadline = kernel.clock() + within_s
    good, seen = 0, "nothing"
    while good < rules.dead_samples:
        if kernel.clock() >= deadline:
            raise PlugLive(f"plug: {seen} within {within_s:g} s, must be below {rules.dead_v_max:g} V; do not touch it")
        try:
            volts = await fresh(kernel, rules.discharge_role, DISCHARGE)
        except DriverError as error:
            good, seen = 0, f"the discharge voltmeter does not answer ({error})"
        else:
            good = good + 1 if all(abs(value) < rules.dead_v_max for value in volts.values()) else 0
            seen = ", ".join(f"{name} {value:.1f}" for name, value in volts.items())
        if good < rules.dead_samples:
            await asyncio.sleep(BETWEEN_SAMPLES_S)


async def prove_live(kernel: Kernel) -> None:
    """With mains on the voltmeter sees it: L-N, and one of L-PE and N-PE, whichever way round the plug is [9].

    This is what a later 0 V is worth: a voltmeter, or its lead to PE, that is open reads 0 V of a charged plug as well.
    Raises `PlugUnseen`, `PermitDenied` on a trip.
    """
    rules = kernel.rules
    deadline = kernel.clock() + rules.live_s
    while True:
        kernel.refuse_if_tripped()
        try:
            unseen = _unseen(await fresh(kernel, rules.discharge_role, DISCHARGE), rules.live_v_min)
        except DriverError as error:
            unseen = f"it does not answer ({error})"
        if not unseen:
            return
        if kernel.clock() >= deadline:
            raise PlugUnseen(
                f"discharge voltmeter with mains on: {unseen}, must be at least {rules.live_v_min:g} V: it cannot "
                "prove the plug dead; check its leads and fuses, and whether both contactors close"
            )
        await asyncio.sleep(BETWEEN_SAMPLES_S)


def _unseen(volts: Mapping[str, float], least_v: float) -> str:
    """Which pair reads nothing."""
    l_n, l_pe, n_pe = (abs(volts[name]) for name in DISCHARGE)
    if l_n < least_v:
        return f"L-N reads {l_n:.1f} V"
    if max(l_pe, n_pe) < least_v:
        return f"neither L-PE ({l_pe:.1f} V) nor N-PE ({n_pe:.1f} V) shows it"
    return ""


async def prove_quiet(kernel: Kernel) -> None:
    """Every speaker terminal at most 1 V to chassis, the minus ones too [21]. Raises `TerminalsLive`, `DriverError`."""
    rules = kernel.rules
    volts = dict(await fresh(kernel, rules.terminals_role, (*PLUS, *MINUS)))
    told = ", ".join(f"{name} {value:.2f}" for name, value in volts.items())
    if any(abs(volts[name]) > rules.terminal_v_max for name in MINUS):
        raise OutputBridged(
            f"terminals: {told}; a minus terminal is not chassis, the output is bridged: loads and capture stay open",
            volts,
        )
    if any(abs(volts[name]) > rules.terminal_v_max for name in PLUS):
        raise TerminalsLive(
            f"terminals: {told}; more than {rules.terminal_v_max:g} V to chassis: loads and capture stay open", volts
        )


async def prove_unclipped(kernel: Kernel) -> None:
    """The bias meter's clips are off, where the bench has one: with sound they would trip a good device.

    With mains on, because a device without it has no bias to show. Raises `ClipsOn`, `DriverError`."""
    role, most_mv = kernel.rules.bias_role, kernel.rules.clip_mv_max
    if all(poller.role != role for poller in kernel.pollers):
        return
    seen = await fresh(kernel, role, BIAS)
    if any(abs(mv) > most_mv for mv in seen.values()):
        told = ", ".join(f"{name} {mv:.2f}" for name, mv in seen.items())
        raise ClipsOn(
            f"bias meter: {told}, must be within {most_mv:g} mV: its clips are still on the device; no drive. "
            "Mains off, take the clips off, then test again"
        )


async def prove_fan(kernel: Kernel) -> None:
    """The fan turns as fast as its interlock wants. Raises `StepError` after `fan_proof_s`, `DriverError`."""
    rules = kernel.rules
    role, quantity = rules.fan.split(".", 1)
    lows = (row.low for row in kernel.interlocks if row.reading == rules.fan and row.low is not None)
    rpm_min = max((rules.fan_rpm_min, *lows))
    deadline = kernel.clock() + rules.fan_proof_s
    while (rpm := (await fresh(kernel, role, (quantity,)))[quantity]) < rpm_min:
        if kernel.clock() >= deadline:
            raise StepError(f"fan: {rpm:g} rpm, must be at least {rpm_min:g}; check the fan of the load bank")
        await asyncio.sleep(BETWEEN_SAMPLES_S)


async def fresh(kernel: Kernel, role: str, names: tuple[str, ...]) -> Mapping[str, float]:
    """These quantities of one device, read now. Raises `DriverError` if one is missing or no number."""
    values = await kernel.pollers.of(role).read_now()
    bad = [name for name in names if not abs(values.get(name, float("nan"))) < float("inf")]
    if bad:
        raise DriverError(role, f"no number for {', '.join(bad)}; check the device")
    return {name: values[name] for name in names}
