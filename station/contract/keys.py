"""Ed25519 keys and signatures: over the canonical JSON without `sig`, in base64url without padding.

A key file holds `{"key_id", "private"}` and is readable by its owner alone; a file of public keys is
`{key_id: base64url public key}` (`receipt-keys.json` of a station).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from station.contract.canonical import canonical, parse_object, to_json
from station.domain.errors import MessageError, SettingsError
from station.domain.secret_file import why_not_private

PublicKeys = Mapping[str, Ed25519PublicKey]
_REMEDY = "`python -m station.cli.keys DIR receipts|commands` makes a pair (docs/enrolling-a-bench.md, part 4)"


def to_base64url(data: bytes) -> str:
    """Without padding (RFC 4648, section 5)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def from_base64url(text: str) -> bytes:
    """Raises `MessageError` for anything but base64url; padding may be there or not."""
    try:
        if set("+/") & set(text):
            raise ValueError("+ and / belong to the other alphabet")
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise MessageError(f"not base64url: {error}") from error


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key and the name under which others know its public half."""

    key_id: str
    private: Ed25519PrivateKey

    @property
    def public(self) -> Ed25519PublicKey:
        """Its public half."""
        return self.private.public_key()

    def sign(self, message: Mapping[str, Any]) -> dict[str, Any]:
        """`message` with `key_id` and `sig`. Raises `MessageError` where it has no canonical form."""
        unsigned = {**{name: value for name, value in message.items() if name != "sig"}, "key_id": self.key_id}
        return {**unsigned, "sig": to_base64url(self.private.sign(canonical(unsigned)))}

    def to_text(self) -> str:
        """The content of a key file."""
        return to_json({"key_id": self.key_id, "private": to_base64url(self.private.private_bytes_raw())}).decode()


def new_key() -> SigningKey:
    """A fresh key; its id is the beginning of the SHA-256 of the public half."""
    private = Ed25519PrivateKey.generate()
    return SigningKey(hashlib.sha256(private.public_key().public_bytes_raw()).hexdigest()[:16], private)


def verify(message: Mapping[str, Any], keys: PublicKeys) -> None:
    """Raises `MessageError` unless `sig` is the signature of the rest by the known key that `key_id` names."""
    key_id, sig = message.get("key_id"), message.get("sig")
    if not isinstance(key_id, str) or not isinstance(sig, str):
        raise MessageError("not signed: key_id or sig is missing")
    key = keys.get(key_id)
    if key is None:
        raise MessageError(f"signed with {key_id[:40]!r}, a key that is not known here")
    unsigned = {name: value for name, value in message.items() if name != "sig"}
    try:
        key.verify(from_base64url(sig), canonical(unsigned))
    except InvalidSignature as error:
        raise MessageError(f"the signature with key {key_id!r} does not hold") from error


def save_key(path: Path, key: SigningKey) -> None:
    """Write a key file, mode 0600. Raises `FileExistsError`: a key is never overwritten."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(key.to_text() + "\n")


def load_key(path: Path) -> SigningKey:
    """Read a key file, which its owner alone may read. Raises `SettingsError`."""
    content = _read(path, "the private key that signs receipts or commands")
    if (why := why_not_private(path, path.stat().st_mode, os.environ.get("CREDENTIALS_DIRECTORY"))) is not None:
        raise SettingsError(why)
    try:
        private = Ed25519PrivateKey.from_private_bytes(from_base64url(str(content["private"])))
        return SigningKey(str(content["key_id"]), private)
    except (KeyError, ValueError, MessageError) as error:
        raise SettingsError(f"{path}: no key file ({error!r}); {_REMEDY}") from error


def public_keys_to_text(*keys: SigningKey) -> str:
    """The content of a file of public keys."""
    return to_json({key.key_id: to_base64url(key.public.public_bytes_raw()) for key in keys}).decode() + "\n"


def load_public_keys(path: Path) -> dict[str, Ed25519PublicKey]:
    """Read a file of public keys. Raises `SettingsError`; an empty one is an error, for then no receipt can hold."""
    keys: dict[str, Ed25519PublicKey] = {}
    for key_id, text in _read(
        path, "the file of the centre's public keys (mqtt.receipt_keys, mqtt.command_keys)"
    ).items():
        try:
            keys[key_id] = Ed25519PublicKey.from_public_bytes(from_base64url(str(text)))
        except (ValueError, MessageError) as error:
            raise SettingsError(f"{path}: {key_id}: not a base64url Ed25519 public key ({error})") from error
    if not keys:
        raise SettingsError(f"{path}: holds no key; without one no receipt can be verified")
    return keys


def _read(path: Path, what: str) -> dict[str, Any]:
    try:
        return parse_object(path.read_bytes())
    except OSError as error:
        reason = error.strerror or str(error)
        raise SettingsError(f"{path}: {reason}; {what} belongs there: {_REMEDY}") from error
    except MessageError as error:
        raise SettingsError(f"{path}: cannot be read as a file of keys: {error}; {_REMEDY}") from error
