"""Driver kinds: an explicit table from the kind named in the configuration to its settings and its factory.

Nothing here imports a driver at import time: factories import inside the function, so that a daemon loads only
what its bench has, and `check` needs no hardware library. Settings are plain frozen dataclasses; their field
names are the keys of the configuration.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from drivers.errors import PortError

PortName = Literal[
    "guard", "bus", "relays", "sensor", "probe", "tester", "touch", "panel", "scanner", "audio"
]


# ---- settings, one class a kind; keys of the configuration -------------------------------------------------
@dataclass(frozen=True, slots=True)
class SerialSettings:
    """A device alone on a serial port."""

    port: str
    baud: int = 115200


@dataclass(frozen=True, slots=True)
class GuardSettings:
    """The guard on its USB serial port."""

    port: str


@dataclass(frozen=True, slots=True)
class BusSettings:
    """A Modbus RTU line. `quarantine_s`: silence kept after a time-out, at least the slowest device's latency."""

    port: str
    baud: int = 9600
    timeout_s: float = 0.3
    quarantine_s: float = 0.3


@dataclass(frozen=True, slots=True)
class ModbusSettings:
    """A device on a bus, by address."""

    bus: str
    address: int


@dataclass(frozen=True, slots=True)
class RelaySettings:
    """A relay board; `channels` maps the bench's relay roles to channel numbers."""

    bus: str
    address: int
    channels: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class ThermocoupleSettings:
    """A thermocouple module; `channels` maps reading names (`heatsink_degc`) to inputs."""

    bus: str
    address: int
    channels: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class RegisterField:
    """One quantity of a register map: value = raw x scale + offset, valid within [low, high]."""

    register: int
    function: Literal["input", "holding"] = "input"
    type: Literal["int16", "uint16", "int32", "uint32", "float32"] = "uint16"
    word_order: Literal["big", "little"] = "big"
    scale: float = 1.0
    offset: float = 0.0
    low: float | None = None
    high: float | None = None
    accuracy_relative: float = 0.0
    accuracy_absolute: float = 0.0


@dataclass(frozen=True, slots=True)
class RegisterMapSettings:
    """Any Modbus meter by its register map; with `arm_register` it is a peak probe (writing `arm_value` clears it)."""

    bus: str
    address: int
    quantities: Mapping[str, RegisterField]
    arm_register: int | None = None
    arm_value: int = 1
    model: str = ""


@dataclass(frozen=True, slots=True)
class GpioPanelSettings:
    """BCM pin numbers of buttons (to ground, pulled up), lamps and buzzer; `chip` is the GPIO chip's label."""

    buttons: Mapping[str, int]
    lamps: Mapping[str, int]
    buzzer: int
    chip: str = "pinctrl-rp1"


@dataclass(frozen=True, slots=True)
class SocketSettings:
    """A twin behind a Unix socket."""

    path: str


@dataclass(frozen=True, slots=True)
class AudioSettings:
    """An audio interface, calibrated: V rms at the DUT's terminals for a full-scale sine.

    `port` is the PortAudio device name, or the twin's socket.
    """

    port: str
    output_full_scale_v: float
    input_full_scale_v: float
    sample_rate_hz: int = 48000
    dynamic_range_db: float = 110.0
    own_thd_db: float = -105.0
    gain_accuracy_db: float = 0.02


@dataclass(frozen=True, slots=True)
class Driver:
    """A catalogue entry. `make(settings, buses)` builds the device; `buses` maps bus names to open buses.

    `readings(settings)` names what a sensor delivers, `channels` counts its relays or inputs (0: it has none):
    both let `check` judge a configuration without opening anything. A `twin` has its place on a simulated bench only.
    """

    kind: str
    port: PortName
    settings: type[Any]
    make: Callable[[Any, Mapping[str, Any]], Any]
    readings: Callable[[Any], Sequence[str]] = lambda own: ()
    channels: int = 0
    twin: bool = False


def _guard(settings: GuardSettings, buses: Mapping[str, Any]) -> Any:
    from drivers.uart.guard import UartGuard

    return UartGuard(settings.port)


def _modbus_bus(settings: BusSettings, buses: Mapping[str, Any]) -> Any:
    from drivers.modbus.bus import ModbusBus

    return ModbusBus(settings.port, settings.baud, settings.timeout_s, settings.quarantine_s)


def _waveshare(settings: RelaySettings, buses: Mapping[str, Any]) -> Any:
    from drivers.modbus.waveshare_relay import WaveshareRelay8

    return WaveshareRelay8(buses[settings.bus], settings.address)


def _pzem(settings: ModbusSettings, buses: Mapping[str, Any]) -> Any:
    from drivers.modbus.pzem import Pzem016

    return Pzem016(buses[settings.bus], settings.address)


def _adam(settings: ThermocoupleSettings, buses: Mapping[str, Any]) -> Any:
    from drivers.modbus.adam4118 import Adam4118

    return Adam4118(buses[settings.bus], settings.address, settings.channels)


def _infrared(settings: ModbusSettings, buses: Mapping[str, Any]) -> Any:
    from drivers.modbus.infrared import InfraredThermometer

    return InfraredThermometer(buses[settings.bus], settings.address)


def _registers(settings: RegisterMapSettings, buses: Mapping[str, Any]) -> Any:
    from drivers.modbus.register_map import RegisterMapMeter, RegisterMapProbe

    kind = RegisterMapMeter if settings.arm_register is None else RegisterMapProbe
    return kind(buses[settings.bus], settings)


def _gpt(settings: SerialSettings, buses: Mapping[str, Any]) -> Any:
    from drivers.scpi.gpt9800 import Gpt9800

    return Gpt9800(settings.port, settings.baud)


def _hioki(settings: SerialSettings, buses: Mapping[str, Any]) -> Any:
    from drivers.scpi.st5540 import HiokiSt5540

    return HiokiSt5540(settings.port, settings.baud)


def _gpio_panel(settings: GpioPanelSettings, buses: Mapping[str, Any]) -> Any:
    from drivers.gpio.panel import GpioPanel

    return GpioPanel(settings)


def _socket_panel(settings: SocketSettings, buses: Mapping[str, Any]) -> Any:
    from drivers.gpio.socket_panel import SocketPanel

    return SocketPanel(settings.path)


def _scanner(settings: SerialSettings, buses: Mapping[str, Any]) -> Any:
    from drivers.uart.scanner import SerialScanner

    return SerialScanner(settings.port, settings.baud)


def _portaudio(settings: AudioSettings, buses: Mapping[str, Any]) -> Any:
    raise PortError(settings.port, "this release plays on the simulated bench only; its PortAudio driver comes later")


def _audio_twin(settings: AudioSettings, buses: Mapping[str, Any]) -> Any:
    from drivers.audio.twin import TwinAudio

    return TwinAudio(settings.port, settings.sample_rate_hz)


_INFRARED_READINGS = ("object_degc", "ambient_degc")
_PZEM_READINGS = ("voltage_v", "current_a", "power_w", "energy_wh", "frequency_hz", "power_factor")

CATALOG: Mapping[str, Driver] = {
    driver.kind: driver
    for driver in (
        Driver("guard-uart", "guard", GuardSettings, _guard),
        Driver("modbus-rtu", "bus", BusSettings, _modbus_bus),
        Driver("waveshare-relay-8", "relays", RelaySettings, _waveshare, channels=8),
        Driver("pzem-016", "sensor", ModbusSettings, _pzem, lambda own: _PZEM_READINGS),
        Driver("adam-4118", "sensor", ThermocoupleSettings, _adam, lambda own: tuple(own.channels), 8),
        Driver("modbus-infrared", "sensor", ModbusSettings, _infrared, lambda own: _INFRARED_READINGS),
        Driver("modbus-registers", "sensor", RegisterMapSettings, _registers, lambda own: tuple(own.quantities)),
        Driver("gpt-9800", "tester", SerialSettings, _gpt),
        Driver("st5540", "touch", SerialSettings, _hioki),
        Driver("gpio-panel", "panel", GpioPanelSettings, _gpio_panel),
        Driver("socket-panel", "panel", SocketSettings, _socket_panel, twin=True),
        Driver("serial-scanner", "scanner", SerialSettings, _scanner),
        Driver("portaudio", "audio", AudioSettings, _portaudio),
        Driver("audio-twin", "audio", AudioSettings, _audio_twin, twin=True),
    )
}
