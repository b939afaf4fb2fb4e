"""The rig of these tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from station.applying import LOOK_S
from station.doctor.health import PAUSE_S
from tests.applying.rig import Rig
from tests.uplink.rig import open_store


@pytest.fixture
async def rig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Rig]:
    monkeypatch.setattr("station.applying.LOOK_S", LOOK_S / 100)
    monkeypatch.setattr("station.doctor.health.PAUSE_S", PAUSE_S / 5000)
    store = await open_store(tmp_path / "s.sqlite")
    yield Rig(store, tmp_path)
    await store.close()
