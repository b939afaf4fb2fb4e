"""Sounds of the panel that a bench may mute, and those that nobody may. Settings, panel and docs look at them here."""

from __future__ import annotations

MUTABLE = ("scan", "ready", "pass", "printer_out", "raise", "lower", "hold", "done")
"""Comfort: a lamp says the same."""
ALWAYS = ("refused", "hot", "trip", "code", "fail", "error", "prompt", "badge")
"""A refusal, heat, a trip, a verdict that is no PASS, and what waits for a person: heard on every bench."""
LEAST_VOLUME = 0.5
"""Of those, whatever the bench's volume."""
