"""Driver kinds: an explicit table from the kind named in the configuration to its settings and its factory.

Nothing here imports a driver at import time: factories import inside the function, so that a daemon loads only
what its bench has, and `check` needs no hardware library. What the kinds are told stands in `drivers/settings.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from drivers.errors import PortError
from drivers.settings import (
    AudioSettings,
    BusSettings,
    FilePrinterSettings,
    GpioPanelSettings,
    GuardSettings,
    ModbusSettings,
    RegisterMapSettings,
    RelaySettings,
    SerialSettings,
    SocketPanelSettings,
    TcpPrinterSettings,
    ThermocoupleSettings,
)

PortName = Literal[
    "guard", "bus", "relays", "sensor", "probe", "tester", "touch", "panel", "scanner", "audio", "printer"
]  # fmt: skip


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


def _socket_panel(settings: SocketPanelSettings, buses: Mapping[str, Any]) -> Any:
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


def _zpl_printer(settings: TcpPrinterSettings, buses: Mapping[str, Any]) -> Any:
    from drivers.printer.zpl_tcp import ZplTcpPrinter

    return ZplTcpPrinter(settings.address, settings.dpi, answers=settings.answers)


def _tspl_printer(settings: TcpPrinterSettings, buses: Mapping[str, Any]) -> Any:
    from drivers.printer.tspl_tcp import TsplTcpPrinter

    return TsplTcpPrinter(settings.address, settings.dpi, answers=settings.answers)


def _file_printer(settings: FilePrinterSettings, buses: Mapping[str, Any]) -> Any:
    from drivers.printer.label_file import LabelFile

    return LabelFile(settings.path, settings.language, settings.dpi)


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
        Driver("socket-panel", "panel", SocketPanelSettings, _socket_panel, twin=True),
        Driver("serial-scanner", "scanner", SerialSettings, _scanner),
        Driver("zpl-tcp", "printer", TcpPrinterSettings, _zpl_printer),
        Driver("tspl-tcp", "printer", TcpPrinterSettings, _tspl_printer),
        Driver("label-file", "printer", FilePrinterSettings, _file_printer),
        Driver("portaudio", "audio", AudioSettings, _portaudio),
        Driver("audio-twin", "audio", AudioSettings, _audio_twin, twin=True),
    )
}
