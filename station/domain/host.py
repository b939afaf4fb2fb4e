"""What may stand for a host in an address: a name of labels (RFC 1123, underscores tolerated) or a number."""

from __future__ import annotations

import ipaddress
import re

_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")


def is_host(text: str) -> bool:
    """Whether `text` can be a host: `centre.example`, `10.0.0.7`, `::1` (without brackets). Looks nothing up."""
    if ":" not in text:
        return len(text) <= 253 and _NAME.fullmatch(text) is not None
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True
