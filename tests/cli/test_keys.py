"""The centre's key: one pair, however many programs want it first."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from station.cli import keys
from station.contract.keys import SigningKey, load_key, load_public_keys, new_key


def test_programs_that_are_started_together_make_one_pair_of_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    both_make_one = threading.Barrier(2, timeout=0.3)

    def slow() -> SigningKey:
        with suppress(threading.BrokenBarrierError):  # the other one waits until this one is done
            both_make_one.wait()
        return new_key()

    monkeypatch.setattr(keys, "new_key", slow)
    with ThreadPoolExecutor(2) as pool:
        places = list(pool.map(lambda _: keys.centre_key(tmp_path / "keys"), range(2)))
    assert both_make_one.broken, "only one of them made a key"
    assert places[0] == places[1]
    key = load_key(places[0])
    known = load_public_keys(tmp_path / "keys" / keys.RECEIPT_KEYS)
    assert key.key_id in known


def test_a_station_gets_the_public_half_of_the_centre_and_its_own_pair(tmp_path: Path) -> None:
    credentials = tmp_path / "credentials"
    for _ in range(2):  # a second simulated bench of the checkout has the same
        keys.ensure_keys(credentials, tmp_path / "keys")
    names = {file.name for file in credentials.iterdir()}
    assert names == {keys.RECEIPT_KEYS, keys.CERTIFICATE_KEY, keys.CERTIFICATE_KEYS}
    private = credentials / keys.CERTIFICATE_KEY
    assert private.stat().st_mode & 0o777 == 0o600
    assert load_key(private).key_id in load_public_keys(credentials / keys.CERTIFICATE_KEYS)
    assert load_key(private).key_id not in load_public_keys(credentials / keys.RECEIPT_KEYS)
