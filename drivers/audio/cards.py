"""Which of PortAudio's devices is meant, and what the system knows of the sound card behind it.

A device is named in full, or by a part that no other device has. What mixes or resamples behind the bench's back
(`default`, PulseAudio, PipeWire, the `plug` family) is refused unless the configuration says `shared = true`.

Sources: PortAudio, `PaDeviceInfo`; Linux, Documentation/sound/designs/procfile.rst (a substream's `status` names the
thread that holds it) and Documentation/ABI/stable/sysfs-bus-usb (`serial`, `manufacturer`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from drivers.errors import PortError
from drivers.ports import Identity

SHARED = re.compile(r"^(default|sysdefault|pulse|pipewire|jack|dmix|dsnoop|plug|plughw|samplerate|speexrate|lavrate)\b")
_OWNER = re.compile(r"^owner_pid\s*:\s*(\d+)", re.MULTILINE)
_CARD = re.compile(r"\(hw:(\d+)")


def choose(port: str, devices: Sequence[Mapping[str, Any]], inputs: int, outputs: int, shared: bool) -> int:
    """Index of the one device called `port` with so many channels. Raises `PortError`, with what there is."""
    exact = [device for device in devices if device["name"] == port]
    found = exact or [device for device in devices if port.casefold() in str(device["name"]).casefold()]
    if not found:
        raise PortError(port, f"no audio interface of that name; there are: {_listed(devices)}. Is it plugged in?")
    if len(found) > 1:
        raise PortError(
            port, f"{len(found)} audio interfaces have that in their name: {_listed(found)}; name one whole"
        )
    name, has = str(found[0]["name"]), (int(found[0]["max_input_channels"]), int(found[0]["max_output_channels"]))
    if SHARED.match(name) and not shared:
        raise PortError(
            port,
            f'"{name}" is shared with other programs, which mix, resample and change its level unasked; '
            "name the card itself (docs/audio-interface.md), or say shared = true",
        )
    if has[0] < inputs or has[1] < outputs:
        raise PortError(
            port,
            f'"{name}" has {has[0]} inputs and {has[1]} outputs, {inputs} and {outputs} are needed: '
            "another program may hold it, or it is not full-duplex",
        )
    return int(found[0]["index"])


def _listed(devices: Sequence[Mapping[str, Any]]) -> str:
    every = (f'"{one["name"]}" ({one["max_input_channels"]} in, {one["max_output_channels"]} out)' for one in devices)
    return ", ".join(every) or "none at all"


def who(name: str, host_api: str, rate_hz: int, root: Path = Path("/")) -> Identity:
    """Model and serial number of the card that this process holds open, or that the name points to."""
    card = _card_of(name, root)
    described = f"{name} ({host_api}, {rate_hz} Hz)"
    if card is None:
        return Identity(described)
    usb = (root / "sys/class/sound" / f"card{card}" / "device").resolve().parent
    maker = " ".join(filter(None, (_line(usb / "manufacturer"), _line(usb / "product"))))
    return Identity(f"{maker}: {described}" if maker else described, _line(usb / "serial"), _line(usb / "bcdDevice"))


def _card_of(name: str, root: Path) -> str | None:
    """The number of the card; None where no card of this machine is behind the name (PulseAudio)."""
    if told := _CARD.search(name):
        return told[1]
    ours = {task.name for task in (root / "proc/self/task").glob("*")}
    for status in sorted((root / "proc/asound").glob("card*/pcm*/sub*/status")):
        owner = _OWNER.search(_text(status))
        if owner is not None and owner[1] in ours:
            return status.parts[-4].removeprefix("card")
    return None


def _line(path: Path) -> str:
    return _text(path).strip()


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
