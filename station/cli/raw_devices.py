"""Devices straight from a station.toml that nobody has checked: for a program that must work where `load` refuses.

Only what `leave_safe` needs of a bench. Every call may raise, and says what it misses.
"""

from __future__ import annotations

import dataclasses
import math
import typing
from collections.abc import Mapping
from typing import Any

from drivers.catalog import CATALOG
from drivers.ports import Panel, RelayBoard, SafetyTester


class RawBench:
    """The tables of one station.toml; devices are made when they are asked for, once each line."""

    def __init__(self, tree: Mapping[str, Any]) -> None:
        self._tree = tree

    @property
    def guard_port(self) -> str:
        """Where the guard is plugged in."""
        return str(self._tree["guard"]["port"])

    def relays(self, reply_s: float) -> tuple[RelayBoard, Mapping[str, int]]:
        """The relay board and its channels by role; its bus is made for it alone and waits at most so long."""
        own = self._tree["devices"]["relays"]
        buses = {own["bus"]: _make(self._tree["buses"][own["bus"]], {}, reply_s)} if "bus" in own else {}
        return _make(own, buses), own["channels"]

    def tester(self) -> SafetyTester:
        """The insulation and bond tester."""
        tester: SafetyTester = _make(self._tree["devices"]["tester"], {})
        return tester

    def panel(self) -> Panel:
        """Lamps and buzzer."""
        panel: Panel = _make(self._tree["panel"], {})
        return panel


def _make(raw: Mapping[str, Any], buses: Mapping[str, Any], reply_s: float = math.inf) -> Any:
    driver = CATALOG[raw["kind"]]
    settings = _settings(driver.settings, raw)
    if reply_s < math.inf:
        settings = dataclasses.replace(settings, timeout_s=min(settings.timeout_s, reply_s))
    return driver.make(settings, buses)


def _settings(kind: type[Any], raw: Mapping[str, Any]) -> Any:
    """The dataclass of these settings; keys that are not its own (poll_s, …) are left out."""
    hints = typing.get_type_hints(kind)
    names = {field.name for field in dataclasses.fields(kind)}
    return kind(**{name: _value(hints[name], value) for name, value in raw.items() if name in names})


def _value(hint: Any, value: Any) -> Any:
    if dataclasses.is_dataclass(hint) and isinstance(value, dict):
        return _settings(typing.cast("type[Any]", hint), value)
    inner = typing.get_args(hint)
    if isinstance(value, dict) and len(inner) == 2 and dataclasses.is_dataclass(inner[1]):
        return {key: _value(inner[1], one) for key, one in value.items()}
    return value
