"""station.toml: who this bench is, its clock, store, broker and devices."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import time
from pathlib import PurePosixPath

from station.domain.host import is_host
from station.settings.devices import DriverEntry, Placed, check_devices, place_devices
from station.settings.names import nearest_of
from station.settings.pins import check_pins
from station.settings.problem import Problem
from station.settings.schema import StationFile
from station.settings.source import Source, table
from station.settings.tree import CaptureSettings, PageSettings, StationSettings, TlsNames
from station.settings.validate import read
from station.settings.voice import check_voice

_HOST = r"(?P<host>[A-Za-z0-9._-]+|\[(?P<six>[0-9a-fA-F]*:[0-9a-fA-F:.]*)\])(?::(?P<port>[0-9]{1,5}))?"
_URL = re.compile(rf"(?P<scheme>mqtts?)://{_HOST}/?")
_LOOPBACK = re.compile(r"localhost|127(?:\.\d{1,3}){3}|\[::1\]")
_ADDRESS = re.compile(_HOST)
_BY_ORDER = re.compile(r"^/dev/tty(?:USB|ACM)\d+$")
_KEPT = {"store": "/var/lib/bench/station.sqlite", "captures": "/var/lib/bench/captures"}
_NOT_FOR_RESULTS = ("/tmp", "/var/tmp", "/run", "/dev", "/home", "/root")


def read_station(
    source: Source, drivers: Mapping[str, DriverEntry]
) -> tuple[StationSettings | None, list[Placed], list[Problem]]:
    """The station's settings, or None and every problem; the devices in either case."""
    file, problems = read(StationFile, source.data, source)
    placed, found = place_devices(source, drivers)
    problems += found
    problems += check_devices(source, placed)
    for device in placed:
        problems += check_pins(source, device)
    problems += check_voice(source)
    problems += _check_clock(source, placed)
    problems += _check_paths(source, placed)
    problems += _check_mqtt(source)
    problems += _check_timezone(source)
    problems += _check_printer(source)
    if file is None or problems:
        return None, placed, problems
    return _freeze(file, placed), placed, []


def _freeze(file: StationFile, placed: Sequence[Placed]) -> StationSettings:
    devices = {device.path: device.frozen() for device in placed}
    return StationSettings(
        name=file.station.name,
        timezone=file.station.timezone,
        language=file.station.language,
        simulated=file.station.simulated,
        clock=file.clock.kind,
        speed=file.clock.speed,
        store_path=file.store.path,
        retention_days=file.store.retention_days,
        captures=CaptureSettings(
            file.captures.path or str(PurePosixPath(file.store.path).parent / "captures"), file.captures.max_mb
        ),
        control_socket=file.control.socket,
        mqtt_url=file.mqtt.url,
        receipt_keys=file.mqtt.receipt_keys,
        tls=TlsNames(file.mqtt.ca, file.mqtt.certificate, file.mqtt.key, file.mqtt.crl),
        guard=devices[("guard",)],
        buses={str(path[1]): device for path, device in devices.items() if path[0] == "buses"},
        devices={str(path[1]): device for path, device in devices.items() if path[0] == "devices"},
        panel=devices[("panel",)],
        scanner=devices[("scanner",)],
        audio=devices[("audio",)],
        page=PageSettings(file.page.port, file.page.lan),
        command_keys=file.mqtt.command_keys or file.mqtt.receipt_keys,
        shift_ends=tuple(time.fromisoformat(end) for end in file.shift.ends),
        printer=devices.get(("printer",)),
        calibration_required=file.calibration.required,
    )


def _is_simulated(source: Source) -> bool:
    return table(source.data.get("station")).get("simulated") is True


def _check_clock(source: Source, placed: Sequence[Placed]) -> Iterator[Problem]:
    clock = table(source.data.get("clock"))
    if clock.get("kind") == "scaled" and not _is_simulated(source):
        wrong = "a scaled clock on a real bench would cut every test short"
        yield source.problem(("clock", "kind"), wrong, 'write "monotonic", or station.simulated = true')
    if clock.get("kind", "monotonic") == "monotonic" and clock.get("speed", 1) != 1:
        yield source.problem(("clock", "speed"), "a monotonic clock runs at speed 1", 'remove it, or kind = "scaled"')
    if _is_simulated(source):
        return
    for device in placed:
        if device.entry is not None and device.entry.twin:
            wrong = f"{device.entry.kind!r} is a twin, and this bench calls itself real"
            yield source.problem((*device.path, "kind"), wrong, "name the real device, or station.simulated = true")


def _check_paths(source: Source, placed: Sequence[Placed]) -> Iterator[Problem]:
    for path in (("store", "path"), ("captures", "path"), ("control", "socket")):
        value = table(source.data.get(path[0])).get(path[1])
        if not isinstance(value, str):
            continue
        if not value.startswith("/"):
            yield source.problem(path, f"{value!r} depends on where the daemon starts", "write a path from the root")
        elif path[0] in _KEPT and not _is_simulated(source) and _is_below(value, _NOT_FOR_RESULTS):
            wrong = f"{value} is no place that keeps results (emptied at boot, or a person's own)"
            yield source.problem(path, wrong, f"use {_KEPT[path[0]]}")
    if _is_simulated(source):
        return
    for device in placed:
        port = device.raw.get("port")
        if not isinstance(port, str) or device.path[0] == "audio":
            continue
        if _BY_ORDER.match(port):
            wrong = f"{port} changes with the order of plugging in"
            yield source.problem((*device.path, "port"), wrong, "use the udev name (/dev/bench-…, /dev/serial/by-id/…)")
        elif not port.startswith("/dev/") or port.startswith("/dev/pts/"):
            wrong = f"{port!r} is no device of a real bench"
            yield source.problem((*device.path, "port"), wrong, "name a device below /dev, or station.simulated = true")


def _is_below(path: str, parents: Sequence[str]) -> bool:
    return any(PurePosixPath(path).is_relative_to(parent) for parent in parents)


def _check_mqtt(source: Source) -> Iterator[Problem]:
    mqtt = table(source.data.get("mqtt"))
    if isinstance(url := mqtt.get("url"), str):
        found = list(_check_url(source, url))
        yield from found
        if not found and url.startswith("mqtts://"):
            yield from _check_command_keys(source, mqtt)
    for name in ("receipt_keys", "command_keys", "ca", "certificate", "key", "crl"):
        file = mqtt.get(name)
        if isinstance(file, str) and ("/" in file or file in (".", "..")):
            wrong = f"{file!r} is a path"
            yield source.problem(("mqtt", name), wrong, "give the file's name in the credentials directory only")
        elif isinstance(file, str) and not file.isprintable():
            yield source.problem(("mqtt", name), f"{file!r} holds what nobody can print", "name the file without it")


def _check_command_keys(source: Source, mqtt: Mapping[str, object]) -> Iterator[Problem]:
    """Over a network, who can sign a receipt shall not be able to change limits."""
    remedy = "make a pair with `python -m station.cli.keys DIR commands` (docs/enrolling-a-bench.md, step 4)"
    if mqtt.get("command_keys") is None:
        wrong = "is missing: with mqtts:// the keys of receipts do not sign commands"
        yield source.problem(("mqtt", "command_keys"), wrong, f'write command_keys = "command-keys.json"; {remedy}')
    elif mqtt["command_keys"] == mqtt.get("receipt_keys"):
        wrong = f"{mqtt['command_keys']!r} is the file of receipt_keys, and with mqtts:// one key must not do both"
        yield source.problem(("mqtt", "command_keys"), wrong, f"name another file; {remedy}")


def _check_url(source: Source, url: str) -> Iterator[Problem]:
    path = ("mqtt", "url")
    parts = _URL.fullmatch(url)
    if "@" in url:
        yield source.problem(path, "a secret in the configuration", "remove name and password; use certificates")
    elif parts is None or not _is_reachable(parts, "1"):
        yield source.problem(path, f"{url!r} is no broker", 'write "mqtts://host:port" (or mqtt:// on loopback)')
    elif parts["scheme"] == "mqtt" and not _LOOPBACK.fullmatch(host := parts["host"]):
        yield source.problem(path, f"results would go to {host} in the clear", 'use "mqtts://…"')


def _check_printer(source: Source) -> Iterator[Problem]:
    address, path = (table(source.data.get("printer")).get(key) for key in ("address", "path"))
    if isinstance(address, str) and not _is_address(address):
        yield source.problem(("printer", "address"), f"{address!r} is no address", 'write "host" or "host:port"')
    if isinstance(path, str) and not path.startswith("/"):
        wrong = f"{path!r} depends on where the daemon starts"
        yield source.problem(("printer", "path"), wrong, 'write a path from the root, such as "/dev/usb/lp0"')


def _is_address(address: str) -> bool:
    parts = _ADDRESS.fullmatch(address)
    return parts is not None and _is_reachable(parts, "1")  # without a port the driver's own is meant


def _is_reachable(parts: re.Match[str], port: str) -> bool:
    return is_host(parts["six"] or parts["host"]) and int(parts["port"] or port) in range(1, 65536)


def _check_timezone(source: Source) -> Iterator[Problem]:
    import zoneinfo

    zone = table(source.data.get("station")).get("timezone")
    if not isinstance(zone, str):
        return
    try:
        zoneinfo.ZoneInfo(zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        known = zoneinfo.available_timezones()  # empty on a machine without a zone database: then nobody can tell
        if known and zone not in known:
            near = nearest_of(zone, known)
            remedy = f"did you mean `{near}`?" if near else 'use a name like "Asia/Shanghai"'
            yield source.problem(("station", "timezone"), f"unknown time zone {zone!r}", remedy)
