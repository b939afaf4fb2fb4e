"""What goes wrong in a session, drawn from its seed: a list of happenings that can be read, cut and replayed.

A happening has a moment, a kind, what it befalls, how long it lasts and how much. `KINDS` is the whole table; how
each is done stands in `mishaps`. The technician, the DUT's own fault and the length of the soak come from streams of
their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from station.campaign.chance import Chance
from station.campaign.plant import Dut
from station.campaign.virtual import US

FOR_EVER_US = 20_000 * US
START_US = 1_000 * US
"""Virtual time at which every session begins."""
EARLY_S, LATE_S = 60, 7_400
"""Where most of what happens in a session happens; and its whole length."""
HEELS_S = 4
"""What comes on the heels of something comes within this."""
SENSORS = ("mains", "temperature", "inrush", "dc", "discharge", "fan")
DEVICES = (*SENSORS, "relays", "tester", "touch", "panel", "loadbank")
UNTROUBLED = ("probe", "bias")
"""Meters that the plans of the campaign do not use: there, and never in trouble."""
INPUTS = ("estop", "lid", "thermo")
BUTTONS = ("start", "stop", "reset", "ok", "ng")
RELAYS = ("load_left", "load_right", "capture", "source", "tester", "touch", "fan", "bleed")


@dataclass(frozen=True, slots=True)
class Happening:
    """`at_us` from the session's begin; `amount` in the unit that the kind names (ms, s, V, K/s)."""

    at_us: int
    kind: str
    target: str = ""
    for_us: int = 0
    amount: int = 0

    def __str__(self) -> str:
        parts = [f"{self.at_us / US:.3f} s: {self.kind}"]
        if self.target:
            parts.append(self.target)
        if self.amount:
            parts.append(str(self.amount))
        if self.for_us:
            parts.append("for ever" if self.for_us >= FOR_EVER_US else f"for {self.for_us / US:.3f} s")
        return " ".join(parts)


@dataclass(frozen=True, slots=True)
class Kind:
    """`targets` to choose from, lasting `for_ms` (0 to 0: an instant), `amount` from and to; how often (`weight`)."""

    targets: tuple[str, ...] = ("",)
    for_ms: tuple[int, int] = (0, 0)
    amount: tuple[int, int] = (0, 0)
    weight: int = 1
    may_last: bool = False
    """Once in three times it lasts for ever."""


KINDS: Mapping[str, Kind] = {
    # a device behind its port
    "silent": Kind(DEVICES, (50, 8_000), may_last=True, weight=4),
    "late": Kind(DEVICES, (50, 8_000), (20, 290), may_last=True, weight=2),
    "garbled": Kind(DEVICES, (50, 5_000), may_last=True, weight=2),
    "stuck": Kind(SENSORS, (500, 60_000), may_last=True, weight=2),
    "drifting": Kind(("temperature", "dc", "mains"), (5_000, 300_000), (-20, 20)),
    "foreign": Kind(DEVICES, (50, 3_000), weight=1),
    "open_sensor": Kind(("temperature", "dc", "discharge"), (200, 20_000), may_last=True),
    "shorted_sensor": Kind(("temperature", "dc"), (200, 20_000), may_last=True),
    "bus_out": Kind(("a", "b"), (100, 8_000), may_last=True, weight=2),
    "sound_dead": Kind(for_ms=(100, 20_000), weight=1),
    "relay_stuck": Kind(RELAYS, (1_000, 60_000), may_last=True, weight=2),
    # the guard, its line and its inputs
    "guard_reset": Kind(weight=2),
    "guard_unplugged": Kind(for_ms=(20, 10_000), may_last=True, weight=2),
    "guard_deaf": Kind(for_ms=(20, 2_000), weight=2),
    "guard_slow": Kind(for_ms=(50, 5_000), amount=(5, 900), weight=2),
    "replay": Kind(("whole", "beats"), weight=2),
    "input": Kind(INPUTS, (1, 5_000), weight=6),
    "loops_out": Kind(for_ms=(100, 10_000)),
    # contactor, load bank, DUT, supply
    "weld": Kind(("0", "1"), weight=2),
    "dropout": Kind(for_ms=(3, 3_000), weight=2),
    "mirror": Kind(for_ms=(10, 60_000), may_last=True, weight=2),
    "fan_broken": Kind(for_ms=(1_000, 60_000), may_last=True),
    "dc_fault": Kind(amount=(3, 40)),
    "short": Kind(),
    "runaway": Kind(amount=(1, 40)),
    "breaker": Kind(for_ms=(100, 10_000), may_last=True),
    "mains_out": Kind(for_ms=(500, 30_000), weight=2),
    # the machine
    "stall": Kind(amount=(20, 3_000), weight=3),
    "slow_disk": Kind(for_ms=(1_000, 60_000), amount=(50, 4_000), weight=2),
    "disk_full": Kind(for_ms=(1_000, 60_000), may_last=True, weight=2),
    "utc_jump": Kind(amount=(-100_000, 100_000)),
    "broker_out": Kind(for_ms=(1_000, 600_000), weight=2),
    "receipt_lost": Kind(for_ms=(1_000, 60_000)),
    "kill": Kind(for_ms=(300, 20_000), weight=4),
    "terminate": Kind(for_ms=(300, 20_000), weight=1),
    # people and the network
    "press": Kind(BUTTONS, (40, 400), weight=10),
    "hold": Kind(BUTTONS, (1_000, 15_000), weight=2),
    "mash": Kind(for_ms=(1_000, 10_000), weight=2),
    "scan": Kind(("OP:w9", "WO:2", "SN:other", "PR:example-a-100", "PR:none", "PL:nonsense", "x\x00"), weight=3),
    "socket": Kind(("scan", "assign", "withdraw", "put_in_front", "abort", "abort_other"), weight=4),
}
DUTS: tuple[Dut, ...] = (
    Dut(insulation_mohm=1.0),
    Dut(bond_ohm=2.0),
    Dut(touch_ma=3.0),
    Dut(inrush_a=55.0),
    Dut(inrush_a=90.0),
    Dut(idle_w=120.0),
    Dut(dc_v=0.4),
    Dut(dc_v=12.0),
    Dut(minus_v=23.0),
    Dut(dead_left=True),
    Dut(plugged=False),
    Dut(on=False),
    Dut(settles_degc=97.0, heat_k_s=0.5),
    Dut(settles_degc=130.0, heat_k_s=0.2),
)


@dataclass(frozen=True, slots=True)
class History:
    """All that a seed decides beside the technician's pace."""

    seed: int
    happenings: tuple[Happening, ...]
    dut: Dut
    soak_s: int
    wrap_ms: int
    """Where the guard's millisecond ticks stand at the begin: they wrap within the session in half of all."""

    def only(self, kept: tuple[int, ...]) -> History:
        """The same session with these happenings alone."""
        return replace(self, happenings=tuple(self.happenings[index] for index in kept))


def draw(seed: int) -> History:
    """The history of a seed.

    Half of what happens comes on the heels of what happened before: faults meet faults, and people press buttons then.
    """
    chance = Chance(seed, "history")
    soak_s = 0 if chance.one_in(3) else 7_200
    count = 0 if chance.one_in(20) else chance.whole(1, 5) if not chance.one_in(5) else chance.whole(6, 16)
    happenings: list[Happening] = []
    for _ in range(count):
        heels = bool(happenings) and chance.one_in(2)
        happenings.append(_draw_one(chance, happenings[-1].at_us if heels else None, late=soak_s > 0))
    happenings.sort(key=lambda one: (one.at_us, one.kind))
    dut = chance.pick(DUTS) if chance.one_in(4) else Dut()
    wrap_ms = (1 << 30) - chance.whole(1, 9_000_000)
    return History(seed, tuple(happenings), dut, soak_s, wrap_ms)


def _draw_one(chance: Chance, before_us: int | None, *, late: bool) -> Happening:
    name = chance.pick(_LOTS)
    kind = KINDS[name]
    if before_us is not None:
        at_us = before_us + chance.whole(0, HEELS_S * 1_000_000)
    else:
        within_s = LATE_S if late and chance.one_in(4) else EARLY_S
        at_us = chance.whole(0, within_s * 1_000_000)
    for_us = chance.whole(*kind.for_ms) * 1000
    if kind.may_last and chance.one_in(3):
        for_us = FOR_EVER_US
    return Happening(at_us, name, chance.pick(kind.targets), for_us, chance.whole(*kind.amount))


_LOTS = tuple(name for name, kind in KINDS.items() for _ in range(kind.weight))
