"""Values of ATML's Common schema: data, collections, arrays and limits. Elements are named with their prefixes.

XML 1.0 has no place for most control characters and for half a surrogate pair: each becomes U+FFFD.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree.ElementTree import Element, SubElement

_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def clean(text: str) -> str:
    """The text as XML 1.0 may have it."""
    return _NO_XML.sub("\ufffd", text)


def child(parent: Element, tag: str, text: str | None = None, **attributes: str) -> Element:
    """A further element of `parent`, in its place: the schemas demand an order."""
    made = SubElement(parent, tag, {name: clean(value) for name, value in attributes.items()})
    if text is not None:
        made.text = clean(text)
    return made


def datum(parent: Element, value: str | bool | int | float, unit: str | None = None) -> Element:
    """A `c:Datum` of the type of the value. Units go into `nonStandardUnit`: they are UCUM, not IEEE 260.1."""
    made = child(parent, "c:Datum")
    if unit:
        made.set("nonStandardUnit", clean(unit))
    if isinstance(value, str):
        made.set("xsi:type", "c:string")
        child(made, "c:Value", value)
        return made
    kind, text = _typed(value)
    made.set("xsi:type", kind)
    made.set("value", text)
    return made


def _typed(value: bool | int | float) -> tuple[str, str]:
    if isinstance(value, bool):
        return "c:boolean", "true" if value else "false"
    return ("c:long" if isinstance(value, int) else "c:double"), repr(value)


def collection(parent: Element, values: Mapping[str, Any] | Sequence[Any]) -> Element:
    """Plain JSON values without nulls: an object's members as named items, a list's as items without a name."""
    made = child(parent, "c:Collection")
    named = values.items() if isinstance(values, Mapping) else [(None, member) for member in values]
    for name, member in named:
        item = child(made, "c:Item", **({} if name is None else {"name": name}))
        if isinstance(member, Mapping | list | tuple):
            collection(item, member)
        else:
            datum(item, member)
    return made


def double_array(parent: Element, values: Sequence[float], unit: str) -> None:
    """A `c:IndexedArray` of one dimension."""
    made = child(parent, "c:IndexedArray", dimensions=f"[{len(values)}]")
    if unit:
        made.set("nonStandardUnit", clean(unit))
    made.set("xsi:type", "c:doubleArray")
    for place, value in enumerate(values):
        child(made, "c:Element", position=f"[{place}]", value=repr(value))


def limit(parent: Element, low: float | None, high: float | None, unit: str) -> None:
    """What stands in a `c:Limit`: one limit or a pair, inclusive. One of the two is there."""
    if low is not None and high is not None:
        pair = child(parent, "c:LimitPair", operator="AND")
        datum(child(pair, "c:Limit", comparator="GE"), low, unit)
        datum(child(pair, "c:Limit", comparator="LE"), high, unit)
    elif low is not None:
        datum(child(parent, "c:SingleLimit", comparator="GE"), low, unit)
    elif high is not None:
        datum(child(parent, "c:SingleLimit", comparator="LE"), high, unit)
