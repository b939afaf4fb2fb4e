"""A maintainer's acts on the station's own memory, with the daemon stopped: the service latch of a weld is cleared.

It says what was cleared and by whom, here and in a log beside the store. Whether the contactor was replaced it
cannot see: the guard refuses to arm while the feedback is closed, and a new weld sets the latch again.
"""

from __future__ import annotations

import getpass
import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from drivers.catalog import CATALOG
from station.domain.clock import utc_text
from station.domain.errors import SettingsError
from station.settings.loading import load
from station.steps.catalog import STEPS
from station.store.lock import hold_store
from station.store.service_latch import FileLatch


def clear_service_latch(config: Path, *, as_json: bool) -> int:
    """Exit status 0, also where nothing is set. Raises `SettingsError` beside a running daemon or without access."""
    store = Path(load(config, STEPS, CATALOG).station.store_path)
    who = caller()
    with hold_store(store):
        try:
            reason = FileLatch(store.with_suffix(".service-latch")).clear(who, utc_text(datetime.now(UTC)))
        except OSError as error:
            raise SettingsError(f"the service latch beside {store} is not cleared: {error}") from error
    if as_json:
        print(json.dumps({"cleared": reason, "by": who}, ensure_ascii=False))
    elif reason is None:
        print("no service latch is set", file=sys.stderr)
    else:
        print(f"cleared by {who}: {reason}", file=sys.stderr)
    return 0


def caller() -> str:
    """Who asks: behind sudo the person, else the user of this process."""
    return os.environ.get("SUDO_USER") or os.environ.get("USER") or getpass.getuser()
