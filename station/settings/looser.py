"""Which way a change of a shared file goes: looser, tighter, or not to be told; and whether safety hangs on it.

Only the files are looked at, key by key, without the catalogue: a key that is not known here goes no way. What `check`
forbids altogether is not known here either (required.py, plan_safety.py): this is for what it allows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, Final

from station.settings.plan_safety import GATES
from station.settings.revisions import INTERLOCKS

Keys = tuple[str, ...]
"""Keys from a file's root; the elements of a list of tables by their `id` or `name`."""


class Absent:
    """In place of a value that is not there."""

    def __repr__(self) -> str:
        return "nothing"


ABSENT: Final = Absent()


class Way(StrEnum):
    """Where a change leads. `MAYBE`: it cannot be told without more than the two files."""

    LOOSER = "looser"
    TIGHTER = "tighter"
    MAYBE = "may be looser"
    NONE = ""


_MIRROR = {Way.LOOSER: Way.TIGHTER, Way.TIGHTER: Way.LOOSER}
SAFETY_USES = frozenset({*(gate.use for gate in GATES), "inrush", "touch_current", "idle_power", "power_up"})
SAFETY_LIMITS = frozenset(
    {
        *(gate.measurement for gate in GATES),
        *("inrush_a", "touch_current_ma", "idle_power_w", "power_up_a", "power_up_w"),
        *("soak_dc_offset_mv", "heatsink_degc"),
    }
)
"""Limits of what a person would be hurt by, or a fire begin with."""
_WHENS = {"always": {"idle", "mains", "hv", "drive"}, "energised": {"mains", "drive"}, "hv": {"hv"}, "drive": {"drive"}}
_ON_FAIL = {"continue": 0, "no_drive": 1, "mains_off": 2, "no_mains": 2}
_HARDER = ("test_s", "voltage_v", "current_a")
"""Parameters of a safety test: less of them is less of a test."""


def way_of(file: str, keys: Keys, before: Any, after: Any, step: Mapping[str, Any]) -> tuple[Way, bool]:
    """Which way it goes and whether safety hangs on it. `step`: the table of the step that it is in.

    `before` or `after` is `ABSENT` where the key, table or file is not there.
    """
    folder = file.partition("/")[0]
    if file == INTERLOCKS:
        return _of_interlock(keys, before, after), True
    if folder == "plans":
        return _of_plan(keys, before, after, step)
    if folder == "products":
        return _of_product(keys, before, after)
    return Way.NONE, False


# ---- sorts of values ---------------------------------------------------------------------------------------
def _more(before: Any, after: Any, nothing: float | None = None) -> Way:
    """More is looser. `nothing`: what counts where the key is absent; None: absent is the loosest of all."""
    low = [nothing if value is ABSENT else value for value in (before, after)]
    first, second = (float("inf") if value is None else value for value in low)
    if not all(isinstance(value, int | float) for value in (first, second)) or first == second:
        return Way.MAYBE
    return Way.LOOSER if second > first else Way.TIGHTER


def _less(before: Any, after: Any) -> Way:
    """Less is looser, absent the loosest of all."""
    way = _more(before, after, float("-inf"))
    return _MIRROR.get(way, way)


def _gone(before: Any, after: Any) -> Way:
    """What protects is gone, or new."""
    return Way.LOOSER if after is ABSENT else Way.TIGHTER if before is ABSENT else Way.MAYBE


def _ranked(before: Any, after: Any, tight: Mapping[Any, int], default: Any) -> Way:
    """By rank, the higher the tighter."""
    ranks = [tight.get(default if value is ABSENT else value) for value in (before, after)]
    if None in ranks or ranks[0] == ranks[1]:
        return Way.MAYBE
    return Way.LOOSER if (ranks[1] or 0) < (ranks[0] or 0) else Way.TIGHTER


def _members(before: Any, after: Any) -> tuple[Way, set[str]]:
    """Fewer members are looser; and which are not in both."""
    first, second = (set(value) if isinstance(value, list) else set() for value in (before, after))
    if first == second:
        return Way.NONE, set()
    way = Way.LOOSER if second < first else Way.TIGHTER if first < second else Way.MAYBE
    return way, first ^ second


def _when(before: Any, after: Any) -> Way:
    first, second = (_WHENS.get(value, set()) if isinstance(value, str) else set() for value in (before, after))
    return Way.LOOSER if second < first else Way.TIGHTER if first < second else Way.MAYBE


# ---- the files ---------------------------------------------------------------------------------------------
_INTERLOCK: Mapping[str, Callable[[Any, Any], Way]] = {
    "high": _more,
    "low": _less,
    "for_s": lambda before, after: _more(before, after, 0.0),
    "max_age_s": _more,
    "when": _when,
    "reaction": lambda before, after: _ranked(before, after, {"refuse": 0, "trip": 1}, "trip"),
    "reading": lambda before, after: Way.MAYBE,
}


def _of_interlock(keys: Keys, before: Any, after: Any) -> Way:
    match keys:
        case () | ("interlock",) | ("interlock", _):
            return _gone(before, after)
        case ("interlock", _, key) if key in _INTERLOCK:
            return _INTERLOCK[key](before, after)
    return Way.NONE


def _of_limit(name: str, keys: Keys, before: Any, after: Any, of_plan: bool) -> tuple[Way, bool]:
    """What a plan does not say of a limit the product says: a key that comes or goes there may be either."""
    safety = name in SAFETY_LIMITS
    if of_plan and (before is ABSENT or after is ABSENT) and keys != ("source",):
        return Way.MAYBE, safety
    match keys:
        case ():
            return _gone(before, after), safety
        case ("high",) | ("relative_percent",):
            return _more(before, after), safety
        case ("low",):
            return _less(before, after), safety
        case ("decision",):
            return _ranked(before, after, {"simple": 0, "guarded": 1}, "simple"), safety
    return Way.NONE, False


def _of_product(keys: Keys, before: Any, after: Any) -> tuple[Way, bool]:
    match keys:
        case ("limits",):
            return _gone(before, after), True
        case ("limits", name, *rest):
            return _of_limit(name, tuple(rest), before, after, of_plan=False)
        case ("protection_class",):
            return _ranked(before, after, {"II": 0, "I": 1}, None), True
        case ("without",):
            way, _ = _members(before, after)
            return _MIRROR.get(way, way), False
    return Way.NONE, False


def _of_plan(keys: Keys, before: Any, after: Any, step: Mapping[str, Any]) -> tuple[Way, bool]:
    match keys:
        case ("max_mains_s",):
            return _more(before, after), True
        case ("needs_pass",):
            return _gone(before, after), False
        case ("needs_pass", "within_h"):
            return _more(before, after), False
        case ("needs_consent",):
            return _ranked(before, after, {False: 0, True: 1}, False), False
        case ("step",):
            return Way.MAYBE, True
        case ("step", _, "limits", name, *rest):
            return _of_limit(name, tuple(rest), before, after, of_plan=True)
        case ("step", _, *rest):
            return _of_step(tuple(rest), before, after, step)
    return Way.NONE, False


def _of_step(keys: Keys, before: Any, after: Any, step: Mapping[str, Any]) -> tuple[Way, bool]:
    safety = step.get("use") in SAFETY_USES
    match keys:
        case ():
            return (_gone(before, after) if step.get("requires") else Way.NONE), safety
        case ("requires",):
            way, which = _members(before, after)
            return way, bool(which & SAFETY_LIMITS)
        case ("on_fail",):
            return _ranked(before, after, _ON_FAIL, "continue"), True
        case ("use",) | ("only_after_pass",):
            return Way.MAYBE, True
        case ("params", name) if safety:
            return (_less(before, after) if name in _HARDER else Way.MAYBE), True
        case ("params",) | ("limits",) if safety:
            return Way.MAYBE, True
    return Way.NONE, False
