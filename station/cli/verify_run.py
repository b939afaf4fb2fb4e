"""`verify --run`: puts a golden-unit check in front of the technician through the socket; energises nothing."""

from __future__ import annotations

import json
import sys
import tomllib
from pathlib import Path

from station.cli.results import bench_of, open_history
from station.cli.verify_bench import checks_in
from station.control.answers import ControlError
from station.control.client import ControlClient
from station.domain.errors import SettingsError
from station.domain.printable import printable_lines

ORDER = "GOLDEN-{serial}"


def put_in_front(config: Path, socket: Path | None, serial: str | None, product: str | None, *, as_json: bool) -> int:
    """Assign a work order of purpose `verify` and put it in front; the exit status. Raises `SettingsError`.

    The unit and its product are those of the latest check where they are not given.
    """
    if serial is None or product is None:
        serial, product = _latest(config, serial, product)
    number = ORDER.format(serial=serial)
    asked = {"work_order": number, "product": product, "serial_number": serial, "purpose": "verify"}
    try:
        with ControlClient(socket or _socket_of(config)) as client:
            reply = client.ask("assign", **asked)
            if reply["status"] == "done":
                reply = client.ask("start", work_order=number)
    except ControlError as error:
        raise SettingsError(str(error)) from error
    done = reply["status"] == "done"
    if as_json:
        print(json.dumps({**reply, "work_order": number}, ensure_ascii=False))
    words = (
        f"{number} is in front: badge, scan the serial number {serial}, START at the bench; then `verify` again"
        if done
        else printable_lines(reply["reason"])
    )
    print(words, file=sys.stderr if as_json or not done else sys.stdout)
    return 0 if done else 1


def _socket_of(config: Path) -> Path:
    file = config / "station.toml"
    try:
        return Path(tomllib.loads(file.read_text(encoding="utf-8"))["control"]["socket"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SettingsError(f"{file}: no control.socket in it ({error!r}); name the daemon's with --socket") from error


def _latest(config: Path, serial: str | None, product: str | None) -> tuple[str, str]:
    with open_history(bench_of(config)) as history:
        rows = checks_in(history, serial)
    if serial is None and not rows:
        raise SettingsError("no golden unit was ever checked here: name it with --serial SN --product ID")
    if product is None and not rows:
        raise SettingsError(f"{serial} was never checked here: name its product with --product ID")
    return serial or rows[-1].serial_number, product or rows[-1].product
