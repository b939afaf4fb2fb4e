"""The 23 invariants of reference/safety.md, looked at after everything that happens, on the world as it truly is.

A check reads the plant, the board and the core, never what the station believes, except where the invariant is about
just that. Each returns what is wrong in words, or nothing. What no station can hold under some happening is excused
in `history.EXCUSED` and explained in docs/campaign.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from station.campaign.bench import World
from station.campaign.history import START_US
from station.campaign.plant import OPEN_US, Dut
from station.campaign.virtual import US
from station.domain.verdict import Verdict

INPUT_US, BEAT_US = 5_000, 5_000
LIVE = ("ARMED", "ENERGISED", "HV")
WELD_US = 100_000
FEEDBACK_US = 100_000
DROPOUT_US = 5_000 + 2_000
"""The contract's 5 ms, and two passes of the guard's loop."""
AUDIO = ("source", "capture", "load_left", "load_right")
LATE_US = 100_000
"""Two scans: what the station itself must do has been done by then."""


class Violation(NamedTuple):
    """Which invariant, when (us from the session's begin), and what was seen."""

    invariant: int
    at_us: int
    detail: str


@dataclass(slots=True)
class Sight:
    """What the checks need of the station beside the world; None where no station lives."""

    life: Any = None
    presses: int = 0
    """START pressed, as the panel understood it."""
    starts: int = 0
    """Runs that were started."""
    resets: int = 0
    """RESET pressed, as the panel understood it."""


class Watch:
    """Memory of the checks; `look` is called after everything that happens."""

    def __init__(self, world: World, sight: Sight, hb_us: int, bleed_us: int, min_off_us: int, bound_us: int) -> None:
        self.world, self.sight = world, sight
        self.hb_us, self.bleed_us, self.min_off_us, self.bound_us = hb_us, bleed_us, min_off_us, bound_us
        self.violations: list[Violation] = []
        self._broken: set[int] = set()
        self.k = self.h = False
        self.lock = True
        self.state = "TRIPPED"
        self.cause = "BOOT"
        self.boots = 0
        self.k_off_us = -(10**15)
        self.on_since_us = 0
        self.latch: tuple[Any, ...] = ()
        self.latch_life: Any = None
        self.resets_seen = 0
        self.closed_us: dict[str, int] = {}
        self.relays = dict(world.plant.relays)
        self.weld_since_us: int | None = None
        self.drive_bad_us: dict[str, int] = {}

    def look(self) -> None:
        """Every check; each invariant is reported once a session."""
        for number, check in CHECKS:
            if number not in self._broken:
                wrong = check(self)
                if wrong:
                    self.report(number, wrong)
        self._remember()

    def report(self, number: int, wrong: str) -> None:
        """An invariant does not hold."""
        self._broken.add(number)
        self.violations.append(Violation(number, self.world.now_us - START_US, wrong))
        self.world.note(f"! invariant {number}: {wrong}")

    def _remember(self) -> None:
        board, now_us = self.world.board, self.world.now_us
        core = board.core
        if self.k and not board.k:
            self.k_off_us = now_us
        if board.k and not self.k:
            self.on_since_us = now_us
        self.k, self.h, self.lock, self.state, self.cause = board.k, board.h, core.lock, core.state, core.cause
        self.boots = self.world.board.boots
        relays = self.world.plant.relays
        if relays != self.relays:
            self.relays = dict(relays)

    def lasting(self, name: str, bad: bool, for_us: int) -> bool:
        """Whether `bad` has held for longer than `for_us`."""
        if not bad:
            self.drive_bad_us.pop(name, None)
            return False
        return self.world.now_us - self.drive_bad_us.setdefault(name, self.world.now_us) > for_us


def _i1(watch: Watch) -> str:
    """K implies armed, inputs healthy, heartbeat young, feedback valid; H likewise, with K off."""
    world, board = watch.world, watch.world.board
    now_us = world.now_us
    gone = board.k and not board.feedback and now_us - board.k_rose_us > FEEDBACK_US
    if watch.lasting("feedback", gone, DROPOUT_US):
        return "K on and the feedback open"
    if not board.k and not board.h:
        return ""
    for name, healthy in board.inputs.items():
        if not healthy and now_us - board.bad_since_us[name] > INPUT_US:
            return f"{'K' if board.k else 'H'} on {(now_us - board.bad_since_us[name]) / 1000:g} ms after {name} opened"
    if now_us - board.heard_hb_us > watch.hb_us + BEAT_US:
        return f"{'K' if board.k else 'H'} on {(now_us - board.heard_hb_us) / 1000:g} ms after the last heartbeat"
    if board.k and board.h:
        return "K and H at once"
    return ""


def _i2(watch: Watch) -> str:
    """A boot gives K and H off and TRIPPED."""
    core, board = watch.world.board.core, watch.world.board
    if board.boots != watch.boots and watch.boots and (board.k or board.h or core.state != "TRIPPED"):
        return f"after boot {board.boots}: {core.state}"
    if not board.powered and watch.world.plant.live:
        return "mains on the plug with the guard without power" if watch.lasting("dead", True, OPEN_US) else ""
    watch.lasting("dead", False, 0)
    return ""


def _i3(watch: Watch) -> str:
    """A trip latches; only RESET clears it, and sets nothing."""
    core, board = watch.world.board.core, watch.world.board
    if watch.state == "TRIPPED" and core.state != "TRIPPED" and board.boots == watch.boots:
        if not board.accepted or board.accepted[-1] != "RESET":
            return f"TRIPPED left for {core.state} after {board.accepted[-1:]}"
        if board.k or board.h or core.state != "SAFE":
            return f"RESET led to {core.state}"
    life = watch.sight.life
    if life is None or not life.ready:
        watch.latch = ()
        return ""
    trips = life.kernel.trips
    if watch.latch_life is life and watch.latch and not trips:
        if watch.sight.resets == watch.resets_seen:
            return "the station's latch was cleared and nobody pressed RESET"
        watch.resets_seen = watch.sight.resets
    return ""


def _i4(watch: Watch) -> str:
    """The first cause is kept, later ones are appended."""
    core = watch.world.board.core
    if watch.state == core.state == "TRIPPED" and watch.boots == watch.world.board.boots and core.cause != watch.cause:
        return f"the guard's cause changed from {watch.cause} to {core.cause}"
    life = watch.sight.life
    if life is None or not life.ready:
        return ""
    trips, before = life.kernel.trips, watch.latch if watch.latch_life is life else ()
    watch.latch, watch.latch_life = trips, life
    if before and trips and trips[: len(before)] != before:
        return f"trips were {[t.cause for t in before]}, are {[t.cause for t in trips]}"
    return ""


def _i5(watch: Watch) -> str:
    """K only after a fresh ARM and ON, H only after HV."""
    board, accepted = watch.world.board, watch.world.board.accepted
    if board.k and not watch.k and accepted[-2:] != ["ARM", "ON"]:
        return f"K rose after {accepted[-2:]}"
    if board.h and not watch.h and accepted[-1:] != ["HV"]:
        return f"H rose after {accepted[-1:]}"
    return ""


def _i7(watch: Watch) -> str:
    """Heartbeats come from completed scans alone."""
    return f"{watch.world.stray_heartbeats} heartbeats outside a scan" if watch.world.stray_heartbeats else ""


def _i8(watch: Watch) -> str:
    """A weld bars arming and sets the service latch."""
    world, board = watch.world, watch.world.board
    welded = board.feedback and not board.k and board.powered
    if welded and watch.weld_since_us is None:
        watch.weld_since_us = world.now_us
    if not welded:
        watch.weld_since_us = None
        return ""
    lasts_us = world.now_us - (watch.weld_since_us or world.now_us)
    if lasts_us <= WELD_US + INPUT_US:
        return ""
    if board.core.state != "TRIPPED":
        return f"feedback closed for {lasts_us / 1000:g} ms with K off, and the guard is {board.core.state}"
    return ""


def _i9(watch: Watch) -> str:
    """The lid is released only with K and H off, the bleed time over and the plug dead; and stays harmless."""
    world, board = watch.world, watch.world.board
    core = board.core
    if core.lock:
        return ""
    if board.k or board.h:
        return "lid released with K or H on"
    volts = world.plant.plug(world.now_us)
    if watch.lock:
        off_us = max(board.k_fell_us, board.hv_fell_us)
        if world.now_us - off_us < watch.bleed_us:
            return f"lid released {(world.now_us - off_us) / US:g} s after OFF"
        if max(volts.values()) >= 60.0:
            return f"lid released with {max(volts.values()):.0f} V on the plug"
    if world.plant.live or world.plant.testing:
        return f"plug at {max(volts.values()):.0f} V with the lid released"
    return ""


def _i10(watch: Watch) -> str:
    """Red if and only if voltage is on, about to be, or the feedback closed; never with green."""
    core, board = watch.world.board.core, watch.world.board
    if not board.powered:
        return ""
    if core.red and core.green:
        return "red and green together"
    if core.red != (core.state in LIVE or core.fb):
        return f"red {core.red} in {core.state}, feedback {core.fb}"
    if watch.world.plant.live and not core.red:
        return "mains on the plug without red" if watch.lasting("red", True, 1_000) else ""
    watch.lasting("red", False, 0)
    return ""


def _i11(watch: Watch) -> str:
    """Load in circuit and fan confirmed before drive; drive off before the load is removed."""
    plant = watch.world.plant
    if plant.playing_v <= 1.05:
        watch.lasting("fan", False, 0)
        return ""
    if not (plant.relays["load_left"] and plant.relays["load_right"]):
        return f"{plant.playing_v:.2f} V at the input with a load out"
    if watch.lasting("fan", not plant.fan_turns, 3_300_000):
        return "driven for more than 3.3 s without a fan"
    return ""


def _i12(watch: Watch) -> str:
    """What is stale or invalid is not OK: mains does not stay on over a silent meter."""
    world = watch.world
    dumb = [
        role
        for role, limit_s in (("mains", 1.0), ("temperature", 2.0), ("inrush", 1.0))
        if world.troubles[role].kind in ("silent", "bus_out", "garbled", "foreign")
        and watch.lasting(role, world.board.k, round(limit_s * US) + 1_000_000)
    ]
    for role in ("mains", "temperature", "inrush"):
        if world.troubles[role].kind not in ("silent", "bus_out", "garbled", "foreign"):
            watch.lasting(role, False, 0)
    return f"K on over a meter that does not answer: {', '.join(dumb)}" if dumb else ""


def _i13(watch: Watch) -> str:
    """Whatever ends the station, the plug is dead within the heartbeat limit and the contactor's release time."""
    world = watch.world
    if not world.plant.live or all(world.plant.welded):
        return ""
    silent_us = world.now_us - world.board.heard_hb_us
    if silent_us > watch.hb_us + BEAT_US + OPEN_US:
        return f"mains on the plug {silent_us / 1000:g} ms after the last heartbeat"
    return ""


def _i14(watch: Watch) -> str:
    """Energised time stays within the plan's bound."""
    if watch.k and watch.world.now_us - watch.on_since_us > watch.bound_us + US:
        return f"K on for {(watch.world.now_us - watch.on_since_us) / US:.0f} s"
    return ""


def _i16(watch: Watch) -> str:
    """Only START at the panel starts a run, and K is on within a run alone."""
    sight = watch.sight
    if sight.starts > sight.presses:
        return f"{sight.starts} runs started by {sight.presses} presses of START"
    board, life = watch.world.board, sight.life
    rose = (board.k and not watch.k) or (board.h and not watch.h)
    if rose and (life is None or not life.ready or not life.conductor.running):
        return "switched on outside a run"
    return ""


def _i20(watch: Watch) -> str:
    """Test voltage only in HV, tester alone in circuit, mains away."""
    world = watch.world
    plant = world.plant
    if not plant.testing:
        return ""
    if world.board.core.state != "HV" or not world.board.h:
        return f"test voltage in {world.board.core.state}"
    if any(plant.closed):
        return "test voltage with a main contact closed"
    if not plant.relays["tester"]:
        return "test voltage with the tester's relay open"
    near = [role for role in (*AUDIO, "touch") if plant.relays[role]]
    return f"test voltage with {', '.join(near)} in circuit" if near else ""


def _i20_mains(watch: Watch) -> str:
    """The tester is never joined to a live plug."""
    plant = watch.world.plant
    bad = plant.live and plant.relays["tester"]
    return "tester on mains" if watch.lasting("tester", bad, 400_000) else ""


def _i21(watch: Watch) -> str:
    """Loads and capture close on quiet terminals only; DC under drive is a trip."""
    plant = watch.world.plant
    volts = max(abs(v) for v in plant.terminals().values())
    for role in ("load_left", "load_right", "capture"):
        if plant.relays[role] and not watch.relays[role] and volts > 1.0:
            return f"{role} closed on {volts:.1f} V"
    if watch.lasting("dc", plant.playing_v > 0.0 and volts > 2.0, 1_400_000):
        return f"driven over {volts:.1f} V DC"
    return ""


def _i23(watch: Watch) -> str:
    """The fan runs while the load bank is hot; ten seconds between OFF and ON."""
    world, board = watch.world, watch.world.board
    if board.k and not watch.k and world.now_us - watch.k_off_us < watch.min_off_us:
        return f"ON {(world.now_us - watch.k_off_us) / US:.1f} s after OFF"
    hot = world.plant.load_bank.at(world.now_us) > 61.0
    alive = watch.sight.life is not None and watch.sight.life.ready
    if watch.lasting("cool", hot and alive and not world.plant.relays["fan"], 4_000_000):
        return "load bank above 60 degC and the fan's relay open"
    return ""


CHECKS: tuple[tuple[int, Callable[[Watch], str]], ...] = (
    (1, _i1), (2, _i2), (3, _i3), (4, _i4), (5, _i5), (7, _i7), (8, _i8), (9, _i9), (10, _i10), (11, _i11), (12, _i12),
    (13, _i13), (14, _i14), (16, _i16), (20, _i20), (20, _i20_mains), (21, _i21), (23, _i23),
)  # fmt: skip


def check_records(watch: Watch, results: Mapping[str, int], altered: int) -> None:
    """At the end: every run minted is one record, once at the centre [18]; no PASS that is not earned [15, 19, 22]."""
    world = watch.world
    for run_id in world.minted:
        records = world.records.get(run_id, [])
        if len(records) != 1 or results.get(run_id, 0) != 1:
            watch.report(18, f"run {run_id}: {len(records)} records, {results.get(run_id, 0)} at the centre")
    strangers = [run_id for run_id in results if run_id not in world.minted]
    if strangers or altered:
        watch.report(18, f"at the centre: {len(strangers)} runs that nobody began, {altered} altered messages")
    for records in world.records.values():
        for record in records:
            if record.verdict is Verdict.PASS:
                _check_pass(watch, record)


def _check_pass(watch: Watch, record: Any) -> None:
    dut = watch.world.history.dut
    if not dut.plugged or not dut.on:
        watch.report(22, "PASS for a device that is not there")
    elif not (dut.good or dut == replace(Dut(), settles_degc=dut.settles_degc, heat_k_s=dut.heat_k_s)):
        watch.report(19, f"PASS for a faulty device: {dut}")
    elif not dut.good and any(step.id == "soak" for step in record.steps):
        watch.report(19, f"PASS after a soak of a device that overheats: {dut}")
    if record.trips:
        watch.report(19, f"PASS with a trip: {record.trips[0].interlock}, {record.trips[0].cause}")
    for step in record.steps:
        if not step.measurements and step.id != "connection":
            watch.report(19, f"PASS without a measurement in {step.id}")
        for measured in step.measurements:
            low, high, value = measured.low, measured.high, measured.value
            if measured.verdict is Verdict.NOT_APPLICABLE:
                continue
            fits = (
                value is not None
                and value == value
                and (low is None or value >= low)
                and (high is None or value <= high)
            )
            if not fits or (low is None and high is None):
                watch.report(19, f"PASS with {measured.name} = {value}, limits {low} to {high}")
