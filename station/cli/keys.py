"""Keys of the centre's receipts for a simulated or first bench: made once, in one folder, and trusted by both ends."""

from __future__ import annotations

import fcntl
import shutil
from pathlib import Path

from station.contract.keys import new_key, public_keys_to_text, save_key

_CHECKOUT = Path(__file__).resolve().parents[2]
KEYS = (_CHECKOUT if (_CHECKOUT / "bench").is_file() else Path.cwd()) / "var" / "keys"
"""One place for all programs of a checkout, wherever they are started."""
CENTRE_KEY = "centre-key.json"
RECEIPT_KEYS = "receipt-keys.json"
LOCK = "lock"


def centre_key(folder: Path = KEYS) -> Path:
    """The centre's signing key; made with its public half beside it if it is not there yet."""
    private = folder / CENTRE_KEY
    if not private.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / LOCK).open("w") as lock:  # programs that are started together must not make two of them
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not private.is_file():
                key = new_key()
                (folder / RECEIPT_KEYS).write_text(public_keys_to_text(key), encoding="utf-8")
                save_key(private, key)
    return private


def ensure_keys(credentials: Path, folder: Path = KEYS) -> None:
    """Put the public half where a station looks for it; `collect` signs with the private one by default."""
    centre_key(folder)
    credentials.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(folder / RECEIPT_KEYS, credentials / RECEIPT_KEYS)
