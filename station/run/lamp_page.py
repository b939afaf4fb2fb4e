"""Prints the tables of docs/when-a-lamp-is-red*.md from the code's own, so that the wall never says something else.

    python -m station.run.lamp_page        rewrites both pages between their marks

The prose around the marks is written by hand. Not imported by the daemon.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from station.domain.errors import SettingsError
from station.domain.interlock import SENSOR_BLINK, Interlock
from station.domain.session_state import STATE_TITLES, State
from station.panel.patterns import BUZZERS, PATTERNS, Buzzer, Pattern, every_pattern, rhythm_of
from station.run.lamp_advice import (
    BESIDE,
    CODES,
    INTERLOCKS,
    LAMPS,
    OTHER_INTERLOCK,
    REFUSES,
    RIGHT_AGAIN,
    SENSOR,
    SERVICE_LATCH,
    STATES,
    WHO,
    Advice,
)
from station.safety.lamp_codes import BLINKS, OTHER
from station.settings.interlocks import read_interlocks
from station.settings.source import read_source

Lang = Literal["en", "zh"]
PAGES: dict[Lang, str] = {"en": "when-a-lamp-is-red.md", "zh": "when-a-lamp-is-red.zh.md"}
MARK = re.compile(r"(<!-- printed: (\w+) -->\n).*?(<!-- printed to here -->)", re.DOTALL)
LONG_BEEP_S, SHORT_BEEP_S = 0.4, 0.15
_HEADS = {
    "lamps": (("灯", "蜂鸣器", "含义", "怎么办"), ("lamps", "buzzer", "means", "what to do")),
    "codes": (
        ("紫灯", "代码", "含义", "怎么办", "谁可复位"),
        ("violet", "code", "means", "what to do", "who clears"),
    ),
}  # fmt: skip
_RHYTHMS = {
    "on": ("亮", ""), "slow": ("慢闪", " slow"), "fast": ("快闪", " fast"), "flicker": ("急闪", " flickering"),
    "wink": ("每 3 秒闪一下", " one flash in 3 s"),
}  # fmt: skip
_BEEPS = {"long": ("长", "long"), "short": ("短", "short"), "": ("中", "beep")}
_AT_REST = ("不响", "silent")
_AGAIN = ("，不停", ", on and on")
_AS_IS = ("不变", "as before")
_DARK = ("全灭", "all dark")
_NUMBER = ("闪编号", " blinks its number")


def at(lang: Lang, pair: Sequence[str]) -> str:
    """The Chinese or the English of a pair."""
    return pair[0 if lang == "zh" else 1]


def lamps_in_words(state: State, lang: Lang) -> str:
    """What the panel shows in a state; in a trip the violet lamp blinks the trip's number."""
    return pattern_in_words(PATTERNS[state], lang, number=state is State.TRIPPED)


def pattern_in_words(pattern: Pattern, lang: Lang, *, number: bool = False) -> str:
    """A pattern's lamps; `number`: they blink a number."""
    words = []
    for lamp, its in pattern.lamps.items():
        name = LAMPS[lamp.value] if lang == "zh" else lamp.value
        words.append(name + at(lang, _NUMBER if number else _RHYTHMS[rhythm_of(its)]))
    return (" + " if lang == "en" else "＋").join(words) or at(lang, _DARK)


def beeps_in_words(buzzer: Buzzer, lang: Lang) -> str:
    """A buzzer pattern as long, middle and short beeps."""
    if not buzzer.beeps:
        return at(lang, _AT_REST)
    kinds = ["long" if on >= LONG_BEEP_S else "short" if on <= SHORT_BEEP_S else "" for on, _ in buzzer.beeps]
    return " ".join(at(lang, _BEEPS[kind]) for kind in kinds) + (at(lang, _AGAIN) if buzzer.repeats else "")


def lamp_table(lang: Lang) -> str:
    """The whole table of the panel: what is shown and heard, what it means and what a technician does."""
    return _table(lang, "lamps", [_pattern_row(name, pattern, lang) for name, pattern in every_pattern().items()])


def _pattern_row(name: str, pattern: Pattern, lang: Lang) -> tuple[str, ...]:
    beeps = beeps_in_words(BUZZERS[pattern.buzzer], lang)
    if name in BESIDE:
        lamps = pattern_in_words(pattern, lang) if pattern.lamps else at(lang, _AS_IS)
        return lamps, beeps, at(lang, BESIDE[name].means), at(lang, BESIDE[name].do)
    state = State(name)
    return lamps_in_words(state, lang), beeps, STATE_TITLES[state][lang], at(lang, STATES[state])


def code_table(lang: Lang, interlocks: Sequence[Interlock]) -> str:
    """Every number that the violet lamp can blink, in their order, and the two that blink nothing."""
    known = [(blink, code, CODES[code]) for code, blink in [*BLINKS.items(), OTHER]]
    lines = [(blink, _row(lang, str(blink), code, advice)) for blink, code, advice in known]
    lines += [line for row in interlocks if row.reaction == "trip" for line in _interlock_rows(lang, row)]
    rows = [row for _, row in sorted(lines, key=lambda line: line[0])]
    rows.append(_row(lang, "7x 8x", "…-SENSOR", SENSOR))
    for row in interlocks:
        if row.reaction == "refuse":
            text = at(lang, REFUSES).format(text=_text(lang, row))
            rows.append(("—", row.code, text, at(lang, RIGHT_AGAIN), at(lang, WHO["you"])))
    rows.append(_row(lang, "—", "", SERVICE_LATCH))
    return _table(lang, "codes", rows)


def _interlock_rows(lang: Lang, row: Interlock) -> Iterator[tuple[int, tuple[str, ...]]]:
    do, who = INTERLOCKS.get(row.code, OTHER_INTERLOCK[row.blames])
    sensor = row.blink + SENSOR_BLINK
    yield row.blink, (f"{row.blink} / {sensor}", row.code, _text(lang, row), at(lang, do), at(lang, WHO[who]))


def _text(lang: Lang, row: Interlock) -> str:
    return dict(row.text).get(lang, row.name)


def _row(lang: Lang, number: str, code: str, advice: Advice) -> tuple[str, ...]:
    return number, code, at(lang, advice.means), at(lang, advice.do), at(lang, WHO[advice.who])


def _table(lang: Lang, name: str, rows: Sequence[Sequence[str]]) -> str:
    head = at_row(lang, name)
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def at_row(lang: Lang, name: str) -> Sequence[str]:
    """The head of a table."""
    return _HEADS[name][0 if lang == "zh" else 1]


def filled(page: str, lang: Lang, interlocks: Sequence[Interlock]) -> str:
    """`page` with its tables printed anew. Raises `KeyError` for a mark that names no table."""
    tables = {"lamps": lamp_table(lang), "codes": code_table(lang, interlocks)}
    return MARK.sub(lambda found: found[1] + tables[found[2]] + found[3], page)


def shipped_interlocks(config: Path) -> tuple[Interlock, ...]:
    """The interlocks of a configuration tree. Raises `SettingsError`."""
    source, problems = read_source(config, "interlocks.toml")
    if source is None:
        raise SettingsError("\n".join(map(str, problems)))
    interlocks, problems = read_interlocks(source)
    if problems:
        raise SettingsError("\n".join(map(str, problems)))
    return interlocks


def main(root: Path) -> None:
    """Rewrite both pages of a checkout."""
    interlocks = shipped_interlocks(root / "config")
    for lang, name in PAGES.items():
        path = root / "docs" / name
        path.write_text(filled(path.read_text(encoding="utf-8"), lang, interlocks), encoding="utf-8")


if __name__ == "__main__":
    main(Path())
