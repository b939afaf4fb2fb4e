"""`station enrol NAME`: this bench's private key, made here and never sent, and the request that goes to the authority.

A second call keeps the key and makes only the request anew. Nothing here signs: that is the authority's
(docs/enrolling-a-bench.md).
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from station.domain.errors import SettingsError
from station.mqtt.tls import read_key
from station.settings.tree import TlsNames

NAME = re.compile(r"[a-z0-9-]{1,40}")
CREDSTORE, UNIT = "/etc/credstore", "station.service"


@dataclass(frozen=True, slots=True)
class Choice:
    """What the command line asks for. `out` None: the credentials folder of the configuration."""

    name: str
    config: Path
    out: Path | None
    as_json: bool = False


def enrol(choice: Choice) -> int:
    """Make what is missing and say what to do next. Raises `SettingsError`."""
    if not NAME.fullmatch(choice.name):
        raise SettingsError(f"name {choice.name!r}: write 1 to 40 of a-z, 0-9 and -, as it stands in every topic")
    names = TlsNames()
    folder = choice.out or choice.config / "credentials"
    key_file, request_file = folder / names.key, folder / f"{choice.name}.csr"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        made = _make_key(key_file)
        request_file.write_bytes(_request(read_key(key_file), choice.name))
    except OSError as error:
        raise SettingsError(f"{folder}: {error.strerror}; name a folder that you may write to (--out)") from error
    for_people = sys.stderr if choice.as_json else sys.stdout
    if choice.as_json:
        told = {"key": str(key_file), "key_made": made, "request": str(request_file), "name": choice.name}
        print(json.dumps(told, ensure_ascii=False))
    print(_words(choice, names, key_file, request_file, made), file=for_people)
    return 0


def _make_key(file: Path) -> bool:
    """Whether it was made now: one that is there is never touched. Whole from its first moment, mode 0600."""
    if os.path.lexists(file):
        return False
    key = ec.generate_private_key(ec.SECP256R1())
    handle, draft = tempfile.mkstemp(dir=file.parent, prefix=".key-")  # mode 0600 by itself
    try:
        with os.fdopen(handle, "wb") as opened:
            opened.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
            opened.flush()
            os.fsync(opened.fileno())
        try:
            os.link(draft, file)
        except FileExistsError:  # another one was quicker
            return False
    finally:
        Path(draft).unlink()
    return True


def _request(key: ec.EllipticCurvePrivateKey, name: str) -> bytes:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    return x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256()).public_bytes(
        Encoding.PEM
    )  # fmt: skip


def _words(choice: Choice, names: TlsNames, key: Path, request: Path, made: bool) -> str:
    folder = key.parent
    lines = [
        f"{'made' if made else 'kept'} {key} (private, mode 0600: it stays on this machine)",
        f"made {request} (a request, no secret)",
        *_mismatch(choice),
        "next:",
        f"1. Send {request.name} to the certificate authority (docs/enrolling-a-bench.md).",
        f"2. Put what comes back beside the key: {names.certificate} (this bench's certificate), {names.ca}.",
        "3. Give them to the daemon, as root:",
        f"     install -D -m 0644 {folder / names.ca} {CREDSTORE}/bench.{names.ca}",
        f"     install -D -m 0644 {folder / names.certificate} {CREDSTORE}/bench.{names.certificate}",
        f"     mkdir -p {CREDSTORE}.encrypted",
        f"     systemd-creds encrypt --name={names.key} {key} {CREDSTORE}.encrypted/bench.{names.key}",
        f"     shred -u {key}",
        f'4. In station.toml: name = "{choice.name}", url = "mqtts://HOST:8883", and the centre\'s command_keys =',
        f'   "command-keys.json" (step 4 of that page); then systemctl restart {UNIT}',
    ]
    return "\n".join(lines)


def _mismatch(choice: Choice) -> list[str]:
    """A word where the configuration calls this bench something else; no word where there is none yet."""
    file = choice.config / "station.toml"
    with contextlib.suppress(OSError, ValueError):  # whether it is good is for `check` to say
        table = tomllib.loads(file.read_text(encoding="utf-8")).get("station")
        name = table.get("name") if isinstance(table, dict) else None
        if name is not None and name != choice.name:
            return [f"beware: {file} calls this bench {name!r}; the two must be the same"]
    return []
