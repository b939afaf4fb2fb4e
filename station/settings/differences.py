"""What is different between two shared parts, in words: every key that changed, what loosens safety first.

Pure: two trees as `revisions.read_files` gives them, checked or not. Which way a change goes is told in looser.py.
Tables in a list (steps, interlocks, rules, items of a checklist) are told apart by their `id` or `name`, not by their
place: a step that moved is one change, and what stands in it is compared with itself.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from station.settings.looser import ABSENT, Keys, Way, is_safety_step, way_of, way_of_order
from station.settings.revisions import DIAGNOSIS, INTERLOCKS

SHOWN_MAX = 100
"""Characters of a value in a sentence."""
ORDER = "(order)"
"""The last key of a change that is one of order alone."""
_UNITS = {"degc": "degC", "v": "V", "a": "A", "w": "W", "ma": "mA", "mv": "mV", "k": "K", "s": "s", "rpm": "rpm"}
_FOLDERS = {"plans": "plan", "products": "product", "duts": "simulated DUT"}
_LISTS = {INTERLOCKS: ("interlock", "interlock"), DIAGNOSIS: ("rule", "diagnosis rule")}


@dataclass(frozen=True, slots=True)
class Change:
    """One key, table or file that is not the same. `before`, `after`: `ABSENT` where it is not there, or is the same
    but for comments."""

    file: str
    keys: Keys
    before: Any
    after: Any
    way: Way
    safety: bool
    words: str

    @property
    def loosens_safety(self) -> bool:
        """Whether somebody has to accept it by name."""
        return self.safety and self.way in (Way.LOOSER, Way.MAYBE)

    @property
    def name(self) -> str:
        """What it is accepted by: `heatsink.high`, `example-a-100.limits.touch_current_ma.high`."""
        own = self.keys if self.file in _LISTS else (self.file.rpartition("/")[2].removesuffix(".toml"), *self.keys)
        its = [key.strip("()") for key in own if key not in ("interlock", "rule", "step")]
        return ".".join(its) or self.file.removesuffix(".toml")

    def __str__(self) -> str:
        return f"{self.words} ({self.way})" if self.way else self.words

    def plain(self) -> dict[str, Any]:
        """As JSON; a key that is not there has null."""
        before, after = (None if value is ABSENT else value for value in (self.before, self.after))
        return {
            "file": self.file, "keys": list(self.keys), "before": before, "after": after, "way": self.way.value,
            "safety": self.safety, "name": self.name, "words": str(self),
        }  # fmt: skip


def differences(old: Mapping[str, bytes], new: Mapping[str, bytes]) -> list[Change]:
    """Every difference, what loosens safety first, then what loosens, then by file. Empty: not a byte differs."""
    found: list[Change] = []
    for file in sorted({*old, *new}):
        if old.get(file) != new.get(file):
            found += _of_file(file, old.get(file), new.get(file))
    return sorted(found, key=lambda change: (not change.loosens_safety, change.way not in (Way.LOOSER, Way.MAYBE)))


def not_accepted(changes: Sequence[Change], accepted: Sequence[str]) -> list[Change]:
    """Those that loosen safety and that none of the names covers: the change's own, or the beginning of it."""
    return [
        change
        for change in changes
        if change.loosens_safety and not any(f"{change.name}.".startswith(f"{name}.") for name in accepted)
    ]


def _of_file(file: str, old: bytes | None, new: bytes | None) -> Iterator[Change]:
    before, after = (ABSENT if content is None else _parsed(content) for content in (old, new))
    if before is None or after is None:
        which = " and ".join(word for word, value in (("before", before), ("after", after)) if value is None)
        yield Change(file, (), before, after, Way.MAYBE, True, f"{file}: no TOML ({which}); other bytes")
        return
    if before is ABSENT or after is ABSENT:
        yield _change(file, (), before, after, {})
        return
    found = list(_walk(file, (), before, after, {}))
    yield from found
    if not found:
        words = f"{file}: comments, blanks, the order of keys or the way of writing alone"
        yield Change(file, (), ABSENT, ABSENT, Way.NONE, False, words)


def _parsed(content: bytes) -> Any:
    try:
        return tomllib.loads(content.decode("utf-8"))
    except (ValueError, RecursionError):
        return None


# ---- what differs ------------------------------------------------------------------------------------------
def _walk(file: str, keys: Keys, before: Any, after: Any, its: Mapping[str, Any]) -> Iterator[Change]:
    """`its`: the table of the step or interlock that the keys are in."""
    if _same(before, after):
        return
    if len(keys) == 2 and keys[0] in ("step", "interlock"):
        its = next((one for one in (before, after) if is_safety_step(one)), after)
    if isinstance(before, dict) and isinstance(after, dict):
        yield from _tables(file, keys, before, after, its)
    elif (first := _by_name(before)) is not None and (second := _by_name(after)) is not None:
        yield from _tables(file, keys, first, second, its)
        kept = [[name for name in one if name in other] for one, other in ((first, second), (second, first))]
        if kept[0] != kept[1]:
            way, safety = way_of_order(file, keys, first, second)
            words = _words(file, (*keys, ORDER), kept[0], kept[1], "")
            yield Change(file, (*keys, ORDER), kept[0], kept[1], way, safety, words)
    else:
        yield _change(file, keys, before, after, its)


def _tables(
    file: str, keys: Keys, before: Mapping[str, Any], after: Mapping[str, Any], its: Mapping[str, Any]
) -> Iterator[Change]:
    for key in dict.fromkeys((*before, *after)):
        if key in before and key in after:
            yield from _walk(file, (*keys, key), before[key], after[key], its)
        else:
            value = before.get(key, after.get(key))
            whose = value if keys == ("step",) else its
            yield _change(file, (*keys, key), before.get(key, ABSENT), after.get(key, ABSENT), whose)


def _by_name(value: Any) -> dict[str, Any] | None:
    """A list of tables by `id` or `name`; None where it is no such list, or two have the same."""
    if not isinstance(value, list) or not value or not all(isinstance(one, dict) for one in value):
        return None
    names = [one.get("id", one.get("name")) for one in value]
    if not all(isinstance(name, str) for name in names) or len(set(names)) < len(names):
        return None
    return dict(zip(names, value, strict=True))


def _same(before: Any, after: Any) -> bool:
    return _text(before) == _text(after)


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)


def _change(file: str, keys: Keys, before: Any, after: Any, its: Mapping[str, Any]) -> Change:
    its = its if isinstance(its, Mapping) else {}
    way, safety = way_of(file, keys, before, after, its)
    words = _words(file, keys, before, after, str(its.get("reading", "")))
    return Change(file, keys, before, after, way, safety and way is not Way.NONE, words)


# ---- in words ----------------------------------------------------------------------------------------------
def _words(file: str, keys: Keys, before: Any, after: Any, reading: str) -> str:
    thing, rest = _thing(file, keys)
    if keys[-1:] == (ORDER,):
        where = "steps" if keys == ("step", ORDER) else ".".join(keys[:-1])
        return f"{file if file in _LISTS else thing}: {where} in another order: {', '.join(map(str, after))}"
    if not rest:
        return f"{thing}: {'removed' if after is ABSENT else 'new' if before is ABSENT else 'another'}"
    if file == INTERLOCKS and rest in (("high",), ("low",)):
        side = "above" if rest == ("high",) else "below"
        unit = _UNITS.get(reading.rpartition("_")[2].rpartition(".")[2], "")
        return f"{thing}: trips {side} {_shown(before)} → {_shown(after)} {unit}".rstrip()
    if rest[0] == "step" and len(rest) > 1:
        thing, rest = f"{thing}: step {rest[1]}", rest[2:]
        if not rest:
            return f"{thing}: {'removed' if after is ABSENT else f'added ({_summary(after)})'}"
    if rest[0] == "limits" and len(rest) > 1:
        return f"{thing}: limit {_limit(rest[1:], before, after)}"
    return f"{thing}: {'.'.join(rest)} {_from_to(before, after)}"


def _thing(file: str, keys: Keys) -> tuple[str, Keys]:
    """What it is called, and the keys within it."""
    folder, _, name = file.rpartition("/")
    if folder in _FOLDERS:
        return f"{_FOLDERS[folder]} {name.removesuffix('.toml')}", keys
    its = _LISTS.get(file)
    if its is not None and keys[:1] == its[:1] and len(keys) > 1:
        return f"{its[1]} {keys[1]}", keys[2:]
    return file, keys


def _limit(keys: Keys, before: Any, after: Any) -> str:
    name, rest = keys[0], keys[1:]
    sign = {"high": "<= ", "low": ">= "}.get(rest[0]) if len(rest) == 1 else None
    if sign is not None:
        first, second = ("none" if value is ABSENT else f"{sign}{_shown(value)}" for value in (before, after))
        bound = "upper bound " if sign == "<= " else "lower bound "
        return f"{name} {bound if 'none' in (first, second) else ''}{first} → {second}"
    if not rest:
        return f"{name} {'removed' if after is ABSENT else f'added ({_summary(after)})'}"
    return f"{name} {'.'.join(rest)} {_from_to(before, after)}"


def _from_to(before: Any, after: Any) -> str:
    if before is ABSENT:
        return f"= {_shown(after)} added"
    if after is ABSENT:
        return f"= {_shown(before)} removed"
    if isinstance(before, list) and isinstance(after, list):
        gone, new = ([_shown(x) for x in one if x not in other] for one, other in ((before, after), (after, before)))
        parts = ([f"without {', '.join(gone)}"] if gone else []) + ([f"with {', '.join(new)}"] if new else [])
        return _cut(" and ".join(parts) or "in another order")
    return f"{_shown(before)} → {_shown(after)}"


def _shown(value: Any) -> str:
    if value is ABSENT:
        return "nothing"
    return _cut(f"{value:.12g}" if isinstance(value, float) and value % 1 else _text(value))


def _summary(table: Any) -> str:
    """The plain keys of a new table."""
    plain = {k: v for k, v in table.items() if not isinstance(v, dict)} if isinstance(table, dict) else table
    return _cut(", ".join(f"{k} = {_text(v)}" for k, v in plain.items()) if isinstance(plain, dict) else _text(plain))


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN_MAX else f"{text[:SHOWN_MAX]}…"
