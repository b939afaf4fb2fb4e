"""Why a device is silent: the error, what can be seen of its port, and whether its neighbours on the wire answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

from drivers.errors import DeviceTimeout, DriverError, PortError
from station.doctor.causes import Facts, Symptom, likely_causes, symptom_alone, symptom_on_bus
from station.doctor.finding import Finding
from station.doctor.port_facts import PortFacts, look_at
from station.doctor.questions import Question

if TYPE_CHECKING:
    from station.settings.tree import StationSettings

Look = Callable[[str], PortFacts]


@dataclass(frozen=True, slots=True)
class Asked:
    """One device, what was found, and the error itself where it did not answer."""

    question: Question
    finding: Finding
    error: DriverError | None = None


def explain(asked: Iterable[Asked], settings: StationSettings, look: Look = look_at) -> tuple[Finding, ...]:
    """The findings with symptom and causes, and before the devices of each bus the bus itself. Blocks a little."""
    found = tuple(asked)
    look = cache(look)
    explained: list[Finding] = []
    told: set[str] = set()
    for one in found:
        bus = _bus_of(one, settings)
        mates = [other for other in found if other.question.wire == one.question.wire] if bus else [one]
        if bus and bus not in told:
            told.add(bus)
            explained.append(_bus_finding(bus, mates, settings, look))
        explained.append(_explain(one, mates, settings, look))
    return tuple(explained)


def _bus_of(asked: Asked, settings: StationSettings) -> str:
    name = asked.question.wire.removeprefix("bus ")
    return name if asked.question.wire == f"bus {name}" and name in settings.buses else ""


def _bus_finding(bus: str, mates: Sequence[Asked], settings: StationSettings, look: Look) -> Finding:
    answering = [one for one in mates if one.finding.answers]
    # a refusal and a garbled reply are answers of the bus, if not of the device
    heard = answering or [one for one in mates if not isinstance(one.error, DeviceTimeout | PortError)]
    kind, port = settings.buses[bus].kind, mates[0].question.port.partition(" address ")[0]
    words = f"{len(answering)} of {len(mates)} devices answer"
    whole = Finding(f"bus {bus}", kind, port, bool(heard), answer=words, calibration="-")
    if heard:
        return whole
    first = _explain(mates[0], mates, settings, look)
    return replace(whole, answer="", error=f"bus {bus}: {words}", symptom=first.symptom, causes=first.causes)


def _explain(one: Asked, mates: Sequence[Asked], settings: StationSettings, look: Look) -> Finding:
    finding = one.finding
    symptom = Symptom(finding.symptom) if finding.symptom else None
    path = one.question.port.partition(" address ")[0]
    seen = look(path) if path.startswith("/") and (one.error is not None or symptom) else None
    if one.error is not None and symptom is None:
        symptom = _of_port(one.error, seen, path) or _of_wire(one, mates, settings)
    if symptom is None:
        return finding
    return replace(finding, symptom=symptom.value, causes=likely_causes(symptom, _facts(one, path, seen, settings)))


def _of_port(error: DriverError, seen: PortFacts | None, path: str) -> Symptom | None:
    """What is wrong with the port itself; None where it can be opened, or is none."""
    if seen is not None and not seen.exists:
        return Symptom.PORT_MISSING
    if not isinstance(error, PortError):
        return None
    if seen is None:
        return None
    if not seen.usable:
        return Symptom.PERMISSION
    if seen.holders or "lock" in str(error) or "holds the port" in str(error):
        return Symptom.PORT_BUSY
    return Symptom.PORT_BROKEN


def _of_wire(one: Asked, mates: Sequence[Asked], settings: StationSettings) -> Symptom:
    assert one.error is not None
    if not _bus_of(one, settings):
        return symptom_alone(one.question.role, one.error)
    if isinstance(one.error, PortError):
        return Symptom.NETWORK_GONE
    symptom = symptom_on_bus(one.error)
    silent = all(isinstance(mate.error, DeviceTimeout) for mate in mates)
    return Symptom.BUS_SILENT if silent and symptom is Symptom.ADDRESS_SILENT else symptom


def _facts(one: Asked, path: str, seen: PortFacts | None, settings: StationSettings) -> Facts:
    role, bus = one.question.role, _bus_of(one, settings)
    device = settings.devices.get(role)
    wire = settings.buses[bus].settings if bus else device.settings if device else None
    plain = Facts(
        port=path, kind=one.question.kind, bus=bus, baud=str(getattr(wire, "baud", "its own")),
        address=one.question.port.partition(" address ")[2],
    )  # fmt: skip
    if seen is None:
        return plain
    known = replace(plain, user=seen.user, membership="in it" if seen.in_group else "not in it")
    known = replace(known, group=seen.group or known.group, mode=seen.mode)
    known = replace(known, there=", ".join(seen.plugged) or known.there)
    return replace(known, holder=", ".join(seen.holders) or known.holder)
