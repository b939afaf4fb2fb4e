"""What `[audio]` may say of a real interface, and what is refused with its bound."""

from __future__ import annotations

from typing import Any

import pytest

from drivers.settings import AudioSettings


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"latency_s": 0.004}, r"latency_s: 0\.004 is outside of 0\.005 to 0\.2; 0\.04 suits"),
        ({"latency_s": 0.21}, "latency_s: 0.21 is outside"),
        ({"block_frames": 16}, "block_frames: 16 is outside of 32 to 8192"),
        ({"input_channels": (0, 1)}, r"input_channels: \[0, 1\] are not two channels; the first has number 1"),
        ({"output_channels": (2, 2)}, r"output_channels: \[2, 2\] are not two channels"),
    ],
)
def test_a_setting_out_of_its_bounds_is_refused(wrong: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        AudioSettings("bench-audio", 4.0, 60.0, **wrong)


def test_what_a_bench_needs_not_say_suits_most_interfaces() -> None:
    usual = AudioSettings("bench-audio", 4.0, 60.0)
    assert (usual.latency_s, usual.block_frames, usual.shared) == (0.04, 480, False)
    assert usual.input_channels == usual.output_channels == (1, 2)
