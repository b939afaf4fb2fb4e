"""docs/enrolling-a-bench.md done as written: what it makes is what the station, systemd and the broker need."""

from __future__ import annotations

import asyncio
import re
import shutil
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from station.contract.keys import load_key, load_public_keys, new_key
from station.mqtt import refusals, tls
from station.mqtt.tls import TlsFiles, read_own
from station.uplink import uplink
from tests.docs.pages import ROOT, blocks
from tests.security.conftest import Fleet
from tests.security.site import PAGE, Site
from tests.servers.mosquitto import Mosquitto
from tests.uplink.rig import Bench, open_store

UNIT = (ROOT / "systemd" / "station.service").read_text(encoding="utf-8")


def test_the_page_followed_as_written_gives_the_station_what_its_unit_loads(site: Site) -> None:
    loaded = dict(re.findall(r"^LoadCredential(?:Encrypted)?=([\w.-]+):(bench\.[\w.-]+)$", UNIT, re.MULTILINE))
    assert loaded == {
        name: f"bench.{name}" for name in ("station-key.pem", "station.pem", "ca.pem", "crl.pem", "command-keys.json")
    }
    stored = {path.name for path in (site.root / "etc/credstore").iterdir()}
    assert stored == {"bench.ca.pem", "bench.station.pem", "bench.command-keys.json"}
    (key,) = (site.root / "etc/credstore.encrypted").iterdir()
    assert key.name == "bench.station-key.pem" and key.name == loaded["station-key.pem"]
    assert "LoadCredentialEncrypted=station-key.pem:bench.station-key.pem" in UNIT
    store = site.root / "etc/credstore"
    own = read_own(TlsFiles(store / "bench.ca.pem", store / "bench.station.pem", key, name="bench-07"))
    assert own.name == "bench-07" and own.ends - datetime.now(UTC) > timedelta(days=820)


def test_no_private_key_is_left_where_it_need_not_be_and_none_travels(site: Site) -> None:
    assert {path.name for path in site.bench.iterdir()} == {"bench-07.csr", "receipt-keys.json"}
    for path in site.stick.iterdir():
        assert "PRIVATE" not in path.read_text(encoding="utf-8").upper().replace("PUBLIC", ""), path.name
    secrets = [site.authority / "ca-key.pem", site.certs / "broker-key.pem", *site.centre.glob("*-key.*")]
    assert len(secrets) == 6
    assert {path.stat().st_mode & 0o077 for path in secrets} == {0}
    acts = (site.root / "systemctl.log").read_text(encoding="utf-8")
    assert acts == "restart mosquitto\nrestart station\n"


def test_the_keys_that_sign_receipts_and_commands_are_two_and_the_bench_has_their_public_halves(site: Site) -> None:
    receipts, commands = load_key(site.centre / "centre-key.json"), load_key(site.centre / "command-key.json")
    assert set(load_public_keys(site.bench / "receipt-keys.json")) == {receipts.key_id}
    assert set(load_public_keys(site.root / "etc/credstore/bench.command-keys.json")) == {commands.key_id}
    assert receipts.key_id != commands.key_id


def test_the_refusals_of_the_pages_table_are_those_that_the_code_says() -> None:
    text = (ROOT / "docs" / PAGE).read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`[^|]+`) \|", text[text.index("## 5.") :], re.MULTILINE)
    told = re.findall(r"`([^`]+)`", " ".join(rows))
    sources = "".join(Path(module.__file__ or "").read_text(encoding="utf-8") for module in (refusals, tls, uplink))
    fixed = [piece.removeprefix("is ").removeprefix("the broker refused our certificate: ") for piece in told]
    assert len(told) >= 10 and [piece for piece in fixed if piece not in sources] == []


@pytest.mark.skipif(shutil.which("mosquitto_sub") is None, reason="mosquitto-clients is not installed here")
async def test_the_pages_look_sees_the_bench(site: Site, fleet: Fleet, broker: Mosquitto, tmp_path: Path) -> None:
    bench = Bench(await open_store(tmp_path / "s.sqlite"), broker.url, new_key(), tls=fleet.seven)
    (block,) = [block for block in blocks(PAGE) if block.kind == "look"]
    script = site.here(block.text).replace(" 8883 ", f" {broker.port} ")
    said = await asyncio.to_thread(site.run, script, site.centre)
    await bench.close()
    assert said.startswith("bench/v1/bench-07/up/presence {") and '"state":"online"' in said


def test_the_pages_collector_comes_up_on_the_pages_broker(site: Site, broker: Mosquitto) -> None:
    (block,) = [block for block in blocks(PAGE) if block.kind == "collect"]
    script = site.here(block.text).replace(":8883 ", f":{broker.port} ")
    script = script.replace("station collect", "timeout --signal=TERM 30 python -m station collect")
    ready = f"({script}) > ready.log & for i in $(seq 300); do grep -q ready ready.log && break; sleep 0.1; done"
    began = time.monotonic()
    site.run(f"{ready}; kill %1 || true; wait; grep '\"ready\": *true' ready.log", site.centre)
    assert time.monotonic() - began < 30.0
    assert "as collector.1 " in broker.text()
