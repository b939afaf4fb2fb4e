"""A real broker for the tests of this room; one for each module, because it starts in a fifth of a second."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from station.cli.broker import EmbeddedBroker


@pytest.fixture(scope="module")
def broker() -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker() as broker:
        yield broker
