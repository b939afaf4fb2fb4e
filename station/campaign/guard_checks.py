"""Invariants 1 to 8 and 13: what the guard and its contactor must never do, whoever asks (see `invariants`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from station.campaign.plant import OPEN_US
from station.campaign.virtual import US

if TYPE_CHECKING:
    from station.campaign.invariants import Watch

INPUT_US, BEAT_US = 5_000, 5_000
LIVE = ("ARMED", "ENERGISED", "HV")
WELD_US = 100_000
FEEDBACK_US = 100_000
DROPOUT_US = 5_000 + 2_000
"""The contract's 5 ms, and two passes of the guard's loop."""
TOLD_US = 5 * US
"""A station that scans and hears the guard has drawn its conclusions by then; it may stand still for 3 s."""


def i1(watch: Watch) -> str:
    """K implies armed, inputs healthy, heartbeat young, feedback valid; H likewise, with K off."""
    board, now_us = watch.world.board, watch.world.now_us
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


def i2(watch: Watch) -> str:
    """A boot gives K and H off and TRIPPED."""
    core, board = watch.world.board.core, watch.world.board
    if board.boots != watch.boots and (board.k or board.h or core.state != "TRIPPED"):
        return f"after boot {board.boots}: {core.state}"
    if not board.powered and watch.world.plant.live:
        return "mains on the plug with the guard without power" if watch.lasting("dead", True, OPEN_US) else ""
    watch.lasting("dead", False, 0)
    return ""


def i3(watch: Watch) -> str:
    """A trip latches; only RESET with healthy inputs clears it, and sets nothing."""
    core, board = watch.world.board.core, watch.world.board
    if watch.state == "TRIPPED" and core.state != "TRIPPED" and board.boots == watch.boots:
        if board.accepted[-1:] != ["RESET"]:
            return f"TRIPPED left for {core.state} after {board.accepted[-1:]}"
        if board.k or board.h or core.state != "SAFE":
            return f"RESET led to {core.state}"
        if board.feedback or not all(board.inputs.values()):
            return f"RESET accepted with feedback {board.feedback}, {board.inputs}"
    life = watch.sight.life
    cleared = life is not None and watch.latch_life is life and watch.latch and not life.kernel.trips
    if cleared and watch.sight.resets == watch.latch_resets:
        return "the station's latch was cleared and nobody pressed RESET while it was set"
    return ""


def i4(watch: Watch) -> str:
    """The first cause is kept, later ones are appended."""
    core = watch.world.board.core
    if watch.state == core.state == "TRIPPED" and watch.boots == watch.world.board.boots:
        if core.cause != watch.cause:
            return f"the guard's cause changed from {watch.cause} to {core.cause}"
        if core.also[: len(watch.also)] != watch.also:
            return f"the guard's later causes were {watch.also}, are {core.also}"
    life, before = watch.sight.life, watch.latch
    if life is None or watch.latch_life is not life or not before:
        return ""
    trips = life.kernel.trips
    after_reset = watch.sight.resets != watch.latch_resets
    anew = trips and trips[0].at > before[-1].at and after_reset  # cleared by RESET, and tripped again
    if trips and not anew and trips[: len(before)] != before:
        return f"trips were {[t.cause for t in before]}, are {[t.cause for t in trips]}"
    return ""


def i5(watch: Watch) -> str:
    """K only after a fresh ARM and ON, H only after a fresh HV; nothing stale is acted on."""
    board, accepted = watch.world.board, watch.world.board.accepted
    if board.k and not watch.k and accepted[-2:] != ["ARM", "ON"]:
        return f"K rose after {accepted[-2:]}"
    if board.h and not watch.h and accepted[-1:] != ["HV"]:
        return f"H rose after {accepted[-1:]}"
    stale = [verb for verb in board.papers.broken if verb != "HB"]
    return f"accepted though stale: {', '.join(stale)}" if stale else ""


def i6(watch: Watch) -> str:
    """A heartbeat counts once, in its own session, with a rising number."""
    return "a replayed heartbeat was accepted" if "HB" in watch.world.board.papers.broken else ""


def i7(watch: Watch) -> str:
    """Heartbeats come from completed scans alone, one from each."""
    world = watch.world
    if world.stray_heartbeats:
        return f"{world.stray_heartbeats} heartbeats outside a scan"
    return f"{world.heartbeats} heartbeats from {world.turns} scans" if world.heartbeats > world.turns else ""


def i8(watch: Watch) -> str:
    """A weld trips, bars arming and sets the service latch; K never rises over that latch."""
    world, board = watch.world, watch.world.board
    core, life = board.core, watch.sight.life
    if board.k and not watch.k and world.service_latch is not None:
        return f"K rose over the service latch: {world.service_latch}"
    if board.feedback and watch.state == "SAFE" and core.state in ("ARMED", "HV"):
        return f"{core.state} with the feedback closed"
    welded = board.feedback and not board.k and board.powered
    told = life is not None and life.ready and not (world.guard_lost or world.disk_full) and any(board.inputs.values())
    if watch.lasting("latch", told and welded and world.service_latch is None, TOLD_US + world.disk_delay_us):
        return "feedback closed with K off, and there is no service latch"
    if watch.lasting("weld", welded and core.state != "TRIPPED", WELD_US + INPUT_US):
        return f"feedback closed for more than 105 ms with K off, and the guard is {core.state}"
    return ""


def i13(watch: Watch) -> str:
    """Whatever ends the station, the plug is dead within the heartbeat limit and the contactor's release time."""
    world = watch.world
    if not world.plant.live or all(world.plant.welded):
        return ""
    silent_us = world.now_us - world.board.heard_hb_us
    if silent_us > watch.hb_us + BEAT_US + OPEN_US:
        return f"mains on the plug {silent_us / 1000:g} ms after the last heartbeat"
    return ""
