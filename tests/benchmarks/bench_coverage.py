"""Coverage by simulation: of so many random truths, how many lie inside the interval that the reading states (k=2)?

    python -m tests.benchmarks.bench_coverage [DRAWS]

DRAWS truths (2,000) of level, THD, response and power, through the real analysis, readings and steps: on an interface
that was calibrated with an imperfect reference, and on one that was not and stays within its bounds. Wanted: 93 to 97 %
calibrated, at least 93 % not. What is reported as a bound is no interval: it must hold. What is drawn is said in
`tests/metrology/coverage_rig.py`; docs/uncertainty.md has the table.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import chain

from tests.metrology.coverage_rig import DRAWS, Kind, Verdict, cover

PIECES = 20


def piece(kind: Kind, calibrated: bool, draws: int, seed: int) -> tuple[list[Verdict], float]:
    """Verdicts and processor seconds."""
    began = time.process_time()
    return cover(kind, calibrated, draws, seed), time.process_time() - began


def percent(verdicts: Sequence[Verdict]) -> str:
    """Inside, of how many."""
    if not verdicts:
        return "-"
    return f"{100.0 * sum(one.inside for one in verdicts) / len(verdicts):.1f} % of {len(verdicts)}"


def main() -> int:
    """Print the table; 1 where something is outside of what is wanted."""
    draws, missed = int(sys.argv[1]) if len(sys.argv) > 1 else 2000, 0
    print("| truth | interface | inside | where noise rules | where the interface rules | bounds | ms a truth |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    with ProcessPoolExecutor(2) as pool:
        for kind in DRAWS:
            for calibrated in (True, False):
                jobs = [pool.submit(piece, kind, calibrated, draws // PIECES, seed) for seed in range(PIECES)]
                done = [job.result() for job in jobs]
                found = list(chain.from_iterable(verdicts for verdicts, _ in done))
                bounds, seen = [one for one in found if one.bound], [one for one in found if not one.bound]
                noisy, quiet = [one for one in seen if one.noisy], [one for one in seen if not one.noisy]
                share = sum(one.inside for one in seen) / len(seen)
                missed += not (0.93 <= share <= (0.97 if calibrated else 1.0))
                missed += any(bounds) and sum(one.inside for one in bounds) < 0.93 * len(bounds)
                print(
                    f"| {kind} | {'calibrated' if calibrated else 'within its bounds'} | {percent(seen)} | "
                    f"{percent(noisy)} | {percent(quiet)} | {percent(bounds)} | "
                    f"{1000.0 * sum(seconds for _, seconds in done) / len(found):.0f} |",
                    flush=True,
                )
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
