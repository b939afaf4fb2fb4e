"""What is wrong with the settings of an instrument that speaks in lines, before anything is asked: for `station check`.

A meter only listens. Commands that drive something (a source's output, an electronic load, a safety tester) are refused
here: what drives needs a driver of its own, behind a permit.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from drivers.kinds import Fault
from drivers.scpi.settings import MeterSettings, Setup, TouchSettings, XdmSettings
from drivers.scpi.xdm1041 import FUNCTIONS

DRIVES = re.compile(
    r":?(OUTP|SOUR|INP\w*(:STAT\w*)?\s+(ON|1)|LOAD|SAFE|MANU|MAIN:FUNC|FUNC\w*:TEST|TEST|STAR)", re.IGNORECASE
)
APPLIES = re.compile(r"NAPP|RAPP|LLIN|NLIN|LINE|110", re.IGNORECASE)
"""What makes a touch-current meter put 110 % of the mains, or a line conductor, on the DUT (ST5540, 8.7)."""
_ADDRESS = re.compile(r"[^\s:/]+(:\d{1,5})?")
_LINE = re.compile(r"[\x20-\x7e]*")
Path = tuple[str | int, ...]


def meter_faults(own: MeterSettings) -> Iterator[Fault]:
    """Everything that is wrong with an SCPI meter."""
    if bool(own.port) == bool(own.address):
        wrong = "both a port and an address" if own.port else "neither a port nor an address"
        yield Fault(("port",), wrong, 'write `port = "/dev/…"` or `address = "host:5025"`')
    if own.address and not _ADDRESS.fullmatch(own.address):
        yield Fault(("address",), f"{own.address!r} is no address", "write `host` or `host:port`")
    if not own.quantities:
        yield Fault(("quantities",), "no quantity at all", 'name what it reads: `volts_v = { query = "READ?" }`')
    for key, least in (("timeout_s", 0.05), ("overload_from", 1.0), ("settle_s", 0.0)):
        if not least <= getattr(own, key) < math.inf:
            yield Fault((key,), f"{getattr(own, key):g} is too small", f"use at least {least:g}")
    for name, entry in own.quantities.items():
        yield from _query(("quantities", name, "query"), entry.query)
        yield from _bounds(("quantities", name), entry.low, entry.high)
        if entry.scale == 0.0 or not math.isfinite(entry.scale):
            yield Fault(("quantities", name, "scale"), f"{entry.scale:g} makes every reading the same", "correct it")
    for place, step in enumerate(own.setup):
        yield from _step(("setup", place), step)
    if own.errors:
        yield from _query(("errors",), own.errors)
    if own.setup and not any(step.query and step.every_read for step in own.setup):
        wrong = "nothing is read back at each reading, so a meter turned by hand would go unseen"
        yield Fault(("setup",), wrong, 'add the question for its function: `{ query = "FUNC?", answer = "VOLT" }`')


def touch_faults(own: TouchSettings) -> Iterator[Fault]:
    """Everything that is wrong with a touch-current meter."""
    if not any(step.query for step in own.setup):
        yield Fault(("setup",), "proves nothing", "read back the network at least: `query` and `answer`")
    for place, step in enumerate(own.setup):
        yield from _step(("setup", place), step)
        if APPLIES.search(step.command):
            wrong = f"{step.command!r} would make the meter apply a voltage to the DUT"
            yield Fault(("setup", place, "command"), wrong, "remove it: this bench applies none")


def xdm_faults(own: XdmSettings) -> Iterator[Fault]:
    """Everything that is wrong with an XDM1041."""
    function, unit = FUNCTIONS[own.function], own.reading.rsplit("_", 1)[-1]
    if unit not in function.units:
        units = " or ".join(f"_{unit}" for unit in function.units)
        yield Fault(("reading",), f"{own.reading!r} is no name for {own.function}", f"end it in {units}")
    if own.range is not None and own.range not in function.ranges:
        ranges = ", ".join(f"{amount:g}" for amount in function.ranges)
        yield Fault(("range",), f"there is no range of {own.range:g}", f"use one of {ranges}, or leave it out")
    yield from _bounds((), own.low, own.high)


def _step(path: Path, step: Setup) -> Iterator[Fault]:
    if not step.command and not step.query:
        yield Fault(path, "neither a command nor a query", "write at least one of them")
    if bool(step.query) != bool(step.answer):
        missing = "answer" if step.query else "query"
        yield Fault((*path, missing), "is missing", "`query` and `answer` belong together: the one proves the other")
    if step.query:
        yield from _query((*path, "query"), step.query)
    yield from _sent((*path, "command"), step.command)


def _query(path: Path, text: str) -> Iterator[Fault]:
    if "?" not in text.split(" ")[0]:
        yield Fault(path, f"{text!r} asks nothing", "a question's header ends in `?`")
    yield from _sent(path, text)


def _sent(path: Path, text: str) -> Iterator[Fault]:
    if not _LINE.fullmatch(text):
        yield Fault(path, "has characters that cannot be sent", "use printable ASCII, one line")
    for part in text.split(";"):
        if DRIVES.match(part.strip()):
            yield Fault(path, f"{part.strip()!r} drives something", "a meter only listens; this needs another driver")


def _bounds(path: Path, low: float | None, high: float | None) -> Iterator[Fault]:
    if low is not None and high is not None and not low < high:
        yield Fault((*path, "low"), f"{low:g} is not below high = {high:g}", "correct one of them")
