"""The bench itself beside its devices: broker, certificate, room on the card, clock. Quick, and reads only."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from station.domain.errors import SettingsError
from station.domain.record import ClockStamp
from station.mqtt.address import parse_address
from station.mqtt.tls import TlsFiles, read_own

if TYPE_CHECKING:
    from station.settings.tree import StationSettings

CONNECT_S = 3.0
FREE_MB_MIN = 500.0
"""A soak with its traces needs less; below this somebody should look."""


@dataclass(frozen=True, slots=True)
class Point:
    """One thing that a maintainer expects to be in order."""

    name: str
    good: bool
    words: str
    remedy: str = ""


def look_around(
    settings: StationSettings, credentials: Path, read_clock: Callable[[], ClockStamp]
) -> tuple[Point, ...]:
    """Broker, certificate (with TLS), disk, clock. Blocks up to `CONNECT_S`."""
    points = [_broker(settings.mqtt_url), _disk(Path(settings.store_path)), _clock(read_clock())]
    certificate = _certificate(settings, credentials)
    return tuple(points if certificate is None else [points[0], certificate, *points[1:]])


def point_document(point: Point) -> dict[str, Any]:
    """A point as it stands in JSON."""
    return asdict(point)


def point_from(document: Mapping[str, Any]) -> Point:
    """The other way. Raises `TypeError` for what is no point."""
    return Point(**document)


def _broker(url: str) -> Point:
    try:
        address = parse_address(url)
        with socket.create_connection((address.host, address.port), CONNECT_S):
            return Point("broker", True, f"{address} takes connections")
    except SettingsError as error:
        return Point("broker", False, str(error), "correct [mqtt] url in station.toml")
    except OSError as error:
        why = error.strerror or str(error) or "no answer"
        return Point(
            "broker", False, f"{url}: {why}",
            "results wait in the outbox; look at the network, the name and the port, then at the broker",
        )  # fmt: skip


def _certificate(settings: StationSettings, credentials: Path) -> Point | None:
    try:
        if not parse_address(settings.mqtt_url).tls:
            return None
        names = settings.tls
        files = TlsFiles(
            credentials / names.ca, credentials / names.certificate, credentials / names.key,
            credentials / names.crl if names.crl else None, settings.name,
        )  # fmt: skip
        own, now = read_own(files), datetime.now(UTC)
    except SettingsError as error:
        return Point("certificate", False, str(error), "docs/enrolling-a-bench.md; root reads credentials: use sudo")
    soon = own.ends_soon(now)
    words = f"of {own.name!r}, {(own.ends - now).days} days left"
    return Point("certificate", not soon, words, "renew it (docs/enrolling-a-bench.md)" if soon else "")


def _disk(store: Path) -> Point:
    folder = next((one for one in (store.parent, *store.parents) if one.exists()), Path("/"))
    seen = os.statvfs(folder)
    free_mb = seen.f_bavail * seen.f_frsize / 1e6
    good = free_mb >= FREE_MB_MIN
    remedy = "" if good else "delete old captures and logs (journalctl --vacuum-size=200M), or take a larger card"
    return Point("disk", good, f"{free_mb / 1000.0:.1f} GB free for {store}", remedy)


def _clock(stamp: ClockStamp) -> Point:
    good = stamp.quality != "unsynced"
    error = f", within {stamp.max_error_ms:.0f} ms" if stamp.max_error_ms is not None else ""
    remedy = "" if good else "no time server is heard: `timedatectl`; records say that their time is not to be trusted"
    return Point("clock", good, f"{stamp.quality}{error}", remedy)
