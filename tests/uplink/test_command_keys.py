"""Which public keys sign what: one file for both unless the settings name another for commands."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from station.contract.keys import new_key, public_keys_to_text
from station.daemon import _load_keys
from station.domain.errors import SettingsError


def settings(command_keys: str) -> Any:
    return SimpleNamespace(receipt_keys="receipt-keys.json", command_keys=command_keys, mqtt_url="mqtt://127.0.0.1")


def test_the_receipt_keys_sign_commands_where_no_others_are_named(tmp_path: Path) -> None:
    key = new_key()
    (tmp_path / "receipt-keys.json").write_text(public_keys_to_text(key), encoding="utf-8")
    for name in ("", "receipt-keys.json"):
        keys = _load_keys(tmp_path, settings(name))
        assert set(keys.receipts) == set(keys.commands) == {key.key_id}


def test_a_file_of_their_own_signs_commands_alone(tmp_path: Path) -> None:
    receipts, commands = new_key(), new_key()
    (tmp_path / "receipt-keys.json").write_text(public_keys_to_text(receipts), encoding="utf-8")
    with pytest.raises(SettingsError, match=r"command-keys\.json"):
        _load_keys(tmp_path, settings("command-keys.json"))
    (tmp_path / "command-keys.json").write_text(public_keys_to_text(commands), encoding="utf-8")
    keys = _load_keys(tmp_path, settings("command-keys.json"))
    assert (set(keys.receipts), set(keys.commands)) == ({receipts.key_id}, {commands.key_id})
