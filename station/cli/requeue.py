"""`results requeue`: what the centre rejected waits again. The running daemon does it; without one it is done here."""

from __future__ import annotations

import asyncio
import json
import sys
import tomllib
from dataclasses import asdict
from pathlib import Path

from rich.markup import escape
from rich.table import Table

from station.cli.results import bench_of, find_record, open_history
from station.cli.terminal import Terminal
from station.contract.records import RecordCodec
from station.control.answers import ControlError
from station.control.client import ControlClient
from station.domain.errors import SettingsError, StoreError
from station.store.history import QuarantinedRow
from station.store.lock import hold_store
from station.store.store import Store

DONE, REFUSED = 0, 1


def requeue(config: Path, run: str | None, *, only_list: bool, as_json: bool) -> int:
    """Exit status 0 done, also where nothing was in quarantine; 1 refused. Raises `SettingsError` for wrong use."""
    bench = bench_of(config)
    with open_history(bench) as history:
        run_id = None if run is None else find_record(history, run).run_id
        rows = [row for row in history.quarantined() if run_id in (None, row.run_id)]
    if only_list:
        _show(rows, as_json=as_json)
        return DONE
    name, socket = _station_of(config)
    try:
        again = _by_daemon(socket, run_id)
        if again is None:
            again = asyncio.run(_by_hand(bench.store, name, run_id))
    except StoreError as error:
        print(f"requeue: refused: {error}", file=sys.stderr)
        return REFUSED
    kept = sum(not row.bytes for row in rows)
    if as_json:
        print(json.dumps({"messages": again, "unfit": kept}))
    else:
        left = f"; {kept} were never fit to be sent and stay (results requeue --list)" if kept else ""
        print(f"requeue: {again} messages wait again{left}", file=sys.stderr)
    return DONE


def _station_of(config: Path) -> tuple[str, Path]:
    tables = tomllib.loads((config / "station.toml").read_text(encoding="utf-8"))
    try:
        return str(tables["station"]["name"]), Path(tables["control"]["socket"])
    except (KeyError, TypeError) as error:
        raise SettingsError(f"{config / 'station.toml'}: no station.name and control.socket in it ({error})") from error


def _by_daemon(socket: Path, run_id: str | None) -> int | None:
    """How many; None where no daemon is there. Raises `StoreError` for its refusal."""
    try:
        with ControlClient(socket) as client:
            reply = client.ask("requeue", **({} if run_id is None else {"run_id": run_id}))
    except ControlError:
        return None
    if reply["status"] != "done":
        raise StoreError(str(reply["reason"]))
    return int(reply["data"]["messages"])


async def _by_hand(path: Path, station: str, run_id: str | None) -> int:
    """The same without a daemon, which must not come meanwhile."""
    with hold_store(path):
        store = await Store.open(path, RecordCodec(), station)
        try:
            return await store.requeue(run_id)
        finally:
            await store.close()


def _show(rows: list[QuarantinedRow], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps([asdict(row) for row in rows], ensure_ascii=False))
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("number", "message", "run", "written", "bytes", "why"):
        table.add_column(name)
    for row in rows:
        table.add_row(
            str(row.seq), row.kind, (row.run_id or "")[:18], row.created_at, str(row.bytes), escape(row.reason or "")
        )
    Terminal(width=None if sys.stdout.isatty() else 140).print(table)
