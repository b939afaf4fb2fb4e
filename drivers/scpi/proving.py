"""A step of a set-up is proven by what the instrument says of it afterwards. How answers are compared: `Setup`."""

from __future__ import annotations

import math
import re

from drivers.errors import SettingMismatch
from drivers.scpi.line import ScpiLine
from drivers.scpi.settings import Setup

NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[Ee][+-]?\d+)?"
_QUANTITY = re.compile(rf"({NUMBER})(?:([munkMG]?)(V|A|HZ|OHM|S|F))?", re.IGNORECASE)
_PREFIX = {"": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9, "k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9}


async def prove(line: ScpiLine, step: Setup) -> None:
    """Ask for the step's setting, if it can be asked for. Raises `SettingMismatch`, `DriverError`."""
    if not step.query:
        return
    answer = (await line.ask(step.query, answer_shape(step.answer)))[0].strip()
    if not same(step.answer, answer):
        wrong = f"{step.query} answers {answer}, not {step.answer}"
        raise SettingMismatch(line.port, f"{wrong}; leave its front panel alone, or correct the set-up")


def answer_shape(answer: str) -> str:
    """What an answer must look like to be compared with `answer`: a number, a word, or any line."""
    if re.fullmatch(NUMBER, answer):
        return rf"\s*{NUMBER}\s*"
    return r"\s*[\"']?[A-Za-z].*" if answer.lstrip("\"'")[:1].isalpha() else r"[\x20-\x7e]*[\x21-\x7e][\x20-\x7e]*"


def same(wanted: str, got: str) -> bool:
    """Whether two answers say the same: quotes, case and spaces do not count, numbers with their unit go by value."""
    texts = [re.sub(r"[\s\"']", "", text) for text in (wanted, got)]
    amounts = [_QUANTITY.fullmatch(text) for text in texts]
    if amounts[0] and amounts[1]:
        units = [(amount[3] or "").upper() for amount in amounts if amount]
        values = [float(amount[1]) * _PREFIX.get(amount[2] or "", math.nan) for amount in amounts if amount]
        return units[0] == units[1] and math.isclose(values[0], values[1], rel_tol=1e-4)
    return texts[0].upper() == texts[1].upper()
