"""Bugs put into the station's own rooms, each with the session that brings it to light."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from drivers.errors import DriverError
from drivers.ports import Button, InsulationSetup
from station.campaign import life as life_module
from station.domain.verdict import Verdict
from station.panel.buttons import ButtonPressed
from station.run import conductor, judging
from station.run import session_events as ev
from station.run.session import Session
from station.safety import finding, interlocks, kernel_sight, lid, mains, proof, scan, tester
from station.safety.guard_line import GuardLine
from station.safety.kernel import Kernel
from station.safety.latch import ServiceLatch
from station.safety.relays import RelayDesk
from station.safety.rules import Rules
from station.safety.snapshot import DriveWish, RelayImage, ScanInputs, ScanState
from station.steps import electrical
from station.store.store import Store
from tests.campaign.sabotages_of_the_guard import ON, both, deaf_to, never_refuses, scene
from tests.campaign.stage import FOR_EVER_S, TWO_RUNS, At, Sabotage, Scene, What


def gives(owner: Any, name: str, value: Any) -> Sabotage:
    """`owner.name` is something else."""
    return lambda patch, core: patch.setattr(owner, name, value)


async def nothing(*args: Any, **kwargs: Any) -> None:
    """Does nothing and says that all is well."""


# ---- trips and their latch ------------------------------------------------------------------------------------------


def a_trip_lapses(patch: Any, core: Any) -> None:
    """The station's latch clears itself before anyone could have pressed RESET."""
    turn = Kernel.turn

    def turned(kernel: Kernel, due: float) -> None:
        turn(kernel, due)
        if kernel._state is not None and kernel.trips and kernel.clock() - kernel.trips[0].at > 0.3:
            kernel._state = replace(kernel._state, trips=())

    patch.setattr(Kernel, "turn", turned)


def the_latest_trip_first(patch: Any, core: Any) -> None:
    """New trips are put before those that are known."""
    step = scan.step

    def stepped(rules: Any, rows: Any, state: ScanState, inputs: ScanInputs) -> Any:
        known = state.trips
        state, outputs = step(rules, rows, state, inputs)
        return replace(state, trips=state.trips[len(known) :] + known), outputs

    patch.setattr(scan, "step", stepped)


def heartbeat_of_its_own(patch: Any, core: Any) -> None:
    """A task feeds the guard ten times a second, whatever the scan does."""
    start = Kernel.start

    async def started(kernel: Kernel, **how: Any) -> None:
        await start(kernel, **how)

        async def feed() -> None:
            while True:
                await asyncio.sleep(0.1)
                kernel.line.heartbeat()

        kernel._feeding = asyncio.get_running_loop().create_task(feed())  # type: ignore[attr-defined]

    patch.setattr(Kernel, "start", started)


def two_heartbeats_a_scan(patch: Any, core: Any) -> None:
    """Each scan feeds twice."""
    heartbeat = GuardLine.heartbeat

    def fed(line: GuardLine) -> None:
        heartbeat(line)
        heartbeat(line)

    patch.setattr(GuardLine, "heartbeat", fed)


def blind_to_the_service_latch(patch: Any, core: Any) -> None:
    """The scan is never told of it."""
    look = kernel_sight.KernelSight._look
    patch.setattr(kernel_sight.KernelSight, "_look", lambda kernel, due: replace(look(kernel, due), service_latch=None))


# ---- proofs, readings, positions ------------------------------------------------------------------------------------


def a_dead_voltmeter_is_zero(patch: Any, core: Any) -> None:
    """What does not answer reads 0."""
    fresh = proof.fresh

    async def read(kernel: Any, role: str, names: tuple[str, ...]) -> Mapping[str, float]:
        try:
            return await fresh(kernel, role, names)
        except DriverError:
            return dict.fromkeys(names, 0.0)

    patch.setattr(proof, "fresh", read)


def positions_as_commanded(patch: Any, core: Any) -> None:
    """What is read back is what was put, not where the relays stand."""

    def note(desk: RelayDesk, seen: Sequence[bool], asked_at: float) -> None:
        positions = {role: desk._commanded.get(role, bool(seen[index])) for role, index in desk._channels.items()}
        desk._image = RelayImage(dict(desk._commanded), positions, asked_at)

    patch.setattr(RelayDesk, "note", note)


def anything_is_proven(patch: Any, core: Any) -> None:
    """A reading that is stale, missing or failed is no fault."""
    patch.setattr(interlocks, "find_unproven", lambda reading, max_age_s, now: None)


def fan_with_the_drive_alone(patch: Any, core: Any) -> None:
    """The fan stops as soon as drive is not wanted any more."""

    def fan(rules: Rules, state: ScanState, inputs: ScanInputs) -> bool:
        return inputs.wishes.drive is not DriveWish.OFF

    patch.setattr(scan, "_fan", fan)


def no_bound_of_its_own(patch: Any, core: Any) -> None:
    """The station does not look at the end of the plan's bound."""
    own = finding._own_trips
    patch.setattr(finding, "_own_trips", lambda *args: [trip for trip in own(*args) if trip.cause != "BOUND"])


# ---- persons --------------------------------------------------------------------------------------------------------


def acts_like(kind: type[ev.Event], button: Button) -> Sabotage:
    """An event from the network does what a button does."""

    def put(patch: Any, core: Any) -> None:
        step = Session.step

        def stepped(session: Session, event: ev.Event, now_s: float) -> tuple[ev.Action, ...]:
            return step(session, ButtonPressed(button) if isinstance(event, kind) else event, now_s)

        patch.setattr(Session, "step", stepped)

    return put


def resumes_after_reset(patch: Any, core: Any) -> None:
    """After a death the run that was cut off begins again with RESET; START is not asked for."""
    run, post = conductor.Conductor._run, conductor.Conductor.post
    last: list[tuple[Any, ...]] = []

    async def ran(self: Any, *order: Any) -> None:
        last[:] = [order]
        await run(self, *order)

    def posted(self: Any, event: ev.Event) -> tuple[ev.Action, ...]:
        actions = post(self, event)
        if isinstance(event, ev.TripCleared) and last:
            self._spawn(run(self, *last.pop()), "run")
        return actions

    patch.setattr(conductor.Conductor, "_run", ran)
    patch.setattr(conductor.Conductor, "post", posted)


# ---- records --------------------------------------------------------------------------------------------------------


def cut_off_is_pass(patch: Any, core: Any) -> None:
    """A run that was cut off gets the verdict PASS."""
    close = life_module.close_as_aborted
    patch.setattr(life_module, "close_as_aborted", lambda *args: replace(close(*args), verdict=Verdict.PASS))


def records_with(change: Any) -> Sabotage:
    """What the store is given at the end of a run is changed on the way."""

    def put(patch: Any, core: Any) -> None:
        finish = Store.finish_run

        async def finished(store: Store, record: Any, messages: Any) -> Any:
            return await change(partial(finish, store), record, messages)

        patch.setattr(Store, "finish_run", finished)

    return put


async def never_committed(finish: Any, record: Any, messages: Any) -> Any:
    """The record of a run that ended is shown and not kept."""
    return await finish(record, messages) if record.verdict is Verdict.ABORTED else ()


async def without_message(finish: Any, record: Any, messages: Any) -> Any:
    """The record is kept, and nothing goes out."""
    return await finish(record, ())


async def message_twice(finish: Any, record: Any, messages: Any) -> Any:
    """Every message of the end of a run goes out twice."""
    return await finish(record, (*messages, *messages))


def missing_is_pass(patch: Any, core: Any) -> None:
    """A measurement that was never made passes."""
    missing = judging._missing
    patch.setattr(judging, "_missing", lambda *args: replace(missing(*args), verdict=Verdict.PASS))
    patch.setattr(electrical, "measure_touch_current", nothing)
    steps = dict(life_module.STEPS)
    steps["touch_current"] = replace(steps["touch_current"], measure=nothing)
    patch.setattr(life_module, "STEPS", steps)


ALL_PASS = gives(judging, "judge", lambda measurement, limit: Verdict.PASS)
DRIVEN = At("relay load_left closed", -0.3)
ASKED_LAST = At("session prompt", 0.02, 2)
"""Mains has just gone off, and the last questions are asked."""
SOAKED = At("playing 1.004 V", 2.0, 2)
ELECTRICAL = ("earth_bond", "insulation", "inrush", "touch_current", "idle_power")

# what was broken -> (invariant, what else may break with it, the bug, the session)
OF_THE_STATION: dict[str, tuple[int, tuple[int, ...], Sabotage, Scene]] = {
    "a trip lapses": (3, (), a_trip_lapses, scene(What(ON, "input", "estop", 0.5))),
    "RESET over an open loop": (
        3, (), both(never_refuses("INPUT"), gives(kernel_sight.KernelSight, "why_reset_refused", lambda kernel: ())),
        scene(What(ON, "input", "estop", 30.0)),
    ),
    "the latest trip comes first": (
        4, (), the_latest_trip_first,
        scene(What(ON, "input", "estop", 2.0), What(replace(ON, plus_s=1.2), "input", "thermo", 2.0)),
    ),
    "a heartbeat of its own": (7, (), heartbeat_of_its_own, scene()),
    "two heartbeats a scan": (7, (), two_heartbeats_a_scan, scene()),
    "no service latch for a weld": (
        8, (), gives(ServiceLatch, "set", lambda latch, reason: None), scene(What(ON, "weld", "0"), stays_s=60.0),
    ),
    "blind to the service latch": (
        8, (), blind_to_the_service_latch, scene(What(At("session ready"), "mirror", for_s=1.0)),
    ),
    "lid released without proof": (
        9, (), both(gives(lid, "prove_dead", nothing), gives(scan, "_bleed", lambda *args: False)), scene(stays_s=60.0),
    ),
    "a dead voltmeter is 0 V": (
        9, (), both(a_dead_voltmeter_is_zero, gives(scan, "_bleed", lambda *args: False)),
        scene(What(ASKED_LAST, "silent", "discharge", 30.0), stays_s=60.0),
    ),
    "positions as commanded, load": (
        11, (), positions_as_commanded, scene(What(ON, "relay_stuck", "load_left", FOR_EVER_S)),
    ),
    "the fan is not watched": (
        11, (), lambda patch, core: None,
        scene(What(SOAKED, "fan_broken", for_s=FOR_EVER_S), soak=True, without=("fan",)),
    ),
    "a failed reading will do": (12, (), anything_is_proven, scene(What(ON, "silent", "mains", 10.0))),
    "an open sensor will do": (12, (), anything_is_proven, scene(What(ON, "open_sensor", "temperature", 10.0))),
    "an open sensor will do, drive": (
        12, (), anything_is_proven, scene(What(SOAKED, "open_sensor", "dc", 10.0), soak=True),
    ),
    "nobody bounds energised time": (14, (), both(deaf_to("TIME"), no_bound_of_its_own), scene(bound_s=15.0)),
    "ON for as long as the guard takes": (14, (), gives(mains.GuardedMains, "_bounded", lambda self, s: 9000), scene()),
    "a run is resumed": (  # one that asks nothing: a prompt outside a run waits for ever
        15, (), resumes_after_reset, replace(scene(What(ON, "kill", for_s=2.0)), steps=ELECTRICAL),
    ),
    "a run cut off is PASS": (15, (19,), cut_off_is_pass, scene(What(ON, "kill", for_s=2.0))),
    "the network starts": (
        16, (), acts_like(ev.PutInFront, Button.START), scene(What(At("session ready", 0.1), "socket", "put_in_front")),
    ),
    "the network resets": (
        16, (3,), acts_like(ev.AbortAsked, Button.RESET), scene(What(At("session tripped", 0.1), "socket", "abort")),
    ),
    "a record is not kept": (18, (15,), records_with(never_committed), scene()),
    "a record does not go out": (18, (), records_with(without_message), scene()),
    "a record goes out twice": (18, (), records_with(message_twice), scene()),
    "everything passes": (19, (), ALL_PASS, Scene(dut=replace(Scene().dut, insulation_mohm=1.0))),
    "what is missing passes": (19, (), missing_is_pass, scene()),
    "tester on mains": (
        20, (), positions_as_commanded,
        scene(What(At("test voltage off", -1.0), "relay_stuck", "tester", FOR_EVER_S)),
    ),
    "1000 V": (
        20, (), gives(electrical, "InsulationSetup", lambda v, *rest: InsulationSetup(2 * v, *rest)), scene(),
    ),
    "audio at the test voltage": (
        20, (), positions_as_commanded,
        scene(What(At("relay capture closed", 0.5), "relay_stuck", "capture", FOR_EVER_S), seed=TWO_RUNS),
    ),
    "only L-N is measured": (20, (), gives(proof, "DISCHARGE", ("l_n_v",)), scene()),
    "discharge is not proven": (20, (), gives(tester.GuardedTester, "_prove_discharged", nothing), scene()),
    "terminals are not looked at": (21, (), gives(proof, "PLUS", ()), scene(What(DRIVEN, "dc_fault", amount=12))),
    "a bridged output is not looked at": (
        21, (), both(gives(proof, "PLUS", ()), gives(proof, "MINUS", ())),
        Scene(dut=replace(Scene().dut, minus_v=23.0), steps=(*ELECTRICAL, "gain")),
    ),
    "DC under drive is not watched": (
        21, (), lambda patch, core: None,
        scene(What(SOAKED, "dc_fault", amount=12), soak=True, without=("dc-left", "dc-right")),
    ),
    "a device that is off passes": (
        22, (19,), ALL_PASS, Scene(dut=replace(Scene().dut, on=False), steps=ELECTRICAL),
    ),
    "a device that is away passes": (
        22, (19,), ALL_PASS, Scene(dut=replace(Scene().dut, plugged=False), steps=ELECTRICAL),
    ),
    "the plug is not measured": (
        22, (), both(gives(tester, "prove_dead", nothing), gives(scan, "_bleed", lambda *args: False)),
        scene(seed=TWO_RUNS, steps=("earth_bond", "inrush")),
    ),
    "no pause after OFF": (
        23, (), gives(kernel_sight, "Rules", partial(Rules, min_off_s=0.0)),
        scene(What(ON, "kill", for_s=0.3), steps=("inrush", "idle_power")),
    ),
    "the fan stops with the drive": (
        23, (), fan_with_the_drive_alone,
        scene(What(replace(SOAKED, plus_s=300.0), "press", "stop", 0.3), soak=True),
    ),
    "mains power is not watched": (
        23, (), lambda patch, core: None, scene(What(SOAKED, "short"), soak=True, without=("mains-power",)),
    ),
}  # fmt: skip
