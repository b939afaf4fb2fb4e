"""Watchers can never hold up or change a run: what their callback raises is logged, and the run goes on."""

from __future__ import annotations

import logging

from station.domain.events import Event, Publish

log = logging.getLogger(__name__)


def harmless(publish: Publish) -> Publish:
    """`publish`, but one that never raises."""

    def tell(event: Event) -> None:
        try:
            publish(event)
        except Exception:
            log.exception("a watcher broke on %s", event.kind)

    return tell
