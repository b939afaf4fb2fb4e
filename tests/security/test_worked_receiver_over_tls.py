"""docs/subscribers/receiver.py with the certificates, the broker and the access list of docs/enrolling-a-bench.md."""

from __future__ import annotations

from pathlib import Path

from tests.docs.test_worked_receiver import make_receipts_key, receiver, rows
from tests.security.conftest import Fleet
from tests.servers.mosquitto import Mosquitto
from tests.uplink.rig import Bench, do_run, open_store


async def test_a_program_that_knows_nothing_of_ours_receives_with_a_certificate_of_the_centre(
    broker: Mosquitto, fleet: Fleet, tmp_path: Path
) -> None:
    ours = fleet.collector
    options = ("--ca", str(ours.ca), "--cert", str(ours.certificate), "--cert-key", str(ours.key))
    key = make_receipts_key(tmp_path)
    with receiver(tmp_path, broker.url, *options):
        store = await open_store(tmp_path / "station.sqlite")
        bench = Bench(store, broker.url, key, tls=fleet.seven)
        try:
            record = await do_run(store)
            await bench.drained()
        finally:
            await bench.close()
    assert rows(tmp_path, "SELECT run_id FROM results") == [(record.run_id,)]
