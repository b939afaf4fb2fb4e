"""`collect`: the centre's collector with a key made on first use."""

from __future__ import annotations

import asyncio
import logging

from station.collector.__main__ import Choice, collect


def run_collector(choice: Choice) -> int:
    """Collect until a signal. Raises `SettingsError` for what cannot be used."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    asyncio.run(collect(choice))
    return 0
