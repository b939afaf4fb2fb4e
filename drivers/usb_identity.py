"""Who a USB device behind a character device says it is, as the kernel holds it in sysfs. Reads no device.

Source: Linux, Documentation/ABI/testing/sysfs-bus-usb: the device's own directory is the one with `idVendor`;
`product`, `serial` and `bcdDevice` are there where the device told them. An adapter (a serial one, say) tells of
itself, not of what hangs on it.
"""

from __future__ import annotations

import os
from pathlib import Path

from drivers.ports import Identity

SYSFS = Path("/sys")


def usb_identity(path: str, sysfs: Path = SYSFS) -> Identity:
    """The identity of the USB device that `path` belongs to; empty for anything else."""
    try:
        number = Path(path).stat().st_rdev
        place = (sysfs / "dev" / "char" / f"{os.major(number)}:{os.minor(number)}").resolve(strict=True)
    except OSError:
        return Identity()
    for folder in (place, *place.parents):
        if (folder / "idVendor").is_file():
            return Identity(_said(folder, "product"), _said(folder, "serial"), _said(folder, "bcdDevice"))
    return Identity()


def _said(folder: Path, name: str) -> str:
    try:
        return (folder / name).read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
