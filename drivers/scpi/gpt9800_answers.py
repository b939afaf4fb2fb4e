"""What the GPT-9800's answers look like and mean. Pure; the dialogue is in `gpt9800.py`.

`MEAS?` answers `>IR, PASS , 0.500kV ,80.12M ohm ,T=005.0S`: mode, status, volts or amperes, result, time (T= completed,
R= ramp). The leading sign is a prompt; a `>` before the result says that it lies beyond the range. While it tests the
status is TEST, and VIEW (with dashes for what it has not, `<ACW,VIEW ,0.000kV,000.0 mA ,  ---.-S>`) without a result.
Source: the maker's manual (MEASure?, `*IDN?`), reference/devices.md, and answers of a GPT-9902A written down in public.
Units read back with prefixes that depend on the value.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from drivers.errors import DeviceRefused, ProtocolError
from drivers.ports import TesterReading

IDENTITY = r"[<>]?\s*(?P<model>GPT-?9\d+\w*)\s*,\s*(?P<serial>[^,]*?)\s*,\s*(?P<firmware>[^,]*?)\s*,?\s*"
WORD = r"[<>]?\s*(?:[A-Z][A-Z ]* )??(?P<word>[A-Z]+)(?: MODE)?\s*"
TESTING = r"[<>]?\s*(?:TEST )?(ON|OFF)\s*"
NUMBER = r"[<>]?\s*(?P<number>[+-]?\d+\.?\d*)\s*(?P<unit>[GMkmu]?)\s*(?P<of>V|A|[Oo]hm|[Ss]|Hz)?\s*"
MODE = r"[<>]?\s*(?P<mode>ACW|DCW|IR|GB)\s*,\s*"
LIVE = MODE + r"(?P<status>[A-Z]+)\b(?:\s*,\s*(?P<applied>\d+\.?\d*)\s*(?P<unit>kV|V|A)\b)?.*"
RESULT = MODE + (
    r"(?:(?P<status>PASS|FAIL)\s*,\s*(?P<applied>\d+\.?\d*)\s*(?P<unit>kV|V|A)\s*,"
    r"\s*(?P<beyond>>?)\s*(?P<value>\d+\.?\d*)\s*(?P<prefix>[GMkmu]?)\s*ohm\s*,\s*[TR]=\s*(?P<time>\d+\.?\d*)\s*S>?"
    r"|(?P<broken_off>(?!PASS|FAIL)[A-Z]+)\b.*)"
)
PREFIX = {"G": 1e9, "M": 1e6, "k": 1e3, "m": 1e-3, "u": 1e-6}
COMPLETE = 0.9  # a PASS with less than this share of volts, amperes or time proves nothing
MOST = 1.1  # no result with more than this share of volts or amperes is one of the test that was set
MOST_LIVE = 1.05  # a running test with more is stopped
HELD = ("PASS", "FAIL")


@dataclass(frozen=True, slots=True)
class Prepared:
    """A test that was set up and read back: volts or amperes, seconds."""

    mode: Literal["IR", "GB"]
    applied: float
    test_s: float


def read_back(answer: re.Match[str], prefix: str) -> float:
    """The number of a `NUMBER`, in the unit whose prefix is `prefix` ("" where the command's unit has none)."""
    value = float(answer["number"])
    if answer["unit"] and prefix:
        value *= PREFIX.get(answer["unit"], 1.0) / PREFIX[prefix]
    return value


def applied_now(answer: re.Match[str]) -> float | None:
    """Volts or amperes of a `LIVE` or `RESULT`; None where it shows none."""
    return float(answer["applied"]) * PREFIX.get(answer["unit"][:-1], 1.0) if answer["applied"] else None


def watch_live(port: str, prepared: Prepared, live: re.Match[str]) -> None:
    """A running test, as `LIVE`. Raises `ProtocolError` where it is another one, or has more than was set."""
    if live["mode"] != prepared.mode:
        raise ProtocolError(port, f"it tests {live['mode']} instead of {prepared.mode}; it is stopped")
    applied = applied_now(live)
    if applied is not None and not (_fits(live, prepared) and applied <= MOST_LIVE * prepared.applied):
        shown = f"{live['applied']} {live['unit']}"
        raise ProtocolError(port, f"it applies {shown} where {prepared.applied:g} was set; it is stopped")


def tester_reading(port: str, prepared: Prepared, answer: re.Match[str]) -> TesterReading:
    """A `RESULT` in Mohm (IR) or ohm (GB). Raises `DeviceRefused` for a broken-off test, `ProtocolError`."""
    if answer["mode"] != prepared.mode:
        raise ProtocolError(
            port, f"MEAS? answers for {answer['mode']} instead of {prepared.mode}; stop and set up again"
        )
    if answer["broken_off"]:
        raise DeviceRefused(
            port, f"the test was broken off ({answer['broken_off']}); is the interlock (guard's H) open?"
        )
    applied = applied_now(answer) or 0.0
    if not (_fits(answer, prepared) and applied <= MOST * prepared.applied):
        shown = f"{answer['applied']} {answer['unit']}"
        raise ProtocolError(
            port, f"it applied {shown} where {prepared.applied:g} was set; take the tester out of service"
        )
    elapsed_s = float(answer["time"])
    whole = applied >= COMPLETE * prepared.applied and elapsed_s >= COMPLETE * prepared.test_s
    if answer["status"] == "PASS" and not whole:
        asked = f"{prepared.applied:g} for {prepared.test_s:g} s"
        raise ProtocolError(port, f"PASS after {applied:g} for {elapsed_s:g} s, but {asked} was set; check the tester")
    ohm = float(answer["value"]) * PREFIX.get(answer["prefix"], 1.0)
    bound: Literal["above", "below"] | None = "above" if answer["beyond"] else None
    if not whole and bound is None:  # broken off by the tester's own limit: the settled value lies further out
        bound = "below" if prepared.mode == "IR" else "above"
    return TesterReading(ohm / (1e6 if prepared.mode == "IR" else 1.0), bound, applied, elapsed_s)


def _fits(answer: re.Match[str], prepared: Prepared) -> bool:
    """Insulation is in volts, bond in amperes."""
    return bool(answer["unit"].endswith("V") == (prepared.mode == "IR"))
