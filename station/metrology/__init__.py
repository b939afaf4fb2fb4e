"""What makes a number trustworthy: uncertainty, calibration, the golden unit's charts, Gauge R&R.

Pure Python, no numpy: the daemon imports it.
"""
