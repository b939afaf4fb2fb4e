"""A measurement as a step hands it over, before anyone has judged it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Channel = Literal["left", "right", "both"]
Bound = Literal["above", "below"]
CHANNELS: tuple[Channel, Channel] = ("left", "right")


@dataclass(frozen=True, slots=True)
class Measurement:
    """One measured value in the unit of its name. `value` None: it could not be measured.

    `uncertainty` is expanded, k=2. With `bound`, `value` is a bound of the true value ("below": the truth is
    below it). `reference` is what a relative limit refers to. `station_fault` says whose fault a None is.
    """

    name: str
    value: float | None
    channel: Channel | None = None
    uncertainty: float | None = None
    bound: Bound | None = None
    reference: float | None = None
    conditions: Mapping[str, str | float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Curve:
    """Points of a curve with names and units of both axes; `mask` holds the limit at each x where there is one."""

    name: str
    x_name: str
    x_unit: str
    y_name: str
    y_unit: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    channel: Channel | None = None
    mask: tuple[float, ...] = ()
