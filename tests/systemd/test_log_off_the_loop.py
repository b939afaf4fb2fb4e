"""The daemon's log on a pipe: in order and whole where it is read, and nobody waits where it is not."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
_LOGS = """
import json, logging, sys, time
from station.logs import log_off_the_loop
log_off_the_loop()
longest_s = 0.0
for number in range(int(sys.argv[1])):
    began_s = time.monotonic()
    logging.getLogger("station").info("line %d %s", number, "x" * 200)
    longest_s = max(longest_s, time.monotonic() - began_s)
logging.getLogger("station").info("%d of them", "x")
print(json.dumps(longest_s), flush=True)
"""


def start(lines: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", _LOGS, str(lines)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT
    )


def test_what_is_read_is_whole_and_in_order_to_the_last_line() -> None:
    with start(1500) as process:
        _, err = process.communicate(timeout=30)
    *lines, wrong = err.decode().splitlines()
    assert process.returncode == 0 and "'%d of them' with ('x',)" in wrong
    assert [line.split()[:4] for line in lines] == [["INFO", "station:", "line", str(number)] for number in range(1500)]


def test_a_pipe_that_nobody_reads_holds_nobody_up_and_what_was_dropped_is_counted() -> None:
    with start(5000) as process:
        assert process.stdout is not None and process.stderr is not None
        longest_s = json.loads(process.stdout.readline())  # 1 MB was logged, and the pipe holds 64 KiB
        err = process.stderr.read()
        assert process.wait(30) == 0
    assert longest_s < 1.0, "the log was waited for"
    lines = err.decode().splitlines()
    (told,) = [line for line in lines if "were dropped here" in line]
    assert len(lines) - 1 + int(told.split()[2]) == 5001


def test_a_pipe_that_is_never_read_does_not_keep_the_process_from_ending() -> None:
    with start(5000) as process:
        assert process.wait(30) == 0
        assert process.stdout is not None and process.stdout.read()
