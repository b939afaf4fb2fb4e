"""Which machine a store belongs to: a card that was copied must not speak in the name of the bench it was copied from.

Two stations of one name would overwrite each other's presence, end each other's links and send the same results again.
So a store keeps the serial number of the machine that first opened it. On another one its station tests and prints as
ever and keeps every result, and says nothing to the centre until a maintainer has said which of the two it is: the
bench that got another machine, or a copy (`station service machine`). Where a machine does not say who it is nothing
is kept and nothing can be told.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SERIALS = (
    Path("/sys/firmware/devicetree/base/serial-number"),  # every Raspberry Pi: burnt into the processor
    Path("/sys/class/dmi/id/product_uuid"),  # a PC; root alone may read it
)
_KEY, _NAME = "machine", "machine_station"


@dataclass(frozen=True, slots=True)
class Owner:
    """The machine that a store belongs to, and the station's name when that was written down."""

    machine: str
    station: str


def this_machine(serials: Sequence[Path] = SERIALS) -> str | None:
    """The serial number of the machine this runs on; None where it does not tell."""
    for path in serials:
        try:
            serial = path.read_text(encoding="ascii", errors="replace").strip("\0 \n")
        except OSError:
            continue
        if serial:
            return serial
    return None


def read_owner(db: sqlite3.Connection) -> Owner | None:
    """Whose a store is; None for one that nobody has claimed."""
    rows = dict(db.execute("SELECT key, value FROM meta WHERE key IN (?, ?)", (_KEY, _NAME)).fetchall())
    return Owner(rows[_KEY], rows.get(_NAME, "")) if _KEY in rows else None


def claim(db: sqlite3.Connection, owner: Owner) -> None:
    """It is this machine's from now on; within a transaction of the caller's."""
    for key, value in ((_KEY, owner.machine), (_NAME, owner.station)):
        db.execute(
            "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", (key, value)
        )


def why_silent(owner: Owner, here: str) -> str:
    """What a maintainer reads where a store finds itself on another machine."""
    return (
        f"this store belongs to machine {owner.machine} ({owner.station}) and finds itself on {here}: nothing is sent "
        "to the centre. Stop the station; if the bench got another machine: `station service machine --moved`; if this "
        "is a copy of its card: give this bench a name of its own, then `station service machine --copied`"
    )
