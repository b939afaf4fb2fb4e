"""The embedded broker of demo and tests: iotcore (rumqttd) in a process of its own, loopback only, MQTT v5.

It is told by a TOML file of ours: iotcore's keyword listener binds every interface and takes 20 KB at most. Its
process ends when ours does, SIGKILL included, because it holds the other end of a pipe of ours.
"""

from __future__ import annotations

import argparse
import signal
import socket
import tempfile
from pathlib import Path
from types import TracebackType

from iotcore import Broker

from station.domain.errors import LinkError

_TRIES = 5
_CONFIGURATION = """\
id = 0

[router]
id = 0
max_connections = 2000
max_outgoing_packet_count = 200
max_segment_size = 10485760
max_segment_count = 10

[v5.1]
name = "v5"
listen = "127.0.0.1:{port}"
next_connection_delay_ms = 1

[v5.1.connections]
connection_timeout_ms = 5000
max_payload_size = 1048576
max_inflight_count = 100
dynamic_filters = true
"""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class EmbeddedBroker:
    """`with EmbeddedBroker() as broker: broker.url`. On a free port unless one is named; keeps nothing on disk."""

    def __init__(self, port: int | None = None) -> None:
        self._wanted = port
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._broker: Broker | None = None
        self.port = port or 0

    @property
    def url(self) -> str:
        """`mqtt://127.0.0.1:port`."""
        return f"mqtt://127.0.0.1:{self.port}"

    def start(self) -> EmbeddedBroker:
        """Start and wait until it accepts connections. Raises `LinkError`."""
        self._folder = tempfile.TemporaryDirectory(prefix="bench-broker-")
        path = Path(self._folder.name) / "rumqttd.toml"
        failures = []
        for _ in range(_TRIES if self._wanted is None else 1):
            self.port = self._wanted or _free_port()
            path.write_text(_CONFIGURATION.format(port=self.port), encoding="ascii")
            broker = Broker(config_path=str(path))
            try:
                broker.start()
            except (OSError, RuntimeError) as error:  # another program may have taken the port meanwhile
                failures.append(str(error))
            else:
                self._broker = broker
                return self
        self.stop()
        raise LinkError(f"the embedded broker does not start on port {self.port}: {failures[-1]}")

    def stop(self) -> None:
        """End its process; safe to call twice."""
        if self._broker is not None:
            self._broker.stop()
            self._broker = None
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def __enter__(self) -> EmbeddedBroker:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def main() -> None:
    """`python -m station.cli.broker [--port N]`: the broker by itself, for trying things by hand, until a signal."""
    parser = argparse.ArgumentParser(
        prog="python -m station.cli.broker", description="A broker for this machine alone."
    )
    parser.add_argument("--port", type=int, default=1883, help="on 127.0.0.1")
    signals = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    with EmbeddedBroker(parser.parse_args().port) as broker:
        print(broker.url, flush=True)
        signal.sigwait(signals)


if __name__ == "__main__":
    main()
