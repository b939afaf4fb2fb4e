"""Scenarios need processes, ptys and, where the system grants it, real-time priority; nothing else is set up here."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.scenarios.harness import Scenario, Scene
from tests.scenarios.harness import play as play_scenario


@pytest.fixture
def play() -> Callable[[Scenario], Scene]:
    """Play one scenario and return what came of it."""
    return play_scenario
