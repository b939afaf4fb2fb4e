"""`calibrate audio --loopback`: what the interface does by itself, its outputs on its inputs by a cable.

The DUT cannot be reached: the guard says that K and H are off, the relays that could join it are open, and the person
at the bench presses OK before anything sounds. STOP, a guard that falls silent, K or H, or `PLAYS_S` end it.
"""

from __future__ import annotations

import asyncio
import math
import time
from contextlib import AsyncExitStack
from typing import Any

from drivers.catalog import CATALOG
from drivers.errors import DriverError, PermitDenied
from drivers.ports import AudioDevice, Button, Guard, Panel
from station.analysis import loopback as analysis
from station.analysis.errors import CaptureError, Clipped
from station.cli.calibrate_ask import tell
from station.domain.calibration import Loopback
from station.domain.errors import SettingsError
from station.metrology.loopback import distortion_limits, own_thd_db, too_poor
from station.settings.tree import DeviceSettings, Tree

PEAKS = (0.9, 0.45, 0.22)
"""Tried one after the other until nothing clips: an output may be stronger than the input bears."""
OK_S, PLAYS_S = 120.0, 60.0
STATUS_S = 3.0
"""The guard says how it is twice a second; without a station's heartbeat it cannot switch K on at all."""
LOOK_S = 0.05
LOOKED_DB = 0.001
"""A response is known no better than that: never written as 0."""
HARMLESS = ("bleed", "fan")
"""Relays that join nothing to the interface; a daemon that stops leaves the bleed resistor across L and N."""
NOISE_SCATTER_DB = 0.2
"""Of a noise level from one second."""


class Hand:
    """The right to play, from a person's OK at the bench: for a while, and while the guard says K and H are off."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._until_s = time.monotonic() + PLAYS_S
        self.stopped = False

    def check(self) -> None:
        """See `drivers.ports.Permit`."""
        if self.stopped:
            raise PermitDenied("loopback", "STOP was pressed")
        if time.monotonic() > self._until_s:
            raise PermitDenied("loopback", f"it took longer than {PLAYS_S:g} s")
        if (why := why_live(self._guard)) is not None:
            raise PermitDenied("loopback", why)


def why_live(guard: Guard) -> str | None:
    """Why the outlet cannot be taken for dead; None if K and H are off."""
    status = guard.status
    if status is None or time.monotonic() - status.received_at > STATUS_S:
        return "the guard does not say whether K is off; see `station doctor`"
    return "K or H is on: the outlet has power" if status.k or status.h or status.fb else None


async def look(tree: Tree) -> tuple[Loopback, list[str]]:
    """Play, capture, analyse: what was found, and what it is too poor for. Raises `SettingsError`."""
    settings = tree.station
    buses = {name: _make(bus, {}) for name, bus in settings.buses.items()}
    guard, panel = _make(settings.guard, {}), _make(settings.panel, {})
    relays = _make(settings.devices["relays"], buses)
    async with AsyncExitStack() as opened:
        for one in (*buses.values(), guard, panel):
            opened.push_async_callback(one.close)
        try:
            await guard.open()
            await relays.ensure_ready()
            on = await relays.read_back()
            channels = settings.devices["relays"].settings.channels
            if closed := [role for role, channel in channels.items() if on[channel] and role not in HARMLESS]:
                raise SettingsError(
                    f"loopback: relays {', '.join(closed)} are closed, so the DUT may be joined; switch the bench "
                    "off and on; nothing was played"
                )
            await _until_status(guard)
            found = await _behind_ok(settings.audio, guard, panel)
        except (DriverError, PermitDenied, CaptureError) as error:
            raise SettingsError(f"loopback: {error}; nothing was written") from error
    return _judge(found, tree)


async def _behind_ok(audio: DeviceSettings, guard: Guard, panel: Panel) -> analysis.Loop:
    tell("loopback: join each output of the interface to its own input by a cable, and nothing else to either")
    tell(f"          press OK at the bench within {OK_S:.0f} s to play (5 s of tones); STOP ends it")
    ends = time.monotonic() + OK_S
    armed = False
    while True:
        down = await panel.read_buttons()
        if Button.STOP in down or time.monotonic() > ends:
            raise SettingsError("loopback: OK was not pressed; nothing was played and nothing written")
        if armed and Button.OK in down:
            break
        armed = armed or Button.OK not in down
        await asyncio.sleep(LOOK_S)
    hand = Hand(guard)
    watch = asyncio.create_task(_watch(panel, hand))
    try:
        return await asyncio.to_thread(_play, audio, hand)
    finally:
        watch.cancel()


async def _watch(panel: Panel, hand: Hand) -> None:
    try:
        while Button.STOP not in await panel.read_buttons():  # noqa: ASYNC110  (a panel is polled)
            await asyncio.sleep(LOOK_S)
    finally:
        hand.stopped = True  # STOP, or a panel that nobody can stop it by


def _play(audio: DeviceSettings, hand: Hand) -> analysis.Loop:
    device: AudioDevice = _make(audio, {})
    try:
        rate = device.sample_rate_hz
        noise = device.play_and_capture(analysis.nothing(rate), None)
        chord = device.play_and_capture(analysis.chord(rate), hand)
        for peak in PEAKS:
            heard = device.play_and_capture(analysis.tones(rate, peak), hand)
            try:
                return analysis.analyse_loop(rate, peak, heard, chord, noise)
            except Clipped:
                if peak == PEAKS[-1]:
                    raise
        raise AssertionError("the last peak returns or raises")
    finally:
        device.close()


async def _until_status(guard: Guard) -> None:
    ends = time.monotonic() + STATUS_S
    while (why := why_live(guard)) is not None:
        if time.monotonic() > ends:
            raise SettingsError(f"loopback: {why}; nothing was played and nothing written")
        await asyncio.sleep(LOOK_S)


def _judge(found: analysis.Loop, tree: Tree) -> tuple[Loopback, list[str]]:
    """The worse channel counts."""
    for side, one in (("left", found.left), ("right", found.right)):
        under = "under " if one.thd_is_bound else ""
        tell(
            f"{side:<6} THD {under}{one.thd_db:.1f} dB, noise {one.noise_db:.1f} dB, response within "
            f"{one.response_db:.3f} dB, crosstalk {one.crosstalk_db:.1f} dB, gain {one.gain_db:+.3f} dB"
        )
    tell(f"both   matched to {found.match_db:.3f} dB, late by {1000.0 * found.latency_s:.2f} ms")
    both = (found.left, found.right)
    response_db = math.ceil(max(one.response_db for one in both) / LOOKED_DB) * LOOKED_DB or LOOKED_DB
    loopback = Loopback(
        max(one.thd_db for one in both), max(one.noise_db for one in both), round(response_db, 4),
        found.left.response, found.right.response,
    )  # fmt: skip
    own: Any = tree.station.audio.settings
    worse = []
    if loopback.thd_db > own.own_thd_db:
        worse.append(f"own THD {loopback.thd_db:.1f} dB is worse than own_thd_db = {own.own_thd_db:g} of station.toml")
    if -loopback.noise_db < own.dynamic_range_db - NOISE_SCATTER_DB:
        worse.append(f"{-loopback.noise_db:.1f} dB is less than dynamic_range_db = {own.dynamic_range_db:g} of it")
    findings = [f"{one}: readings claim no more than was found" for one in worse]
    return loopback, findings + list(too_poor(own_thd_db(own.own_thd_db, loopback), distortion_limits(tree.products)))


def _make(device: DeviceSettings, buses: dict[str, Any]) -> Any:
    return CATALOG[device.kind].make(device.settings, buses)
