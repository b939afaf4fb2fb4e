"""Which public keys sign what: one file for both unless the settings name another for commands; two over a network."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from station.contract.keys import new_key, public_keys_to_text
from station.daemon import _load_keys
from station.domain.errors import SettingsError


def settings(command_keys: str, url: str = "mqtt://127.0.0.1") -> Any:
    return SimpleNamespace(receipt_keys="receipt-keys.json", command_keys=command_keys, mqtt_url=url)


def test_the_receipt_keys_sign_commands_where_no_others_are_named(tmp_path: Path) -> None:
    key = new_key()
    (tmp_path / "receipt-keys.json").write_text(public_keys_to_text(key), encoding="utf-8")
    for name in ("", "receipt-keys.json"):
        keys = _load_keys(tmp_path, settings(name))
        assert set(keys.receipts) == set(keys.commands) == {key.key_id}


def test_a_file_of_their_own_signs_commands_alone(tmp_path: Path) -> None:
    receipts, commands = new_key(), new_key()
    (tmp_path / "receipt-keys.json").write_text(public_keys_to_text(receipts), encoding="utf-8")
    missing = (
        r"command-keys\.json: No such file or directory; .*mqtt\.command_keys.* belongs there: .*enrolling-a-bench"
    )
    with pytest.raises(SettingsError, match=missing):
        _load_keys(tmp_path, settings("command-keys.json"))
    (tmp_path / "command-keys.json").write_text(public_keys_to_text(commands), encoding="utf-8")
    keys = _load_keys(tmp_path, settings("command-keys.json"))
    assert (set(keys.receipts), set(keys.commands)) == ({receipts.key_id}, {commands.key_id})


@pytest.mark.parametrize("name", ["", "receipt-keys.json", "command-keys.json"])
def test_over_a_network_no_key_signs_both_whatever_its_file_is_called(tmp_path: Path, name: str) -> None:
    both = new_key()
    for file in ("receipt-keys.json", "command-keys.json"):
        (tmp_path / file).write_text(public_keys_to_text(both, new_key()), encoding="utf-8")
    said = r"-keys\.json: a key in it signs receipts too; with mqtts://.*DIR commands`.*mqtt\.command_keys \(docs"
    with pytest.raises(SettingsError, match=said):
        _load_keys(tmp_path, settings(name, "mqtts://broker.example"))
    assert both.key_id in _load_keys(tmp_path, settings(name)).commands
