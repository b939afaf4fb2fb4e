"""Why no PASS can be made with an instrument, in both languages. Records keep the English, translated here."""

from __future__ import annotations

import re
from collections.abc import Mapping

from station.domain.calibration import Standing
from station.domain.role_words import ROLES, role_in

NOT_JUDGED = ": not judged: "
"""Between a measurement and the reason, in the cause of a record."""
_WORDS: Mapping[Standing, tuple[str, str]] = {
    Standing.EXPIRED: ("{role}的校准已于 {due} 到期", "{role}: its calibration ended on {due}"),
    Standing.FUTURE: (
        "{role}的校准日期 {made} 晚于今天（{today}）：时钟或 calibration/{name}.toml 有误",
        "{role}: its calibration is dated {made} and today is {today}: the clock or calibration/{name}.toml is wrong",
    ),
    Standing.OTHER: (
        "{role}自报编号 {said}，而校准记录属于 {number}",
        "{role}: the instrument says number {said}, and the calibration on file is of {number}",
    ),
    Standing.UNKNOWN: (
        "{role}未应答，无法核对其校准（{number}）：请检查电源和接线",
        "{role}: it has not said who it is, so the calibration of {number} proves nothing: look at its supply, leads",
    ),
    Standing.CHANGED: (
        "{role}在本次测试中换过：先后自报编号 {said}，而校准记录属于 {number}",
        "{role}: the instrument was swapped in this run, it said numbers {said}, and the calibration on file is of "
        "{number}",
    ),
    Standing.PARTIAL: (
        "{role}的校准不含 {lacking}，而本台要求校准（calibration.required）",
        "{role}: its calibration says nothing of {lacking}, and station.toml demands one (calibration.required)",
    ),
    Standing.UNDATED: (
        "时钟未同步，无法证明{role}的校准（至 {due}）仍有效：请接通网络，待时钟校准",
        "{role}: the clock is not set, so it cannot be shown that its calibration (until {due}) is in force: connect "
        "the network and wait until the clock is synchronised",
    ),
    Standing.NONE: (
        "{role}没有校准记录，而本台要求校准（calibration.required）",
        "{role}: no calibration is on file, and station.toml demands one (calibration.required)",
    ),
}


def refusal_words(standing: Standing, role: str, values: Mapping[str, object]) -> dict[str, str]:
    """By language. `values`: what the templates name beside the role."""
    return {
        language: _WORDS[standing][place].format(role=role_in(role, language), **values)
        for place, language in enumerate(("zh", "en"))
    }


def in_chinese(refusals: str) -> str:
    """English refusals, several behind `; `, in Chinese as far as they are ours."""
    parts = (_translated(part) or part for part in refusals.split("; "))
    return "；".join(parts)


def _translated(text: str) -> str | None:
    chinese_of = {english: chinese for chinese, english in ROLES.values()}
    for chinese, english in _WORDS.values():
        pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>.+?)", re.escape(english))
        found = re.fullmatch(pattern, text)
        if found is not None:
            told = found.groupdict()
            return chinese.format(**{**told, "role": chinese_of.get(told["role"], told["role"])})
    return None
