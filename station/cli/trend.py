"""The course of a reading in one line of a terminal: blocks of eight heights, and an arrow for where it goes."""

from __future__ import annotations

from collections.abc import Sequence

BLOCKS = "▁▂▃▄▅▆▇█"
STILL = 0.002
"""A change over the whole course smaller than this share of the value is none."""


def sparks(values: Sequence[float], width: int) -> str:
    """The whole course between its own lowest and highest, `width` points of it at most, padded to `width`."""
    if not values:
        return " " * width
    count = min(width, len(values))
    shown = [values[round(at * (len(values) - 1) / max(1, count - 1))] for at in range(count)]
    low, span = min(shown), max(shown) - min(shown)
    steps = len(BLOCKS) - 1
    flat = span <= STILL * max(abs(low), abs(low + span))
    drawn = (BLOCKS[steps // 2] if flat else BLOCKS[round((value - low) / span * steps)] for value in shown)
    return "".join(drawn).ljust(width)


def arrow(values: Sequence[float]) -> str:
    """Where the last third stands beside the first: up, down, or level; nothing for fewer than six points."""
    third = len(values) // 3
    if third < 2:
        return " "
    first, last = sum(values[:third]) / third, sum(values[-third:]) / third
    if abs(last - first) <= STILL * max(abs(first), abs(last)):
        return "→"
    return "↗" if last > first else "↘"
