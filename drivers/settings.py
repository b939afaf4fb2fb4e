"""Settings of the driver kinds: plain frozen dataclasses whose field names are the keys of the configuration.

Values only, so that a driver, the catalogue and the sound process may all know them. Bounds are judged by
`station check`, defaults stand here, and what a kind is made of stands in its family's `kinds.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class SerialSettings:
    """A device alone on a serial port."""

    port: str
    baud: int = 115200


@dataclass(frozen=True, slots=True)
class KeyboardScannerSettings:
    """A scanner that types: `path` as in `/dev/input/by-id/usb-…-event-kbd`.

    `gap_s`: keys further apart are typed by hand and are no scan.
    """

    path: str
    gap_s: float = 0.05

    def __post_init__(self) -> None:
        if not 0.01 <= self.gap_s <= 0.5:
            raise ValueError(f"gap_s: {self.gap_s:g} s between two keys tells no scan from a hand; use 0.01 to 0.5")


@dataclass(frozen=True, slots=True)
class GuardSettings:
    """The guard on its USB serial port."""

    port: str


@dataclass(frozen=True, slots=True)
class GpioPanelSettings:
    """BCM pin numbers of buttons (to ground, pulled up), lamps and buzzer; `chip` are labels of the GPIO chip:
    the first that is there (Pi 5, Pi 4).

    `tones`: the buzzer is a bare piezo or loudspeaker that is driven at each pattern's pitch; else it has one pitch of
    its own and no volume. `volume` (0 to 1) and `mute` (names of sounds) are the bench's, applied by `station.panel`.
    """

    buttons: Mapping[str, int]
    lamps: Mapping[str, int]
    buzzer: int
    chip: tuple[str, ...] = ("pinctrl-rp1", "pinctrl-bcm2711")
    tones: bool = False
    volume: float = 1.0
    mute: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.chip:
            raise ValueError('chip: names no chip; write ["pinctrl-rp1", "pinctrl-bcm2711"] or leave it out')


@dataclass(frozen=True, slots=True)
class SocketPanelSettings:
    """A panel behind a Unix socket; `volume` and `mute` as on the GPIO panel."""

    path: str
    volume: float = 1.0
    mute: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TcpPrinterSettings:
    """A label printer on the network; `address` is `host` or `host:port` (9100 where none is given).

    `answers` false: for a print server that passes no answer back; then nobody can know that paper is out.
    `slips`: return and retest slips are printed too, not only labels.
    """

    address: str
    dpi: Literal[203, 300] = 203
    answers: bool = True
    slips: bool = False


@dataclass(frozen=True, slots=True)
class SerialPrinterSettings:
    """A label printer on a serial line of `baud`; `flow`: how it holds the line up; `answers`, `slips` as on TCP."""

    port: str
    language: Literal["zpl", "tspl"] = "zpl"
    baud: int = 9600
    format: Literal["8N1", "8E1", "8O1", "8N2"] = "8N1"
    flow: Literal["none", "xonxoff", "rtscts"] = "none"
    dpi: Literal[203, 300] = 203
    answers: bool = True
    slips: bool = False

    def __post_init__(self) -> None:
        if not 1200 <= self.baud <= 921_600:
            raise ValueError(f"baud: {self.baud} is outside of 1200 to 921600; look at the printer's own settings")
        if self.language == "tspl" and self.flow == "xonxoff":
            raise ValueError(
                "flow: a status byte of TSPL may be XOFF itself (head open and paused); use rtscts or none"
            )


@dataclass(frozen=True, slots=True)
class FilePrinterSettings:
    """A label printer behind a device file (`/dev/usb/lp0`), or any file that takes the jobs one after the other.

    `answers`: the printer is asked in its language over the same file; `port_status`: and the USB port for paper, error
    and off line, which every printer that keeps to its class answers.
    """

    path: str
    language: Literal["zpl", "tspl"] = "zpl"
    dpi: Literal[203, 300] = 203
    answers: bool = False
    port_status: bool = True
    slips: bool = False


@dataclass(frozen=True, slots=True)
class AudioSettings:
    """An audio interface, calibrated: V rms at the DUT's terminals for a full-scale sine.

    `port` is the PortAudio device name, or the twin's socket. The rest is for a real interface: `latency_s` of
    sound lie ready in each direction, `input_channels` and `output_channels` (left, right) count from 1, and `shared`
    allows a device that other programs may use too, which mixes and resamples.
    """

    port: str
    output_full_scale_v: float
    input_full_scale_v: float
    sample_rate_hz: int = 48000
    dynamic_range_db: float = 110.0
    own_thd_db: float = -105.0
    gain_accuracy_db: float = 0.02
    latency_s: float = 0.04
    block_frames: int = 480
    input_channels: tuple[int, int] = (1, 2)
    output_channels: tuple[int, int] = (1, 2)
    shared: bool = False

    def __post_init__(self) -> None:
        if not 0.005 <= self.latency_s <= 0.2:  # so long a drive is still heard after its end
            raise ValueError(f"latency_s: {self.latency_s:g} is outside of 0.005 to 0.2; 0.04 suits most interfaces")
        if not 32 <= self.block_frames <= 8192:
            raise ValueError(f"block_frames: {self.block_frames} is outside of 32 to 8192; 480 suits most interfaces")
        for name, pair in (("input_channels", self.input_channels), ("output_channels", self.output_channels)):
            if min(pair) < 1 or pair[0] == pair[1]:
                raise ValueError(f"{name}: {list(pair)} are not two channels; the first has number 1")
