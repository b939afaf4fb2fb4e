"""`python -m station.collector --broker URL --database URL --key FILE`: one collector as a process of its own.

Prints one JSON line on standard output when it has subscribed; logs go to standard error. Ends on SIGTERM and SIGINT.
Several beside each other divide the messages: they are of one group unless told otherwise (`--share`).
"""

from __future__ import annotations

import argparse
import asyncio
import ctypes
import json
import logging
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

from station.collector.collector import Collector
from station.collector.database import open_centre
from station.collector.figures import Figures
from station.collector.options import add_broker_options, tls_of
from station.contract.keys import load_key
from station.domain.errors import SettingsError
from station.mqtt.tls import TlsFiles

SHARE = "centre"
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class Choice:
    """What a collector is started with. `share` empty: alone; `metrics`: PORT or HOST:PORT."""

    broker: str
    database: str
    key: Path
    share: str = SHARE
    metrics: str | None = None
    tls: TlsFiles | None = None


async def collect(choice: Choice) -> None:
    """Collect until SIGTERM or SIGINT. Raises `SettingsError` for what cannot be used."""
    key, figures = load_key(choice.key), Figures()
    told = {"ready": True, "broker": choice.broker, "database": choice.database, "key_id": key.key_id}
    if choice.metrics is not None:
        told["metrics"] = _serve_metrics(figures, choice.metrics)
    ready = json.dumps(told)
    centre = open_centre(choice.database)
    try:
        collector = Collector(
            choice.broker, centre, key, share=choice.share or None, tls=choice.tls, figures=figures,
            on_ready=lambda: print(ready, flush=True),
        )  # fmt: skip
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, collector.close)
        await collector.run()
    finally:
        centre.close()


def _serve_metrics(figures: Figures, address: str) -> str:
    """On 127.0.0.1 unless a host is named. Raises `SettingsError`."""
    host, _, number = address.rpartition(":")
    host = host.strip("[]") or "127.0.0.1"
    if not number.isascii() or not number.isdigit() or int(number) > 65535:
        raise SettingsError(f"--metrics {address}: write PORT, or HOST:PORT to be reached from other machines")
    try:
        from station.collector.metrics import serve_metrics
    except ImportError as error:
        raise SettingsError(
            f"--metrics {address}: {error}; install what the centre needs: pip install 'bench-station[centre]'"
        ) from error
    try:
        return f"http://{host}:{serve_metrics(figures, host, int(number))}/metrics"
    except OSError as error:
        raise SettingsError(f"--metrics {address}: {error.strerror or error}; name a free port of this host") from error


def main() -> int:
    """Exit status 0 after a signal, 2 for wrong use."""
    parser = argparse.ArgumentParser(prog="python -m station.collector", description=__doc__.splitlines()[0])
    add_broker_options(parser)
    parser.add_argument("--database", required=True, metavar="URL", help="SQLite file, or postgresql://user@host/name")
    parser.add_argument("--key", required=True, type=Path, metavar="FILE", help="key that signs receipts")
    parser.add_argument("--share", default=SHARE, metavar="NAME", help="group of workers that divide the messages; ''"
                        f" for a worker that takes all of them itself (default: {SHARE})")  # fmt: skip
    parser.add_argument("--metrics", metavar="[HOST:]PORT", help="serve figures for Prometheus (default: no)")
    parser.add_argument("--stop-with-parent", action="store_true", help="end when the process that started it ends")
    options = parser.parse_args()
    if options.stop_with_parent:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    try:
        tls = tls_of(options)
        asyncio.run(collect(Choice(options.broker, options.database, options.key, options.share, options.metrics, tls)))
    except SettingsError as error:
        print(f"station collect: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
