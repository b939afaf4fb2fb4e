"""`collect`: the centre's collector with a key made on first use."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from station.cli.keys import centre_key
from station.collector.__main__ import collect


def run_collector(database: str, broker: str, key: Path | None) -> int:
    """Collect until a signal. Raises `SettingsError` for what cannot be used."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    asyncio.run(collect(broker, database, key or centre_key()))
    return 0
