"""Catalogue entries of what hangs on a Modbus line, and of the lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from drivers.kinds import Driver, Fault
from drivers.modbus.bank_faults import load_bank_faults
from drivers.modbus.bus_faults import serial_bus_faults, tcp_bus_faults
from drivers.modbus.map_faults import map_faults
from drivers.modbus.output_faults import output_faults
from drivers.modbus.settings import (
    BusSettings,
    LoadBankSettings,
    ModbusSettings,
    OutputSettings,
    PzemSettings,
    RegisterMapSettings,
    RelaySettings,
    TcpBusSettings,
    ThermocoupleSettings,
)

_INFRARED_READINGS = ("object_degc", "ambient_degc")
_SDM_READINGS = (
    "voltage_v", "current_a", "power_w", "apparent_va", "power_factor", "frequency_hz", "energy_wh",
)  # fmt: skip
_PZEM_READINGS = ("voltage_v", "current_a", "power_w", "energy_wh", "frequency_hz", "power_factor")


def _modbus_bus(settings: BusSettings, buses: Mapping[str, Any]) -> Any:
    from drivers.modbus.bus import ModbusBus

    return ModbusBus(settings.port, settings.baud, settings.timeout_s, settings.quarantine_s, settings.format)


def _modbus_tcp(settings: TcpBusSettings, buses: Mapping[str, Any]) -> Any:
    from drivers.modbus.bus import ModbusTcp

    return ModbusTcp(settings.address, settings.timeout_s, settings.quarantine_s)


def _waveshare(settings: RelaySettings, buses: Mapping[str, Any]) -> Any:
    from drivers.modbus.waveshare_relay import WaveshareRelay8

    return WaveshareRelay8(buses[settings.bus], settings.address)


def _outputs(settings: OutputSettings, buses: Mapping[str, Any]) -> Any:
    from drivers.modbus.outputs import ModbusOutputs

    return ModbusOutputs(buses[settings.bus], settings)


def _load_bank(settings: LoadBankSettings, buses: Mapping[str, Any]) -> Any:
    from drivers.modbus.load_bank import LoadBank

    return LoadBank(buses[settings.bus], settings)


def _pzem(settings: ModbusSettings, buses: Mapping[str, Any]) -> Any:
    from drivers.modbus.pzem import Pzem

    return Pzem(buses[settings.bus], settings.address)


def _pzem_004t(settings: PzemSettings, buses: Mapping[str, Any]) -> Any:
    from drivers.modbus.pzem import Pzem

    return Pzem(buses[settings.bus], settings.address, "PZEM-004T", settings.range_a)


def _sdm120(settings: ModbusSettings, buses: Mapping[str, Any]) -> Any:
    from drivers.modbus.sdm import Sdm

    return Sdm(buses[settings.bus], settings.address, "SDM120")


def _sdm220(settings: ModbusSettings, buses: Mapping[str, Any]) -> Any:
    from drivers.modbus.sdm import Sdm

    return Sdm(buses[settings.bus], settings.address, "SDM220")


def _adam(settings: ThermocoupleSettings, buses: Mapping[str, Any]) -> Any:
    from drivers.modbus.adam4118 import Adam4118

    return Adam4118(buses[settings.bus], settings.address, settings.channels, settings.types)


def _thermocouple_faults(settings: ThermocoupleSettings) -> Iterator[Fault]:
    for name in settings.types:
        if name not in settings.channels:
            named = ", ".join(settings.channels)
            yield Fault(("types", name), "`channels` names no such reading", f"there are {named}; or remove this key")


def _infrared(settings: ModbusSettings, buses: Mapping[str, Any]) -> Any:
    from drivers.modbus.infrared import InfraredThermometer

    return InfraredThermometer(buses[settings.bus], settings.address)


def _registers(settings: RegisterMapSettings, buses: Mapping[str, Any]) -> Any:
    from drivers.modbus.register_map import RegisterMapMeter, RegisterMapProbe

    kind = RegisterMapMeter if settings.arm_register is None else RegisterMapProbe
    return kind(buses[settings.bus], settings)


KINDS: tuple[Driver, ...] = (
    Driver("modbus-rtu", "bus", BusSettings, _modbus_bus, faults=serial_bus_faults),
    Driver("modbus-tcp", "bus", TcpBusSettings, _modbus_tcp, faults=tcp_bus_faults),
    Driver("waveshare-relay-8", "relays", RelaySettings, _waveshare, channels=8),
    Driver("modbus-outputs", "relays", OutputSettings, _outputs, faults=output_faults),
    Driver("pzem-016", "sensor", ModbusSettings, _pzem, lambda own: _PZEM_READINGS),
    Driver("pzem-004t", "sensor", PzemSettings, _pzem_004t, lambda own: _PZEM_READINGS),
    Driver("sdm120", "sensor", ModbusSettings, _sdm120, lambda own: _SDM_READINGS),
    Driver("sdm220", "sensor", ModbusSettings, _sdm220, lambda own: _SDM_READINGS),
    Driver(
        "adam-4118",
        "sensor",
        ThermocoupleSettings,
        _adam,
        lambda own: tuple(own.channels),
        8,
        faults=_thermocouple_faults,
    ),
    Driver("modbus-infrared", "sensor", ModbusSettings, _infrared, lambda own: _INFRARED_READINGS),
    Driver(
        "modbus-registers",
        "sensor",
        RegisterMapSettings,
        _registers,
        lambda own: tuple(own.quantities),
        faults=map_faults,
    ),
    Driver(
        "load-bank", "sensor", LoadBankSettings, _load_bank, lambda own: tuple(own.quantities), faults=load_bank_faults
    ),
)
