"""What Prometheus reads of a worker, over HTTP, and how many series that can become."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from station.collector.__main__ import main
from station.collector.figures import BATCH_BOUNDS_S, STATIONS_MAX, Figures
from station.collector.metrics import STATIONS_SHOWN, serve_metrics
from station.contract.keys import new_key, save_key
from tests.servers.mosquitto import Mosquitto, free_port
from tests.uplink.rig import STATION, Bench, do_run, open_store, until

KEY = new_key()
ROOT = Path(__file__).parents[2]
NAME = "bench_collector"


def scrape(url: str) -> dict[tuple[str, ...], float]:
    """Every sample by its name and the values of its labels."""
    with urllib.request.urlopen(url, timeout=10) as answer:
        text = answer.read().decode()
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found[sample.name.removeprefix(f"{NAME}_"), *sample.labels.values()] = sample.value
    return found


async def test_the_verb_collects_and_shows_its_figures(mosquitto: Mosquitto, tmp_path: Path) -> None:
    save_key(tmp_path / "key.json", KEY)
    arguments = ["-m", "station", "collect", "--broker", mosquitto.url, "--database", str(tmp_path / "centre.sqlite")]
    arguments += ["--key", str(tmp_path / "key.json"), "--metrics", str(free_port())]
    worker = await asyncio.create_subprocess_exec(sys.executable, *arguments, stdout=subprocess.PIPE, cwd=ROOT)
    assert worker.stdout is not None
    url = json.loads(await worker.stdout.readline())["metrics"]
    assert url.startswith("http://127.0.0.1:")
    bench = Bench(await open_store(tmp_path / "station.sqlite"), mosquitto.url, KEY)
    for _ in range(3):
        await do_run(bench.store)
    await bench.drained()

    found: dict[tuple[str, ...], float] = {}

    async def counted() -> bool:
        nonlocal found
        found = await asyncio.to_thread(scrape, url)
        return found.get(("stations_online",)) == 1

    await until(counted, "the figures follow")
    assert found["messages_received_total", "result"] >= 3
    assert found["messages_total", "result", "stored"] == 3
    assert found["messages_total", "event", "stored"] == 6
    assert found["receipts_total", "stored"] == 9
    assert found["batch_seconds_bucket", "+Inf"] == found["batch_seconds_count",] > 0
    assert (found["linked",], found["database_up",], found["database_errors_total",]) == (1, 1, 0)
    assert 0 <= found["station_silence_seconds", STATION] < 60 and found["stations_silent", "60"] == 0
    await bench.close()
    worker.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(worker.wait(), 10.0) == 0


def test_series_are_bounded_and_above_the_bound_only_counted() -> None:
    now_s = 0.0
    figures = Figures(lambda: now_s)
    for number in range(STATIONS_SHOWN + 1):
        figures.heard(f"bench-{number}")
    now_s = 700.0
    figures.alarms["msg_id_reused", "withheld"] += 3
    port = serve_metrics(figures, "127.0.0.1", 0)
    found = scrape(f"http://127.0.0.1:{port}/metrics")
    assert not [key for key in found if key[0] == "station_silence_seconds"]
    assert found["stations_silent", "600"] == STATIONS_SHOWN + 1 and found["stations_silent", "3600"] == 0
    assert found["alarms_total", "msg_id_reused", "withheld"] == 3
    assert len(found) < 60
    for number in range(STATIONS_MAX + 10):
        figures.heard(f"invented-{number}")
    assert len(figures.silences_s()) == STATIONS_MAX


def test_a_commit_that_hangs_is_seen_while_it_hangs_and_counted_by_its_length() -> None:
    now_s = 0.0
    figures = Figures(lambda: now_s)
    with figures.committing():
        now_s = 42.0
        assert figures.commit_age_s() == 42.0
    assert figures.commit_age_s() == 0.0
    assert sum(figures.batches) == figures.batches[BATCH_BOUNDS_S.index(60.0)] == 1
    with pytest.raises(OSError), figures.committing():
        raise OSError
    assert sum(figures.batches) == 1 and figures.commit_age_s() == 0.0, "what was not committed is not counted"


@pytest.mark.parametrize("address", ["nowhere", "127.0.0.1:", "127.0.0.1:99999", "no-such-host.invalid:9464"])
def test_an_address_that_cannot_be_served_is_wrong_use(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    save_key(tmp_path / "key.json", KEY)
    line = ["collector", "--broker", "mqtt://127.0.0.1:1", "--database", str(tmp_path / "c"), "--key"]
    monkeypatch.setattr(sys, "argv", [*line, str(tmp_path / "key.json"), "--metrics", address])
    assert main() == 2
    said = capsys.readouterr().err
    assert address in said and said.count("\n") == 1
