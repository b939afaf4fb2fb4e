"""One real broker for the tests of this room that do not kill it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.servers.mosquitto import Mosquitto


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path_factory.mktemp("broker")) as broker:
        yield broker
