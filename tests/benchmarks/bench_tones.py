"""THD and THD+N of the same captures by this station, harm_analysis and phonometry: errors, scatter and time, one run.

By hand: python tests/benchmarks/bench_tones.py [--python PYTHON] [--plot FILE.svg]. The peers are no dependency: the
script makes an environment of their own under var/ from requirements-peers.lock and runs itself in it; phonometry needs
Python 3.13, and is left out with a word where there is none. Every method gets what suits it: harm_analysis 9 harmonics
and 20 kHz of bandwidth, phonometry its AES17 chain. Each finds the frequency itself, and its time includes that.
"""

from __future__ import annotations

import argparse
import hashlib
import math
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

LOCK = ROOT / "requirements-peers.lock"
SEEDS = 8
MANY = 40
RATES_HZ = (48000, 96000)
AMPLITUDE = 0.5
BAND_HZ = 20000.0
DRAWS = 100
DRAWN_SHARE = 4.0
"""Methods that are further than this from the bound are printed, not drawn: the picture shows what is near it."""
EQUAL_DB = 1e-6
"""Errors closer than this count as the same: a five-hundredth of the goal for a clean tone."""
Method = Callable[[Any, int], tuple[float, float]]
"""Frames (n,) and rate -> THD re fundamental and THD+N, plain ratios."""


@dataclass(frozen=True)
class Case:
    """A cell of the error table: a tone with harmonics 2 to 10 at 1/k, of which THD (or THD+N) is known."""

    name: str
    frequency_hz: float
    thd: float
    snr_db: float | None = None
    hum_dbc: float | None = None
    dc: float = 0.0
    noise_too: bool = False
    seconds: float = 1.0


CASES = (
    Case("997.00 Hz clean, 0.1 %", 997.0, 1e-3),
    Case("997.37 Hz clean, 0.1 %", 997.37, 1e-3),
    Case("997.37 Hz clean, -120 dB", 997.37, 1e-6),
    Case("997.37 Hz, SNR 100, hum -70 dBc, -120 dB", 997.37, 1e-6, 100.0, -70.0),
    Case("THD+N, 997.37 Hz, -96.99 dB", 997.37, 1e-5, 100.0, noise_too=True),
)
COVERED = (
    Case("1 kHz, 0.2 s, SNR 80 dB", 1000.0, 0.0, 80.0, seconds=0.2),
    Case("997.37 Hz, 0.5 s, SNR 100 dB, hum -70 dBc", 997.37, 0.0, 100.0, -70.0, seconds=0.5),
    Case("60.7 Hz, 0.2 s, SNR 80 dB", 60.7, 0.0, 80.0, seconds=0.2),
    Case("20.3 Hz, 0.25 s (five cycles), SNR 70 dB", 20.3, 0.0, 70.0, seconds=0.25),
    Case("20.3 Hz, 1 s, SNR 70 dB, hum -70 dBc", 20.3, 0.0, 70.0, -70.0),
    Case("2.1 kHz, 0.2 s, SNR 50 dB", 2100.0, 0.0, 50.0, seconds=0.2),
)
COVERAGE_DRAWS = 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--python", help="the interpreter of the peers' environment (default: python3.13, else this one)"
    )
    parser.add_argument("--plot", type=Path, help="write the distance to the Cramér-Rao bound to this SVG")
    arguments = parser.parse_args()
    if os.environ.get("BENCH_PEERS") != sys.prefix:
        _again_among_the_peers(arguments.python)
    methods = _methods()
    print(f"Python {sys.version.split()[0]}; {SEEDS} seeds a cell, 1 s a capture\n")
    worse = _errors(methods)
    print("\nnot worse in any cell" if not worse else f"\nWORSE in: {'; '.join(worse)}")
    _goals(methods)
    _coverage()
    _times(methods)
    if arguments.plot is not None:
        _plot(methods, arguments.plot)


def _again_among_the_peers(wanted: str | None) -> None:
    """Make the peers' environment where it is not there or its lock has changed, and run there. Does not return."""
    python = wanted or _newest()
    version = subprocess.run([python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
                             capture_output=True, text=True, check=True).stdout.strip()  # fmt: skip
    home = ROOT / "var" / f"peers-{version}"
    mark, digest = home / "lock.sha256", hashlib.sha256(LOCK.read_bytes()).hexdigest()
    if not (mark.exists() and mark.read_text() == digest):
        print(f"making {home.relative_to(ROOT)} …", flush=True)
        subprocess.run([python, "-m", "venv", "--clear", str(home)], check=True)
        subprocess.run([str(home / "bin" / "python"), "-m", "pip", "install", "-q", "--no-deps", "--require-hashes",
                        "-r", str(LOCK)], check=True)  # fmt: skip
        mark.write_text(digest)
    there = str(home / "bin" / "python")
    os.execve(there, [there, __file__, *sys.argv[1:]], {**os.environ, "BENCH_PEERS": str(home)})


def _newest() -> str:
    """python3.13 where there is one that starts, else the interpreter that runs this."""
    found = shutil.which("python3.13")
    works = found is not None and subprocess.run([found, "-V"], capture_output=True).returncode == 0
    return found if found is not None and works else sys.executable


def _methods() -> dict[str, Method]:
    from harm_analysis import harm_analysis

    from station.analysis.tones import analyse_tone, find_frequency

    def ours(x: Any, rate_hz: int) -> tuple[float, float]:
        tone = analyse_tone(x, rate_hz, find_frequency(x, rate_hz))
        return tone.thd, tone.thd_n

    def harm(x: Any, rate_hz: int) -> tuple[float, float]:
        found = harm_analysis(x, fs=rate_hz, n_harm=9, bw=BAND_HZ)
        return 10 ** (float(found["thd_db"]) / 20), 10 ** (float(found["thdn_db"]) / 20)

    methods: dict[str, Method] = {"station": ours, "harm_analysis": harm}
    try:
        from phonometry import harmonic_analysis
    except ImportError:
        print("phonometry is left out: it needs Python 3.13 (--python)")
        return methods

    def phono(x: Any, rate_hz: int) -> tuple[float, float]:
        found = harmonic_analysis(x, rate_hz)
        return float(found.thd_f), float(found.thd_plus_noise)

    return methods | {"phonometry": phono}


def capture(case: Case, rate_hz: int, seed: int) -> tuple[Any, float]:
    """A capture (n,) and its true THD+N: all but fundamental and DC, as drawn, 20 Hz to 20 kHz; phases are drawn."""
    import numpy as np

    random = np.random.default_rng(seed)
    n = round(case.seconds * rate_hz)
    t = np.arange(n) / rate_hz
    orders = np.arange(2, 11)
    shares = case.thd / orders / math.sqrt(float(np.sum(1.0 / orders**2)))

    def wave(hz: float, peak: float) -> Any:
        return peak * np.sin(2 * np.pi * hz * t + random.uniform(0.0, 2 * np.pi))

    fundamental = wave(case.frequency_hz, AMPLITUDE)
    harmonics = [
        wave(k * case.frequency_hz, AMPLITUDE * h) for k, h in zip(orders.tolist(), shares.tolist(), strict=True)
    ]
    in_band = sum(each for k, each in zip(orders, harmonics, strict=True) if k * case.frequency_hz <= BAND_HZ)
    beside = sum(harmonics)
    if case.hum_dbc is not None:
        hum = wave(50.0, AMPLITUDE * 10 ** (case.hum_dbc / 20))
        beside, in_band = beside + hum, in_band + hum
    if case.snr_db is not None:
        noise = random.standard_normal(n) * math.sqrt(rate_hz / 2 / BAND_HZ)
        noise *= AMPLITUDE / math.sqrt(2) * 10 ** (-case.snr_db / 20)
        spectrum = np.fft.rfft(noise)
        spectrum[: round(20 * case.seconds)] = spectrum[round(BAND_HZ * case.seconds) + 1 :] = 0.0
        beside, in_band = beside + noise, in_band + np.fft.irfft(spectrum, n)
    power = float(np.mean(in_band**2))
    return case.dc + fundamental + beside, math.sqrt(power / (power + AMPLITUDE**2 / 2))


def _captures(case: Case, rate_hz: int, seeds: int) -> Iterator[tuple[Any, float]]:
    """Captures with the truth that the case asks for."""
    for seed in range(seeds):
        x, thd_n = capture(case, rate_hz, seed)
        yield x, thd_n if case.noise_too else case.thd


def _errors(methods: dict[str, Method]) -> list[str]:
    """Print the table of worst errors; return the cells in which a peer is better."""
    print("worst error in dB\n")
    print(f"| {'':48} | " + " | ".join(f"{name:>13}" for name in methods) + " |")
    print(f"| {'-' * 48} | " + " | ".join("---" for _ in methods) + " |")
    worse = []
    for rate_hz in RATES_HZ:
        for case in CASES:
            errors = dict.fromkeys(methods, 0.0)
            for x, truth in _captures(case, rate_hz, SEEDS):
                for name, method in methods.items():
                    found = max(method(x, rate_hz)[case.noise_too], 1e-12)
                    errors[name] = max(errors[name], abs(20 * math.log10(found / truth)))
            cell = f"{rate_hz // 1000} kHz, {case.name}"
            print(f"| {cell:48} | " + " | ".join(f"{error:13.7f}" for error in errors.values()) + " |")
            if errors["station"] > min(errors.values()) + EQUAL_DB:
                worse.append(cell)
    return worse


def _goals(methods: dict[str, Method]) -> None:
    """The goals of the reference, with the peers beside: offsets, scatter, THD+N down to -110 dB."""
    import numpy as np

    print("\n| goal | " + " | ".join(methods) + " |")
    random = np.random.default_rng(1)
    drawn = zip(random.uniform(40, 2300, 60), random.uniform(-5, -2, 60), strict=True)
    offsets = [Case("", float(f), float(10**d)) for f, d in drawn]
    _goal("clean, 0.001 to 1 %, any offset: worst dB (0.0005)", methods, [(case, 0) for case in offsets], "worst_db")
    for name, case in (
        ("SNR 100, 0.001 %: rms ppm (0.08)", Case("", 997.37, 1e-5, 100.0)),
        ("SNR 100, hum -70 dBc, -120 dB: rms ppm (0.10)", Case("", 997.37, 1e-6, 100.0, -70.0)),
    ):
        _goal(name, methods, [(case, seed) for seed in range(MANY)], "rms_ppm")
    deep = [(Case("", 997.37 + d / 10, 10 ** ((d - 3.01) / 20), 3.01 - d, dc=0.05, noise_too=True), seed)
            for d in range(-110, -59, 10) for seed in range(SEEDS)]  # fmt: skip
    _goal("THD+N -60 to -110 dB, off-bin, DC: worst dB (0.05)", methods, deep, "worst_db")


def _goal(name: str, methods: dict[str, Method], wanted: list[tuple[Case, int]], kind: str) -> None:
    for rate_hz in RATES_HZ:
        errors: dict[str, list[float]] = {method: [] for method in methods}
        for case, seed in wanted:
            x, thd_n = capture(case, rate_hz, seed)
            truth = thd_n if case.noise_too else case.thd
            for method, call in methods.items():
                found = call(x, rate_hz)[case.noise_too]
                db = 20 * math.log10(max(found, 1e-12) / truth)
                errors[method].append(abs(db) if kind == "worst_db" else 1e6 * (found - truth))
        cells = [max(each) if kind == "worst_db" else rms(each) for each in errors.values()]
        print(f"| {rate_hz // 1000} kHz, {name:52} | " + " | ".join(f"{cell:.6f}" for cell in cells) + " |")


def _coverage() -> None:
    """Of captures with a THD drawn from 0.001 % to 3 %, how many per cent of truths lie within k=2, 48 kHz."""
    import numpy as np

    from station.analysis.tones import analyse_tone, find_frequency

    print(f"\nper cent of {COVERAGE_DRAWS} truths within k=2: level, frequency, THD; bounds of THD that hold")
    for case in COVERED:
        inside: dict[str, list[bool]] = {"level": [], "frequency": [], "thd": [], "bound": []}
        for seed in range(COVERAGE_DRAWS):
            thd = float(10 ** np.random.default_rng(seed + 10**6).uniform(-5.0, -1.5))
            x, _ = capture(replace(case, thd=thd), RATES_HZ[0], seed)
            tone = analyse_tone(x, RATES_HZ[0], find_frequency(x, RATES_HZ[0]))
            inside["level"].append(abs(tone.amplitude - AMPLITUDE) <= tone.amplitude_u)
            inside["frequency"].append(abs(tone.frequency_hz - case.frequency_hz) <= tone.frequency_u_hz)
            inside["thd" if tone.thd > 0.0 else "bound"].append(abs(tone.thd - thd) <= tone.thd_u)
        shown = (f"{100 * sum(hits) / len(hits):.1f} ({len(hits)})" if hits else "-" for hits in inside.values())
        print(f"| {case.name:44} | {' | '.join(shown)} |")


def rms(values: list[float]) -> float:
    return math.sqrt(sum(value * value for value in values) / len(values))


def _times(methods: dict[str, Method]) -> None:
    """The least time of many calls, the methods in turn, on captures with and without hum; and the ratio."""
    print("\nms a channel-second, THD and THD+N, the frequency found (and its share of harm_analysis's)")
    for rate_hz in RATES_HZ:
        for name, case in (("noise", Case("", 997.37, 1e-5, 100.0)), ("noise and hum", CASES[3])):
            captures = [capture(case, rate_hz, seed)[0] for seed in range(4)]
            least = dict.fromkeys(methods, math.inf)
            for _ in range(25):
                for x in captures:
                    for method, call in methods.items():
                        began = time.perf_counter()
                        call(x, rate_hz)
                        least[method] = min(least[method], time.perf_counter() - began)
            shown = ", ".join(f"{m} {1e3 * s:.2f} ({s / least['harm_analysis']:.2f})" for m, s in least.items())
            print(f"  {rate_hz // 1000} kHz, {name}: {shown}")


def _plot(methods: dict[str, Method], path: Path) -> None:
    """Rms error of THD over the Cramér-Rao bound, by SNR, as an SVG that stands alone; print the same."""
    from station.report.chart import Chart, Line, draw

    print(f"\nTHD of 0.1 %: rms error over the Cramér-Rao bound, {DRAWS} captures each")
    snr_db = list(range(60, 121, 10))
    lines = [Line("bound", snr_db, [1.0] * len(snr_db), limit=True)]
    for slot, (name, method) in enumerate(methods.items()):
        shares = [_over_bound(method, snr) for snr in snr_db]
        print(f"  {name:14}{'; '.join(f'{snr} dB {share:.2f}' for snr, share in zip(snr_db, shares, strict=True))}")
        if max(shares) < DRAWN_SHARE:
            lines.append(Line(name, snr_db, shares, slot=slot, solid=True))
    chart = Chart("THD: rms error over the Cramér-Rao bound", "SNR in 20 kHz, dB", "rms error / bound", tuple(lines),
                  from_zero=True, height=300)  # fmt: skip
    path.write_text(_alone(draw(chart)), encoding="utf-8")


def _over_bound(method: Method, snr_db: int) -> float:
    """sd(THD) >= 10^(-SNR/20) / sqrt(2 B T), reference/measurement.md; T is 1 s."""
    case, rate_hz = Case("", 997.37, 1e-3, float(snr_db)), RATES_HZ[0]
    drawn = (capture(case, rate_hz, 1000 * snr_db + seed)[0] for seed in range(DRAWS))
    return rms([method(x, rate_hz)[0] - case.thd for x in drawn]) / (10 ** (-snr_db / 20) / math.sqrt(2 * BAND_HZ))


def _alone(svg: str) -> str:
    """The chart of a report with the little of the report's style that it needs."""
    style = (
        ".area{fill:#fff;stroke:#c4ccd4}.grid{stroke:#e8ecf0}.line{fill:none;stroke-width:1.8}.s0{stroke:#0b5cad}"
        ".s1{stroke:#b35900}.s2{stroke:#5a6570}.mask{fill:none;stroke:#b3261e;stroke-width:1.6;stroke-dasharray:7 4}"
        "text{fill:#1c2329;font-size:11.5px}.name{font-size:13px;font-weight:600}"
    )
    head = '<svg xmlns="http://www.w3.org/2000/svg" font-family="sans-serif" '
    return svg.replace("<svg ", head, 1).replace("</title>", f"</title><style>{style}</style>", 1) + "\n"


if __name__ == "__main__":
    main()
