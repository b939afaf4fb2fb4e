"""The real uplink and the real collector over mutual TLS: a result and its receipt, a renewal without a restart, the
watch on the certificate's end."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from station.contract.keys import new_key
from station.domain.errors import SettingsError
from station.mqtt.tls import TlsFiles, read_own
from station.uplink.expiry import CODE, LOOK_EVERY_S, CertificateWatch
from tests.security.conftest import Fleet
from tests.security.site import Site
from tests.security.test_refusals import PAST
from tests.servers.mosquitto import Mosquitto
from tests.uplink.rig import Bench, Office, do_run, open_store, until


async def test_a_result_reaches_the_centre_and_its_receipt_comes_back(
    broker: Mosquitto, fleet: Fleet, tmp_path: Path
) -> None:
    key = new_key()
    office = await Office.open(broker.url, tmp_path / "centre.sqlite", key, tls=fleet.collector)
    bench = Bench(await open_store(tmp_path / "station.sqlite"), broker.url, key, tls=fleet.seven)
    record = await do_run(bench.store)
    await bench.drained()
    await bench.close()
    await office.close()
    with sqlite3.connect(tmp_path / "centre.sqlite") as db:
        assert db.execute("SELECT run_id, station FROM results").fetchall() == [(record.run_id, "bench-07")]
    db.close()
    assert {"u'bench-07'", "u'collector.1'"} <= {word.rstrip(").") for word in broker.text().split()}


async def test_results_wait_while_the_certificate_is_out_of_its_time_and_go_when_it_was_renewed(
    site: Site, broker: Mosquitto, fleet: Fleet, tmp_path: Path
) -> None:
    files = site.make("bench-07", tmp_path / "credentials", PAST)
    key = new_key()
    office = await Office.open(broker.url, tmp_path / "centre.sqlite", key, tls=fleet.collector)
    bench = Bench(await open_store(tmp_path / "station.sqlite"), broker.url, key, tls=files)
    await do_run(bench.store)
    await until(lambda: bench.uplink.last_error, "the uplink says why it does not connect")
    assert "the certificate of 'bench-07' ended on 2021-01-01 00:00 UTC" in (bench.uplink.last_error or "")
    assert (await bench.store.counts()).waiting == 3
    shutil.copy(fleet.seven.key, files.key)
    shutil.copy(fleet.seven.certificate, files.certificate)
    await bench.drained()
    assert bench.uplink.last_error is None
    await bench.close()
    await office.close()


async def test_neither_end_begins_without_files_for_mqtts(tmp_path: Path) -> None:
    store = await open_store(tmp_path / "s.sqlite")
    with pytest.raises(SettingsError, match=r"needs ca\.pem"):
        Bench(store, "mqtts://localhost", new_key())
    with pytest.raises(SettingsError, match=r"needs ca\.pem"):
        await Office.open("mqtts://localhost", tmp_path / "c.sqlite", new_key())
    await store.close()


# ---- the watch --------------------------------------------------------------------------------------------------
class Days:
    """A clock that its sleeper turns; the watch is stopped after so many hours."""

    def __init__(self, now: datetime, hours: int) -> None:
        self.now, self.hours = now, hours
        self.said: list[tuple[datetime, str, str]] = []

    async def sleep(self, seconds: float) -> None:
        assert seconds == LOOK_EVERY_S
        self.now += timedelta(seconds=seconds)
        self.hours -= 1
        if self.hours == 0:
            raise asyncio.CancelledError

    async def alarm(self, code: str, cause: str) -> None:
        self.said.append((self.now, code, cause))

    async def watch(self, files: TlsFiles | None) -> CertificateWatch:
        watch = CertificateWatch(files, self.alarm, lambda: self.now, self.sleep)
        with pytest.raises(asyncio.CancelledError):
            await watch.run()
        return watch


async def test_the_last_thirty_days_are_one_alarm_a_day_and_the_end_is_in_the_info(fleet: Fleet) -> None:
    ends = read_own(fleet.seven).ends
    days = Days(ends - timedelta(days=33), hours=24 * 35)
    watch = await days.watch(fleet.seven)
    assert watch.expires_at == f"{ends:%Y-%m-%dT%H:%M:%S.000Z}"
    dates = [at.date() for at, _, _ in days.said]
    assert len(dates) == len(set(dates)) and 31 <= len(dates) <= 33
    assert ends - days.said[0][0] <= timedelta(days=30) < ends - days.said[0][0] + timedelta(hours=1)
    assert {code for _, code, _ in days.said} == {CODE}
    assert "ends on" in days.said[0][2] and "ended on" in days.said[-1][2]


async def test_a_file_that_cannot_be_read_is_logged_and_the_alarms_go_on_by_what_was_read_before(
    fleet: Fleet, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    files = TlsFiles(fleet.seven.ca, tmp_path / "station.pem", fleet.seven.key)
    shutil.copy(fleet.seven.certificate, files.certificate)
    days = Days(read_own(files).ends - timedelta(days=5), hours=30)
    watch = CertificateWatch(files, days.alarm, lambda: days.now, days.sleep)
    files.certificate.write_text("spoilt", encoding="utf-8")
    with pytest.raises(asyncio.CancelledError):
        await watch.run()
    assert len(days.said) in (2, 3) and "no PEM certificate" in caplog.text


async def test_without_tls_there_is_nothing_to_watch() -> None:
    days = Days(datetime.now().astimezone(), hours=3)
    assert (await days.watch(None)).expires_at is None and days.said == []


async def test_a_broker_whose_rules_forget_the_stations_is_heard_of(
    site: Site, fleet: Fleet, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Results wait, and would for ever: 0x87 is no reason to end the link."""
    acl = tmp_path / "acl"
    acl.write_text("pattern read bench/v1/%u/dn/#\n", encoding="utf-8")
    with site.broker(tmp_path / "m", acl=acl) as broker:
        bench = Bench(await open_store(tmp_path / "station.sqlite"), broker.url, new_key(), tls=fleet.seven)
        await do_run(bench.store)
        await until(lambda: bench.uplink.last_error, "the uplink says so")
        assert bench.uplink.connected and (await bench.store.counts()).waiting == 3
        await bench.close()
    said = "the broker refuses what we publish (0x87); may this name write bench/v1/%u/up/# by its ACL?"
    assert bench.uplink.last_error == said and caplog.messages.count(f"uplink: {said}") == 1
