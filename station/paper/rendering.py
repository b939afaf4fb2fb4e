"""Starts the process that draws a slip (`station.report.paper`) and takes its bytes. The daemon draws nothing."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from station.domain.errors import StationError
from station.domain.paper import PendingPaper

log = logging.getLogger(__name__)

RENDER_S = 20.0
_ROOT = str(Path(__file__).resolve().parents[2])
_START = (
    "import os; os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0)); "
    "import runpy; runpy.run_module('station.report.paper', run_name='__main__', alter_sys=True)"
)
"""It inherits the daemon's real-time priority and gives it back before it does anything that takes time."""


class RenderError(StationError):
    """A slip could not be drawn."""


Render = Callable[[PendingPaper, str, int, str | None], Awaitable[bytes]]
"""Draws a slip in a printer's language, for its dots to the inch; the last: the moment of a second print, UTC."""


def renderer(lang: str, timezone: str) -> Render:
    """For readers of this language, with dates in this zone. It raises `RenderError`."""

    async def render(paper: PendingPaper, language: str, dpi: int, again_at: str | None) -> bytes:
        options = ["--kind", paper.kind, "--language", language, "--dpi", str(dpi), "--lang", lang,
                   "--timezone", timezone, *(["--reprinted-at", again_at] if again_at else [])]  # fmt: skip
        return await _run(options, paper.record.encode(), f"{paper.kind} of run {paper.run_id}")

    return render


async def _run(options: list[str], record: bytes, what: str) -> bytes:
    paths = os.pathsep.join(filter(None, [_ROOT, os.environ.get("PYTHONPATH")]))
    pipe = asyncio.subprocess.PIPE
    drawing = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _START, *options, stdin=pipe, stdout=pipe, stderr=pipe,
        env={**os.environ, "PYTHONPATH": paths},
    )  # fmt: skip
    try:
        async with asyncio.timeout(RENDER_S):
            job, said = await drawing.communicate(record)
    except TimeoutError:
        raise RenderError(f"{what}: not drawn within {RENDER_S:g} s; is the machine overloaded?") from None
    finally:
        if drawing.returncode is None:
            drawing.kill()
            await drawing.wait()
    words = said.decode(errors="replace").strip()
    if drawing.returncode != 0:
        raise RenderError(f"{what}: not drawn: {words.splitlines()[-1] if words else drawing.returncode}")
    if words:
        log.warning("%s: %s", what, words)
    return job
