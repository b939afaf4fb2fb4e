"""The order of the suite: what waits for real programs beside what computes, and what lasts longest first.

A bench that is played live leaves its processor alone most of the time, and a thousand seeds never do: workers that
take files of both kinds in turn keep both cores busy, and none is left alone with a long file at the end. Files stay
whole and keep their own order; `--no-loadscope-reorder` (pyproject.toml) keeps xdist from another one.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from _pytest.assertion import rewrite  # its kept files only: no hook of pytest lets workers share them

pytest_plugins = ["tests.repeats"]
_HERE = Path(__file__).parent
FIRST = ("torture/test_torture.py", "campaign/test_seeds_to_1000.py", "campaign/test_seeds_to_500.py")
LIVE = (
    "scenarios",
    "torture",
    "fleet",
    "security",
    "uplink",
    "collector",
    "applying",
    "page",
    "docs",
    "firmware",
    "paper",
)
"""Rooms whose tests mostly wait for programs that they started, the slowest first."""
COMPUTES = ("campaign", "architecture", "settings", "analysis", "hostile", "report", "contract_messages")
"""Rooms whose tests compute and meet no deadline: they make way for what is played live, where a late scan trips."""
NICE = 5
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # more of its threads wait for work by computing: twice the time


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """Every worker needs every file with its asserts rewritten: each begins elsewhere and keeps it for the others."""
    config, (worker, count) = session.config, (os.environ.get(f"PYTEST_XDIST_WORKER{end}") for end in ("", "_COUNT"))
    if worker is None or count is None:
        return
    files = [file for given in config.args for file in sorted(Path(given.partition("::")[0]).rglob("test_*.py"))]
    first = len(files) * int(worker.removeprefix("gw")) // int(count)
    for file in files[first:] + files[:first]:
        kept = rewrite.get_cache_dir(file) / f"{file.stem}{rewrite.PYC_TAIL}"
        if rewrite._read_pyc(file, kept) is None and rewrite.try_makedirs(kept.parent):
            source_hash, code = rewrite._rewrite_test(file, config)
            rewrite._write_pyc(config.stash[rewrite.assertstate_key], code, source_hash, kept)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, Any, Any]:
    """More workers than cores, so that a core which one leaves alone is used by another: who computes, goes second."""
    if os.geteuid() == 0:  # nobody else may take a lower priority back
        os.setpriority(os.PRIO_PROCESS, 0, NICE if _room(item.path) in COMPUTES else 0)
    return (yield)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whole files in turn: one of a live room, one of another, as long as there are both."""
    files = [list(found) for _, found in groupby(items, lambda item: item.path)]
    files.sort(key=lambda found: _rank(found[0].path))
    live = [found for found in files if _room(found[0].path) in LIVE]
    rest = [found for found in files if _room(found[0].path) not in LIVE]
    turns = [*_spread(live), *_spread(rest)]
    items[:] = [item for _, found in sorted(turns, key=lambda turn: turn[0]) for item in found]


def _spread(files: list[list[pytest.Item]]) -> Iterable[tuple[float, list[pytest.Item]]]:
    """Each file with its place from 0 to 1, so that both kinds end together."""
    for place, found in enumerate(files):
        name = found[0].path.relative_to(_HERE).as_posix()
        yield (FIRST.index(name) - len(FIRST) if name in FIRST else place / len(files)), found


def _room(path: Path) -> str:
    return path.relative_to(_HERE).parts[0]


def _rank(path: Path) -> int:
    return LIVE.index(_room(path)) if _room(path) in LIVE else len(LIVE)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What could not be tried here is said by name: a skip must not look like a pass."""
    for report in terminalreporter.stats.get("skipped", ()):
        where = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        terminalreporter.write_line(f"WARNING: skipped {report.nodeid}: {where}", yellow=True)
