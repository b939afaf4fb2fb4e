"""Pure values of the house: no I/O, no clocks called by name, no libraries. Everything else speaks in these."""
