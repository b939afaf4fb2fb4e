"""Settings of one guard. Copy a changed file to the board to set others; `HELLO` tells the host what holds.

The core refuses values outside its bounds (see `guard_core.BOUNDS`), so that a slip here leaves the bench dead, not unsafe.
"""

HB_MS = 300  # a heartbeat older than this trips
MAX_ON_S = 9000  # the largest n of ON
BLEED_S = 10  # K and H off for this long before the lid may be released
