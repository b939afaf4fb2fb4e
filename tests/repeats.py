"""The rule for a test that lost to the machine's clock: what failed is run again, at most twice.

Most of what the suite plays is live, and two shared cores keep no time: of 6,500 tests one or two miss a deadline that
a bench would keep. A test that passes when it is repeated counts as passed and is named at the end of the run with the
words of its first failure, so that no flaw hides; more than `TESTS_MOST` of them fail the whole run, for then it is the
code and not the machine. What fails every time fails, in its own words.

A repeat begins from nothing: with fixtures of its own up to the session's, for what lives with a module may be what
died, and with a whole timeout. pytest-rerunfailures gives neither (its issue 99, and its page on fixtures).

What hypothesis found is a counterexample, and another draw would hide it: repeated is only what hypothesis itself calls
flaky, as the same example passed when it was replayed. A test that draws by chance on its own draws when it is
imported, so that a repeat meets the same draw. What is played by hand or on a real bench is never repeated.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest
from hypothesis.errors import Flaky

REPEATS = 2
TESTS_MOST = 8
TEXT_MOST = 4000
"""Characters of a first failure, half of them its end: there stands what a station said last."""
_REPEATS_DONE = pytest.StashKey[int]()
_LOST = pytest.StashKey[bool]()
_TESTS = pytest.StashKey[set[str]]()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None, Any, Any]:
    """Around all others, so that each repeat has what they give: its timeout, its captured output, its warnings."""
    item.stash[_LOST] = False
    done = yield
    if not item.stash[_LOST]:
        return done
    item.stash[_REPEATS_DONE] = item.stash.get(_REPEATS_DONE, 0) + 1
    return item.ihook.pytest_runtest_protocol(item=item, nextitem=nextitem)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed and (item.stash[_LOST] or _may_repeat(item, call)):
        item.stash[_LOST] = True
        report.outcome = "repeated"  # type: ignore[assignment]  # pytest keeps and hands on any word
    return report


def _may_repeat(item: pytest.Item, call: pytest.CallInfo[None]) -> bool:
    if call.excinfo is None or any(item.get_closest_marker(kind) for kind in ("hardware", "byhand")):
        return False
    if item.get_closest_marker("hypothesis") and not isinstance(call.excinfo.value, Flaky):
        return False
    tests = item.session.stash.setdefault(_TESTS, set())
    if item.nodeid not in tests and len(tests) == TESTS_MOST:
        return False  # a suite that is broken is not run three times
    tests.add(item.nodeid)
    return item.stash.get(_REPEATS_DONE, 0) < REPEATS


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, None, None]:
    """Before a repeat everything is torn down, the session's too; what ends badly belongs to the same failure."""
    lost = item.stash[_LOST]
    try:
        yield
    except (Exception, pytest.fail.Exception):
        lost = True
        raise
    finally:
        if lost:
            item.session._setupstate.teardown_exact(None)


def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, tuple[str, dict[str, bool]]] | None:
    return ("repeated", "R", ("REPEATED", {"yellow": True})) if report.outcome == "repeated" else None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    repeated = _first_failures(terminalreporter)
    lost = {report.nodeid for kind in ("failed", "error") for report in terminalreporter.stats.get(kind, ())}
    for nodeid, report in repeated.items():
        if nodeid not in lost:
            said = f"PASSED ONLY WHEN REPEATED: {nodeid} ({report.when}): {_short(report)}"
            terminalreporter.write_line(said, yellow=True, bold=True)
    if len(repeated) > TESTS_MOST:
        said = f"FAILED: {len(repeated)} tests needed a repeat, more than {TESTS_MOST}: it is the code, not the machine"
        terminalreporter.write_line(said, red=True, bold=True)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    terminal = session.config.pluginmanager.get_plugin("terminalreporter")  # a worker has none, and sees its own alone
    if terminal is not None and len(_first_failures(terminal)) > TESTS_MOST and not session.exitstatus:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _first_failures(terminalreporter: pytest.TerminalReporter) -> dict[str, pytest.TestReport]:
    """By test, in the order in which they failed."""
    found: dict[str, pytest.TestReport] = {}
    for report in terminalreporter.stats.get("repeated", ()):
        found.setdefault(report.nodeid, report)
    return found


def _short(report: pytest.TestReport) -> str:
    crash = getattr(report.longrepr, "reprcrash", None)
    text = " ".join((crash.message if crash else report.longreprtext).split())
    half = TEXT_MOST // 2
    return text if len(text) <= TEXT_MOST else f"{text[:half]} … {text[-half:]}"
