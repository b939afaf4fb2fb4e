"""Where a broker is, and how long to wait before the next try."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from station.domain.errors import SettingsError
from station.domain.host import is_host


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """Host and port of a broker, and whether TLS is spoken there."""

    host: str
    port: int
    tls: bool

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'mqtts' if self.tls else 'mqtt'}://{host}:{self.port}"

    @property
    def loopback(self) -> bool:
        """Whether this never leaves the machine. A name other than `localhost` is not looked up: it might."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


def parse_address(url: str) -> BrokerAddress:
    """`mqtt://host:port` or `mqtts://host:port` (1883 and 8883 where no port is named).

    Raises `SettingsError` for anything else, and for a broker that is not on loopback without TLS.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise SettingsError(f"broker {url!r}: {error}; write mqtt://host:port or mqtts://host:port") from error
    more = parts.path.strip("/") or parts.query or parts.username
    if parts.scheme not in ("mqtt", "mqtts") or host is None or not is_host(host) or more:
        raise SettingsError(f"broker {url!r}: write mqtt://host:port or mqtts://host:port, nothing else")
    tls = parts.scheme == "mqtts"
    address = BrokerAddress(host, port or (8883 if tls else 1883), tls)
    if not tls and not address.loopback:
        raise SettingsError(
            f"broker {url!r}: not on loopback and without TLS, so anyone could read and forge results; "
            f"use mqtts://{host} with a certificate, or a broker on 127.0.0.1"
        )
    return address


def full_jitter_s(attempt: int, uniform: Callable[[float, float], float], base_s: float, cap_s: float) -> float:
    """Seconds to wait before try `attempt` (0 is the first repeat): anywhere from 0 to the bound, which starts at
    `base_s`, doubles each time and ends at `cap_s`. A fleet that lost its broker so comes back spread out."""
    return uniform(0.0, min(cap_s, base_s * 2.0 ** min(attempt, 30)))
