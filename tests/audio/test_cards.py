"""Which device a name means, and what the system tells of the card behind it."""

from __future__ import annotations

from pathlib import Path

import pytest

from drivers.audio.cards import choose, who
from drivers.errors import PortError
from drivers.ports import Identity


def listed(*names: str, inputs: int = 2, outputs: int = 2) -> list[dict[str, object]]:
    return [
        {"name": name, "index": at, "max_input_channels": inputs, "max_output_channels": outputs}
        for at, name in enumerate(names)
    ]


CARDS = listed("bcm2835 Headphones: - (hw:0,0)", "QA402: USB Audio (hw:1,0)", "bench-audio", "default", "pulse")


def test_a_name_in_full_goes_before_a_part_of_others() -> None:
    assert choose("bench-audio", listed("bench-audio-2", "bench-audio"), 2, 2, False) == 1
    assert choose("qa402", CARDS, 2, 2, False) == 1


def test_a_name_that_is_not_there_lists_what_is() -> None:
    with pytest.raises(PortError, match=r'of that name; there are: "bcm2835.*"pulse" \(2 in, 2 out\)'):
        choose("Scarlett", CARDS, 2, 2, False)
    with pytest.raises(PortError, match="none at all"):
        choose("Scarlett", [], 2, 2, False)


def test_a_name_that_two_devices_have_is_no_name() -> None:
    with pytest.raises(PortError, match="2 audio interfaces have that in their name"):
        choose("USB", listed("USB Audio (hw:1,0)", "USB Audio (hw:2,0)"), 2, 2, False)


@pytest.mark.parametrize("name", ["default", "pulse", "pipewire", "sysdefault", "plughw:1,0", "dmix"])
def test_a_device_that_mixes_and_resamples_is_refused_unless_asked_for(name: str) -> None:
    with pytest.raises(PortError, match=r"mix, resample.*shared = true"):
        choose(name, listed(name), 2, 2, False)
    assert choose(name, listed(name), 2, 2, True) == 0


def test_a_device_with_too_few_channels_is_refused() -> None:
    with pytest.raises(PortError, match="has 0 inputs and 2 outputs, 2 and 4 are needed"):
        choose("DAC", listed("DAC", inputs=0), 2, 4, False)


@pytest.fixture
def system(tmp_path: Path) -> Path:
    """/proc and /sys of a Raspberry Pi with a USB interface as card 1, held open by thread 77."""
    (tmp_path / "proc/self/task/76").mkdir(parents=True)
    (tmp_path / "proc/self/task/77").mkdir()
    for card, owner in ((0, 5), (1, 77)):
        (tmp_path / f"proc/asound/card{card}/pcm0p/sub0").mkdir(parents=True)
        status = f"state: RUNNING\nowner_pid   : {owner}\ntrigger_time: 1\n"
        (tmp_path / f"proc/asound/card{card}/pcm0p/sub0/status").write_text(status)
    usb = tmp_path / "sys/devices/usb1/1-1.3"
    (usb / "1-1.3:1.0").mkdir(parents=True)
    for name, text in (
        ("manufacturer", "QuantAsylum"),
        ("product", "QA402"),
        ("serial", "00C0FFEE"),
        ("bcdDevice", "0100"),
    ):
        (usb / name).write_text(text + "\n")
    (tmp_path / "sys/class/sound/card1").mkdir(parents=True)
    (tmp_path / "sys/class/sound/card1/device").symlink_to(usb / "1-1.3:1.0")
    return tmp_path


@pytest.mark.parametrize("name", ["bench-audio", "QA402: USB Audio (hw:1,0)"])
def test_the_serial_number_is_that_of_the_card_which_is_open(system: Path, name: str) -> None:
    assert who(name, "ALSA", 48000, system) == Identity(
        f"QuantAsylum QA402: {name} (ALSA, 48000 Hz)", "00C0FFEE", "0100"
    )


def test_a_device_without_a_card_behind_it_has_a_name_and_no_number(tmp_path: Path) -> None:
    assert who("bench-loop", "ALSA", 48000, tmp_path) == Identity("bench-loop (ALSA, 48000 Hz)")
