"""Who may come in, and with what: hosts by name (against DNS rebinding), methods, origins (against forged requests).

Reading is for this machine, and for the workshop's network where the configuration says so. Acting (a typed scan) is
for a browser on this very machine alone, from the page's own origin, without a proxy in between.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable, MutableMapping
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; "
        "trusted-types 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
PROXIED = ("forwarded", "x-forwarded-for", "via", "x-real-ip")


def own_names(station: str) -> frozenset[str]:
    """By what names this machine may be called: the host's and the bench's, alone or with `.local`."""
    names = {"localhost", socket.gethostname().lower(), station.lower()} - {""}
    return frozenset(names | {f"{name}.local" for name in names if "." not in name and name != "localhost"})


def is_loopback(scope: Scope) -> bool:
    """Whether the other end is on this machine."""
    client = scope.get("client")
    return client is not None and address_is_loopback(str(client[0]))


def may_act(scope: Scope) -> bool:
    """Whether this browser may type a scan: on this machine, the page's own origin, nothing in between."""
    headers = Headers(scope=scope)
    if not is_loopback(scope) or any(name in headers for name in PROXIED):
        return False
    if headers.get("sec-fetch-site", "same-origin") != "same-origin":
        return False
    return headers.get("origin") == f"http://{headers.get('host')}"


class Gate:
    """ASGI middleware in front of everything."""

    def __init__(self, app: ASGIApp, names: Iterable[str], *, lan: bool) -> None:
        self._app, self._names, self._lan = app, frozenset(names), lan

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        refused = self._why_refused(scope)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                _add(message)
            await send(message)

        app = self._app if refused is None else refused
        await app(scope, receive, send_with_headers)

    def _why_refused(self, scope: Scope) -> PlainTextResponse | None:
        headers = Headers(scope=scope)
        if not self._lan and not is_loopback(scope):
            return PlainTextResponse("this page is for the bench's own machine", 403)
        if not self._known(headers.get("host", "")):
            return PlainTextResponse("call the bench by its address or its own name", 421)
        site = headers.get("sec-fetch-site", "none")
        if scope["path"] not in ("/", "") and site not in ("same-origin", "none"):
            return PlainTextResponse("not for other pages", 403)
        return None

    def _known(self, host: str) -> bool:
        """An address cannot be rebound; a name must be our own."""
        name = _without_port(host)
        try:
            ipaddress.ip_address(name.strip("[]"))
        except ValueError:
            return name.lower().rstrip(".") in self._names
        return True


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0]


def address_is_loopback(address: str) -> bool:
    """Whether an address is one of this machine's own loop."""
    try:
        known = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    mapped = known.ipv4_mapped if isinstance(known, ipaddress.IPv6Address) else None
    return (mapped or known).is_loopback


def _add(message: MutableMapping[str, Any]) -> None:
    headers = MutableHeaders(scope=message)
    for name, value in HEADERS.items():
        headers[name] = value
    headers.setdefault("cache-control", "no-store")
