"""Which `/dev/gpiochipN` is the 40-pin header: asked by label, because numbers change with board and kernel.

Sources: Linux `include/uapi/linux/gpio.h` (`GPIO_GET_CHIPINFO_IOCTL`, `struct gpiochip_info`); raspberrypi/linux pull
request 6144: on a Pi 5 the header was gpiochip4 and became gpiochip0, and the old name is a link to the new one.
"""

from __future__ import annotations

import fcntl
import struct
from collections.abc import Callable, Sequence
from pathlib import Path

from drivers.errors import PortError

DEVICES = Path("/dev")
_INFO = struct.Struct("32s32sI")  # struct gpiochip_info: name, label, lines
GET_CHIPINFO = 0x8044B401
"""_IOR(0xB4, 0x01, struct gpiochip_info)"""

Ask = Callable[[Path], bytes]
"""A chip's `struct gpiochip_info`. Raises `OSError`."""


def ask_chip(path: Path) -> bytes:
    """What the kernel says of the chip at `path`. Raises `OSError`."""
    info = bytearray(_INFO.size)
    with path.open("rb") as chip:
        fcntl.ioctl(chip, GET_CHIPINFO, info)
    return bytes(info)


def find_chip(device: str, labels: Sequence[str], devices: Path = DEVICES, ask: Ask = ask_chip) -> tuple[str, int]:
    """Label and number of the chip that carries the first of `labels` that is there at all.

    Raises `PortError`: none is there, two carry the same label, or one may not be asked. `device` names it in errors.
    """
    found: dict[str, set[int]] = {}
    refused: list[str] = []
    for path in sorted({path.resolve() for path in devices.glob("gpiochip*")}):
        try:
            _, label, _ = _INFO.unpack(ask(path))
        except OSError as error:
            refused.append(f"{path.name} cannot be asked ({error.strerror}; is the user in the group gpio?)")
            continue
        found.setdefault(label.rstrip(b"\0").decode("ascii", "replace"), set()).add(_number(path))
    label = next((label for label in labels if label in found), None)
    if label is None:
        there = ", ".join([*sorted(found), *refused]) or "no chip at all"
        raise PortError(device, f"no GPIO chip is labelled {' or '.join(labels)}; there is {there}; see `chip`")
    if len(found[label]) > 1:
        both = " and ".join(f"gpiochip{number}" for number in sorted(found[label]))
        raise PortError(device, f"{both} are both labelled {label}; which is the header is not known")
    return label, found[label].pop()


def _number(path: Path) -> int:
    return int(path.name.removeprefix("gpiochip"))
