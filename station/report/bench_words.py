"""The bench in words for the paper: roles of instruments, interlocks, and why they tripped. No logic but looking up."""

from __future__ import annotations

from collections.abc import Mapping

from station.domain.trip_words import CAUSES as CAUSES
from station.domain.trip_words import INTERLOCKS as INTERLOCKS
from station.report.words import Lang, Pair, pick

ROLES: Mapping[str, Pair] = {
    "audio": ("音频接口", "audio interface"),
    "dc": ("直流电压表", "DC voltmeter"),
    "discharge": ("放电检测", "discharge meter"),
    "fan": ("风扇转速", "fan speed"),
    "infrared": ("红外测温", "infrared thermometer"),
    "inrush": ("冲击电流探头", "peak-current probe"),
    "loadbank": ("假负载", "load bank"),
    "mains": ("市电功率计", "mains power meter"),
    "relays": ("继电器板", "relay board"),
    "temperature": ("热电偶模块", "thermocouple module"),
    "tester": ("安规测试仪", "insulation and bond tester"),
    "touch": ("接触电流测试仪", "touch-current tester"),
}
"""Instruments by the role that they have on the bench; a bench may have others."""

PERSONS = frozenset({("guard", "ESTOP"), ("guard", "LID"), ("stop", "STOP"), ("stop", "SHUTDOWN")})
"""Trips that are a person's act; the record knows no third party to blame."""


def role_title(name: str, lang: Lang) -> str:
    """What an instrument is for; an unknown role by its name."""
    return pick(ROLES.get(name, (name, name)), lang)


def interlock_title(name: str, lang: Lang) -> str:
    """An interlock in words; an unknown one by its name."""
    return pick(INTERLOCKS.get(name, (name, name)), lang)


def trip_cause(cause: str, lang: Lang) -> str:
    """Why it tripped in words; an unknown cause as it stands in the record."""
    code, _, detail = cause.partition(" ")
    pair = CAUSES.get(code)
    if pair is None:
        return cause
    return f"{pick(pair, lang)} ({detail})" if detail else pick(pair, lang)
