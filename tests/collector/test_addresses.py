"""What `--database` may say."""

from __future__ import annotations

import sys

import psycopg
import pytest

from station.collector.database import open_centre
from station.domain.errors import CentreError, SettingsError
from tests.servers.postgres import Postgres


@pytest.mark.parametrize("url", ["postgresql://u:secret@h/c", "postgres://h/c?password=secret"])
def test_a_password_on_the_command_line_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(SettingsError, match="pgpass") as refused:
        open_centre(url)
    assert "secret" not in str(refused.value)


def test_an_address_that_libpq_cannot_read_is_said() -> None:
    with pytest.raises(SettingsError, match="postgresql://user@host/name"):
        open_centre("postgresql://h/c?colour=red")


def test_postgres_without_what_it_needs_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "station.collector.postgres", raising=False)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(SettingsError, match=r"pip install 'bench-station\[centre\]'"):
        open_centre("postgresql://h/c")


def test_a_server_that_is_not_there_is_waited_for() -> None:
    centre = open_centre("postgresql:///c?host=/nonexistent")
    with pytest.raises(CentreError, match="nothing is receipted"):
        centre.ready()
    centre.close()


def test_a_database_in_another_encoding_is_refused_with_the_command_that_makes_a_right_one(postgres: Postgres) -> None:
    with psycopg.connect(postgres.url, autocommit=True) as db:
        db.execute("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    with pytest.raises(SettingsError, match=r"LATIN1.*createdb --encoding=UTF8 --template=template0"):
        open_centre(postgres.url_of("latin")).ready()


def test_commits_wait_for_the_disk_whatever_the_server_s_default(postgres: Postgres) -> None:
    url = postgres.url + "&options=-csynchronous_commit%3Doff"
    centre = open_centre(url)
    centre.ready()
    db = centre._db  # type: ignore[attr-defined]
    assert db.execute("SHOW synchronous_commit").fetchone() == ("on",)
    centre.close()
