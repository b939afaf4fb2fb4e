"""The instrument that is calibrated, and where its readings come from: itself, a run on record, or its display.

Only what reads is asked here, and no question takes a permit. What needs a test voltage, mains or drive (tester,
touch-current meter, the interface's voltages) is measured in a run behind START, and its reading taken from the record.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from drivers.catalog import CATALOG
from drivers.errors import DriverError
from drivers.ports import Accuracy, Identity
from station.cli.results import bench_of, find_record, open_history
from station.domain.calibration import Calibration, Correction
from station.domain.errors import SettingsError
from station.domain.record import JudgedMeasurement, Record
from station.metrology.fitting import raw_reading
from station.settings.calibrations import AUDIO, AUDIO_QUANTITIES, READINGS_OF_TESTERS, Known, quantities_of

if TYPE_CHECKING:
    from station.settings.tree import DeviceSettings, StationSettings

ANSWER_S = 20.0
GAIN = "gain_db"
APART_S = 1.0
"""No meter of the bench needs longer for a fresh reading."""


@dataclass(frozen=True, slots=True)
class Instrument:
    """One role of the bench. `device` is None where it does not answer (`silence` says why) or is not asked here."""

    role: str
    kind: str
    identity: Identity
    quantities: tuple[str, ...]
    device: Any
    poll_s: float
    silence: str = ""

    @property
    def reads_itself(self) -> bool:
        """Whether its readings can be taken here, with nothing energised."""
        return self.device is not None and self.role not in READINGS_OF_TESTERS

    def accuracy(self, quantity: str) -> Accuracy | None:
        """The maker's bounds, where the driver knows them."""
        known: Accuracy | None = getattr(self.device, "accuracy", {}).get(quantity)
        return known

    async def read(self, quantity: str, count: int) -> tuple[float, ...]:
        """So many fresh readings, as far apart as the bench polls (a second at most). Raises `SettingsError`."""
        found = []
        try:
            for number in range(count):
                if number:
                    await asyncio.sleep(self.poll_s)
                found.append(float((await self.device.read())[quantity]))
        except DriverError as error:
            raise SettingsError(f"{error}; see `station doctor`, then begin again: nothing was written") from error
        return tuple(found)


def known_of(settings: StationSettings) -> Known:
    """What can be calibrated on this bench."""
    readings = {
        role: CATALOG[device.kind].readings(device.settings)
        for role, device in settings.devices.items()
        if CATALOG[device.kind].port in ("sensor", "probe")
    }
    return quantities_of(readings)


@asynccontextmanager
async def opened(settings: StationSettings, role: str, known: Known) -> AsyncIterator[Instrument]:
    """The instrument, asked who it is; nothing else of the bench is opened. Its wire is let go of at the end."""
    if role == AUDIO:
        yield _audio(settings, known)
        return
    device: DeviceSettings = settings.devices[role]
    name = getattr(device.settings, "bus", None)
    buses = {} if name is None else {name: _make(settings.buses[name], {})}
    made = _make(device, buses)
    identity, silence = Identity(), ""
    try:
        try:
            async with asyncio.timeout(ANSWER_S):
                identity = await made.ensure_ready()
        except (DriverError, TimeoutError) as error:
            silence = str(error) or f"no answer within {ANSWER_S:g} s"
        answers = made if not silence else None
        yield Instrument(
            role, device.kind, identity, tuple(known[role]), answers, min(max(device.poll_s, 0.1), APART_S), silence
        )
    finally:
        for one in (made, *buses.values()):
            await one.close()


def _audio(settings: StationSettings, known: Known) -> Instrument:
    device, silence, identity = None, "", Identity()
    try:
        device = _make(settings.audio, {})
        identity = device.identity
    except DriverError as error:
        silence = str(error)
    finally:
        if device is not None:
            device.close()
    return Instrument(AUDIO, settings.audio.kind, identity, tuple(known[AUDIO]), None, 0.0, silence)


def _make(device: DeviceSettings, buses: dict[str, Any]) -> Any:
    return CATALOG[device.kind].make(device.settings, buses)


def reading_of_run(
    config: Path, run: str, instrument: Instrument, quantity: str, on_record: Calibration | None
) -> float:
    """What the instrument itself read in a run, before the correction that was in force then.

    Raises `SettingsError` where the run does not tell it, or was made with another instrument.
    """
    with open_history(bench_of(config)) as history:
        record = find_record(history, run)
    took = next((one for one in record.instruments if one.role == instrument.role), None)
    used, serial = (took.serial_number or "") if took else "", instrument.identity.serial_number
    if used != serial:
        raise SettingsError(
            f"run {record.run_no} was made with {instrument.role} {used or 'unknown'}, not with "
            f"{serial or 'this one'}; name a run of this instrument"
        )
    mine = on_record if on_record is not None and on_record.is_of(serial) else None
    return raw_reading(_shown(record, quantity), _in_force(mine, took.calibrated_until if took else None, quantity))


def _shown(record: Record, quantity: str) -> float:
    side, channel = (quantity.split("_")[0], quantity.split("_")[1]) if quantity in AUDIO_QUANTITIES else ("", None)
    name = GAIN if side else quantity
    found = [
        one for step in record.steps for one in step.measurements
        if one.name == name and one.channel == channel and one.value is not None and one.bound is None
    ]  # fmt: skip
    if len(found) != 1:
        many = "no value" if not found else f"{len(found)} values"
        raise SettingsError(
            f"run {record.run_no} has {many} of {name}{f' {channel}' if channel else ''}; name a run with exactly one, "
            "or type what the display showed"
        )
    return _volts(found[0], side) if side else float(found[0].value or 0.0)


def _volts(gain: JudgedMeasurement, side: str) -> float:
    """The level that a gain was measured with, at the DUT's input, or what came of it at its terminals."""
    if "source_v" not in gain.conditions:
        raise SettingsError("the run does not say what its gain was measured with; name one of a newer station")
    source_v = float(gain.conditions["source_v"])
    return source_v if side == "output" else source_v * 10.0 ** (float(gain.value or 0.0) / 20.0)


def _in_force(mine: Calibration | None, until: str | None, quantity: str) -> Correction:
    """What corrected a run, by the due day that its record tells; None there: nothing did."""
    if until is None:
        return Correction()
    made = [one for one in (mine.revisions if mine else ()) if one.due.isoformat() == until]
    found = [one.corrections.get(quantity, Correction()) for one in made]
    if len({(one.factor, one.offset) for one in found}) != 1:
        how = "not on file" if not found else "on file with more than one correction"
        raise SettingsError(
            f"the run's {quantity} was corrected by a calibration until {until}, which is {how}; "
            "type what the display showed"
        )
    return found[0]
