"""A configuration that points the station at a simulated bench: the shipped tree, other kinds and port names."""

from __future__ import annotations

import shutil
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli_w

from station.cli.sim_calibrations import write_calibrations
from station.domain.errors import SettingsError

SHIPPED = Path(__file__).resolve().parents[2] / "config"
COPIED = ("interlocks.toml", "diagnosis.toml", "plans", "products")


@dataclass(frozen=True, slots=True)
class Places:
    """Files and sockets of one simulated station."""

    config: Path
    store: Path
    control_socket: Path


def write_config(shipped: Path, places: Places, ports: Mapping[str, str], speed: float, language: str | None) -> None:
    """Write `places.config`: everything of `shipped`, with the twins' kinds and ports in station.toml.

    Raises `SettingsError` for a place that cannot be written to.
    """
    try:
        _write(shipped, places, ports, speed, language)
    except OSError as error:
        reason = error.strerror or str(error)
        raise SettingsError(f"configuration {places.config}: {reason}; name a directory to write to") from error


def _write(shipped: Path, places: Places, ports: Mapping[str, str], speed: float, language: str | None) -> None:
    places.config.mkdir(parents=True, exist_ok=True)
    for name in COPIED:
        source, target = shipped / name, places.config / name
        if source.is_dir():
            shutil.copytree(source, target, dirs_exist_ok=True)
        else:
            shutil.copyfile(source, target)
    with (shipped / "station.toml").open("rb") as file:
        station = tomllib.load(file)
    _point_at_twins(station, places, ports, speed)
    if language is not None:
        station["station"]["language"] = language
    (places.config / "station.toml").write_text(tomli_w.dumps(station), encoding="utf-8")
    write_calibrations(places.config, station["devices"])


def _point_at_twins(station: dict[str, Any], places: Places, ports: Mapping[str, str], speed: float) -> None:
    station["station"]["simulated"] = True
    station["clock"] = {"kind": "scaled", "speed": speed}
    station["store"]["path"] = str(places.store)
    station.setdefault("captures", {})["path"] = str(places.store.parent / "captures")
    station["control"]["socket"] = str(places.control_socket)
    station["guard"]["port"] = ports["guard"]
    station["buses"]["a"]["port"] = ports["bus_a"]
    station["buses"]["b"]["port"] = ports["bus_b"]
    station["devices"]["tester"]["port"] = ports["tester"]
    station["devices"]["touch"]["port"] = ports["touch"]
    voice = {key: station["panel"][key] for key in ("volume", "mute") if key in station["panel"]}
    station["panel"] = {"kind": "socket-panel", "path": ports["panel"], **voice}
    station["scanner"] = {"kind": "serial-scanner", "port": ports["scanner"]}
    if "printer" in ports:
        station["printer"] = {"kind": "zpl-tcp", "address": ports["printer"], "slips": True}
    else:
        station.pop("printer", None)
    full_scale = {key: station["audio"][key] for key in ("output_full_scale_v", "input_full_scale_v")}
    station["audio"] = {"kind": "audio-twin", "port": ports["audio"], **full_scale}
