"""A full station beside a fleet: simulated bench and daemon in processes of their own, on a broker of somebody else."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Self

import tomli_w

from tests.scenarios.live import UP_S, Lines, Live, Program


class FullStation(Live):
    """Use as a context, then `bring_up`; its broker and its centre are those of the fleet."""

    def __init__(self, folder: Path, name: str, url: str, centre: Path) -> None:
        super().__init__(folder)
        self.name, self._url, self.centre = name, url, centre

    def __enter__(self) -> Self:
        """The bench begins to start; several start at once."""
        self.folder.mkdir()
        arguments = ("--dut", self.dut, "--speed", str(self.speed), "--config-out", str(self._config))
        self.bench = self._start("live_process", "simulate", *arguments)
        return self

    def bring_up(self) -> None:
        """The bench is there: start its daemon."""
        self.told = Lines(self.bench)
        self.socket = Path(self.told.next(UP_S)["socket"])
        self._add_plan()
        path = self._config / "station.toml"
        settings = tomllib.loads(path.read_text(encoding="utf-8"))
        settings["station"]["name"] = self.name
        path.write_text(tomli_w.dumps(settings), encoding="utf-8")
        self.start_station()

    def start_station(self) -> Program:
        """The daemon, on the fleet's broker."""
        self.station = self._start("live_process", "run", "--config", str(self._config), "--broker", self._url)
        return self.station
