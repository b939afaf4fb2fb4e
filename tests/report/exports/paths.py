"""Reads what `docs/exports.md` calls a path: of a WSJF report and of an ATML document, as lists of values."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from xml.etree.ElementTree import Element

from station.report.exports.atml import NAMESPACES

_READ = {"Number": float, "String": str, "Bool": lambda text: text == "true"}
_XSI = "{http://www.w3.org/2001/XMLSchema-instance}type"
_LETTERS = {"S": "tr:ResultSet/tr:TestGroup", "M": "tr:ResultSet/tr:TestGroup/tr:Test",
            "C": "tr:ResultSet/tr:TestGroup/tr:TestResult"}  # fmt: skip


# ---- WSJF ----------------------------------------------------------------------------------------------------------
def of_wsjf(report: dict[str, Any], path: str) -> list[Any]:
    """The values at a path, None where a step or measurement has none."""
    place, plus, name = path.partition("+")
    nodes = _wsjf_nodes(report, place.split(".")[0] if place else "")
    if plus:
        found = [_carried(node.get("additionalResults") or node["additionalData"]) for node in nodes]
        return _flat((_member(values, name) for values in found), "[]" in name)
    if found := re.fullmatch(r"miscInfos\[(\w+)\]", place):
        return [info["text"] for info in report["miscInfos"] if info["description"] == found[1]]
    names = place.split(".")[1:] if place[:2] in ("S.", "M.", "C.") else place.split(".")
    return [value for node in nodes for value in _walk(node, names)]


def _wsjf_nodes(report: dict[str, Any], letter: str) -> list[dict[str, Any]]:
    steps = report["root"]["steps"]
    below = [one for step in steps for one in step["steps"]]
    if letter == "S":
        return list(steps)
    if letter in ("M", "C"):
        return [one for one in below if ("chart" in one) == (letter == "C")]
    return [report]


def _walk(node: Any, names: list[str]) -> list[Any]:
    if not names:
        return [node]
    name = names[0]
    if name.endswith("[]"):
        return [value for member in node.get(name[:-2], []) for value in _walk(member, names[1:])]
    return _walk(node[name], names[1:]) if name in node else [None]


def _carried(additional: list[dict[str, Any]]) -> dict[str, Any]:
    assert [piece["name"] for piece in additional] == ["record"]
    return {prop["name"]: _value(prop) for prop in additional[0]["props"]}


def _value(prop: dict[str, Any]) -> Any:
    if prop["type"] == "Obj":
        return {one["name"]: _value(one) for one in prop["props"]}
    if prop["type"] == "Array":
        assert [index["indexes"] for index in prop["array"]["indexes"]] == [
            [place] for place in range(len(prop["array"]["indexes"]))
        ]
        return [_value(index["value"]) for index in prop["array"]["indexes"]]
    return _READ[prop["type"]](prop["value"])


def _member(values: Any, name: str) -> Any:
    for one in name.split("."):
        if one.endswith("[]"):
            rest = name.partition("[].")[2]
            return [_member(member, rest) for member in values.get(one[:-2], [])]
        values = values.get(one) if values is not None else None
    return values


def _flat(values: Iterable[Any], of_lists: bool) -> list[Any]:
    return [member for value in values for member in value] if of_lists else list(values)


# ---- ATML ----------------------------------------------------------------------------------------------------------
def of_atml(root: Element, path: str) -> list[Any]:
    """The values at a path: texts of elements and attributes, and typed values behind a `+`."""
    place, plus, name = path.partition("+")
    if plus:
        return _flat((_member(_collection(holder), name) for holder in _holders(root, place)), "[]" in name)
    place, _, attribute = place.rpartition("@")
    letter, slash, rest = place.partition("/")
    where = f"{_LETTERS[letter]}{slash}{rest}" if letter in _LETTERS else place
    where = where.rstrip("/")
    if "@" not in path.rsplit("/", 1)[-1].split("[")[0]:
        letter, slash, rest = path.partition("/")
        where = f"{_LETTERS[letter]}{slash}{rest}" if letter in _LETTERS else path
        return [element.text or "" for element in root.findall(where, NAMESPACES)]
    elements = root.findall(where, NAMESPACES) if where else [root]
    return [element.get(attribute) for element in elements if element.get(attribute) is not None]


def _holders(root: Element, place: str) -> list[Element]:
    if not place:
        return root.findall("tr:Extension/b:Record", NAMESPACES)
    return root.findall(f"{_LETTERS[place]}/{'tr:TestData' if place == 'C' else 'tr:Data'}", NAMESPACES)


def _collection(holder: Element) -> Any:
    items = holder.findall("c:Collection/c:Item", NAMESPACES)
    if any(item.get("name") for item in items):
        return {item.get("name"): _item(item) for item in items}
    return [_item(item) for item in items]


def _item(item: Element) -> Any:
    if (array := item.find("c:IndexedArray", NAMESPACES)) is not None:
        elements = array.findall("c:Element", NAMESPACES)
        assert array.get("dimensions") == f"[{len(elements)}]"
        assert [one.get("position") for one in elements] == [f"[{place}]" for place in range(len(elements))]
        return [float(str(one.get("value"))) for one in elements]
    if (found := item.find("c:Datum", NAMESPACES)) is None:
        return _collection(item)
    kind, value = found.get(_XSI), found.get("value")
    if kind == "c:string":
        return found.findtext("c:Value", None, NAMESPACES) or ""
    return value == "true" if kind == "c:boolean" else float(str(value))
