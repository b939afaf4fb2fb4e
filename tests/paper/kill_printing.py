"""A station's paper as a process to be killed: ends runs and prints their labels until somebody kills it.

Arguments: folder, the printer's address, and how many runs to end (0: only print what waits, then end). Prints one
line when it is up. What it sends stands for a label: the run and whether the paper says that it is a second one.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from drivers.printer import label_printer
from station.domain.paper import PendingPaper
from tests.paper.rig import open_shop
from tests.uplink.rig import until

label_printer.LOOK_S = 0.01


async def render(paper: PendingPaper, language: str, dpi: int, again_at: str | None) -> bytes:
    return f"^XA^FX{paper.run_id} {'again' if again_at else 'first'}^FS^XZ\n".encode()


async def main(folder: Path, address: str, runs: int) -> None:
    shop = await open_shop(folder, None, address)
    printing = shop.printing(render, pause_s=0.02)
    work = asyncio.create_task(printing.run())
    print("up", flush=True)
    for _ in range(runs):
        await shop.finish()
        await asyncio.sleep(0.05)

    async def all_out() -> bool:
        return not await shop.store.pending_paper()

    await until(all_out, "all labels out", 50.0)
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)
    await shop.store.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
