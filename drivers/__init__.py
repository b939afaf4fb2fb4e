"""One device, one file: bytes, registers and units. Knows nothing of tests."""
