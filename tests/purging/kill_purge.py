"""A purge as a process to be killed: says `go` before each commit. Argument: the store."""

from __future__ import annotations

import sys
from pathlib import Path

from station.purging.work import Place, Purge
from station.store.old_runs import Bound


def go_on() -> bool:
    print("go", flush=True)
    return True


if __name__ == "__main__":
    store = Path(sys.argv[1])
    place = Place(store, store.parent / "captures")
    Purge(place, Bound("2025-10-18T00:00:00.000Z", 400), may_go_on=go_on, pause_s=0.0).carry_out()
