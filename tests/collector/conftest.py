"""Real servers for the tests of this room, one of each for a module; an empty database of either kind for a test."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from station.cli.broker import EmbeddedBroker
from tests.servers.mosquitto import Mosquitto
from tests.servers.postgres import Postgres


@pytest.fixture(scope="module")
def broker() -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker() as broker:
        yield broker


@pytest.fixture(scope="module")
def mosquitto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path_factory.mktemp("mosquitto")) as broker:
        yield broker


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    server = Postgres()
    try:
        yield server.start()
    finally:
        server.kill()  # nobody needs its last checkpoint
        server.stop()


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database: the test runs on each of the two."""
    if request.param == "sqlite":
        return str(tmp_path / "centre.sqlite")
    server: Postgres = request.getfixturevalue("postgres")
    schema = f"c{secrets.token_hex(4)}"  # made in a hundredth of the time that a database takes
    with psycopg.connect(server.url, autocommit=True) as db:
        db.execute(f"CREATE SCHEMA {schema}".encode())
    return f"{server.url}&options=-csearch_path%3D{schema}"
