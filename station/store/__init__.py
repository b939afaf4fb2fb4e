"""SQLite: journal of runs, outbox, history. Knows no message."""
