"""From settings to devices: the one place where catalogue kinds become ports, and who they say they are.

Belongs to the daemon: with `daemon` and `cli` the only module that imports drivers. It opens nothing.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from drivers.catalog import CATALOG
from drivers.errors import AudioFault, DriverError
from drivers.ports import (
    Device,
    Guard,
    LabelPrinter,
    Panel,
    RelayBoard,
    SafetyTester,
    Scanner,
    Sensor,
    TouchCurrentMeter,
)
from station.contract.messages import Messages
from station.domain.calibration import Calibration
from station.domain.paper import PaperDue
from station.domain.record import Instrument
from station.metrology.corrected import CorrectedSensor, CorrectedTester, CorrectedTouch
from station.metrology.heard import Heard
from station.metrology.in_force import InForce
from station.paper.printing import Printing, Told
from station.paper.rendering import renderer
from station.paper.rules import paper_rules
from station.purging.daily import DailyPurge
from station.purging.work import Place
from station.run.session_events import TimeTold
from station.run.wall import Now, WallClock
from station.safety.pollers import Poller, Pollers
from station.safety.readings import ReadingTable
from station.safety.relays import RelayDesk
from station.settings.tree import DeviceSettings, StationSettings, Tree
from station.sound.client import SoundProcess
from station.sound.permit_page import PermitPage
from station.store.store import Store

log = logging.getLogger(__name__)

ATTEMPTS = 2
"""Fresh tries of a reading before it counts as failed: one disturbed frame in a two-hour soak is no broken meter."""


@dataclass(slots=True)
class Devices:
    """Every device of the bench behind its port, nothing opened yet."""

    guard: Guard
    panel: Panel
    scanner: Scanner
    tester: SafetyTester
    touch: TouchCurrentMeter
    relays: RelayBoard
    desk: RelayDesk
    table: ReadingTable
    pollers: Pollers
    buses: Mapping[str, Any]
    sound: SoundProcess
    page: PermitPage
    kinds: Mapping[str, str]
    settings: StationSettings
    in_force: InForce
    identities: Heard
    printer: LabelPrinter | None = None
    _starting: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def identify(self) -> None:
        """Ask every device who it is, once; one that does not answer is left for the pollers and steps to tell."""
        asked: dict[str, Device] = {"tester": self.tester, "touch": self.touch, "relays": self.relays}
        asked |= {poller.role: poller.sensor for poller in self.pollers}
        for role, device in asked.items():
            await self._ask_who(role, device)

    async def ask_again(self) -> None:
        """Before a run: who hangs there now, of the instruments that are believed by their calibration."""
        asked: dict[str, Device] = {"tester": self.tester, "touch": self.touch}
        asked |= {poller.role: poller.sensor for poller in self.pollers if poller.role not in self.identities}
        for role in self.settings.calibrations:
            if role in asked:
                await self._ask_who(role, asked[role])

    async def _ask_who(self, role: str, device: Device) -> None:
        try:
            self.identities[role] = await device.ensure_ready()
        except DriverError as error:
            log.warning("%s does not say who it is: %s", role, error)

    async def ensure_sound(self) -> None:
        """The sound process is alive and says who the interface is, by a new one where it does not. Raises
        `AudioFault`."""
        async with self._starting:
            if self.sound.alive:
                try:
                    self.identities["audio"] = await self.sound.identify()
                    return
                except AudioFault as fault:
                    log.warning("the sound process is started anew: %s", fault)
            await self.sound.close()
            self.identities["audio"] = await self.sound.start()

    async def inventory(self) -> None:
        """At start, beside everything else: who is there, and the sound process up before the first run needs it."""
        try:
            await self.ensure_sound()
        except DriverError as error:
            log.error("%s", error)
        await self.identify()

    def drive_sink(self, until_s: float | None) -> None:
        """The kernel's word on drive, to the page that the sound process looks at before every block."""
        if until_s is None:
            self.page.revoke()
        else:
            self.page.grant(until_s)

    def instruments(self) -> tuple[Instrument, ...]:
        """Who takes part in a run, for its record."""
        return tuple(
            Instrument(role, self.kinds[role], who.model or None, who.serial_number or None, self.in_force.until(role))
            for role, who in sorted(self.identities.items())
        )

    async def close(self) -> None:
        """Let go of every wire, the sound process first."""
        await self.sound.close()
        self.page.close()
        closing = [self.panel, self.scanner, self.tester, self.touch, *self.buses.values()]
        closing += [poller.sensor for poller in self.pollers]  # those on a line of their own
        closing += [self.printer] if self.printer is not None else []
        await asyncio.gather(*(device.close() for device in closing), return_exceptions=True)


def no_day() -> date | None:
    """Where nobody says what day it is."""
    return None


def make_devices(settings: StationSettings, today: Callable[[], date | None] = no_day) -> Devices:
    """Build the devices of `settings` through the catalogue, corrected by their calibrations.

    `today`: the bench's day, None where its clock is not to be trusted.
    """
    buses = {name: _make(device, {}) for name, device in settings.buses.items()}
    identities = Heard()
    in_force = _in_force(settings, identities, today)
    made = {
        role: _corrected(role, _make(device, buses), in_force, settings.calibrations, identities)
        for role, device in settings.devices.items()
    }
    table, page = ReadingTable(), PermitPage()
    sensors: dict[str, Sensor] = {
        role: made[role] for role, device in settings.devices.items() if CATALOG[device.kind].port == "sensor"
    }
    pollers = Pollers(
        Poller(role, sensor, settings.devices[role].poll_s, table, time.monotonic, ATTEMPTS)
        for role, sensor in sensors.items()
    )
    relays = settings.devices["relays"]
    kinds = {role: device.kind for role, device in settings.devices.items()} | {"audio": settings.audio.kind}
    return Devices(
        guard=_make(settings.guard, {}),
        panel=_make(settings.panel, {}),
        scanner=_make(settings.scanner, {}),
        tester=made["tester"],
        touch=made["touch"],
        relays=made["relays"],
        desk=RelayDesk(made["relays"], relays.settings.channels, time.monotonic),
        table=table,
        pollers=pollers,
        buses=buses,
        sound=SoundProcess(
            settings.audio.kind,
            settings.audio.settings,
            page,
            captures=(settings.captures.path, settings.captures.max_mb),
            calibration=settings.calibrations["audio"].current if "audio" in settings.calibrations else None,
        ),
        page=page,
        kinds=kinds,
        settings=settings,
        in_force=in_force,
        identities=identities,
        printer=make_printer(settings),
    )


def _in_force(settings: StationSettings, identities: Heard, today: Callable[[], date | None]) -> InForce:
    def said(role: str) -> str | None:
        return identities[role].serial_number if role in identities else None

    roles = ("audio", *(role for role in settings.devices if role != "relays"))
    required = settings.calibration_required
    return InForce(settings.calibrations, roles, said, today, required=required, heard=identities)


def _corrected(role: str, device: Any, in_force: InForce, on_file: Mapping[str, Calibration], identities: Heard) -> Any:
    """The device, behind its calibration where there is one."""
    if role not in on_file:
        return device
    around: Any = {"tester": CorrectedTester, "touch": CorrectedTouch}.get(role, CorrectedSensor)
    return around(role, device, lambda: in_force.revision(role), identities)


def wall_of(devices: Devices, now: Now) -> Callable[[float], TimeTold]:
    """What the clock says, and what the calibrations are worth by it. Who is there is asked again before a run."""
    settings = devices.settings
    clock = WallClock(now, ZoneInfo(settings.timezone), settings.shift_ends)
    return lambda now_s: replace(clock.read(now_s), uncalibrated=devices.in_force.foreseen())


def make_printer(settings: StationSettings) -> LabelPrinter | None:
    """The label printer of `settings`, nothing opened yet; None where there is none."""
    printer: LabelPrinter | None = None if settings.printer is None else _make(settings.printer, {})
    return printer


def rules_of(tree: Tree) -> PaperDue:
    """Which paper a run of this bench is due."""
    printer = tree.station.printer
    return paper_rules(printer=printer is not None, slips=printer is not None and printer.settings.slips)


def printing_of(
    settings: StationSettings, store: Store, printer: LabelPrinter | None, messages: Messages, told: Told
) -> Printing:
    """The printing of this bench, woken by its store."""
    render = renderer(settings.language, settings.timezone)
    printing = Printing(store, printer, render, messages, told)
    store.on_paper = printing.wake
    return printing


def purging_of(tree: Tree, running: Callable[[], bool], now: Now) -> DailyPurge:
    """The daily purge of this bench, while `running` says that no run is under way."""
    its = tree.station
    place = Place(Path(its.store_path), Path(its.captures.path))
    return DailyPurge(place, its.retention_days, its.calibrations, running, now, simulated=its.simulated)


def _make(device: DeviceSettings, buses: Mapping[str, Any]) -> Any:
    return CATALOG[device.kind].make(device.settings, buses)
