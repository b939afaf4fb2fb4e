"""Receipts: made and signed by the centre, verified by the station. Without one, nothing leaves an outbox."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import ValidationError

from station.contract.bodies import Receipt
from station.contract.canonical import parse_object, to_json
from station.contract.keys import PublicKeys, SigningKey, verify
from station.contract.records import describe
from station.domain.errors import MessageError

Status = Literal["stored", "duplicate", "rejected"]


def make_receipt(
    msg_id: str,
    sha256: str,
    status: Status,
    key: SigningKey,
    reason: str | None = None,
    also: Sequence[tuple[str, str]] = (),
) -> bytes:
    """The signed bytes for `dn/receipt`. A long reason is cut to what its field holds.

    `also`: `(msg_id, sha256)` of further messages with this status, only for a station that says `TAKES_ALSO`.
    """
    reason = None if reason is None else reason[:1000]
    said: dict[str, Any] = {"msg_id": msg_id, "sha256": sha256, "status": status, "reason": reason}
    if also:
        said["also"] = [{"msg_id": one, "sha256": digest} for one, digest in also]
    return to_json(key.sign(said))


def verify_receipt(payload: bytes, keys: PublicKeys) -> Receipt:
    """The receipt in `payload`. Raises `MessageError` unless it is well-formed and signed by a key known here."""
    plain = parse_object(payload)
    verify(plain, keys)
    try:
        return Receipt.model_validate(plain)
    except ValidationError as error:
        raise MessageError(describe("receipt", error)) from error
