"""One connection to the page: the workshop leaves places to the bench's own screen, and nobody holds one idle."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol

from station.page.gate import address_is_loopback

MOST = 64
"""Connections at a time; a request on a further one gets 503."""
OTHERS = 32
"""… of which so many from other machines: the rest is the bench's own."""
EACH = 8
"""… and so many from one of them; a browser opens six."""
REQUEST_S = 5.0
"""So long a connection may stay without a whole request."""


class Connection(H11Protocol):
    """As uvicorn's, with bounds on who may hold how many for how long."""

    _patience: asyncio.TimerHandle | None = None

    @property
    def peer(self) -> str:
        """The other end's address; empty where it is unknown."""
        return str(self.client[0]) if self.client else ""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Somebody comes; closed at once where their places are taken."""
        super().connection_made(transport)
        if self._is_one_too_many():
            transport.abort()
        else:
            self._wait_for_request()

    def on_response_complete(self) -> None:
        """One request is answered; the next must come soon."""
        super().on_response_complete()
        self._wait_for_request()

    def connection_lost(self, exc: Exception | None) -> None:
        """Gone."""
        if self._patience is not None:
            self._patience.cancel()
        super().connection_lost(exc)

    def _is_one_too_many(self) -> bool:
        if address_is_loopback(self.peer):
            return False
        peers = [one.peer for one in self.connections if isinstance(one, Connection)]
        others = sum(not address_is_loopback(peer) for peer in peers)
        return others > OTHERS or peers.count(self.peer) > EACH

    def _wait_for_request(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
        self._patience = self.loop.call_later(REQUEST_S, self._give_up)

    def _give_up(self) -> None:
        if self.cycle is None or self.cycle.response_complete:
            self.transport.close()
