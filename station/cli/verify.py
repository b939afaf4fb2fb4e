"""`results verify FILE`: whether a certificate is what the station signed. Reads the HTML alone; no store, no network.

Says one of: valid; altered, and which fields; unknown key; not signed. Exit status 0 for valid, 1 for the others.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from station.contract.canonical import canonical
from station.contract.keys import PublicKeys, load_public_keys, verify
from station.domain.errors import MessageError, SettingsError
from station.domain.printable import printable
from station.report.signature import DATA, NotACertificate, differences, extract

Status = Literal["valid", "altered", "unknown_key", "not_signed"]
MOST_BYTES = 8_000_000


@dataclass(frozen=True, slots=True)
class Finding:
    """What verification says. `fields`: what does not agree. `data`: what was signed, only of a valid certificate."""

    file: str
    status: Status
    fields: tuple[str, ...] = ()
    key_id: str | None = None
    reason: str | None = None
    data: Mapping[str, Any] | None = None


def verify_file(file: Path, keys_file: Path, *, as_json: bool) -> int:
    """Print what it says of the certificate; the exit status. Raises `SettingsError` for what cannot be read."""
    keys = load_public_keys(keys_file)
    found = examine(file.name, read_page(file), keys)
    if as_json:
        print(json.dumps(asdict(found), ensure_ascii=False))
    print(printable(sentence(found, keys_file)), file=sys.stderr if as_json else sys.stdout)
    return 0 if found.status == "valid" else 1


def read_page(file: Path) -> str:
    """The page. Raises `SettingsError` for a file that is none."""
    try:
        if file.stat().st_size > MOST_BYTES:
            raise SettingsError(f"{file}: larger than {MOST_BYTES} bytes; a certificate is far smaller")
        content = file.read_bytes()
    except OSError as error:
        raise SettingsError(f"{file}: {error.strerror}; name the certificate's HTML file") from error
    if content.startswith(b"%PDF"):
        raise SettingsError(f"{file}: a PDF carries no signature that can be checked; name the HTML beside it")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise SettingsError(f"{file}: no UTF-8 text ({error.reason}); name the certificate's HTML file") from error


def examine(name: str, page: str, keys: PublicKeys) -> Finding:
    """Look at everything: signature, canonical form, every shown text, the rest of the page."""
    try:
        found = extract(page)
    except NotACertificate as why:
        return Finding(name, "not_signed", reason=str(why))
    key_id = str(found.signed.get("key_id"))
    fields = differences(found)
    if found.signed.get("key_id") not in keys:
        return Finding(name, "unknown_key", fields, key_id)
    try:
        if canonical(found.signed).decode() != found.text:
            raise MessageError("the signed data is not in its canonical form")
        verify(found.signed, keys)
    except MessageError as error:
        return Finding(name, "altered", tuple(dict.fromkeys((*fields, DATA))), key_id, str(error))
    if fields:
        return Finding(name, "altered", fields, key_id, "the page does not show what was signed")
    return Finding(name, "valid", key_id=key_id, data=found.signed["data"])


def sentence(found: Finding, keys_file: Path) -> str:
    """What it says to people, in one line."""
    match found.status:
        case "valid":
            assert found.data is not None
            dut, simulated = found.data["dut"], " (模拟 SAMPLE: certifies nothing)" * bool(found.data["simulated"])
            return (
                f"valid{simulated}: {dut['maker']} {dut['model']}, serial number {dut['serial_number']}, run "
                f"{found.data['run_id']}, guarantee until {found.data['guarantee_until']}; "
                f"signed by {found.data['station']} with key {found.key_id}"
            )
        case "altered":
            return f"ALTERED: {', '.join(found.fields)}; {found.reason}. Ask the repair centre for the run's own record"
        case "unknown_key":
            more = f"; the page also differs in {', '.join(found.fields)}" if found.fields else ""
            return (
                f"UNKNOWN KEY: signed with {found.key_id}, not in {keys_file}{more}; name the station's keys with --key"
            )
        case "not_signed":
            return f"NOT SIGNED: {found.reason}"
