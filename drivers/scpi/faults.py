"""What is wrong with the settings of an instrument that speaks in lines, before anything is asked: for `station check`.

A meter only listens. What could drive something (a source's output, an electronic load, a safety tester) is refused
here: it needs a driver of its own, behind a permit. So a command must be one of those that set a meter up, whatever
else an instrument may know; a question may have any name, but none of its words may drive.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from drivers.kinds import Fault
from drivers.scpi.settings import MeterSettings, Setup, TouchSettings, XdmSettings
from drivers.scpi.xdm1041 import FUNCTIONS

COMMON = re.compile(r"\*(RST|CLS|WAI|OPC|ESE|SRE|IDN\?|ESR\?|OPC\?|STB\?)", re.IGNORECASE)
SETS_UP = re.compile(
    r"(CONF|SENS|SYST|RATE|RANG|ROUT|FUNC|DISP|TRIG|SAMP|UNIT|FORM|CALC|AUTO|NETW|MODE|HEAD|FILT|TARG)[A-Z]*\d*(:.*)?"
    r"|(INP|VOLT|CURR|RES|FRES|TEMP|FREQ|PER|CAP|DIOD|CONT)[A-Z]*\d*(:(DC|AC))?"
    r":(NPLC|RANG|RES|APER|AVER|ZERO|NULL|TRAN|IMP|FILT|COUP|DET|BAND)[A-Z]*(:.*)?",
    re.IGNORECASE,
)
"""Headers of commands that a meter is set up by. `VOLT 500` sets a source, `VOLT:NPLC 10` a meter."""
DRIVING = re.compile(
    r"(OUTP|APPL|LOAD|SAFE|MANU|MAIN|TEST|STAR|SHOR|SIMU|PULS|INIT|REC|RCL|STAT|LEV|AMPL)[A-Z]*\d*", re.IGNORECASE
)
"""Words that drive wherever they stand; `SOUR` may stand behind `TRIG`."""
CHOOSES = re.compile(r":?MEAS[A-Z]*:[A-Z].*\?", re.IGNORECASE)
"""A question that chooses its function itself."""
PROVEN = (
    ("the network", re.compile(r":?NETW\w*\?", re.IGNORECASE), re.compile(r".+")),
    ("AUTO OFF", re.compile(r":?CONF\w*:AUTO\?", re.IGNORECASE), re.compile(r"OFF", re.IGNORECASE)),
    ("COND NORMAL", re.compile(r":?CONF\w*:COND\w*\?", re.IGNORECASE), re.compile(r"NORM(AL)?", re.IGNORECASE)),
)
"""What a touch-current meter must read back: by hand, in normal condition, through a known network."""
WRONGLY = re.compile(r":?CONF\w*:(AUTO\s+(?!OFF$)|COND\w*\s+(?!NORM(AL)?$)|VOLT)|:?(STAR|OUTP)", re.IGNORECASE)
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
    chosen = all(CHOOSES.fullmatch(entry.query) for entry in own.quantities.values())
    proven = any(step.query and step.query[0] != "*" and step.every_read for step in own.setup)
    if (own.setup or not chosen) and not proven:
        wrong = "nothing is read back at each reading, so a meter turned by hand would go unseen"
        yield Fault(("setup",), wrong, 'add the question for its function: `{ query = "FUNC?", answer = "VOLT" }`')


def touch_faults(own: TouchSettings) -> Iterator[Fault]:
    """Everything that is wrong with a touch-current meter."""
    for name, query, answer in PROVEN:
        if not any(query.fullmatch(step.query) and answer.fullmatch(step.answer) for step in own.setup):
            yield Fault(("setup",), f"does not prove {name}", "read it back: `query` and `answer`, as the default does")
    for place, step in enumerate(own.setup):
        yield from _step(("setup", place), step)
        if APPLIES.search(step.command) or any(WRONGLY.match(part.strip()) for part in step.command.split(";")):
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
        return
    yield from _sent(path, text)


def _sent(path: Path, text: str) -> Iterator[Fault]:
    if not _LINE.fullmatch(text):
        yield Fault(path, "has characters that cannot be sent", "use printable ASCII, one line")
    for part in filter(None, (part.strip() for part in text.split(";"))):
        if _drives(part):
            yield Fault(path, f"{part!r} drives something", "a meter only listens; this needs another driver")


def _drives(part: str) -> bool:
    header = part.split(" ")[0]
    if header.startswith("*"):
        return COMMON.fullmatch(header) is None
    root, *more = header.removesuffix("?").removeprefix(":").split(":")
    if any(DRIVING.fullmatch(word) for word in (root, *more)) or re.match("SOUR", root, re.IGNORECASE):
        return True
    if re.search("SOUR", ":".join(more), re.IGNORECASE) and not re.match("TRIG", root, re.IGNORECASE):
        return True
    return not header.endswith("?") and SETS_UP.fullmatch(":".join((root, *more))) is None


def _bounds(path: Path, low: float | None, high: float | None) -> Iterator[Fault]:
    if low is not None and high is not None and not low < high:
        yield Fault((*path, "low"), f"{low:g} is not below high = {high:g}", "correct one of them")
