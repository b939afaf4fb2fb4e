"""One running guard for the tests of a file."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.firmware.contract.contract_host import Bench


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    """A guard as a process, a host on its line; every test takes it to the state it needs."""
    running = Bench()
    try:
        yield running
    finally:
        running.close()


@pytest.fixture
def booted() -> Iterator[Bench]:
    """A guard that has just been powered up, of a test's own."""
    running = Bench()
    try:
        yield running
    finally:
        running.close()
