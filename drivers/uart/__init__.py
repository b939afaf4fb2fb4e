"""Other serial devices: guard, scanner."""
