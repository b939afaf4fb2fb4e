"""ATML Test Results (IEEE 1636.1): a run as one `TestResults` document.

Elements stand in the order of the schema's sequences. What ATML has no element for stands in its extension, under the
record's own names and with types.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import Element, tostring

from station.domain.record import Part, Record
from station.report.exports.atml_steps import outcome, test_group
from station.report.exports.atml_values import child, collection, datum
from station.report.exports.shared import NONE, present, run_values
from station.report.record_view import plain

NAMESPACES = {
    "tr": "urn:IEEE-1636.1:2011:01:TestResults",
    "c": "urn:IEEE-1671:2010:Common",
    "xsi": "http://www.w3.org/2001/XMLSchema-instance",
    "b": "urn:bench-station:record:1",
}


def atml(record: Record) -> bytes:
    """The document, UTF-8."""
    root = Element("tr:TestResults", {f"xmlns:{prefix}": uri for prefix, uri in NAMESPACES.items()})
    root.set("uuid", record.run_id)
    root.set("name", f"run {record.run_no}")
    _personnel(root, record)
    if record.parts:
        repairs = child(root, "tr:PreTestRepairs")
        for part in record.parts:
            _replaced(repairs, part)
    _result_set(root, record)
    program = child(root, "tr:TestProgram")
    _definition(program, record.plan.id, record.plan.revision)
    child(program, "c:SerialNumber", record.plan.sha256 or NONE)
    station = child(root, "tr:TestStation")
    _definition(station, record.station, record.software)
    child(station, "c:SerialNumber", record.station or NONE)
    _unit(root, record)
    if record.work_order:
        child(child(root, "tr:WorkOrder"), "c:WorkOrderNumber", record.work_order)
    collection(child(child(root, "tr:Extension"), "b:Record"), run_values(record))
    head = b'<?xml version="1.0" encoding="UTF-8"?>\n'
    return head + tostring(root, encoding="unicode").encode() + b"\n"


def _personnel(root: Element, record: Record) -> None:
    """Who confirms as the second is ATML's quality assurance; badges are identifiers, names are not kept."""
    personnel = child(root, "tr:Personnel")
    if record.second_operator:
        child(personnel, "tr:QualityAssurance", ID=record.second_operator)
    child(personnel, "tr:SystemOperator", ID=record.operator or NONE)


def _definition(parent: Element, name: str, version: str) -> Element:
    definition = child(parent, "c:Definition", version=version or NONE, name=name or NONE)
    identification = child(definition, "c:Identification")
    child(identification, "c:ModelName", name or NONE)
    return identification


def _unit(root: Element, record: Record) -> None:
    dut = record.dut
    unit = child(root, "tr:UUT")
    identification = child(child(unit, "c:Definition", name=dut.product or NONE), "c:Identification")
    child(identification, "c:ModelName", dut.model or NONE)
    numbers = child(identification, "c:IdentificationNumbers")
    child(numbers, "c:IdentificationNumber", number=dut.product or NONE, type="Part", qualifier="product")
    child(child(identification, "c:Manufacturers"), "c:Manufacturer", name=dut.maker or NONE)
    child(unit, "c:SerialNumber", dut.serial_number or NONE)


def _replaced(repairs: Element, part: Part) -> None:
    repair = child(repairs, "tr:Repair")
    child(child(repair, "tr:RepairActionTaken", value="Replace"), "tr:Description", f"{part.quantity} x {part.name}")
    definition = child(child(repair, "tr:ComponentDescription"), "c:Definition", name=part.name or NONE)
    identification = child(definition, "c:Identification")
    child(identification, "c:ModelName", part.name or NONE)
    if part.number:
        numbers = child(identification, "c:IdentificationNumbers")
        child(numbers, "c:IdentificationNumber", number=part.number, type="Part", qualifier="part")


def _result_set(root: Element, record: Record) -> None:
    results = child(
        root, "tr:ResultSet", ID="run", name=record.plan.id or NONE,
        simulated="true" if record.simulated else "false", startDateTime=record.started_at, endDateTime=record.ended_at,
    )  # fmt: skip
    events = list(_events(record))
    if events:
        made = child(results, "tr:Events")
        for number, name, message, told in events:
            event = child(made, "tr:Event", ID=number, name=name, source=record.station or NONE)
            if "at" in told:
                event.set("timeStamp", told["at"])
            if message:
                child(event, "tr:Message", message)
            for title, value in told.items():
                datum(child(event, "tr:Data", name=title), value)
    outcome(results, record.verdict)
    for place, step in enumerate(record.steps, start=1):
        test_group(results, record, step, place)


def _events(record: Record) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    """Number, name, message and members of what happened in the run: causes, trips, handovers."""
    for kind, happened, message in (
        ("cause", record.causes, "text"), ("trip", record.trips, "cause"), ("handover", record.handovers, "operator"),
    ):  # fmt: skip
        for number, one in enumerate(happened, start=1):
            told = present(plain(one))
            yield f"{kind}-{number}", kind, str(told.get(message, "")), told
