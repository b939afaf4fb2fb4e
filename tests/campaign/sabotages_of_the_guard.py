"""Bugs put into the guard's own core, each with the session that brings it to light."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from tests.campaign.stage import At, Sabotage, Scene, What

ON = At("guard ENERGISED", 1.0)
OPEN = 2.0


def deaf_to(*causes: str) -> Sabotage:
    """These causes are no trips any more."""

    def put(patch: Any, core: ModuleType) -> None:
        watched = {state: tuple(row for row in rows if row[0] not in causes) for state, rows in core._WATCH.items()}
        patch.setattr(core, "_WATCH", watched)

    return put


def never_refuses(reason: str) -> Sabotage:
    """Nothing is refused for this reason any more."""
    return lambda patch, core: patch.setitem(core.REFUSALS, reason, lambda guard, verb, n: False)


def leads_to(state: str, event: str, target: str) -> Sabotage:
    """One row of the guard's table is wrong."""
    return lambda patch, core: patch.setitem(core.NEXT, (state, event), target)


def boots_safe(first: int) -> Sabotage:
    """From the `first` power-up on it comes up SAFE, its latch forgotten."""

    def put(patch: Any, core: ModuleType) -> None:
        boots, init = [0], core.Guard.__init__

        def begin(guard: Any, *args: Any) -> None:
            init(guard, *args)
            boots[0] += 1
            if boots[0] >= first:
                guard.state, guard.cause = core.SAFE, "-"

        patch.setattr(core.Guard, "__init__", begin)

    return put


def trip_ends_by_itself(patch: Any, core: ModuleType) -> None:
    """Once the input is healthy again the guard leaves TRIPPED."""
    step = core.Guard.step

    def stepped(guard: Any, *args: Any) -> None:
        step(guard, *args)
        if guard.state == core.TRIPPED and guard.cause == "ESTOP" and guard._well and not guard.fb:
            guard._enter(core.SAFE)

    patch.setattr(core.Guard, "step", stepped)


def last_cause_wins(patch: Any, core: ModuleType) -> None:
    """The first cause is overwritten by the next."""

    def trip(guard: Any, cause: str) -> None:
        guard._enter(core.TRIPPED)
        guard.cause, guard.also = cause, ()

    patch.setattr(core.Guard, "_trip", trip)


def later_causes_replace(patch: Any, core: ModuleType) -> None:
    """Of the later causes only the last is kept."""
    trip = core.Guard._trip

    def tripped(guard: Any, cause: str) -> None:
        trip(guard, cause)
        guard.also = guard.also[-1:]

    patch.setattr(core.Guard, "_trip", tripped)


def accepts_stale(*verbs: str) -> Sabotage:
    """STALE is forgotten for these verbs: session, SEQ and nonce are not looked at."""

    def put(patch: Any, core: ModuleType) -> None:
        refusal = core.Guard._refusal

        def judged(guard: Any, verb: str, current: bool, argument: tuple[str, int]) -> str | None:
            if verb in verbs:
                current, argument = True, (guard._nonce or "", argument[1])
            return refusal(guard, verb, current, argument)  # type: ignore[no-any-return]

        patch.setattr(core.Guard, "_refusal", judged)

    return put


def off_unlocks(patch: Any, core: ModuleType) -> None:
    """OFF releases the lid at once."""
    act = core.Guard._act

    def acted(guard: Any, verb: str, argument: tuple[str, int]) -> str:
        said = act(guard, verb, argument)
        if verb == "OFF":
            guard.lock = False
        return said  # type: ignore[no-any-return]

    patch.setattr(core.Guard, "_act", acted)


def lamp(name: str, shines: Any) -> Sabotage:
    """A lamp follows something else."""
    return lambda patch, core: patch.setattr(core.Guard, name, property(shines))


def both(*sabotages: Sabotage) -> Sabotage:
    """Several at once: what two sides hold must be broken on both."""

    def put(patch: Any, core: ModuleType) -> None:
        for sabotage in sabotages:
            sabotage(patch, core)

    return put


def scene(*happenings: What, **more: Any) -> Scene:
    """A scene with these happenings."""
    return Scene(happenings, **more)


BEFORE_ARM = At("guard ARMED", -0.010)

# what was broken -> (invariant, what else may break with it, the bug, the session)
OF_THE_GUARD: dict[str, tuple[int, tuple[int, ...], Sabotage, Scene]] = {
    "silence is no trip": (1, (13,), deaf_to("HEARTBEAT"), scene(What(ON, "kill", for_s=3))),
    "silence is no trip, plug": (13, (1,), deaf_to("HEARTBEAT"), scene(What(ON, "kill", for_s=3))),
    "emergency stop is no trip": (1, (), deaf_to("ESTOP"), scene(What(ON, "input", "estop", OPEN))),
    "thermostat is no trip": (1, (), deaf_to("THERMO"), scene(What(ON, "input", "thermo", OPEN))),
    "lid is no trip": (1, (), deaf_to("LID"), scene(What(ON, "input", "lid", OPEN))),
    "lid is no trip in HV": (
        1, (), deaf_to("LID"), scene(What(At("test voltage on", 0.5), "input", "lid", OPEN)),
    ),
    "open feedback is no trip": (1, (), deaf_to("DROPOUT"), scene(What(ON, "dropout", for_s=1))),
    "comes up SAFE": (2, (), boots_safe(1), scene()),
    "comes up SAFE after a power cut": (2, (), boots_safe(2), scene(What(ON, "mains_out", for_s=2))),
    "comes up SAFE after a reset": (2, (), boots_safe(2), scene(What(ON, "guard_reset"))),
    "RESET arms": (3, (), leads_to("TRIPPED", "RESET", "ARMED"), scene()),
    "a trip ends by itself": (3, (), trip_ends_by_itself, scene(What(ON, "input", "estop", 0.5))),
    "the last cause wins": (
        4, (), last_cause_wins,
        scene(What(At("", 0.1), "input", "estop", OPEN), What(At("", 0.2), "input", "thermo", OPEN)),
    ),
    "later causes replace each other": (
        4, (), later_causes_replace,
        scene(What(At("", 0.1), "input", "estop", OPEN), What(At("", 0.2), "input", "thermo", OPEN)),
    ),
    "ARM switches on": (5, (), leads_to("SAFE", "ARM", "ENERGISED"), scene()),
    "an old nonce will do": (
        5, (16, 23), accepts_stale("ARM", "HV"), scene(What(At("record", 1.0), "replay", "whole"), stays_s=47.0),
    ),
    "replayed heartbeats count": (6, (), accepts_stale("HB"), scene(What(ON, "replay", "beats"))),
    "a weld is no trip": (8, (), deaf_to("WELD"), scene(What(ON, "weld", "0"))),
    "arms over a closed feedback": (
        8, (), both(deaf_to("WELD"), never_refuses("FEEDBACK")), scene(What(BEFORE_ARM, "mirror", for_s=0.05)),
    ),
    "the bleed time is not waited for": (9, (), never_refuses("BLEED"), scene()),
    "OFF unlocks the lid": (9, (), off_unlocks, scene()),
    "red is for mains alone": (10, (), lamp("red", lambda guard: guard.state == "ENERGISED"), scene()),
    "red goes out over a closed feedback": (
        10, (), lamp("red", lambda guard: guard.state in ("ARMED", "ENERGISED", "HV")),
        scene(What(At("session ready"), "mirror", for_s=1)),
    ),
    "green while the contactor opens": (10, (), lamp("green", lambda guard: guard.state == "SAFE"), scene()),
}  # fmt: skip
