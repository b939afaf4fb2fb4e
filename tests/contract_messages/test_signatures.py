"""Keys, signatures and receipts: what holds, and that nothing else does."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from station.contract.bodies import ALSO_MAX
from station.contract.canonical import MAX_RECEIPT_BYTES, to_json
from station.contract.keys import (
    from_base64url,
    load_key,
    load_public_keys,
    new_key,
    public_keys_to_text,
    save_key,
    to_base64url,
    verify,
)
from station.contract.receipts import make_receipt, verify_receipt
from station.domain.errors import MessageError, SettingsError

KEY = new_key()
KEYS = {KEY.key_id: KEY.public}
MSG_ID = "bench-07:9f31c2aa:184"


def test_a_receipt_has_the_fields_of_the_contract_and_verifies() -> None:
    payload = make_receipt(MSG_ID, "a" * 64, "rejected", KEY, "why")
    assert set(json.loads(payload)) == {"msg_id", "sha256", "status", "reason", "key_id", "sig"}
    receipt = verify_receipt(payload, KEYS)
    assert (receipt.msg_id, receipt.sha256, receipt.status, receipt.reason) == (MSG_ID, "a" * 64, "rejected", "why")


def test_a_receipt_may_speak_of_more_messages_under_one_signature() -> None:
    more = [(f"bench-07:9f31c2aa:{seq}", f"{seq:064x}") for seq in range(185, 185 + ALSO_MAX)]
    payload = make_receipt(MSG_ID, "a" * 64, "stored", KEY, also=more)
    assert len(payload) <= MAX_RECEIPT_BYTES
    assert verify_receipt(payload, KEYS).speaks_of == ((MSG_ID, "a" * 64), *more)
    plain = json.loads(payload)
    for spoilt in (plain["also"][:-1], plain["also"][::-1], [{**plain["also"][0], "sha256": "b" * 64}], []):
        with pytest.raises(MessageError, match="does not hold"):
            verify_receipt(to_json({**plain, "also": spoilt}), KEYS)
    with pytest.raises(MessageError, match="also"):
        verify_receipt(make_receipt(MSG_ID, "a" * 64, "stored", KEY, also=[*more, more[0]]), KEYS)


@pytest.mark.parametrize(
    ("field", "value"),
    [("msg_id", "bench-07:9f31c2aa:185"), ("sha256", "b" * 64), ("status", "stored"), ("reason", None),
     ("reason", "other"), ("key_id", "nobody"), ("sig", ""), ("sig", "AAAA"), ("sig", 5), ("key_id", None),
     ("more", 1)],
)  # fmt: skip
def test_a_receipt_that_was_changed_anywhere_is_refused(field: str, value: Any) -> None:
    receipt = json.loads(make_receipt(MSG_ID, "a" * 64, "rejected", KEY, "why"))
    with pytest.raises(MessageError):
        verify_receipt(to_json({**receipt, field: value}), KEYS)


def test_a_receipt_signed_with_another_key_under_the_same_name_is_refused() -> None:
    payload = make_receipt(MSG_ID, "a" * 64, "stored", KEY)
    with pytest.raises(MessageError, match="does not hold"):
        verify_receipt(payload, {KEY.key_id: new_key().public})


def test_a_field_of_a_later_version_is_signed_and_ignored() -> None:
    signed = KEY.sign({"msg_id": MSG_ID, "sha256": "a" * 64, "status": "stored", "reason": None, "worker": "w3"})
    assert verify_receipt(to_json(signed), KEYS).status == "stored"


def test_a_well_signed_receipt_with_nonsense_in_it_is_refused() -> None:
    for change in ({"status": "perhaps"}, {"sha256": "A" * 64}, {"msg_id": "x"}):
        signed = KEY.sign({"msg_id": MSG_ID, "sha256": "a" * 64, "status": "stored", "reason": None, **change})
        with pytest.raises(MessageError, match="receipt: "):
            verify_receipt(to_json(signed), KEYS)


def test_key_files_come_back_are_private_and_never_overwritten(tmp_path: Path) -> None:
    save_key(tmp_path / "key.json", KEY)
    assert stat.S_IMODE((tmp_path / "key.json").stat().st_mode) == 0o600
    loaded = load_key(tmp_path / "key.json")
    verify(loaded.sign({"a": 1}), KEYS)
    with pytest.raises(FileExistsError):
        save_key(tmp_path / "key.json", new_key())
    (tmp_path / "public.json").write_text(public_keys_to_text(KEY, new_key()))
    keys = load_public_keys(tmp_path / "public.json")
    assert len(keys) == 2
    verify(KEY.sign({"a": 1}), keys)


def test_a_signing_key_that_others_may_read_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "key.json"
    save_key(path, KEY)
    for mode in (0o604, 0o640, 0o644):
        path.chmod(mode)
        with pytest.raises(SettingsError) as caught:
            load_key(path)
        assert str(caught.value) == f"{path}: a private key that others may read (mode {mode:04o}); chmod 600 {path}"
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    path.chmod(0o440)
    assert load_key(path).key_id == KEY.key_id


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"k":"AAAA"}', '{"k":5}', '{"k":"not base64!"}'])
def test_a_file_of_keys_that_cannot_be_used_says_so(tmp_path: Path, text: str) -> None:
    path = tmp_path / "keys.json"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(SettingsError, match=r"keys\.json"):
        load_public_keys(path)
    with pytest.raises(SettingsError, match=r"keys\.json"):
        load_key(path)
    with pytest.raises(SettingsError, match=r"gone\.json"):
        load_key(tmp_path / "gone.json")


def test_base64url_is_without_padding_and_refuses_the_other_alphabet() -> None:
    assert to_base64url(b"\xfb\xff\xfe\x00") == "-__-AA"
    assert from_base64url("-__-AA") == from_base64url("-__-AA==") == b"\xfb\xff\xfe\x00"
    with pytest.raises(MessageError):
        from_base64url("+//+AA")
