"""Keys of a simulated or first bench: those of the centre's receipts, made once in one folder and trusted by both ends,
and the station's own, with which it signs certificates.

`python -m station.cli.keys DIR` makes the station's pair in the credentials folder DIR of a real bench;
`python -m station.cli.keys DIR receipts|commands` one of the centre's (docs/enrolling-a-bench.md).
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
from pathlib import Path

from station.contract.keys import load_key, new_key, public_keys_to_text, save_key

_CHECKOUT = Path(__file__).resolve().parents[2]
KEYS = (_CHECKOUT if (_CHECKOUT / "bench").is_file() else Path.cwd()) / "var" / "keys"
"""One place for all programs of a checkout, wherever they are started."""
CENTRE_KEY = "centre-key.json"
RECEIPT_KEYS = "receipt-keys.json"
CERTIFICATE_KEY = "certificate-key.json"
"""Private: with it this station signs certificates. A credential of the station alone."""
CERTIFICATE_KEYS = "certificate-keys.json"
"""Public: with it anybody verifies them (`results verify --key`)."""
PAIRS = {
    "certificate": (CERTIFICATE_KEY, CERTIFICATE_KEYS),
    "receipts": (CENTRE_KEY, RECEIPT_KEYS),
    "commands": ("command-key.json", "command-keys.json"),
}
"""By what a pair signs: the private file and the public one."""
LOCK = "lock"


def centre_key(folder: Path = KEYS) -> Path:
    """The centre's signing key; made with its public half beside it if it is not there yet."""
    return _pair(folder, CENTRE_KEY, RECEIPT_KEYS)


def certificate_key(credentials: Path) -> Path:
    """The station's signing key in its credentials; made with its public half beside it if it is not there yet."""
    return _pair(credentials, CERTIFICATE_KEY, CERTIFICATE_KEYS)


def credentials_of(config: Path) -> Path:
    """Where a station's secrets lie: systemd's folder, else `credentials` beside the configuration's files."""
    return Path(os.environ.get("CREDENTIALS_DIRECTORY", config / "credentials"))


def _pair(folder: Path, private_name: str, public_name: str) -> Path:
    private = folder / private_name
    if not private.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / LOCK).open("w") as lock:  # programs that are started together must not make two of them
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not private.is_file():
                key = new_key()
                (folder / public_name).write_text(public_keys_to_text(key), encoding="utf-8")
                save_key(private, key)
    return private


def ensure_keys(credentials: Path, folder: Path = KEYS) -> None:
    """Put the centre's public half where a station looks for it (`collect` signs with the private one by default), and
    the station's own pair beside it: one for all simulated benches of a checkout."""
    centre_key(folder)
    own = certificate_key(folder)
    credentials.mkdir(parents=True, exist_ok=True)
    for name in (RECEIPT_KEYS, CERTIFICATE_KEYS):
        shutil.copyfile(folder / name, credentials / name)
    (credentials / CERTIFICATE_KEY).unlink(missing_ok=True)
    save_key(credentials / CERTIFICATE_KEY, load_key(own))


if __name__ == "__main__":
    given = sys.argv[1:]
    if len(given) not in (1, 2) or (named := given[1] if given[1:] else "certificate") not in PAIRS:
        sys.exit(f"use: python -m station.cli.keys DIR [{'|'.join(PAIRS)}], DIR the folder that gets the two files")
    print(_pair(Path(given[0]), *PAIRS[named]))
