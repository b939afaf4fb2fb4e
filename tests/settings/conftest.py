"""A spoilable copy of the shipped configuration."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from settings_tree import TreeCopy


@pytest.fixture
def tree(tmp_path: Path) -> TreeCopy:
    return TreeCopy.make(tmp_path / "config")
