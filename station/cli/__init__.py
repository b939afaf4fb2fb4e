"""Entry points: one file a verb."""
