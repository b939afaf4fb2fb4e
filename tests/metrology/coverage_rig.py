"""Truths by construction for coverage: an interface that is off, calibrated with a reference that is off as well, and a
DUT whose figure is known. What is measured goes through the real analysis, the real readings and the real steps.

An interface is drawn within its bounds, or further off and calibrated; so are reference, drift until due, noise. A
`Verdict` says whether the truth lies inside the stated interval, and what makes up most of that interval.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from types import SimpleNamespace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from drivers.ports import Identity
from drivers.settings import AudioSettings
from station.analysis.levels import ratio
from station.analysis.stepped import analyse_sweep
from station.analysis.sweep import plan_sweep, render_sweep
from station.analysis.tones import analyse_tone
from station.domain.calibration import Loopback, Revision
from station.domain.measurement import Measurement
from station.domain.plan import Product
from station.domain.plates import AmplifierPlate
from station.domain.sound import Stimulus, ToneReading, Value
from station.metrology.fitting import Beside, Comparison, Contribution, fit
from station.metrology.uncertainty import bound, normal
from station.sound.worker_captures import Interface
from station.sound.worker_readings import Scale, response_reading, tone_reading
from station.steps import power, response

Random = np.random.Generator
Array = NDArray[np.float64]
RATE_HZ = 48000
SETTINGS = AudioSettings("coverage", 4.0, 60.0, gain_accuracy_db=0.02, own_thd_db=-105.0, dynamic_range_db=110.0)
TRUSTING = replace(SETTINGS, own_thd_db=-140.0, dynamic_range_db=140.0)
"""The worse of settings and loopback counts: here it is the loopback."""
OWN_DB = (-125.0, -110.0)
"""Of its own THD, where a loopback says how much."""
RESPONSE_DB = 0.005
"""Of its capture side at the harmonics, re the fundamental; its loopback has bounded that."""
OFF_DB = 0.5
"""So far off nominal may an interface be that is calibrated."""
REFERENCE = 0.0004
"""k=2, of the voltmeter that it is calibrated with."""
DRIFT = 0.0001
LOAD = 0.002
"""k=2 of a calibrated ohmmeter; the hard bound of one that is not."""
ORDERS = np.arange(2, 11)
SWEEP = plan_sweep(response.THIRD_OCTAVES_HZ, RATE_HZ)
SOURCE: Array = render_sweep(SWEEP, (0.3, 0.3)).astype(np.float64)
PADDED = 2 ** math.ceil(math.log2(1.5 * len(SOURCE)))
SOURCE_LINES = np.fft.rfft(SOURCE, PADDED, axis=0)
LINES_HZ: Array = np.maximum(np.fft.rfftfreq(PADDED, 1.0 / RATE_HZ), 1e-6)
Kind = Literal["level", "thd", "response", "power"]


@dataclass(frozen=True)
class Verdict:
    """`inside`: the truth is in the interval. `noisy`: noise makes up most of it. `bound`: it was only a bound."""

    inside: bool
    noisy: bool
    bound: bool


@dataclass(frozen=True)
class Chain:
    """What is true of an interface: gains re nominal, its own harmonics re the fundamental, corners of its response."""

    captured: float
    played: float
    own: Array
    low_hz: float
    high_hz: float

    def bend(self, f: Array) -> NDArray[np.complex128]:
        """Output and input together, re 1 kHz."""
        at = _band(f, self.low_hz, self.high_hz)
        return np.asarray(at / abs(_band(np.array([1000.0]), self.low_hz, self.high_hz)[0]))


def _band(f: Array, low_hz: float, high_hz: float) -> NDArray[np.complex128]:
    return np.asarray((1j * f / (1j * f + low_hz)) / (1.0 + 1j * f / high_hz))


def _log(random: Random, low: float, high: float) -> float:
    return float(math.exp(random.uniform(math.log(low), math.log(high))))


def _direction(random: Random) -> Array:
    """Harmonics with random phases and shares, unit length: (9,) complex; now and then a single one."""
    if random.random() < 0.3:
        shares = (random.integers(2, 4) == ORDERS).astype(float)
    else:
        shares = np.exp(random.normal(0.0, 1.0, ORDERS.size)) / ORDERS
    return np.asarray(shares / np.linalg.norm(shares) * np.exp(2j * np.pi * random.random(ORDERS.size)))


def draw_chain(random: Random, calibrated: bool) -> Chain:
    """An interface within its bounds, or, where it will be calibrated, anywhere near nominal."""
    off_db = OFF_DB if calibrated else SETTINGS.gain_accuracy_db
    captured, played = (ratio(random.uniform(-off_db, off_db)) for _ in range(2))
    own_db = random.uniform(*(OWN_DB if calibrated else (SETTINGS.own_thd_db - 10.0, SETTINGS.own_thd_db)))
    corners = (_log(random, 0.5, 3.0), _log(random, 6e4, 2e5)) if calibrated else (1e-3, 1e7)
    return Chain(captured, played, _direction(random) * ratio(own_db), *corners)


def hear(random: Random, volts: float, chain: Chain, f: float, frames: int, noise: float, harmonics: Array) -> Array:
    """A captured tone in full scale; `harmonics` re the fundamental, those of the interface join them."""
    angle = 2.0 * np.pi * f / RATE_HZ * np.arange(frames) + random.uniform(0.0, 2.0 * np.pi)
    all_of = harmonics + chain.own
    tone = np.cos(angle) + sum(
        (h * np.exp(1j * k * angle)).real for k, h in zip(ORDERS.tolist(), all_of.tolist(), strict=True) if h
    )
    return np.asarray(volts / (60.0 * chain.captured) * tone + noise * random.standard_normal(frames))


def calibrate(random: Random, chain: Chain, noise: float) -> Revision:
    """As `calibrate audio` does: comparisons with a voltmeter, then the loopback's own figures."""
    off, none = random.normal(0.0, REFERENCE / 2.0), np.zeros(ORDERS.size)
    quiet = replace(chain, own=none)
    points = []
    for volts in (5.0, 10.0, 28.0):
        read = [
            60.0 * analyse_tone(hear(random, volts, quiet, 997.0, 2400, noise, none), RATE_HZ, 997.0).amplitude
            for _ in range(2)
        ]
        points.append(Comparison(volts * (1.0 + off), tuple(read)))
    beside = Beside(Contribution("reference", REFERENCE), drift_relative=DRIFT)
    correction = fit(points, beside, "factor").correction
    corrections = {"input_left_v": correction, "input_right_v": correction}
    own = analyse_tone(hear(random, 30.0, chain, 997.0, 12000, noise, none), RATE_HZ, 997.0)
    loopback = Loopback(20.0 * math.log10(own.thd or own.thd_u), 20.0 * math.log10(math.sqrt(2.0) * noise), RESPONSE_DB)
    return Revision(date(2026, 1, 1), date(2027, 1, 1), "rig", "voltmeter", "", corrections, loopback=loopback)


def _later(random: Random, chain: Chain) -> Chain:
    """What has become of it until it measures."""
    drift = 1.0 + random.uniform(-DRIFT, DRIFT, 2)
    return replace(chain, captured=chain.captured * drift[0], played=chain.played * drift[1])


def _ready(random: Random, calibrated: bool, noise: float = 2e-6) -> tuple[Chain, Revision | None]:
    chain = draw_chain(random, calibrated)
    return (_later(random, chain), calibrate(random, chain, noise)) if calibrated else (chain, None)


def _judged(truth: float, value: Value) -> Verdict:
    noisy = value.noise is not None and value.noise**2 > 0.5 * value.uncertainty**2
    if value.bound is not None:
        return Verdict(truth <= value.value, noisy, True)
    return Verdict(abs(value.value - truth) <= value.uncertainty, noisy, False)


def _read(x: Array, f: float, revision: Revision | None) -> ToneReading:
    own = SETTINGS if revision is None else TRUSTING
    return tone_reading("left", analyse_tone(x, RATE_HZ, f), Scale(own, revision, "left"), False)


def level(random: Random, calibrated: bool) -> Verdict:
    """0.3 to 50 V rms at 1 kHz, noise from nothing to 60 dB under full scale."""
    chain, revision = _ready(random, calibrated)
    volts, frames = _log(random, 0.3, 50.0), int(random.integers(4800, 14400))
    x = hear(random, volts, chain, 1000.0, frames, _log(random, 1e-6, 1e-3), np.zeros(ORDERS.size))
    return _judged(volts, _read(x, 1000.0, revision).level_v)


def thd(random: Random, calibrated: bool) -> Verdict:
    """0.001 to 10 %, one order or many, 100 Hz to 2 kHz, SNR 45 to 75 dB in 24 kHz over 0.2 to 0.5 s."""
    chain, revision = _ready(random, calibrated)
    truth, volts, f = _log(random, 1e-5, 0.1), _log(random, 3.0, 40.0), _log(random, 100.0, 2000.0)
    noise = volts / 60.0 / math.sqrt(2.0) * 10 ** (-random.uniform(45.0, 75.0) / 20.0)
    frames = int(random.integers(9600, 24000))
    if revision is None:
        off_db = random.uniform(-SETTINGS.gain_accuracy_db, SETTINGS.gain_accuracy_db, (2, ORDERS.size)).sum(axis=0)
    else:
        off_db = random.uniform(-RESPONSE_DB, RESPONSE_DB, ORDERS.size)
    heard = truth * _direction(random) * 10 ** (off_db / 20.0)
    found = _read(hear(random, volts, chain, f, frames, noise, heard), f, revision).thd_percent
    assert found is not None
    return _judged(100.0 * truth, found)


class Context:
    """As much of a step's context as is needed."""

    def __init__(self, **bench: Any) -> None:
        self.bench = SimpleNamespace(**bench)
        self.product = Product("p", "m", "x", "audio-amplifier", "I", AmplifierPlate(100.0, 8.0, 29.0))
        self.measured: list[Measurement] = []

    def record(self, measurement: Measurement) -> None:
        self.measured.append(measurement)

    def already(self, name: str, channel: str | None = None) -> float | None:
        return None

    def ignore(self, *about: Any) -> None:
        return

    curve = progress = note = skip = ignore


def _through(bend: Callable[[Array], NDArray[np.complex128]]) -> Array:
    """The sweep behind a response, both channels."""
    return np.asarray(np.fft.irfft(SOURCE_LINES * bend(LINES_HZ)[:, None], PADDED, axis=0)[: len(SOURCE)])


def drop(random: Random, calibrated: bool) -> Verdict:
    """A fall of 0.01 to 3 dB at either end, SNR 50 to 85 dB; a loopback has told the interface's own response."""
    chain, revision = _ready(random, calibrated)
    hz = np.array(response.THIRD_OCTAVES_HZ)
    if revision is not None:
        assert revision.loopback is not None
        heard = _through(chain.bend) + 2e-6 * random.standard_normal(SOURCE.shape)
        steps, _ = analyse_sweep(heard, SWEEP)
        curve = [20.0 * math.log10(step.amplitude / steps[17].amplitude) for step in steps]
        own = replace(revision.loopback, response_left=tuple(zip(hz.tolist(), curve, strict=True)))
        revision = replace(revision, loopback=own)
    low_hz, high_hz = _log(random, 0.5, 18.0), _log(random, 2.5e4, 3e5)
    # what the interface does to each frequency: it repeats its loopback, or stays within its bound
    repeats = random.normal(0.0, 0.001, hz.size) * (hz != response.REFERENCE_HZ)
    sides = random.uniform(-SETTINGS.gain_accuracy_db, SETTINGS.gain_accuracy_db, (2, hz.size)).sum(axis=0)
    wobble = 10 ** ((repeats if calibrated else sides) / 20.0)
    own_of = chain.bend if calibrated else (lambda f: np.ones_like(f))
    heard = _through(lambda f: _band(f, low_hz, high_hz) * own_of(f))
    noise = 0.3 / math.sqrt(2.0) * 10 ** (-random.uniform(50.0, 85.0) / 20.0)
    left, right = analyse_sweep(heard + noise * random.standard_normal(heard.shape), SWEEP)
    left = tuple(replace(step, amplitude=step.amplitude * w) for step, w in zip(left, wobble.tolist(), strict=True))
    reading = response_reading("left", response.THIRD_OCTAVES_HZ, left, right, Scale(SETTINGS, revision, "left"))
    context: Any = Context()
    response.record_drop(context, reading, response.Params(), 1.0)
    (found,) = context.measured
    levels = 20.0 * np.log10(np.abs(_band(hz, low_hz, high_hz)))
    noise_part = 8.686 * 2.0 * (left[0].amplitude_u + left[17].amplitude_u) / left[17].amplitude
    return _judged(
        float(levels[17] - levels.min()), Value(found.value, found.uncertainty, found.bound, noise_part / 2.0)
    )


class _Clipping:
    """`AudioDevice` with an amplifier that clips softly between output and input; left and right alike."""

    def __init__(self, random: Random, chain: Chain, gain: float, rail_v: float, knee: float) -> None:
        self.sample_rate_hz, self.identity = RATE_HZ, Identity("rig")
        self._random, self._chain, self._dut = random, chain, (gain, rail_v, knee)

    def stream(self, *about: Any) -> Any:
        raise NotImplementedError("captures only")

    def close(self) -> None:
        return

    def play_and_capture(self, source: Any, permit: Any) -> Any:
        volts = amplified(source.astype(np.float64) * math.sqrt(2.0) * 4.0 * self._chain.played, *self._dut)
        captured = volts / (math.sqrt(2.0) * 60.0 * self._chain.captured)
        return (captured + 1e-5 * self._random.standard_normal(captured.shape)).astype(np.float32)


def amplified(volts: Array, gain: float, rail_v: float, knee: float) -> Array:
    """An amplifier that runs into its rails over a knee."""
    wanted = gain * volts
    return np.asarray(wanted / (1.0 + np.abs(wanted / rail_v) ** knee) ** (1.0 / knee))


def _true_power(gain: float, rail_v: float, knee: float, ohm: float) -> float:
    """At 1 % THD, harmonics 2 to 10, by bisection over one period."""
    wave = np.sin(2.0 * np.pi * np.arange(48) / 48)
    low, high = 0.1 * rail_v / gain, 3.0 * rail_v / gain
    for _ in range(50):
        middle = (low + high) / 2.0
        lines = np.abs(np.fft.rfft(amplified(middle * wave, gain, rail_v, knee)))
        low, high = (middle, high) if np.linalg.norm(lines[2:11]) <= 0.01 * lines[1] else (low, middle)
    lines = np.abs(np.fft.rfft(amplified(low * wave, gain, rail_v, knee)))
    return float((lines[1] / 24.0) ** 2 / 2.0 / ohm)


def watts(random: Random, calibrated: bool) -> Verdict:
    """60 to 170 W at 1 % THD into 8 ohm within 2 %, by the real search."""
    chain, revision = _ready(random, calibrated)
    dut = ratio(29.0 + random.uniform(-0.3, 0.3)), _log(random, 34.0, 50.0), _log(random, 12.0, 60.0)
    ohm = 8.0 * (1.0 + random.uniform(-0.02, 0.02))
    off = random.normal(0.0, LOAD / 2.0) if calibrated else random.uniform(-LOAD, LOAD)
    stated = normal("", LOAD) if calibrated else bound("", LOAD)
    read_ohm = ohm * (1.0 + off)
    interface = Interface(_Clipping(random, chain, *dut), SETTINGS, revision)

    async def prepare() -> None:
        return

    async def measure_loads() -> dict[str, tuple[float, float]]:
        return dict.fromkeys(("left", "right"), (read_ohm, stated.expanded * read_ohm))

    async def measure_tone(stimulus: Stimulus) -> tuple[ToneReading, ToneReading]:
        return interface.measure_tone(stimulus, SimpleNamespace(check=lambda: None))

    drive = SimpleNamespace(prepare=prepare, measure_loads=measure_loads)
    context: Any = Context(drive=drive, sound=SimpleNamespace(measure_tone=measure_tone))
    asyncio.run(power.measure(context, power.Params(capture_s=0.1)))
    found = context.measured[0]
    if found.bound == "above":
        return Verdict(_true_power(*dut, ohm) >= found.value - found.uncertainty, False, True)
    return _judged(_true_power(*dut, ohm), Value(found.value, found.uncertainty, found.bound, 0.0))


DRAWS: dict[Kind, Callable[[Random, bool], Verdict]] = {"level": level, "thd": thd, "response": drop, "power": watts}


def cover(kind: Kind, calibrated: bool, draws: int, seed: int) -> list[Verdict]:
    """So many truths of a kind."""
    random = np.random.default_rng([seed, calibrated, *map(ord, kind)])
    return [DRAWS[kind](random, calibrated) for _ in range(draws)]
