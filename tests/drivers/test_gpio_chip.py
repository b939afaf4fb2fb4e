"""The panel's GPIO chip is found by its label on a Pi 4 and a Pi 5, and no other pin factory stands in for it."""

from __future__ import annotations

import errno
import importlib.util
import os
import struct
import sys
import types
from collections.abc import Mapping
from pathlib import Path

import pytest
from gpiozero.pins.mock import MockFactory

from drivers.errors import PortError
from drivers.gpio import chip, panel
from drivers.gpio.chip import ask_chip, find_chip
from drivers.gpio.panel import GpioPanel
from drivers.settings import GpioPanelSettings

PI_5 = {0: "pinctrl-rp1", 10: "gpio-brcmstb@107d508500", 11: "gpio-brcmstb@107d508520"}
PI_5_OF_2023 = {0: "gpio-brcmstb@107d508500", 1: "gpio-brcmstb@107d508520", 4: "pinctrl-rp1"}
PI_4 = {0: "pinctrl-bcm2711", 1: "raspberrypi-exp-gpio"}
LABELS = GpioPanelSettings({}, {}, 18).chip
USED = {"gpiochip_open", "gpiochip_close", "gpio_claim_input", "gpio_claim_output", "gpio_free", "gpio_get_mode",
        "gpio_read", "gpio_write", "tx_pwm"}  # fmt: skip
"""What gpiozero's LGPIOFactory calls of lgpio for inputs, outputs and PWM."""


class Board:
    """Chips as files below `folder`, and what the kernel would say of each."""

    def __init__(self, folder: Path, chips: Mapping[int, str]) -> None:
        self.folder, self.chips = folder, chips
        for number in chips:
            (folder / f"gpiochip{number}").touch()

    def ask(self, path: Path) -> bytes:
        number = int(path.name.removeprefix("gpiochip"))
        return struct.pack("<32s32sI", path.name.encode(), self.chips[number].encode(), 54)


@pytest.mark.parametrize(
    ("chips", "expected"),
    [(PI_5, ("pinctrl-rp1", 0)), (PI_5_OF_2023, ("pinctrl-rp1", 4)), (PI_4, ("pinctrl-bcm2711", 0))],
)
def test_one_configuration_finds_the_header_on_every_board(
    tmp_path: Path, chips: Mapping[int, str], expected: tuple[str, int]
) -> None:
    board = Board(tmp_path, chips)
    assert find_chip("panel", LABELS, tmp_path, board.ask) == expected


def test_the_old_name_of_a_chip_is_the_same_chip(tmp_path: Path) -> None:
    board = Board(tmp_path, PI_5)
    (tmp_path / "gpiochip4").symlink_to("gpiochip0")
    assert find_chip("panel", LABELS, tmp_path, board.ask) == ("pinctrl-rp1", 0)


def test_two_chips_with_the_label_are_refused_by_name(tmp_path: Path) -> None:
    board = Board(tmp_path, {0: "pinctrl-rp1", 3: "pinctrl-rp1"})
    with pytest.raises(PortError, match="gpiochip0 and gpiochip3 are both labelled pinctrl-rp1"):
        find_chip("panel", LABELS, tmp_path, board.ask)


def test_without_the_label_the_labels_that_are_there_are_named(tmp_path: Path) -> None:
    board = Board(tmp_path, {0: "pinctrl-amd", 1: "raspberrypi-exp-gpio"})
    said = "no GPIO chip is labelled pinctrl-rp1 or pinctrl-bcm2711; there is pinctrl-amd, raspberrypi-exp-gpio"
    with pytest.raises(PortError, match=said):
        find_chip("panel", LABELS, tmp_path, board.ask)


def test_a_chip_that_may_not_be_asked_is_told_with_the_group(tmp_path: Path) -> None:
    def refuse(path: Path) -> bytes:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    Board(tmp_path, PI_4)
    with pytest.raises(PortError, match=r"gpiochip0 cannot be asked .Permission denied; is the user in the group gpio"):
        find_chip("panel", LABELS, tmp_path, refuse)


def test_the_request_is_that_of_the_kernels_header(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[int] = []

    def ioctl(file: object, request: int, info: bytearray) -> int:
        asked.append(request)
        info[:] = struct.pack("<32s32sI", b"gpiochip0", b"pinctrl-rp1", 54)
        return 0

    monkeypatch.setattr(chip.fcntl, "ioctl", ioctl)
    (tmp_path / "gpiochip0").touch()
    assert find_chip("panel", LABELS, tmp_path) == ("pinctrl-rp1", 0)
    read, size, kind, number = 2, 32 + 32 + 4, 0xB4, 0x01
    assert asked == [read << 30 | size << 16 | kind << 8 | number]


def test_what_is_no_chip_refuses_the_question(tmp_path: Path) -> None:
    (tmp_path / "gpiochip0").touch()
    with pytest.raises(OSError, match="ioctl"):
        ask_chip(tmp_path / "gpiochip0")


async def test_on_this_machine_there_is_an_error_and_no_other_pin_factory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Even where gpiozero's own fallback would do."""
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "mock")
    nothing = GpioPanel(GpioPanelSettings({}, {}, 18, chip=("no-such-chip",)))
    with pytest.raises(PortError, match="no GPIO chip is labelled no-such-chip"):
        await nothing.read_buttons()


async def test_lgpio_that_cannot_make_its_pipe_says_where_to_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its import opens `.lgd-nfy…` in the working directory, which a hardened unit may not write to."""

    class Broken(types.ModuleType):
        def __getattr__(self, name: str) -> object:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), ".lgd-nfy-3")

    monkeypatch.setitem(sys.modules, "gpiozero.pins.lgpio", Broken("gpiozero.pins.lgpio"))
    monkeypatch.setattr(panel, "find_chip", lambda device, labels: (labels[0], 0))
    with pytest.raises(PortError, match=r"lgd-nfy-3.*in a folder it may write to"):
        await GpioPanel(GpioPanelSettings({}, {}, 18)).ensure_ready()


async def test_the_factory_gets_the_number_of_the_chip_that_was_found(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[int] = []

    class Factory(MockFactory):
        def __init__(self, chip: int) -> None:
            super().__init__()
            opened.append(chip)

    there = types.ModuleType("gpiozero.pins.lgpio")
    there.LGPIOFactory = Factory  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "gpiozero.pins.lgpio", there)
    monkeypatch.setattr(panel, "find_chip", lambda device, labels: (labels[1], 7))
    made = GpioPanel(GpioPanelSettings({"start": 5}, {"blue": 17}, 18))
    assert (await made.ensure_ready()).model == "pinctrl-bcm2711"
    assert opened == [7]
    await made.close()


@pytest.mark.skipif(
    importlib.util.find_spec("lgpio") is None, reason="lgpio is not here (a bench's arm64 wheel has it)"
)
def test_the_real_lgpio_has_what_the_factory_calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    import lgpio

    assert {name for name in USED if not callable(getattr(lgpio, name, None))} == set()
    with pytest.raises(lgpio.error, match="can not open gpiochip"):
        lgpio.gpiochip_open(250)
