"""main.py as the RP2040 runs it: hard interrupts, hard timer, one byte of console, a loop held up (MicroPython).

The board is rp2040_board.py, in virtual time; what it cannot show (how long anything takes on the real one) is listed
in docs/flashing-the-guard.md.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from drivers.sim import guard_board

ROOT = Path(__file__).resolve().parents[2]
GUARD = ROOT / "firmware" / "guard"
BOARD = ROOT / "tests" / "firmware" / "rp2040_board.py"

pytestmark = pytest.mark.skipif(
    not Path(sys.executable).with_name("micropython").exists(),
    reason="no MicroPython here: hard handlers need its heap",
)


def play(seed: int, scene: str = "chaos", seconds: int = 12, guard: Path = GUARD) -> dict[str, Any]:
    """What happened on the board; `broken` names each rule that did not hold."""
    command = [*guard_board.interpreter(), str(BOARD), str(guard), str(seed), scene, str(seconds)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0 and not done.stderr, done.stderr + done.stdout
    lines = done.stdout.splitlines()
    assert len(lines) == 1, done.stdout
    report: dict[str, Any] = json.loads(lines[0])
    return report


def test_interrupts_edges_and_a_loop_that_is_held_up_never_leave_k_or_h_on() -> None:
    reports = [play(seed) for seed in range(1, 5)]
    assert [report["broken"] for report in reports] == [[]] * 4
    for what in ("rises", "falls_by_irq", "falls_by_timer", "held_edges", "stalls"):
        assert sum(report[what] for report in reports) >= 5, f"the scenes show too little: {what}"


@pytest.mark.byhand
@pytest.mark.timeout(3600)
def test_interrupts_and_delays_by_hand() -> None:
    for seed in range(100, 700):
        assert play(seed, seconds=30)["broken"] == [], seed


def test_an_error_in_the_loop_switches_off_and_starts_the_board_again() -> None:
    report = play(1, "error")
    assert report["rises"] >= 1
    assert (report["error"], report["reset"], report["k"], report["h"]) == ("OSError", 1, 0, 0)
    assert report["broken"] == []


def test_with_the_service_jumper_nothing_starts() -> None:
    report = play(1, "service")
    assert (report["feeds"], report["reset"], report["lines"], report["rises"]) == (0, 0, 0, 0)


def test_memory_in_use_does_not_grow() -> None:
    report = play(1, "memory", seconds=12)
    after_two_s, at_the_end = report["memory"]
    assert report["lines"] > 300
    assert at_the_end - after_two_s < 512


SPOILT = [
    ("rises = not any(self.seen) and ", "rises = ", "chaos", 3),
    (" and _since(looked) < LEAVE_MS\n", "\n", "chaos", 4),
    ("            seen[index] = 1\n", "            seen[index] = 1\n            [_]\n", "chaos", 1),
    ("left = leave[0] - 1", "left = 5", "chaos", 2),
    ("self._one if RP2 else ", "", "chaos", 1),
    ("self._release.value(now[2])", "self._release.value(now[2] or self._was[2])", "chaos", 6),
    ("        outputs.off()\n        reset()", "        reset()", "error", 1),
]


@pytest.mark.parametrize(("line", "instead", "scene", "seed"), SPOILT)
def test_this_board_notices_a_guard_that_is_spoilt(
    line: str, instead: str, scene: str, seed: int, tmp_path: Path
) -> None:
    for path in GUARD.glob("*.py"):
        (tmp_path / path.name).write_text(path.read_text())
    source = (GUARD / "main.py").read_text()
    assert source.count(line) == 1
    (tmp_path / "main.py").write_text(source.replace(line, instead))
    done = subprocess.run(
        [*guard_board.interpreter(), str(BOARD), str(tmp_path), str(seed), scene, "12"],
        capture_output=True, text=True, check=False, timeout=100,
    )  # fmt: skip
    assert '"broken": []' not in done.stdout or "MemoryError" in done.stderr, done.stdout
