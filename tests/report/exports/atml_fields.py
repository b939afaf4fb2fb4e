"""Our own list of what an ATML document may hold: elements in their order, how often, attributes, enumerations.

Facts from the content models of `TestResults` 3.06 and `Common` 3.17; only what our documents use of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

from station.report.exports.atml import NAMESPACES

MANY = 1_000_000
XSI_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
WHEN = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z?"
SOME = r"(?s).+"
DOUBLE = r"-?\d+(\.\d+)?(e[+-]\d+)?"
UUID = r"[A-Fa-f0-9]{8}-([A-Fa-f0-9]{4}-){3}[A-Fa-f0-9]{12}"
NCNAME = r"[A-Za-z_][\w.-]*"
BOOLEAN = "true|false|0|1"


@dataclass(frozen=True, slots=True)
class Part:
    """A place in the order: the elements that may stand there, by name with their type, and how many of them."""

    elements: dict[str, str]
    least: int = 0
    most: int = 1


@dataclass(frozen=True, slots=True)
class Kind:
    """A complex type. `any_order`: an `xs:all`. `text`: what the content must match, None: no text."""

    parts: tuple[Part, ...] = ()
    attributes: dict[str, str] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    text: str | None = None
    any_order: bool = False


def one(name: str, kind: str, least: int = 1) -> Part:
    return Part({name: kind}, least)


def many(name: str, kind: str, least: int = 0) -> Part:
    return Part({name: kind}, least, MANY)


VALUE = Part({"c:Datum": "Datum", "c:Collection": "Collection", "c:IndexedArray": "Array"}, 1)
UNITS = {"standardUnit": SOME, "nonStandardUnit": SOME, "unitQualifier": SOME}
QUALITY = (one("c:Resolution", "Text", 0), one("c:ErrorLimits", "Limit", 0), one("c:Range", "Limit", 0),
           one("c:Confidence", "Text", 0))  # fmt: skip
ACTION = (
    one("tr:Description", "Text", 0), one("tr:Events", "Events", 0), one("tr:Parameters", "Parameters", 0),
    one("tr:Data", "Value", 0), one("tr:Extension", "Extension", 0),
)  # fmt: skip
TEST = (*ACTION, one("tr:Outcome", "Outcome"), many("tr:Calibration", "Parameter"),
        one("tr:TestLimits", "TestLimits", 0), many("tr:TestResult", "TestResult"))  # fmt: skip
ACTION_ATTRIBUTES = {"ID": NCNAME, "name": SOME, "userDefinedType": SOME, "simulated": BOOLEAN, "startDateTime": WHEN,
                     "endDateTime": WHEN, "testReferenceID": SOME}  # fmt: skip
COMPARED = "GT|GE|LT|LE"
KINDS: dict[str, Kind] = {
    "TestResults": Kind(
        (one("tr:Personnel", "Personnel"), one("tr:PreTestRepairs", "Repairs", 0), one("tr:ResultSet", "TestGroup"),
         one("tr:TestProgram", "Item", 0), one("tr:TestStation", "Item", 0), one("tr:UUT", "Item", 0),
         one("tr:WorkOrder", "WorkOrder", 0), one("tr:Extension", "Extension", 0)),
        {"uuid": UUID, "name": SOME}, ("uuid",), any_order=True,
    ),
    "Personnel": Kind((one("tr:CustomerRepresentative", "Person", 0), one("tr:QualityAssurance", "Person", 0),
                       one("tr:SystemOperator", "Person"))),
    "Person": Kind((many("c:OtherData", "Value"),), {"ID": SOME, "name": SOME}, ("ID",)),
    "Repairs": Kind((many("tr:Repair", "Repair", 1),)),
    "Repair": Kind((one("tr:RepairActionTaken", "RepairAction"), one("tr:ReferenceDesignator", "Text", 0),
                    many("tr:ComponentDescription", "Described"))),
    "RepairAction": Kind((one("tr:Description", "Text", 0),),
                         {"value": "Repair|Replace|Reseat|Alignment|SoftwareUpgrade|UserDefined", "code": SOME},
                         ("value",)),
    "Described": Kind((one("c:Definition", "Description", 0),)),
    "Item": Kind((one("c:Definition", "Description", 0), one("c:SerialNumber", "Text"))),
    "Description": Kind((one("c:Description", "Text", 0), one("c:Identification", "Identification"),
                         one("c:Extension", "Extension", 0)), {"version": SOME, "name": SOME}),
    "Identification": Kind(
        (one("c:Version", "Text", 0), one("c:ModelName", "Text"), one("c:IdentificationNumbers", "Numbers", 0),
         one("c:Manufacturers", "Manufacturers", 0), one("c:Extension", "Extension", 0)), any_order=True,
    ),
    "Numbers": Kind((many("c:IdentificationNumber", "Number", 1),)),
    "Number": Kind((), {"number": SOME, "type": "Part|Model|Other", "qualifier": SOME},
                   ("number", "type", "qualifier")),
    "Manufacturers": Kind((many("c:Manufacturer", "Manufacturer", 1),)),
    "Manufacturer": Kind((), {"name": SOME, "cageCode": SOME}, ("name",)),
    "WorkOrder": Kind((one("c:WorkOrderNumber", "Text"), one("c:WorkItemNumber", "Text", 0))),
    "TestGroup": Kind((*TEST, Part({"tr:Test": "Test", "tr:TestGroup": "TestGroup"}, 0, MANY)), ACTION_ATTRIBUTES,
                      ("ID", "startDateTime")),
    "Test": Kind(TEST, ACTION_ATTRIBUTES, ("ID", "startDateTime")),
    "Events": Kind((many("tr:Event", "Event", 1),)),
    "Event": Kind((many("tr:Message", "Text"), many("tr:Data", "NamedValue")),
                  {"ID": SOME, "name": SOME, "severity": "[0-4]", "source": SOME, "timeStamp": WHEN}, ("ID", "source")),
    "Parameters": Kind((many("tr:Parameter", "Parameter", 1),)),
    "Parameter": Kind((one("tr:Description", "Text", 0), one("tr:Data", "Value", 0)),
                      {"ID": SOME, "name": SOME, "timeStamp": WHEN}, ("ID",)),
    "Outcome": Kind((), {"value": "Passed|Failed|Aborted|NotStarted|Done|UserDefined", "qualifier": SOME}, ("value",)),
    "TestResult": Kind(
        (one("tr:Outcome", "Outcome", 0), one("tr:Description", "Text", 0), one("tr:TestData", "Value", 0),
         one("tr:TestLimits", "TestLimits", 0), one("tr:Extension", "Extension", 0)),
        {"ID": NCNAME, "name": SOME}, ("ID",), any_order=True,
    ),
    "TestLimits": Kind((many("tr:Limits", "Limit", 1),)),
    "Limit": Kind((Part({"c:Expected": "Value", "c:SingleLimit": "SingleLimit", "c:LimitPair": "LimitPair"}, 1),
                   one("c:Description", "Text", 0), one("c:Extension", "Extension", 0)),
                  {"operator": "AND|OR", "name": SOME}),
    "LimitPair": Kind((Part({"c:Limit": "SingleLimit"}, 2, 2), one("c:Nominal", "Value", 0)),
                      {"operator": "AND|OR", "name": SOME}, ("operator",)),
    "SingleLimit": Kind((VALUE,), {"comparator": COMPARED}, ("comparator",)),
    "Value": Kind((VALUE,)),
    "NamedValue": Kind((VALUE,), {"name": SOME}, ("name",)),
    "Collection": Kind((*QUALITY, many("c:Item", "Member"))),
    "Member": Kind((VALUE,), {"name": SOME}),
    "c:double": Kind(QUALITY, {"value": DOUBLE, **UNITS}, ("value",)),
    "c:long": Kind(QUALITY, {"value": r"-?\d+", **UNITS}, ("value",)),
    "c:boolean": Kind(QUALITY, {"value": BOOLEAN, **UNITS}, ("value",)),
    "c:string": Kind((*QUALITY, one("c:Value", "AnyText")), UNITS),
    "c:doubleArray": Kind((*QUALITY, one("c:DefaultElementValue", "c:double", 0), many("c:Element", "Placed")),
                          {"dimensions": r"\[\d+(,\d+)*\]", **UNITS}, ("dimensions",)),
    "Placed": Kind(QUALITY, {"value": DOUBLE, "position": r"\[\d+(,\d+)*\]", **UNITS}, ("value", "position")),
    "Extension": Kind((many("b:Record", "Value", 1),)),
    "Text": Kind(text=SOME),
    "AnyText": Kind(text="(?s).*"),
}  # fmt: skip
_PREFIXES = {uri: prefix for prefix, uri in NAMESPACES.items()}


def faults(element: Element, kind: str = "TestResults", place: str = "tr:TestResults") -> Iterator[str]:
    """What an element has that its type does not know, lacks, or has in another place or form."""
    if kind in ("Datum", "Array"):
        kind = element.get(XSI_TYPE, "no type")
        if kind not in KINDS:
            yield f"{place}: {kind}"
            return
    model = KINDS[kind]
    yield from _attribute_faults(element, model, place)
    if (element.text or "").strip() and model.text is None:
        yield f"{place}: text"
    if model.text is not None and not re.fullmatch(model.text, element.text or ""):
        yield f"{place}: {element.text!r}"
    yield from _order_faults(element, model, place)
    kinds = {name: inner for part in model.parts for name, inner in part.elements.items()}
    for number, below in enumerate(element):
        if (name := prefixed(below.tag)) in kinds:
            yield from faults(below, kinds[name], f"{place}/{name}[{number}]")


def _attribute_faults(element: Element, model: Kind, place: str) -> Iterator[str]:
    found = {name: value for name, value in element.attrib.items() if name != XSI_TYPE}
    yield from (f"{place}/@{name}: unknown" for name in found if name not in model.attributes)
    yield from (f"{place}/@{name}: missing" for name in model.required if name not in found)
    for name, value in found.items():
        if name in model.attributes and not re.fullmatch(model.attributes[name], value):
            yield f"{place}/@{name}: {value!r}"


def _order_faults(element: Element, model: Kind, place: str) -> Iterator[str]:
    names = [prefixed(below.tag) for below in element]
    at = 0
    for part in model.parts:
        count = sum(name in part.elements for name in names)
        run = 0
        while at < len(names) and names[at] in part.elements:
            at, run = at + 1, run + 1
        if not model.any_order and run != count:
            yield f"{place}: {sorted(part.elements)} not in its place"
        if not part.least <= count <= part.most:
            yield f"{place}: {count} of {sorted(part.elements)}"
    known = {name for part in model.parts for name in part.elements}
    yield from (f"{place}/{name}: unknown" for name in names if name not in known)


def prefixed(tag: str) -> str:
    """`{urn:…}Name` as `prefix:Name`."""
    uri, _, name = tag.removeprefix("{").partition("}")
    return f"{_PREFIXES[uri]}:{name}"
