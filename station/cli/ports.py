"""`ports`: which serial adapter, scanner or printer is plugged in, and the udev rules that give it a name for good.

The table (/etc/bench/ports) says NAME and serial number a line. An adapter without a serial number of its own, or with
one that another has too, is refused by that number: the rule names its USB socket instead (ID_PATH).
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer

from station.cli.options import Json, wrong_use
from station.domain.printable import printable

TABLE = Path("/etc/bench/ports")
_LINE = re.compile(r"([a-z0-9][a-z0-9-]*)\s+(path:)?([A-Za-z0-9._:+-]+)")
_KERNEL = "ttyUSB*|ttyACM*|event*|lp*"
_NODES = re.compile(r"/dev/(ttyUSB\d+|ttyACM\d+|input/event\d+|usb/lp\d+)")
_HEAD = """\
# Written by `station ports --rules` from /etc/bench/ports: edit that, then `sudo ./bench install`.
SUBSYSTEMS=="usb", KERNEL=="ttyUSB*|ttyACM*|event*|lp*", IMPORT{builtin}="usb_id", IMPORT{builtin}="path_id"
"""


@dataclass(frozen=True, slots=True)
class Adapter:
    """A port that is plugged in, as udev knows it; `serial` is empty where the device has none."""

    port: str
    serial: str
    interface: str
    path: str
    model: str


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table: `key` is a serial number, with `:NN` for an interface, or with `by_path` an ID_PATH."""

    line: int
    name: str
    key: str
    by_path: bool

    def fits(self, adapter: Adapter) -> bool:
        """Whether this line means that port."""
        if self.by_path:
            return adapter.path == self.key
        serial, _, interface = self.key.partition(":")
        return adapter.serial == serial and interface in ("", adapter.interface)

    def rule(self) -> str:
        """The line for udev."""
        serial, _, interface = self.key.partition(":")
        if self.by_path:
            which = f'ENV{{ID_PATH}}=="{self.key}"'
        else:
            which = f'ENV{{ID_SERIAL_SHORT}}=="{serial}"'
            which += f', ENV{{ID_USB_INTERFACE_NUM}}=="{interface}"' if interface else ""
        return f'KERNEL=="{_KERNEL}", {which}, SYMLINK+="bench-{self.name}"\n'


def adapters_of(database: str) -> list[Adapter]:
    """USB ports out of `udevadm info --export-db`."""
    found = []
    for block in database.split("\n\n"):
        told = dict(line[3:].split("=", 1) for line in block.splitlines() if line.startswith("E: ") and "=" in line)
        if told.get("ID_BUS") != "usb" or not _NODES.fullmatch(told.get("DEVNAME", "")):
            continue
        model = told.get("ID_MODEL_FROM_DATABASE") or told.get("ID_MODEL", "").replace("_", " ")
        found.append(
            Adapter(
                told["DEVNAME"], told.get("ID_SERIAL_SHORT", ""), told.get("ID_USB_INTERFACE_NUM", ""),
                told.get("ID_PATH", ""), f"{told.get('ID_VENDOR', '').replace('_', ' ')} {model}".strip(),
            )
        )  # fmt: skip
    return sorted(found, key=lambda adapter: adapter.port)


def rows_of(text: str) -> tuple[list[Row], list[str]]:
    """The lines of a table, and what is wrong with the others, each as `line: what; what to do`."""
    rows: list[Row] = []
    wrong = []
    for number, line in enumerate(text.splitlines(), 1):
        plain = line.partition("#")[0].strip()
        if not plain:
            continue
        match = _LINE.fullmatch(plain)
        if match is None:
            wrong.append(f"{number}: {plain!r} is no line of this table; write NAME SERIAL, or NAME path:ID_PATH")
        elif any(row.name == match[1] for row in rows):
            wrong.append(f"{number}: {match[1]}: the name is given twice; each is one port")
        else:
            rows.append(Row(number, match[1], match[3], match[2] is not None))
    return rows, wrong


def mistaken(rows: Sequence[Row], adapters: Sequence[Adapter]) -> Iterator[str]:
    """Lines by which udev could not tell which adapter is meant, with what is plugged in now."""
    for row in rows:
        meant = [adapter for adapter in adapters if row.fits(adapter)]
        if len(meant) < 2:
            continue
        ports = ", ".join(adapter.port for adapter in meant)
        if len({adapter.interface for adapter in meant}) == len(meant):
            ways = " or ".join(f"{row.key}:{adapter.interface}" for adapter in meant)
            yield f"{row.line}: {row.name}: the adapter has {len(meant)} ports ({ports}); write {ways}"
        else:
            ways = " or ".join(f"path:{adapter.path}" for adapter in meant)
            yield (
                f"{row.line}: {row.name}: {len(meant)} adapters have the serial number {row.key} ({ports}): it tells "
                f"none of them; name the USB socket instead and keep the adapter in it: {ways}"
            )


def rules_of(rows: Iterable[Row]) -> str:
    """The file for udev."""
    return _HEAD + "".join(row.rule() for row in rows)


def how_to_name(adapter: Adapter, adapters: Sequence[Adapter]) -> str:
    """What to write into the table for this port."""
    same = [other for other in adapters if adapter.serial and other.serial == adapter.serial]
    if not adapter.serial or len({(other.interface) for other in same}) < len(same):
        return f"path:{adapter.path}"
    return adapter.serial if len(same) == 1 else f"{adapter.serial}:{adapter.interface}"


def plugged_in() -> list[Adapter]:
    """What udev knows now; nothing where there is no udev."""
    if shutil.which("udevadm") is None:
        return []
    told = subprocess.run(["udevadm", "info", "--export-db"], capture_output=True, text=True, check=False)
    return adapters_of(told.stdout)


def ports(
    table: Annotated[Path, typer.Option(help="Names and serial numbers.")] = TABLE,
    rules: Annotated[bool, typer.Option("--rules", help="Print the udev rules instead.")] = False,
    as_json: Json = False,
) -> None:
    """What is plugged in, and its name below /dev/bench-…; opens nothing."""
    try:
        rows, wrong = rows_of(table.read_text(encoding="utf-8") if table.exists() else "")
    except (OSError, UnicodeDecodeError) as error:
        raise wrong_use(f"ports: {table}: {error}") from None
    adapters = plugged_in()
    for problem in (problems := [*wrong, *mistaken(rows, adapters)]):
        print(printable(f"{table}:{problem}"), file=sys.stderr)
    if rules and not problems:
        print(rules_of(rows), end="")
    elif not rules:
        _show(rows, adapters, as_json)
    raise typer.Exit(1 if problems else 0)


def _show(rows: Sequence[Row], adapters: Sequence[Adapter], as_json: bool) -> None:
    named = {adapter: next((row.name for row in rows if row.fits(adapter)), None) for adapter in adapters}
    missing = [row.name for row in rows if not any(row.fits(adapter) for adapter in adapters)]
    if as_json:
        told = [asdict(one) | {"name": name, "write": how_to_name(one, adapters)} for one, name in named.items()]
        print(json.dumps({"ports": told, "missing": missing}))
        return
    for adapter, name in named.items():
        where = f"/dev/bench-{name}" if name else "no name"
        print(printable(f"{adapter.port:<18} {where:<22} {how_to_name(adapter, adapters)}  {adapter.model}"))
        if not adapter.serial:
            print(f"{'':<18} it has no serial number of its own: it is named by its USB socket, so leave it there")
    if not adapters:
        print("no USB serial adapter, scanner or printer is plugged in")
    for name in missing:
        print(f"/dev/bench-{name:<12} is not plugged in")
