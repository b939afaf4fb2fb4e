"""SCPI over serial lines: one line, one file an instrument."""
