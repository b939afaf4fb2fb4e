"""`doctor --listen BUS`: which addresses of a Modbus bus answer, which are configured, and which are strangers.

Reads alone: a register of each address, and of a stranger what tells the kinds of the catalogue apart.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from drivers.catalog import CATALOG
from drivers.errors import DriverError
from station.domain.errors import SettingsError
from station.domain.printable import printable

if TYPE_CHECKING:
    from station.settings.tree import StationSettings

DONE, FOUND = 0, 1
ADDRESSES = range(1, 248)
PROBE_S = 0.15
"""For one question; a slow device that needs longer shows as late garbage, which is an answer too."""
PROGRESS_EVERY = 25


@dataclass(frozen=True, slots=True)
class Heard:
    """An address that answered, or one that is configured and did not."""

    address: int
    role: str
    kind: str
    answers: bool
    said: str


def listen(name: str, settings: StationSettings, *, as_json: bool) -> int:
    """Exit status 0: exactly what is configured answers; 1: a silence or a stranger. Raises `SettingsError`."""
    bus = settings.buses.get(name)
    if bus is None:
        raise SettingsError(f"--listen {name}: no such bus; there are {', '.join(sorted(settings.buses))}")
    known = {
        device.settings.address: (role, device.kind)
        for role, device in settings.devices.items()
        if getattr(device.settings, "bus", "") == name
    }
    try:
        heard = asyncio.run(_scan(CATALOG[bus.kind].make(bus.settings, {}), known))
    except DriverError as error:
        raise SettingsError(f"{error}; `station doctor` says what to try") from error
    if as_json:
        print(json.dumps({"bus": name, "devices": [asdict(one) for one in heard]}, ensure_ascii=False))
    else:
        for one in heard:
            print(printable(_words(one)))
        print(f"{sum(one.answers for one in heard)} answer on bus {name}, {len(known)} are configured")
    return DONE if all(one.answers and one.role for one in heard) else FOUND


def _words(one: Heard) -> str:
    if not one.answers:
        return f"address {one.address:3d}  {one.role} ({one.kind}): silent"
    who = f"{one.role} ({one.kind})" if one.role else f"a stranger, {one.kind or 'of no kind known here'}"
    return f"address {one.address:3d}  {who}: {one.said}"


async def _scan(bus: Any, known: Mapping[int, tuple[str, str]]) -> list[Heard]:
    heard: list[Heard] = []
    seconds = len(ADDRESSES) * 2 * (PROBE_S + 0.3)
    print(f"asking addresses 1 to 247, at most {seconds / 60.0:.0f} minutes; Ctrl-C ends it", file=sys.stderr)
    try:
        for address in ADDRESSES:
            if address % PROGRESS_EVERY == 0:
                print(f"address {address} of 247, {len(heard)} answered", file=sys.stderr)
            said = await bus.probe(address, PROBE_S)
            role, kind = known.get(address, ("", ""))
            if said is not None:
                heard.append(Heard(address, role, kind or await _guess(bus, address), True, said))
            elif role:
                heard.append(Heard(address, role, kind, False, ""))
    finally:
        await bus.close()
    return heard


async def _guess(bus: Any, address: int) -> str:
    """The kind that a stranger most likely is, by registers that only it has; "" where it fits none."""
    for kind, read, register, count in (
        ("pzem-016", bus.read_input, 0, 10),
        ("waveshare-relay-8", bus.read_holding, 0x8000, 1),
        ("modbus-infrared", bus.read_input, 6, 2),
        ("adam-4118", bus.read_holding, 0, 8),
    ):
        try:
            words = await read(address, register, count)
        except DriverError:
            continue
        if kind != "pzem-016" or (800 <= words[0] <= 2600 and 450 <= words[7] <= 650):
            return f"perhaps {kind}"
    return ""
