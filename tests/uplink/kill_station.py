"""A station as a process to be killed: closes what was cut off, then makes runs without end until somebody kills it.

Arguments: folder, broker URL, public key file, seconds between steps, and `--finish` to do one run, drain and end.
Prints one line when it is up.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from station.contract.keys import load_public_keys
from station.domain.journal import close_as_aborted
from station.uplink.uplink import Uplink
from tests.uplink.rig import FAST, IMPATIENT, MESSAGES, PLAN, TS, make_draft, make_record, make_step, open_store, until


async def main(folder: Path, url: str, keys: Path, pause_s: float, finish: bool) -> None:
    store = await open_store(folder / "station.sqlite")
    for run in await store.unfinished():
        record = close_as_aborted(run, TS)
        await store.finish_run(record, [MESSAGES.result(record)])
    uplink = Uplink(store, MESSAGES, url, load_public_keys(keys), lambda event: None, limits=IMPATIENT, backoff=FAST)
    serving = asyncio.create_task(uplink.run())
    print("up", flush=True)
    while not finish:
        draft = make_draft()
        run_no = await store.begin_run(draft)
        for index, step in enumerate(PLAN):
            await asyncio.sleep(pause_s)
            await store.add_step(draft.run_id, index, make_step(step.id))
        record = make_record(draft, run_no)
        await store.finish_run(record, [MESSAGES.result(record)])

    async def drained() -> bool:
        return (await store.counts()).waiting == 0

    await until(drained, "all delivered", 30.0)
    await uplink.close()
    await serving
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), float(sys.argv[4]), "--finish" in sys.argv))
