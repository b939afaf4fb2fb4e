"""The order of the suite: what lasts longest begins first, so that no worker is left alone with it at the end.

Files stay whole and keep their own order; `--no-loadscope-reorder` (pyproject.toml) keeps xdist from another one.
"""

from __future__ import annotations

from pathlib import Path

import pytest

_HERE = Path(__file__).parent
LONG = ("torture", "scenarios", "fleet", "campaign", "hostile", "firmware", "architecture")
"""Rooms of the tests, the slowest first; the rest comes after them as it is found."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort by room; a sort that is stable leaves everything else as it was."""
    items.sort(key=lambda item: _rank(item.path))


def _rank(path: Path) -> int:
    room = path.relative_to(_HERE).parts[0]
    return LONG.index(room) if room in LONG else len(LONG)
