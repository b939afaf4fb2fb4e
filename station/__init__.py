"""The bench station: takes a repaired device from START to a verdict that the centre holds."""

__version__ = "0.1.0"
