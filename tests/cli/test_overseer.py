"""The demo's overseer ends a wait that nothing will end."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from station.cli import overseer
from station.cli.overseer import Overseer


class Client:
    def __init__(self) -> None:
        self.hung_up = threading.Event()

    def hang_up(self) -> None:
        self.hung_up.set()


def test_a_run_that_never_begins_ends_the_wait_with_a_reason_and_one_that_has_begun_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(overseer, "LOOK_S", 0.005)
    monkeypatch.setattr(overseer, "START_S", 0.02)
    refused: Any = Client()
    with Overseer(refused, (), lambda: None) as watcher:
        assert refused.hung_up.wait(10.0)
    assert "no run began within 0.02 s" in str(watcher.reason)
    begun: Any = Client()
    with Overseer(begun, (), lambda: None) as watcher:
        watcher.begun()
        assert not begun.hung_up.wait(0.1)
    assert watcher.reason is None
