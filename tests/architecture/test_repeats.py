"""The rule for what loses to the machine's clock (tests/repeats.py), by suites of a few lines each."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]
ROOT = Path(__file__).parents[2]
RULE = ("-p", "tests.repeats", "-p", "no:cacheprovider", "-W", "ignore")
LATE_ONCE = """
import time
import pytest

@pytest.fixture(scope="module")
def station():
    return []

def test_meets_a_dead_station(station):
    first = not MET
    MET.append(station)
    if first:
        station.append("dead")
    assert station == [], "LATE at 0.093"

def test_is_content(station):
    assert station == []

@pytest.mark.timeout(0.2)
def test_hangs_twice():
    HUNG.append(1)
    if len(HUNG) < 3:
        time.sleep(20)

@pytest.fixture
def lead():
    ENDED.append(1)
    yield
    assert len(ENDED) == 2, "torn at the end"

def test_ends_badly(lead):
    pass

MET, HUNG, ENDED = [], [], []
"""
ALWAYS = """
import pytest
from hypothesis import given, settings, strategies as st

RUNS, DRAWN, BENCH = [], [], []

def test_fails_always():
    RUNS.append(1)
    assert False, f"run {len(RUNS)}"

@pytest.mark.hardware
def test_a_real_bench():
    BENCH.append(1)
    assert len(BENCH) > 1, "the bench itself"

@settings(max_examples=20, database=None)
@given(st.integers())
def test_would_be_lucky(number):
    DRAWN.append(number)
    assert len(DRAWN) > 200 or number < 1

@settings(max_examples=20, database=None)
@given(st.integers())
def test_is_flaky_by_hypothesis_own_word(number):
    DRAWN.append(number)
    assert ONCE or ONCE.append(1)

ONCE = []
"""
MANY = """
import pytest

SEEN = set()

@pytest.mark.parametrize("one", range(COUNT))
def test_once(one):
    first = one not in SEEN
    SEEN.add(one)
    assert not first, f"number {one}"
"""


@pytest.fixture
def rule_importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")


def _said(found: pytest.RunResult) -> list[str]:
    return [line for line in found.outlines if line.startswith(("PASSED ONLY", "FAILED: "))]


def test_what_fails_once_passes_loudly_and_its_repeat_has_a_station_and_a_timeout_of_its_own(
    pytester: pytest.Pytester, rule_importable: None
) -> None:
    pytester.makepyfile(LATE_ONCE)
    found = pytester.runpytest_subprocess(*RULE, "-n", "0", timeout=60)
    assert found.ret == pytest.ExitCode.OK, found.outlines
    said = _said(found)
    assert len(said) == 3 and all(line.startswith("PASSED ONLY WHEN REPEATED: ") for line in said)
    assert "test_meets_a_dead_station (call): AssertionError: LATE at 0.093" in said[0]
    assert "test_hangs_twice (call): Failed: Timeout" in said[1]
    assert "test_ends_badly (teardown): AssertionError: torn at the end" in said[2]


def test_what_fails_always_fails_in_its_own_words_and_another_draw_hides_no_counterexample(
    pytester: pytest.Pytester,
) -> None:
    pytester.makepyfile(ALWAYS)
    found = pytester.runpytest_inprocess(*RULE, "-p", "no:timeout")
    assert found.ret == pytest.ExitCode.TESTS_FAILED
    found.assert_outcomes(failed=3, passed=1)
    found.stdout.fnmatch_lines(["E *AssertionError: run 3", "E *the bench itself", "E *number=1,*"])
    (said,) = _said(found)
    assert "test_is_flaky_by_hypothesis_own_word (call)" in said and "Flaky" in said


def test_more_tests_than_eight_that_need_a_repeat_fail_the_run_though_no_worker_has_more(
    pytester: pytest.Pytester, rule_importable: None
) -> None:
    pytester.makepyfile(test_a=MANY.replace("COUNT", "4"), test_b=MANY.replace("COUNT", "5"))
    found = pytester.runpytest_subprocess(*RULE, "-n", "2", "--dist", "loadfile", timeout=60)
    assert found.ret == pytest.ExitCode.TESTS_FAILED
    *repeated, failed = _said(found)
    assert len(repeated) == 9
    assert failed == "FAILED: 9 tests needed a repeat, more than 8: it is the code, not the machine"


def test_a_broken_suite_is_not_run_three_times(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(MANY.replace("COUNT", "30"))
    found = pytester.runpytest_inprocess(*RULE, "-p", "no:timeout")
    assert found.parseoutcomes() == {"passed": 8, "failed": 22, "repeated": 8}
