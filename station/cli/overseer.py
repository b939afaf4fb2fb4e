"""Watches over a demo while it waits for events: a child that died, a silence, a receipt that does not come.

A thread, because the demo itself blocks on the control socket; what it finds ends that wait with a reason.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from types import TracebackType

from station.cli.children import Child
from station.control.client import ControlClient
from station.domain.errors import StationError

LOOK_S = 0.5
NUDGE_S = 4.0
"""After so long a silence a technician looks up and does again what seems to have been missed."""
SILENCE_S = 150.0
"""Longer than any step is quiet, at any speed."""
RECEIPT_S = 30.0
START_S = 180.0
"""Longer than a bench cools down and a START that is refused for good reasons may be pressed again."""


class Overseer:
    """Use as a context around the reading of events. `reason` says why it hung up, None if it did not."""

    def __init__(self, client: ControlClient, children: Sequence[Child], nudge: Callable[[], None]) -> None:
        self.reason: StationError | None = None
        self._client = client
        self._children = children
        self._nudge = nudge
        self._heard_at = time.monotonic()
        self._patience_s = SILENCE_S
        self._waits_for = "the station"
        self._begun_by = time.monotonic() + START_S
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="overseer", daemon=True)

    def heard(self) -> None:
        """An event came."""
        self._heard_at = time.monotonic()

    def begun(self) -> None:
        """The run has begun."""
        self.heard()
        self._begun_by = float("inf")

    def await_receipt(self) -> None:
        """From here on only the centre's receipt is waited for, and not for long."""
        self.heard()
        self._patience_s, self._waits_for = RECEIPT_S, "the centre's receipt"

    def __enter__(self) -> Overseer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(LOOK_S):
            try:
                for child in self._children:
                    child.require_alive()
                silence_s = time.monotonic() - self._heard_at
                if NUDGE_S <= silence_s % (2 * NUDGE_S) < NUDGE_S + LOOK_S:
                    self._nudge()
                if time.monotonic() > self._begun_by:
                    raise StationError(
                        f"no run began within {START_S:g} s: a scan or START is refused; see bench/station.log there"
                    )
                if silence_s > self._patience_s:
                    raise StationError(
                        f"{self._waits_for} said nothing for {self._patience_s:g} s; see the logs in the output folder"
                    )
            except StationError as error:
                self.reason = error
                self._client.hang_up()
                return
