"""The Unix socket: show, scan, assign, abort; never energise or reset."""
