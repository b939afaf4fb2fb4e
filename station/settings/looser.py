"""Which way a change of a shared file goes: looser, tighter, or not to be told; and whether safety hangs on it.

Only the files are looked at, key by key, without the catalogue: a key that is not known here goes no way. What `check`
forbids altogether is not known here either (required.py, plan_safety.py): this is for what it allows.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from enum import StrEnum
from typing import Any, Final

from station.settings.plan_safety import ALL_GATES
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
SAFETY_USES = frozenset({*(gate.use for gate in ALL_GATES), "inrush", "touch_current", "idle_power", "power_up"})
SAFETY_LIMITS = frozenset(
    {
        *(gate.measurement for gate in ALL_GATES),
        *("inrush_a", "touch_current_ma", "idle_power_w", "power_up_a", "power_up_w"),
        *("soak_dc_offset_mv", "heatsink_degc"),
        *("start_power_w", "stopped_power_w", "temperature_rise_k", "charging_voltage_v", "charging_battery_v"),
    }
)
"""Limits of what a person would be hurt by, or a fire begin with."""
POWERLESS = frozenset(
    {
        *("self_test", "checklist", "mutual_inspection", "signature", "bias_zero"),
        *("earth_bond", "insulation", "battery_voltage", "idle_current"),
    }
)
"""Steps that need neither mains nor drive. Any other counts as one that does."""
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


def way_of_order(file: str, keys: Keys, before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Way, bool]:
    """The same for lists of tables by their names: a safety step may not come later than what it is to forbid."""
    if not file.startswith("plans/") or keys != ("step",):
        return Way.NONE, False
    first, second = [name for name in before if name in after], [name for name in after if name in before]
    for name in second:
        if is_safety_step(before[name]) or is_safety_step(after[name]):
            new_before_it = set(second[: second.index(name)]) - set(first[: first.index(name)])
            if any(not _is_one(after[one].get("use"), POWERLESS) for one in new_before_it):
                return Way.MAYBE, True
    return Way.NONE, False


def is_safety_step(step: Any) -> bool:
    """Whether a step measures what a person would be hurt by."""
    return isinstance(step, Mapping) and _is_one(step.get("use"), SAFETY_USES)


def _is_one(value: Any, of: frozenset[str]) -> bool:
    return isinstance(value, str) and value in of


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
    values = [default if value is ABSENT else value for value in (before, after)]
    ranks = [tight.get(value) if isinstance(value, Hashable) else None for value in values]
    if None in ranks or ranks[0] == ranks[1]:
        return Way.MAYBE
    return Way.LOOSER if (ranks[1] or 0) < (ranks[0] or 0) else Way.TIGHTER


def _members(before: Any, after: Any) -> tuple[Way, set[str]]:
    """Fewer members are looser; and which are not in both."""
    if not all(value is ABSENT or _are_names(value) for value in (before, after)):
        return Way.MAYBE, set(SAFETY_LIMITS)
    first, second = (set() if value is ABSENT else set(value) for value in (before, after))
    if first == second:
        return Way.NONE, set()
    way = Way.LOOSER if second < first else Way.TIGHTER if first < second else Way.MAYBE
    return way, first ^ second


def _are_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _families(before: Any, after: Any) -> Way:
    """Of an interlock: those that it watches, all of them where none is named."""
    if not all(value is ABSENT or _are_names(value) for value in (before, after)):
        return Way.MAYBE
    first, second = (set() if value is ABSENT else set(value) for value in (before, after))
    if not first or not second:
        return Way.NONE if first == second else Way.LOOSER if second else Way.TIGHTER
    return Way.LOOSER if second < first else Way.TIGHTER if first < second else Way.MAYBE


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
    "families": _families,
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
            return _ranked(before, after, {"III": 0, "II": 1, "I": 2}, None), True
        case ("family",):  # by it go what must be proven, and which interlocks are judged
            return Way.MAYBE, True
        case ("cord_m",) | ("max_v",) | ("charger_v",) | ("battery_v",) | ("supply_v",) | ("supply_a",):
            return _more(before, after), True
        case ("rated_power_w",):  # what it is driven with is reckoned from these three
            return _more(before, after), True
        case ("load_ohm",) | ("gain_db",):
            return _less(before, after), True
        case ("without",):
            way, _ = _members(before, after)
            return _MIRROR.get(way, way), False
    return Way.NONE, False


def _of_plan(keys: Keys, before: Any, after: Any, step: Mapping[str, Any]) -> tuple[Way, bool]:
    match keys:
        case ("family",):
            return Way.MAYBE, True
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
    safety = is_safety_step(step)
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
