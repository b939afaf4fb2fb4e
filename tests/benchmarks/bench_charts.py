"""How often the golden unit's charts cry wolf, and how soon they see a step: docs/golden-unit.md has the table.

    .venv/bin/python -m tests.benchmarks.bench_charts [--trials 40]

Simulated checks, normal scatter, limits frozen from the first subgroups, 30 whole subgroups looked at one by one.
"""

from __future__ import annotations

import argparse
import random

from station.domain.verdict import Verdict
from station.metrology.golden import FIRST, SUBGROUP, Check, charts_of

LOOKS = 30
FAMILY = 0.05


def checks(count: int, charts: int, step: float, at: int, chance: random.Random) -> list[Check]:
    """Checks of `charts` measurements; the first one is moved by `step` standard deviations from check `at` on."""
    made = []
    for run in range(count):
        values = {
            (f"m{index}_v", None): chance.gauss(100.0, 1.0) + (step if index == 0 and run >= at else 0.0)
            for index in range(charts)
        }
        made.append(Check(run, "", Verdict.PASS, values, dict.fromkeys(values, "V"), {}, {}))
    return made


def looks(charts: int, step: float, trials: int, first: int = FIRST) -> tuple[float, float, list[int]]:
    """Shares of looks with a rule and with one at `--family`; subgroups until the first such of each trial with one."""
    chance, marked, out, delays = random.Random(11), 0, 0, []
    begin = first * SUBGROUP
    for _ in range(trials):
        every = checks(begin + LOOKS * SUBGROUP, charts, step, begin, chance)
        seen = 0
        for look in range(1, LOOKS + 1):
            states = [c.state for c in charts_of(every[: begin + look * SUBGROUP], SUBGROUP, first, family=FAMILY)]
            marked += any(state in ("marked", "out_of_control") for state in states)
            out += "out_of_control" in states
            if "out_of_control" in states and not seen:
                seen = look
        delays += [seen] if seen else []
    return marked / trials / LOOKS, out / trials / LOOKS, sorted(delays)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=40)
    trials = parser.parse_args().trials
    print(f"{trials} benches, subgroups of {SUBGROUP}, limits of the first {FIRST}, 20 in the last line")
    print(f"charts  step  looks with a rule  out, --family {FAMILY}  benches out within 30  half of them within")
    for charts, step, first in ((24, 0.0, FIRST), (24, 1.0, FIRST), (24, 2.0, FIRST), (24, 3.0, FIRST), (1, 0.0, FIRST),
                                (24, 0.0, 20)):  # fmt: skip
        rule, out, delays = looks(charts, step, trials, first)
        half = f"{delays[len(delays) // 2]} subgroups" if delays else "-"
        print(f"{charts:6d}  {step:4.1f}  {rule:17.1%}  {out:18.1%}  {len(delays) / trials:21.0%}  {half:>19s}")


if __name__ == "__main__":
    main()
