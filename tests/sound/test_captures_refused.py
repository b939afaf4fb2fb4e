"""What the interface does wrong is its fault and no figure of the DUT; a DUT that is silent or clips by itself is."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from drivers.errors import AudioFault
from drivers.settings import AudioSettings
from station.domain.errors import StepError
from station.domain.sound import Stimulus, Value
from station.sound.worker_captures import Interface
from station.steps.noise import _without_floor
from tests.audio.heard import Allowed
from tests.sound.loopback_device import LoopbackAudio, Physics

OCTAVES: tuple[float, ...] = (20, 40, 80, 160, 315, 630, 1000, 1250, 2500, 5000, 10000, 20000)
TONE = Stimulus(1000.0, 0.5, 0.5, 0.15)
PERMIT = Allowed()


class Device(LoopbackAudio):
    """The loop with something of the test's own in its way."""

    bends: Callable[[Any], Any] | None = None

    def play_and_capture(self, source: Any, permit: Any) -> Any:
        heard = super().play_and_capture(source, permit)
        return heard if self.bends is None else self.bends(heard)


def interface(**physics: Any) -> tuple[Interface, Device]:
    """An interface with 24 bits' noise; what was sent comes back in volts x 30."""
    settings = AudioSettings("{}", 2.0, 60.0)
    device = Device(settings)
    device.physics = Physics(**{"noise": 1e-6, **physics})
    return Interface(device, settings), device


def every_capture(one: Interface) -> tuple[Callable[[], object], ...]:
    return (
        lambda: one.measure_tone(TONE, PERMIT),
        lambda: one.measure_tone(Stimulus(100.0, 0.0, 0.0, 0.5), PERMIT),
        lambda: one.measure_response(OCTAVES, 0.5, 0.5, PERMIT),
        lambda: one.measure_noise(0.2),
    )


@pytest.mark.parametrize(
    ("stuck", "why"), [(0.0, "right holds one value .0 of full scale"), (0.25, "0.25 of full"), (1.0, "right clips")]
)
def test_one_value_throughout_or_full_scale_is_the_interfaces_fault_in_every_capture(stuck: float, why: str) -> None:
    one, device = interface()
    device.bends = lambda heard: (heard * [1.0, 0.0] + [0.0, stuck]).astype(np.float32)
    for measuring in every_capture(one):
        with pytest.raises(AudioFault, match=why):
            measuring()


def test_a_dut_that_is_silent_or_clips_by_itself_is_measured() -> None:
    one, _ = interface(gain=(0.0, 1.0))
    left, right = one.measure_tone(TONE, PERMIT)
    assert left.level_v.bound == "below" and right.level_v.bound is None
    one, device = interface()
    device.bends = lambda heard: np.clip(heard, -0.2, 0.2)
    left, _ = one.measure_tone(TONE, PERMIT)
    assert left.thd_percent is not None and left.thd_percent.value > 1.0


@pytest.mark.parametrize(("latency", "hz", "seconds"), [(5760, 20.0, 0.3), (5760, 50.0, 0.15), (6200, 1000.0, 0.15)])
def test_the_first_tone_is_right_however_late_within_what_is_allowed(latency: int, hz: float, seconds: float) -> None:
    one, device = interface(latency=latency)
    for moved in (latency, 100, latency):  # a low tone cannot tell that its latency has moved
        device.physics = Physics(latency=moved, noise=1e-6)
        left, _ = one.measure_tone(Stimulus(hz, 0.5, 0.5, seconds), PERMIT)
        assert left.level_v.value == pytest.approx(15.0, rel=1e-4)
        assert left.thd_percent is not None and left.thd_percent.bound == "below"


@pytest.mark.parametrize("known", [False, True])
def test_later_than_allowed_is_a_fault_that_names_both(known: bool) -> None:
    one, device = interface()
    if known:
        one.measure_tone(TONE, PERMIT)
    device.physics = Physics(latency=9600, noise=1e-6)
    for measuring in (one.measure_tone, lambda stimulus, permit: one.measure_response(OCTAVES, 0.5, 0.5, permit)):
        with pytest.raises(AudioFault, match=r"back (19\d|20\d) ms late, .*`latency_s` \(0.04 s\) .* 130 ms"):
            measuring(TONE, PERMIT)


def test_a_dut_that_wakes_up_under_the_tone_is_measured_once_it_is_awake() -> None:
    one, device = interface()
    asleep = [round(0.2 * 48000), 0]
    awake = np.float32(1e-6)

    def wake(heard: Any) -> Any:
        heard[: asleep.pop(0)] *= awake
        return heard + np.float32(1e-7) * np.random.default_rng(1).standard_normal(heard.shape, dtype=np.float32)

    device.bends = wake
    left, _ = one.measure_tone(TONE, PERMIT)
    assert left.level_v.value == pytest.approx(15.0, rel=1e-4) and not asleep


def test_what_a_dead_channel_gives_is_a_bound_at_every_frequency_and_so_is_what_does_not_leak() -> None:
    one, _ = interface(gain=(1.0, 0.0))
    one.measure_tone(TONE, PERMIT)
    values = 0
    for _ in range(6):
        _, right = one.measure_response(OCTAVES, 0.5, 0.5, PERMIT)
        values += sum(level.bound is None for level in (*right.level_v, *right.leak_v) if level is not None)
    assert values <= 4, "of 144; noise alone passes 0.7 % of the time, at twice its deviation 13.5 %"


def test_a_capture_too_unlike_the_sweep_to_be_dated_has_levels_and_no_phase() -> None:
    """A device that lets nothing above 300 Hz through, with and without a latency that is known from before.
    So steep a filter rings: its levels are worth 0.2 dB."""
    for known in (False, True):
        one, device = interface(latency=3000)
        if known:
            one.measure_tone(TONE, PERMIT)

        def low_pass(heard: Any) -> Any:
            spectrum = np.fft.rfft(heard, axis=0)
            spectrum[np.fft.rfftfreq(len(heard), 1 / 48000) > 300.0] *= 1e-3
            return np.fft.irfft(spectrum, len(heard), axis=0).astype(np.float32)

        device.bends = low_pass
        left, _ = one.measure_response(OCTAVES, 0.5, 0.5, PERMIT)
        assert set(left.phase_deg) == {None}
        assert [20 * math.log10(level.value / 15.0) for level in left.level_v[:4]] == pytest.approx([0.0] * 4, abs=0.3)


def test_no_ratio_is_made_of_a_noise_of_nothing() -> None:
    for noise, floor in ((0.0, 1e-5), (1e-5, 0.0), (0.0, 0.0)):
        with pytest.raises(StepError, match="0 V was captured"):
            _without_floor(Value(noise, 0.0), Value(floor, 0.0))
