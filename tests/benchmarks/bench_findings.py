"""How often the right fault area comes first: the fifteen faulty DUTs of config/duts and random ones.

By hand: python tests/benchmarks/bench_findings.py [how many random ones, 200] [first seed, 0]. Goal: 14 of 15 and the
same share of the random ones. Whole incoming runs on the fast rig (tests/run/fast_bench.py): real plan, steps,
analysis, plant and rules, virtual time. Prints every confusion with what was found instead.
"""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from drivers.sim.dut import load_dut
from station.domain.record import Record
from tests.run.fast_bench import run_incoming
from tests.run.named_duts import AREAS
from tests.run.random_duts import draw

ROOT = Path(__file__).resolve().parents[2]
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


def _told(record: Record) -> str:
    found = ", ".join(f"{finding.area} {finding.weight}" for finding in record.findings)
    return f"{record.verdict}: {found or 'nothing'}; {'; '.join(cause.text for cause in record.causes[:3])}"


def named(name: str) -> tuple[str, str, bool, str, float]:
    began = time.process_time()
    record = run_incoming(load_dut(ROOT / "config" / "duts" / f"{name}.toml"))
    first = record.findings[0].area if record.findings else ""
    return name, AREAS[name], first == AREAS[name], _told(record), time.process_time() - began


def random(seed: int) -> tuple[str, str, bool, str, float]:
    began = time.process_time()
    one = draw(seed)
    record = run_incoming(one.dut)
    first = record.findings[0].area if record.findings else ""
    keys = {key: value for key, value in one.keys.items() if key in _KEYS.get(one.fault, ())}
    return f"{seed} {one.fault} {keys}", one.area, first == one.area, _told(record), time.process_time() - began


_KEYS = {
    "dead channel": ("gain_db",), "gain of one": ("gain_db",), "gain of both": ("gain_db",), "h2": ("h2_dbc",),
    "h3": ("h3_dbc",), "crosstalk": ("crosstalk_dbc",), "output impedance": ("output_impedance_ohm",),
    "high-pass": ("highpass_hz",), "low-pass": ("lowpass_hz",), "hum": ("hum_uv",), "noise": ("noise_uv",),
    "no cooling": ("heatsink_k_per_w", "heatsink_j_per_k", "protect_degc", "ambient_degc"),
    "bias follows heat": ("bias_ma_per_k",), "weak rail of one": ("rail_v",), "crossover": ("crossover_mv",),
    "dropouts": ("dropouts",), "dc offset": ("dc_offset_mv",), "protects too early": ("protect_degc",),
}  # fmt: skip


def _tell(title: str, rows: list[tuple[str, str, bool, str, float]]) -> None:
    right = sum(row[2] for row in rows)
    cpu = sorted(row[4] for row in rows)
    print(f"{title}: right area first {right} of {len(rows)}; processor time a DUT {cpu[len(cpu) // 2]:.1f} s (median)")
    for name, area, is_right, told, _ in rows:
        if not is_right:
            print(f"  {name}: should be {area}; {told}")
    errors = Counter(told.split(":")[0] for _, _, _, told, _ in rows)
    print(f"  verdicts: {dict(errors)}", flush=True)


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    first = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    os.environ |= ONE_THREAD  # for the processes below, which import numpy themselves
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        _tell("named", list(pool.map(named, AREAS)))
        _tell("random", list(pool.map(random, range(first, first + count))))


if __name__ == "__main__":
    main()
