"""Where a Modbus TCP device is: one reading of `host` or `host:port`, for `station check` and for the connection."""

from __future__ import annotations

import ipaddress
import re

PORT = 502
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_NAME = re.compile(rf"(?=.{{1,253}}$){_LABEL}(?:\.{_LABEL})*")
_ADDRESS = re.compile(r"(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<host>[^:\[\]]+))(?::(?P<port>[0-9]{1,5}))?")


def host_and_port(address: str) -> tuple[str, int]:
    """Of `gateway`, `10.0.0.7:1502` or `[fe80::1]:502`. Raises `ValueError` for anything else. Looks nothing up."""
    parts = _ADDRESS.fullmatch(address)
    if parts is None or not 1 <= (port := int(parts["port"] or PORT)) <= 65535:
        raise ValueError(f"{address!r} is no address")
    if parts["six"]:
        return str(ipaddress.IPv6Address(parts["six"])), port
    if _NAME.fullmatch(parts["host"]) is None:
        raise ValueError(f"{address!r} is no address")
    return parts["host"], port
