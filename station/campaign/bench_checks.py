"""Invariants 9 to 12, 14 to 16 and 20 to 23: plug, lid, load, drive, sensors and persons (see `invariants`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from station.campaign.virtual import US

if TYPE_CHECKING:
    from station.campaign.invariants import Watch

LIVE = ("ARMED", "ENERGISED", "HV")
AUDIO = ("source", "capture", "load_left", "load_right")
DEAD_V, QUIET_V, TEST_V_MAX, POWER_W_MAX = 60.0, 1.0, 500.0, 900.0
DRIVE_V = 1.0015
"""More than may ever be played with a load out, and less than rated power takes (1.0036 V)."""
DUMB = ("silent", "bus_out", "garbled", "foreign")
LYING = ("stuck", "drifting", "shorted_sensor")
"""A sensor that goes on telling something, and something wrong."""
STALE_US = {"mains": 1_000_000, "temperature": 2_000_000, "inrush": 1_000_000, "discharge": 3_000_000}
DRIVE_STALE_US = {"dc": 1_000_000, "fan": 2_000_000}
"""How old a reading may be that watches mains, and one that watches drive."""
WATCHED = (*STALE_US, *DRIVE_STALE_US)
SPARE_US = 1_000_000
READ_US = 300_000
"""What came since then at the terminals may have come after they were read to be quiet."""
MS_US = 1_000
"""The guard counts whole milliseconds."""


def i9(watch: Watch) -> str:
    """The lid is released only with K and H off, the bleed time over and the plug dead; and stays harmless."""
    world, board = watch.world, watch.world.board
    if board.core.lock:
        return ""
    if board.k or board.h:
        return "lid released with K or H on"
    volts = world.plant.plug_volts(world.now_us)
    if watch.lock:
        off_us = max(board.k_fell_us, board.hv_fell_us)
        if world.now_us - off_us < watch.bleed_us - MS_US:
            return f"lid released {(world.now_us - off_us) / US:g} s after OFF"
        if volts >= DEAD_V:
            return f"lid released with {volts:.0f} V on the plug"
    if world.plant.live or world.plant.testing:
        return f"plug at {volts:.0f} V with the lid released"
    return ""


def i10(watch: Watch) -> str:
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


def i11(watch: Watch) -> str:
    """Load in circuit and fan confirmed before drive; drive off before the load is removed."""
    plant = watch.world.plant
    driven = plant.playing_v > DRIVE_V
    if driven and not (plant.relays["load_left"] and plant.relays["load_right"]):
        return f"{plant.playing_v:.2f} V at the input with a load out"
    if watch.lasting("fan", driven and not plant.fan_turns, 3_300_000):
        return "driven for more than 3.3 s without a fan"
    return ""


def i12(watch: Watch) -> str:
    """What is stale or invalid is not OK: neither mains nor drive stays on over a sensor that tells nothing."""
    world = watch.world
    troubles, dumb_before = world.troubles, watch.dumb
    watch.dumb = any(troubles[role].kind for role in WATCHED)
    if not watch.dumb and not dumb_before:
        return ""
    for limits, on in ((STALE_US, world.board.k), (DRIVE_STALE_US, world.plant.playing_v > 0.0)):
        for role, limit_us in limits.items():
            kind = troubles[role].kind
            dumb = kind in DUMB or (kind == "open_sensor" and role in ("temperature", "dc", "discharge"))
            if watch.lasting("dumb " + role, on and dumb, limit_us + SPARE_US):
                return f"{'K' if limits is STALE_US else 'drive'} on over a sensor that tells nothing: {role} ({kind})"
    return ""


def i14(watch: Watch) -> str:
    """Energised time stays within the plan's bound: what the guard was told, each time, and all times of a run."""
    world, board, now_us = watch.world, watch.world.board, watch.world.now_us
    if not board.k:
        return ""
    if board.core.bound_s * US > world.bound_us:
        return f"ON for {board.core.bound_s} s, the plan's bound is {world.bound_us / US:g} s"
    if now_us - board.k_rose_us > board.core.bound_s * US + 5_000:
        return f"K on for {(now_us - board.k_rose_us) / US:g} s, ON was for {board.core.bound_s} s"
    spent_us = watch.spent_us + now_us - board.k_rose_us
    if spent_us > world.bound_us + US:
        return f"energised for {spent_us / US:g} s in one run, the plan's bound is {world.bound_us / US:g} s"
    return ""


def i15(watch: Watch) -> str:
    """After a death nothing is energised before a person has pressed START in the new life."""
    board, sight = watch.world.board, watch.sight
    rose = (board.k and not watch.k) or (board.h and not watch.h)
    return "energised before anyone pressed START in this life" if rose and not sight.starts else ""


def i16(watch: Watch) -> str:
    """Only START at the panel starts a run, only RESET there resets, and K is on within a run alone."""
    sight, board, life = watch.sight, watch.world.board, watch.sight.life
    if sight.unasked:
        return f"{sight.unasked[0]} and nobody had pressed a button"
    rose = (board.k and not watch.k) or (board.h and not watch.h)
    if rose and (life is None or not life.ready or not life.conductor.running):
        return "switched on outside a run"
    return ""


def i20(watch: Watch) -> str:
    """Test voltage only in HV, at most 500 V, tester alone in circuit, mains away."""
    world = watch.world
    plant = world.plant
    if not plant.testing:
        return ""
    if world.board.core.state != "HV" or not world.board.h:
        return f"test voltage in {world.board.core.state}"
    if world.test_v > TEST_V_MAX:
        return f"test voltage of {world.test_v:g} V"
    if any(plant.closed):
        return "test voltage with a main contact closed"
    if not plant.relays["tester"]:
        return "test voltage with the tester's relay open"
    near = [role for role in (*AUDIO, "touch") if plant.relays[role]]
    return f"test voltage with {', '.join(near)} in circuit" if near else ""


def i20_routing(watch: Watch) -> str:
    """The tester is never joined to a live plug, nor taken off one that it has charged and nobody discharged."""
    plant, now_us = watch.world.plant, watch.world.now_us
    if watch.lasting("tester", plant.live and plant.relays["tester"], 400_000):
        return "tester on mains"
    if watch.relays["tester"] and not plant.relays["tester"] and not plant.live:
        volts = plant.plug_volts(now_us) if watch.world.troubles["discharge"].kind != "stuck" else 0.0
        return f"tester taken out of circuit with {volts:.0f} V on the plug" if volts >= DEAD_V else ""
    return ""


def i21(watch: Watch) -> str:
    """Loads and capture close on quiet terminals only; DC under drive is a trip."""
    plant = watch.world.plant
    volts = max(map(abs, plant.terminals().values())) if plant.powered else 0.0
    if watch.world.troubles["dc"].kind in LYING:  # one DC meter: what it does not show nobody knows
        volts = 0.0
    loud = watch.lasting("loud", volts > QUIET_V, READ_US)
    for role in ("load_left", "load_right", "capture"):
        if plant.relays[role] and not watch.relays[role] and loud:
            return f"{role} closed on {volts:.1f} V"
    if watch.lasting("dc", plant.playing_v > 0.0 and volts > 2.0, 1_400_000):
        return f"driven over {volts:.1f} V DC"
    return ""


def i22(watch: Watch) -> str:
    """The plug is measured dead before the test voltage: it is the bench's own, and nothing is left on it."""
    board, plant = watch.world.board, watch.world.plant
    if not board.h or watch.h or plant.testing:
        return ""
    volts = plant.plug_volts(watch.world.now_us)
    return f"H rose with {volts:.0f} V on the plug" if volts >= DEAD_V else ""


def i23(watch: Watch) -> str:
    """The fan runs while the load bank is hot; mains power is bounded; ten seconds between OFF and ON."""
    world, board = watch.world, watch.world.board
    if board.k and not watch.k and board.k_rose_us - board.k_fell_us < watch.min_off_us:
        return f"ON {(board.k_rose_us - board.k_fell_us) / US:.1f} s after OFF"
    lying = world.troubles["temperature"].kind in LYING
    hot = world.plant.load_bank.at(world.now_us) > 61.0 and not lying
    alive = watch.sight.life is not None and watch.sight.life.ready
    if watch.lasting("cool", hot and alive and not world.plant.relays["fan"], 4_000_000):
        return "load bank above 60 degC and the fan's relay open"
    blind = world.troubles["mains"].kind in LYING  # a meter that lies bounds nothing
    if watch.lasting("power", board.k and world.plant.power_w() > POWER_W_MAX and not blind, 1_000_000 + SPARE_US):
        return f"K on over {world.plant.power_w():.0f} W"
    return ""
