"""`results label`: a label again, marked 补打. The running daemon prints it; without one it is printed or written here.

Only where the first was allowed: the store knows what was due when the run ended. A label that goes to a file is an
event as well: where the file is printed nobody here sees.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import sys
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from drivers.catalog import CATALOG
from station.assembly import make_printer, printing_of
from station.cli.results import find_record
from station.contract.messages import Messages
from station.contract.records import RecordCodec
from station.control.answers import ControlError
from station.control.client import ControlClient
from station.domain.clock import utc_text
from station.domain.errors import SettingsError, StationError
from station.domain.paper import PendingPaper
from station.domain.record import Record
from station.paper.printing import Told
from station.paper.rendering import renderer
from station.settings.loading import load
from station.settings.tree import StationSettings
from station.steps.catalog import STEPS
from station.store.history import History
from station.store.lock import hold_store
from station.store.store import Store
from station.uplink.clock import ClockReader

DONE, REFUSED = 0, 1
DPI = 203


@dataclass(frozen=True, slots=True)
class Choice:
    """The options of the verb. `out`: a file instead of the printer; `language`: the file's, for which printer."""

    config: Path
    run: str
    out: Path | None
    language: str | None
    as_json: bool


def print_again(choice: Choice) -> int:
    """Exit status 0 done or queued, 1 refused or waiting. Raises `SettingsError` for wrong use."""
    out = choice.out
    if out is not None and (not out.name or (os.path.lexists(out) and not _is_file(out))):
        raise SettingsError(f"--out {out}: no plain file; name the file that the label is to be written to")
    settings = load(choice.config, STEPS, CATALOG).station
    with _history(settings) as history:
        record = find_record(history, choice.run)
    if choice.out is None and choice.language is not None:
        raise SettingsError("--language is that of a file: give --out FILE too; the printer's stands in station.toml")
    try:
        told = _print(settings, record) if choice.out is None else _write(settings, record, choice.out, choice.language)
    except SettingsError:
        raise
    except StationError as error:
        told = {"status": "refused", "reason": str(error)}
    return _say(record, told, as_json=choice.as_json)


def _print(settings: StationSettings, record: Record) -> dict[str, Any]:
    if _by_daemon(settings, record.run_id, to_file=False):
        return {"status": "queued"}
    trouble = asyncio.run(_by_hand(settings, record.run_id, to_file=False))
    if trouble is not None:
        return {"status": "waiting", "reason": f"{trouble}; it is kept, and printed as soon as the daemon runs"}
    return {"status": "printed"}


def _write(settings: StationSettings, record: Record, out: Path, language: str | None) -> dict[str, Any]:
    """The file is whole before the event is committed, and has its name after: neither is there alone for long."""
    part = out.with_name(f".label-{secrets.token_hex(8)}.part")
    try:
        with part.open("xb") as file:
            file.write(asyncio.run(_draw(settings, record, language)))
        if not _by_daemon(settings, record.run_id, to_file=True):
            asyncio.run(_by_hand(settings, record.run_id, to_file=True))
        part.replace(out)
    except OSError as error:
        raise SettingsError(f"--out {out}: {error.strerror}; name a place that you may write to") from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
    return {"status": "written", "file": str(out)}


def _history(settings: StationSettings) -> History:
    try:
        return History(Path(settings.store_path), RecordCodec())
    except StationError as error:
        raise SettingsError(str(error)) from error


def _by_daemon(settings: StationSettings, run_id: str, *, to_file: bool) -> bool:
    """Ask the daemon; False where none is there. Raises `StationError` for its refusal."""
    try:
        with ControlClient(Path(settings.control_socket)) as client:
            reply = client.ask("label", run_id=run_id, to_file=to_file)
    except ControlError:
        return False
    if reply["status"] != "done":
        raise StationError(reply["reason"])
    return True


async def _by_hand(settings: StationSettings, run_id: str, *, to_file: bool) -> Exception | None:
    """The same without a daemon, which must not come meanwhile; why it waits. Raises `StationError`."""
    path = Path(settings.store_path)
    with hold_store(path):
        store = await Store.open(path, RecordCodec(), settings.name)
        try:
            messages = Messages(settings.name, ClockReader().read_stamp)
            printer = make_printer(settings)
            told = Told(lambda event: None, lambda on: None, _now)
            printing = printing_of(settings, store, printer, messages, told)
            await printing.reprint(run_id, to_file=to_file)
            return None if to_file else await printing.turn()
        finally:
            await store.close()


async def _draw(settings: StationSettings, record: Record, language: str | None) -> bytes:
    printer = make_printer(settings)
    language = language or (printer.language if printer is not None else "zpl")
    dpi = printer.dpi if printer is not None else DPI
    text = RecordCodec().record_to_json(record)
    paper = PendingPaper(0, record.run_id, "label", True, True, record.work_order, text)
    return await renderer(settings.language, settings.timezone)(paper, language, dpi, _now())


def _now() -> str:
    return utc_text(datetime.now(UTC))


def _say(record: Record, told: dict[str, Any], *, as_json: bool) -> int:
    if as_json:
        print(json.dumps({"run_id": record.run_id, **told}, ensure_ascii=False))
    elif told["status"] in ("refused", "waiting"):
        print(f"label of run {record.run_no}: {told['status']}: {told['reason']}", file=sys.stderr)
    else:
        where = f" to {told['file']}" if "file" in told else ""
        print(f"label of run {record.run_no}: {told['status']}{where}, marked 补打", file=sys.stderr)
    return DONE if told["status"] in ("queued", "printed", "written") else REFUSED


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        return False
