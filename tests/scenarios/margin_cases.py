"""Every limit of the product table (contracts/cli.md) from both sides: DUT files whose truth lies close to it.

Distances are those of the contract: 6 % of the limit, 0.5 dB for SNR and crosstalk, 0.03 dB for balance, 0.1 K for the
rise; 0.1 dB for the gain, which is closer than asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from tests.scenarios import truths as t

IN, OUT = 0.94, 1.06
SIDES = ("left", "right")


@dataclass(frozen=True, slots=True)
class Case:
    """`passes`: what `name` on `channel` must be; `first`: the expected first cause, None for a run that passes."""

    id: str
    keys: dict[str, Any]
    name: str
    channel: str | None
    passes: bool
    first: tuple[str, str | None] | None
    soak: bool = False


def _mono(name: str, key: str, inside: float, outside: float, tag: str = "", **more: Any) -> Iterator[Case]:
    yield Case(f"{name}{tag}-in", {key: inside, **more}, name, None, True, None)
    yield Case(f"{name}{tag}-out", {key: outside, **more}, name, None, False, (name, None))


def _sided(
    name: str, key: str, inside: float, outside: float, tag: str = "", then: str | None = None, **more: Any
) -> Iterator[Case]:
    """One channel at a time; the other is as the sample is. `then`: what fails later in the run all the same."""
    sample = {"gain_db": t.GAIN_DB, "h2_dbc": t.H2_DBC, "h3_dbc": t.H3_DBC, "noise_uv": t.NOISE_UV, "hum_uv": t.HUM_UV,
              "highpass_hz": t.HIGHPASS_HZ, "lowpass_hz": t.LOWPASS_HZ, "crosstalk_dbc": -70.0, "dc_offset_mv": 8.0,
              "output_impedance_ohm": t.Z_OHM, "rail_v": t.RAIL_V}[key]  # fmt: skip
    for side, other in (SIDES, SIDES[::-1]):
        for value, passes in ((inside, True), (outside, False)):
            first = (name, side) if not passes else (then, side) if then else None
            keys = {key: {side: value, other: sample}, **more}
            yield Case(f"{name}{tag}-{side}-{'in' if passes else 'out'}", keys, name, side, passes, first)


def _gain() -> Iterator[Case]:
    """Both channels near the same end, or the balance would fail as well."""
    for tag, limit, inward in (("-low", 28.0, 0.1), ("-high", 30.0, -0.1)):
        near, beyond = t.gain_for(limit + inward), t.gain_for(limit - inward)
        yield Case(f"gain_db{tag}-in", {"gain_db": near}, "gain_db", "left", True, None)
        for side, other in (SIDES, SIDES[::-1]):
            keys = {"gain_db": {side: beyond, other: near}}
            yield Case(f"gain_db{tag}-{side}-out", keys, "gain_db", side, False, ("gain_db", side))


def _balance() -> Iterator[Case]:
    name = "channel_balance_db"
    for side, other in (SIDES, SIDES[::-1]):
        for apart_db, passes in ((0.47, True), (0.53, False)):
            keys = {"gain_db": {side: 29.0 + apart_db, other: 29.0}}
            first = None if passes else (name, None)
            yield Case(f"{name}-{side}-{'in' if passes else 'out'}", keys, name, None, passes, first)


def _electrical() -> Iterator[Case]:
    yield from _mono("earth_bond_ohm", "earth_bond_ohm", 0.3 * IN, 0.3 * OUT)
    yield from _mono("insulation_mohm", "insulation_mohm", 5.0 * OUT, 5.0 * IN)
    yield from _mono("inrush_a", "inrush_a", 40.0 * IN, 40.0 * OUT)
    yield from _mono("touch_current_ma", "touch_current_ma", 0.5 * IN, 0.5 * OUT)
    yield from _mono("idle_power_w", "idle_power_w", 80.0 * IN, 80.0 * OUT, "-high")
    yield from _mono("idle_power_w", "idle_power_w", 10.0 * OUT, 10.0 * IN, "-low")
    yield from _sided("dc_offset_mv", "dc_offset_mv", 50.0 * IN, 50.0 * OUT, "-plus")
    yield from _sided("dc_offset_mv", "dc_offset_mv", -50.0 * IN, -50.0 * OUT, "-minus")


def _performance() -> Iterator[Case]:
    yield from _gain()
    yield from _balance()
    strong, weak = t.rail_for_power(100.0 * OUT), t.rail_for_power(100.0 * IN)
    yield Case("output_power_w-in", {"rail_v": strong}, "output_power_w", "left", True, None)
    yield Case("output_power_w-out", {"rail_v": weak}, "output_power_w", "left", False, ("output_power_w", "left"))
    for side, other in (SIDES, SIDES[::-1]):
        keys = {"rail_v": {side: weak, other: strong}}
        yield Case(f"output_power_w-{side}-out", keys, "output_power_w", side, False, ("output_power_w", side))
    yield from _sided("thd_percent", "h2_dbc", t.h2_for_thd(0.1 * IN), t.h2_for_thd(0.1 * OUT), "-h2")
    yield from _sided("thd_percent", "h3_dbc", t.h3_for_thd(0.1 * IN), t.h3_for_thd(0.1 * OUT), "-h3")
    yield from _sided(
        "thd_n_percent", "noise_uv", t.noise_for_thd_n(0.2 * IN), t.noise_for_thd_n(0.2 * OUT), "-noise", "snr_db"
    )
    yield from _sided(
        "thd_n_percent", "hum_uv", t.hum_for_thd_n(0.2 * IN), t.hum_for_thd_n(0.2 * OUT), "-hum", "snr_db"
    )
    yield from _sided(
        "response_drop_db", "lowpass_hz", t.lowpass_for_drop(3.0 * IN), t.lowpass_for_drop(3.0 * OUT), "-treble"
    )
    yield from _sided(
        "response_drop_db", "highpass_hz", t.highpass_for_drop(3.0 * IN), t.highpass_for_drop(3.0 * OUT), "-bass"
    )
    yield from _sided("snr_db", "noise_uv", t.noise_for_snr(95.5), t.noise_for_snr(94.5), "-noise")
    yield from _sided("snr_db", "hum_uv", t.hum_for_snr(95.5), t.hum_for_snr(94.5), "-hum")
    yield from _sided("crosstalk_db", "crosstalk_dbc", -50.5, -49.5)
    yield from _sided("damping_factor", "output_impedance_ohm", 8.0 / (50.0 * OUT), 8.0 / (50.0 * IN))


def _soak(name: str, passes: bool, tag: str = "", **keys: Any) -> Case:
    first = None if passes else (name, None)
    return Case(f"{name}{tag}-{'in' if passes else 'out'}", keys, name, None, passes, first, soak=True)


def _in_the_soak() -> Iterator[Case]:
    yield _soak("heatsink_degc", True, heatsink_k_per_w=t.k_per_w_for_heatsink(90.0 * IN))
    yield _soak("heatsink_degc", False, heatsink_k_per_w=t.k_per_w_for_heatsink(90.0 * OUT), protect_degc=150.0)
    yield _soak("heatsink_rise_k", True, **t.rise_keys(0.9))
    yield _soak("heatsink_rise_k", False, **t.rise_keys(1.1))
    yield _soak("soak_mains_power_w", True, bias_ma_per_k=t.bias_per_k_for_mains(10.0 * IN))
    yield _soak("soak_mains_power_w", False, bias_ma_per_k=t.bias_per_k_for_mains(10.0 * OUT))
    near_all = {
        "h2_dbc": t.h2_for_thd(0.1 * IN), "dc_offset_mv": {"left": 50.0 * IN, "right": -50.0 * IN},
        "noise_uv": t.noise_for_snr(95.5), "touch_current_ma": 0.5 * IN, "insulation_mohm": 5.0 * OUT,
        "crosstalk_dbc": -50.5, "lowpass_hz": t.lowpass_for_drop(3.0 * IN), "output_impedance_ohm": 8.0 / (50.0 * OUT),
    }  # fmt: skip
    for name in ("soak_thd_percent", "soak_dc_offset_mv"):
        yield Case(f"{name}-in", near_all, name, "left", True, None, soak=True)


@cache
def all_cases() -> tuple[Case, ...]:
    """Every case, in the order of the plan."""
    return (*_electrical(), *_performance(), *_in_the_soak())
