"""Whatever comes down the line, K and H rise only after a fresh ARM and ON, or HV, of the open session.

In the same process for volume, and at the real firmware over its pty; enemy and oracle are in hostile.py.
"""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drivers.uart.guard_frame import parse_status
from firmware.guard import guard_core
from firmware.guard.guard_core import Guard
from tests.drivers.guard_bench import BareHost, Rig
from tests.firmware.hostile import BOOK, Enemy, Recorded, Siege, recording

OLD = recording()
SCRIPTS = st.binary(min_size=4, max_size=100)


def play(script: bytes) -> Siege:
    """A guard that is fresh, armed, energised or tripped, and then the enemy."""
    siege = Siege()
    enemy = Enemy(siege, OLD)
    if script[0] % 3:
        enemy.book(iter([script[0] % len(BOOK)]))
    enemy.play(script)
    return siege


@settings(max_examples=5000, deadline=None, suppress_health_check=list(HealthCheck))
@given(SCRIPTS)
def test_k_and_h_rise_only_after_a_fresh_arm_and_on(script: bytes) -> None:
    siege = play(script)
    siege.feed(b"\n" + siege.host.say("OFF"))
    assert not (siege.guard.k or siege.guard.h), "the guard listens still"


@pytest.mark.byhand
@pytest.mark.timeout(3600)
@settings(max_examples=100_000, deadline=None, suppress_health_check=list(HealthCheck))
@given(SCRIPTS)
def test_k_and_h_rise_only_after_a_fresh_arm_and_on_100_000_times(script: bytes) -> None:
    siege = play(script)
    siege.feed(b"\n" + siege.host.say("OFF"))
    assert not (siege.guard.k or siege.guard.h)


def by_chance(count: int) -> dict[str, int]:
    """Play scripts by chance; how often K and H rose, each time earned."""
    rises = {"k": 0, "h": 0}
    chance = random.Random(20)
    for _ in range(count):
        siege = play(chance.randbytes(4 + chance.randrange(116)))
        for name in rises:
            rises[name] += siege.rises[name]
    return rises


def test_honest_traffic_energises_between_the_attacks() -> None:
    assert min(by_chance(500).values()) > 50


def _stale_is_fine(monkeypatch: pytest.MonkeyPatch) -> None:
    real = Guard._refusal
    monkeypatch.setattr(Guard, "_refusal", lambda self, verb, current, argument: real(self, verb, True, argument))


def _any_nonce(monkeypatch: pytest.MonkeyPatch) -> None:
    real = Guard._refusal
    monkeypatch.setattr(
        Guard, "_refusal", lambda self, verb, current, argument: real(self, verb, current, (self._nonce, argument[1]))
    )


def _on_without_arm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(guard_core.NEXT, ("SAFE", "ON"), "ENERGISED")


def _hv_after_a_trip(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(guard_core.NEXT, ("TRIPPED", "HV"), "HV")


def _any_heartbeat(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(guard_core.REFUSALS, "HEARTBEAT", lambda guard, verb, n: False)


def _any_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(guard_core.REFUSALS, "INPUT", lambda guard, verb, n: False)


@pytest.mark.parametrize(
    "spoil", [_stale_is_fine, _any_nonce, _on_without_arm, _hv_after_a_trip, _any_heartbeat, _any_input]
)
def test_the_oracle_notices_a_guard_that_is_spoilt(
    spoil: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil(monkeypatch)
    with pytest.raises(AssertionError, match=r"rose"):
        by_chance(2000)


# ---- the real firmware over its pty ----------------------------------------------------------------------------
class Line:
    """Looks like a `Siege` to an `Enemy`, but its bytes go down the pty of the real firmware."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.honest = BareHost(rig.port)
        self.host = Recorded("5e551011")
        self.bytes = 0

    def feed(self, data: bytes) -> None:
        self.bytes += len(data)
        self.honest.raw(data)

    def rest(self, milliseconds: int) -> None:
        self.step()

    def step(self) -> None:
        """All that was sent so far has been acted upon, and the honest host is in again."""
        self.honest.raw(b"\n")
        self.honest.hello()
        self.honest.ask("RESET")
        self.honest.ask("HB")

    def power_up(self) -> None:
        self.rig.twin.reset()


def replays(line: Line, old: list[bytes]) -> Enemy:
    """An enemy who has recordings only: he knows no nonce of today."""
    enemy = Enemy(line, old)  # type: ignore[arg-type]
    enemy.honest = enemy.book = enemy.forge = enemy.wire = enemy.replay_old  # type: ignore[method-assign]
    return enemy


def test_the_real_firmware_is_never_energised_by_noise_and_recordings_and_works_after_them() -> None:
    rig = Rig(settings={"BLEED_S": 0})
    line = Line(rig)
    try:
        line.honest.energise()
        rig.wait_for("k", 1)
        for verb in ("OFF", "HB", f"HV {line.honest.nonce}:5", "OFF"):
            line.honest.ask(verb)
        rig.wait_for("h", 0)
        recorded = OLD + line.honest.sent  # another boot, and this boot with an older nonce
        line.step()
        rig.changes.clear()
        enemy = replays(line, recorded)

        @settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
        @given(st.binary(min_size=8, max_size=60))
        def siege(script: bytes) -> None:
            enemy.play(script)
            line.step()
            assert not rig.ever("k", 1)
            assert not rig.ever("h", 1)

        siege()
        assert line.bytes > 50_000
        line.honest.energise()
        rig.wait_for("k", 1)
        assert parse_status(line.honest.line(), 0.0) is not None
    finally:
        line.honest.close()
        rig.close()
