"""`python -m station.collector --broker URL --database PATH --key FILE`: one collector as a process of its own.

Prints one JSON line on standard output when it has subscribed; logs go to standard error. Ends on SIGTERM and SIGINT.
"""

from __future__ import annotations

import argparse
import asyncio
import ctypes
import json
import logging
import signal
import sys
from pathlib import Path

from station.collector.collector import Collector
from station.collector.database import open_centre
from station.contract.keys import load_key
from station.domain.errors import SettingsError

_PR_SET_PDEATHSIG = 1


async def collect(broker: str, database: str, key: Path, share: str | None = None) -> None:
    """Collect until SIGTERM or SIGINT. Raises `SettingsError` for what cannot be used."""
    signing_key = load_key(key)
    centre = open_centre(database)
    ready = json.dumps({"ready": True, "broker": broker, "database": database, "key_id": signing_key.key_id})
    try:
        collector = Collector(broker, centre, signing_key, share=share, on_ready=lambda: print(ready, flush=True))
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, collector.close)
        await collector.run()
    finally:
        centre.close()


def main() -> int:
    """Exit status 0 after a signal, 2 for wrong use."""
    parser = argparse.ArgumentParser(prog="python -m station.collector", description=__doc__.splitlines()[0])
    parser.add_argument("--broker", required=True, metavar="URL", help="mqtt://host:port or mqtts://host:port")
    parser.add_argument("--database", required=True, metavar="PATH", help="SQLite file of the centre")
    parser.add_argument("--key", required=True, type=Path, metavar="FILE", help="key that signs receipts")
    parser.add_argument("--share", metavar="NAME", help="group of workers that divide the messages (default: alone)")
    parser.add_argument("--stop-with-parent", action="store_true", help="end when the process that started it ends")
    options = parser.parse_args()
    if options.stop_with_parent:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    try:
        asyncio.run(collect(options.broker, options.database, options.key, options.share))
    except SettingsError as error:
        print(f"station collect: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
