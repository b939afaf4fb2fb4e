"""Bounds of step parameters, checked where the value is read."""

from __future__ import annotations

import math


def require(name: str, value: float, low: float, high: float) -> None:
    """Raise `ValueError` that names the parameter, the value and the bound."""
    if not math.isfinite(value) or not low <= value <= high:
        raise ValueError(f"{name} is {value}; it must be from {low:g} to {high:g}")
