"""Paper: which slip a run is due, and the printing of it. What is on it is `report`'s, which runs beside the daemon."""
