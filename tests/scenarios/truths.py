"""What is true of a simulated DUT, from its physical parameters in closed form (contracts/cli.md, "A simulated DUT").

Written apart from drivers/sim on purpose: it is the other side of the proof. The first half turns parameters into
results, the second half finds the parameter that gives a wanted result.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

LOAD_OHM = 8.0
RATED_W = 100.0
RATED_V = (RATED_W * LOAD_OHM) ** 0.5
GAIN_DB, RAIL_V, RAIL_OHM, Z_OHM = 29.0, 46.0, 0.5, 0.04
H2_DBC, H3_DBC = -72.0, -78.0
NOISE_UV, HUM_UV = 80.0, 30.0
HIGHPASS_HZ, LOWPASS_HZ = 4.0, 90000.0
IDLE_W, BIAS_MA, BIAS_MA_PER_K = 38.0, 50.0, 0.05
K_PER_W, J_PER_K, AMBIENT_DEGC = 0.35, 900.0, 25.0
SOAK_S = 7200.0


def ratio(db: float) -> float:
    """An amplitude ratio."""
    return float(10.0 ** (db / 20.0))


def db(ratio: float) -> float:
    """… and back."""
    return 20.0 * math.log10(ratio)


# ---- from parameters to results ------------------------------------------------------------------------------
def filters_db(hz: float, highpass_hz: float = HIGHPASS_HZ, lowpass_hz: float = LOWPASS_HZ) -> float:
    """First-order high-pass and low-pass together."""
    return -10.0 * math.log10((1.0 + (highpass_hz / hz) ** 2) * (1.0 + (hz / lowpass_hz) ** 2))


def gain_db(gain: float = GAIN_DB, z_ohm: float = Z_OHM) -> float:
    """Gain into the load at 1 kHz."""
    return gain + filters_db(1000.0) + db(LOAD_OHM / (LOAD_OHM + z_ohm))


def response_drop_db(highpass_hz: float = HIGHPASS_HZ, lowpass_hz: float = LOWPASS_HZ) -> float:
    """Largest fall below the 1 kHz level; it lies at one of the two ends."""
    at = {hz: filters_db(hz, highpass_hz, lowpass_hz) for hz in (20.0, 1000.0, 20000.0)}
    return at[1000.0] - min(at.values())


def thd_percent(h2_dbc: float = H2_DBC, h3_dbc: float = H3_DBC) -> float:
    """At rated power, re fundamental."""
    return 100.0 * math.hypot(ratio(h2_dbc), ratio(h3_dbc))


def thd_n_percent(thd: float, noise_uv: float = NOISE_UV, hum_uv: float = HUM_UV) -> float:
    """At rated power: residual over total."""
    residual_v = math.sqrt((thd / 100.0 * RATED_V) ** 2 + (noise_uv * 1e-6) ** 2 + (hum_uv * 1e-6) ** 2)
    return 100.0 * residual_v / math.hypot(RATED_V, residual_v)


def a_weight(hz: float) -> float:
    """A-weighting as a plain ratio (IEC 61672-1)."""

    def raw(f: float) -> float:
        f2 = f * f
        return (
            12194.0**2 * f2 * f2 / ((f2 + 20.6**2) * math.sqrt((f2 + 107.7**2) * (f2 + 737.9**2)) * (f2 + 12194.0**2))
        )

    return raw(hz) / raw(1000.0)


WHITE_A = math.sqrt(float(np.mean([a_weight(float(f)) ** 2 for f in np.arange(20.5, 20000.0, 1.0)])))
"""A-weighted over flat rms of white noise in 20 Hz to 20 kHz."""


def snr_db(noise_uv: float = NOISE_UV, hum_uv: float = HUM_UV) -> float:
    """A-weighted, re rated output."""
    return db(RATED_V / (1e-6 * math.hypot(noise_uv * WHITE_A, hum_uv * a_weight(100.0))))


def damping_factor(z_ohm: float = Z_OHM) -> float:
    """1/(V_open/V_loaded - 1)."""
    return LOAD_OHM / z_ohm


def output_power_w(rail_left_v: float, rail_right_v: float, z_ohm: float = Z_OHM) -> tuple[float, float]:
    """At THD 1 % of each channel, both at their own limit at once: a clipped sine under rails that sag together."""
    fundamental, mean = _clipped_to_one_percent()
    swing = np.array([rail_left_v, rail_right_v])
    for _ in range(200):
        sag_v = RAIL_OHM * float((swing * mean / (LOAD_OHM + z_ohm)).sum()) / 2.0
        swing = np.array([rail_left_v, rail_right_v]) - sag_v
    peak_v = swing * fundamental * LOAD_OHM / (LOAD_OHM + z_ohm)
    left, right = (peak_v**2 / 2.0 / LOAD_OHM).tolist()
    return left, right


@cache
def _clipped_to_one_percent() -> tuple[float, float]:
    """Fundamental and mean |x| of a sine clipped at 1 so hard that its THD is 1 %."""
    sine = np.sin(2.0 * np.pi * (np.arange(8192) + 0.5) / 8192)

    def clipped(over: float) -> tuple[float, float, float]:
        x = np.clip(over * sine, -1.0, 1.0)
        lines = np.abs(np.fft.rfft(x)[:11]) * 2.0 / x.size
        return float(np.sqrt((lines[2:] ** 2).sum()) / lines[1]), float(lines[1]), float(np.abs(x).mean())

    over = _bisect(lambda r: clipped(r)[0] - 0.01, 1.0, 1.3)
    return clipped(over)[1:]


def soak_thermals(
    k_per_w: float = K_PER_W, j_per_k: float = J_PER_K, bias_ma_per_k: float = BIAS_MA_PER_K,
    start_degc: float = AMBIENT_DEGC,
) -> tuple[Values, Values, Values]:  # fmt: skip
    """Seconds, heatsink in degC and mains power in W through two hours at rated power: one pole, so exponential."""
    peak_a = math.sqrt(2.0 * RATED_W / LOAD_OHM)
    drawn_w = 2.0 * (2.0 / math.pi) * RAIL_V * peak_a
    bias_w, bias_w_per_k = 4.0 * RAIL_V * BIAS_MA / 1000.0, 4.0 * RAIL_V * bias_ma_per_k / 1000.0
    conductance = 1.0 / k_per_w - bias_w_per_k
    end_degc = AMBIENT_DEGC + (drawn_w - 2.0 * RATED_W + bias_w) / conductance
    times = np.arange(0.0, SOAK_S + 0.5, 1.0)
    degc = end_degc + (start_degc - end_degc) * np.exp(-times * conductance / j_per_k)
    mains_w = IDLE_W + drawn_w + bias_w_per_k * (degc - 25.0)
    return times, degc, mains_w


def heatsink_rise_k(times: Values, degc: Values) -> float:
    """Regression over the last 10 minutes, times 600 s."""
    last = times >= SOAK_S - 600.0
    return float(np.polyfit(times[last], degc[last], 1)[0] * 600.0)


def mains_drift_percent(times: Values, mains_w: Values) -> float:
    """The furthest since 295 s from the mean of 295 to 305 s."""
    reference = float(mains_w[(times >= 295.0) & (times <= 305.0)].mean())
    since = mains_w[times >= 295.0]
    worst = float(since[np.argmax(np.abs(since - reference))])
    return 100.0 * (worst / reference - 1.0)


# ---- from a wanted result to the parameter -------------------------------------------------------------------
def _bisect(error: Callable[[float], float], low: float, high: float) -> float:
    rising = error(high) > error(low)
    for _ in range(80):
        middle = (low + high) / 2.0
        if (error(middle) > 0.0) == rising:
            high = middle
        else:
            low = middle
    return (low + high) / 2.0


def gain_for(result_db: float) -> float:
    """`gain_db` of the DUT file for a gain into the load."""
    return result_db - (gain_db() - GAIN_DB)


def h2_for_thd(percent: float) -> float:
    """`h2_dbc` that with the sample's third harmonic gives this THD."""
    return db(math.sqrt((percent / 100.0) ** 2 - ratio(H3_DBC) ** 2))


def h3_for_thd(percent: float) -> float:
    """`h3_dbc` that with the sample's second harmonic gives this THD."""
    return db(math.sqrt((percent / 100.0) ** 2 - ratio(H2_DBC) ** 2))


def noise_for_thd_n(percent: float) -> float:
    """`noise_uv` that gives this THD+N."""
    return _bisect(lambda uv: thd_n_percent(thd_percent(), uv) - percent, 0.0, 1e6)


def hum_for_thd_n(percent: float) -> float:
    """`hum_uv` that gives this THD+N."""
    return _bisect(lambda uv: thd_n_percent(thd_percent(), NOISE_UV, uv) - percent, 0.0, 1e6)


def noise_for_snr(wanted_db: float) -> float:
    """`noise_uv` that gives this SNR."""
    return _bisect(lambda uv: snr_db(uv) - wanted_db, 1.0, 1e5)


def hum_for_snr(wanted_db: float) -> float:
    """`hum_uv` that gives this SNR."""
    return _bisect(lambda uv: snr_db(NOISE_UV, uv) - wanted_db, 1.0, 1e6)


def lowpass_for_drop(wanted_db: float) -> float:
    """`lowpass_hz` that gives this response drop, at 20 kHz."""
    return _bisect(lambda hz: response_drop_db(lowpass_hz=hz) - wanted_db, 5e3, 2e5)


def highpass_for_drop(wanted_db: float) -> float:
    """`highpass_hz` that gives this response drop, at 20 Hz."""
    return _bisect(lambda hz: response_drop_db(highpass_hz=hz) - wanted_db, 1.0, 100.0)


def rail_for_power(watts: float) -> float:
    """`rail_v` of both channels that gives this output power at THD 1 %."""
    return _bisect(lambda volts: output_power_w(volts, volts)[0] - watts, 30.0, 60.0)


def k_per_w_for_heatsink(degc: float) -> float:
    """`heatsink_k_per_w` whose hottest moment of the soak is `degc`."""
    return _bisect(lambda k: float(soak_thermals(k_per_w=k)[1].max()) - degc, 0.1, 1.5)


def rise_keys(rise_k: float) -> dict[str, float]:
    """A heavy sink on a poor path, so that the last ten minutes rise by this much."""
    k_per_w = 0.5
    heavy = _bisect(lambda j: heatsink_rise_k(*soak_thermals(k_per_w=k_per_w, j_per_k=j)[:2]) - rise_k, 1000.0, 8000.0)
    return {"heatsink_k_per_w": k_per_w, "heatsink_j_per_k": heavy}


def bias_per_k_for_mains(percent: float) -> float:
    """`bias_ma_per_k` that moves mains power by this much from its 5-minute value."""

    def drift(per_k: float) -> float:
        times, _, mains_w = soak_thermals(bias_ma_per_k=per_k)
        return mains_drift_percent(times, mains_w)

    return _bisect(lambda per_k: drift(per_k) - percent, 0.05, 14.0)
