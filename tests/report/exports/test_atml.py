"""ATML against our own list of elements, their order, attributes and enumerations, and what XML itself demands."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import cache
from xml.etree.ElementTree import Element, fromstring

import pytest

from station.domain.record import Cause
from station.report.exports.atml import NAMESPACES, atml
from tests.report.exports.atml_fields import XSI_TYPE, faults, prefixed
from tests.report.exports.records import MAKERS, NASTY, make_rich


@cache
def document_of(name: str) -> Element:
    return fromstring(atml(MAKERS[name]()))


def measurement_of(name: str) -> Element:
    found = document_of("rich").find(f"tr:ResultSet/tr:TestGroup/tr:Test[@name='{name}']", NAMESPACES)
    assert found is not None
    return found


@pytest.mark.parametrize("name", MAKERS)
def test_a_document_holds_elements_in_the_order_of_the_schema_and_nothing_unknown(name: str) -> None:
    root = document_of(name)
    assert prefixed(root.tag) == "tr:TestResults"
    assert list(faults(root)) == []


def test_the_list_sees_a_wrong_order_a_missing_attribute_and_an_unknown_word() -> None:
    root = fromstring(atml(make_rich()))
    group = root.find("tr:ResultSet/tr:TestGroup", NAMESPACES)
    assert group is not None
    group.append(group[0])  # the data behind the tests
    group.remove(group[0])
    outcome = group.find("tr:Outcome", NAMESPACES)
    assert outcome is not None
    outcome.set("value", "Fine")
    del root.attrib["uuid"]
    told = list(faults(root))
    assert len(told) >= 3 and "tr:TestResults/@uuid: missing" in told and any("'Fine'" in one for one in told)


@pytest.mark.parametrize("name", MAKERS)
def test_every_id_is_there_once(name: str) -> None:
    numbers = Counter(one.get("ID") for one in document_of(name).iter() if one.get("ID") and "Person" not in one.tag)
    people = {one.get("ID") for one in document_of(name).iterfind("tr:Personnel/*", NAMESPACES)}
    assert {number for number, count in numbers.items() if count > 1 and number not in people} == set()


@pytest.mark.parametrize(
    ("name", "outcome", "qualifier", "data"),
    [
        ("thd_n_percent right", "Passed", None, "c:Collection"),
        ("snr_db left", "Failed", None, "c:Collection"),
        ("crosstalk_db left", "Aborted", "Error", "c:Datum"),
        ("crosstalk_db right", "Aborted", "Error", None),
        ("damping_factor left", "UserDefined", "NotApplicable", None),
        ("output_power_w left", "Aborted", "Terminated", None),
        ("soak_s", "NotStarted", "Skipped", None),
        ("touch_current_ma", "Passed", None, "c:Datum"),
    ],
)
def test_a_bound_is_no_datum_and_what_has_no_value_has_no_data(
    name: str, outcome: str, qualifier: str | None, data: str | None
) -> None:
    result = measurement_of(name).find("tr:TestResult", NAMESPACES)
    assert result is not None
    told = result.find("tr:Outcome", NAMESPACES)
    assert told is not None and (told.get("value"), told.get("qualifier")) == (outcome, qualifier)
    found = result.find("tr:TestData", NAMESPACES)
    assert (None if found is None else prefixed(found[0].tag)) == data
    assert (result.find("tr:TestLimits", NAMESPACES) is None) == (name == "touch_current_ma")


def test_a_step_that_never_began_has_no_end_and_says_not_started() -> None:
    group = document_of("rich").find("tr:ResultSet/tr:TestGroup[@name='soak']", NAMESPACES)
    assert group is not None and group.get("endDateTime") is None
    outcome = group.find("tr:Outcome", NAMESPACES)
    assert outcome is not None and outcome.get("value") == "NotStarted"


def test_markup_and_every_character_of_a_text_come_back_and_what_xml_has_not_is_marked() -> None:
    rich = make_rich()
    odd = replace(rich, causes=(Cause("thd", None, None, f"{NASTY}\x00\x1b[31m\ufffe\U0001f600\tend"),))
    root = fromstring(atml(odd))
    message = root.findtext("tr:ResultSet/tr:Events/tr:Event/tr:Message", None, NAMESPACES)
    assert message == f"{NASTY}\ufffd\ufffd[31m\ufffd\U0001f600\tend"
    quoted = replace(rich, dut=replace(rich.dut, maker='a "b" <c> & d\x07'))
    maker = fromstring(atml(quoted)).find(".//c:Manufacturer", NAMESPACES)
    assert maker is not None and maker.get("name") == 'a "b" <c> & d\ufffd'


def test_what_the_record_does_not_know_is_a_dash_where_a_text_is_demanded() -> None:
    rich = make_rich()
    bare = replace(rich, dut=replace(rich.dut, serial_number="", model=""), plan=replace(rich.plan, revision=""))
    root = fromstring(atml(bare))
    assert list(faults(root)) == []
    assert root.findtext("tr:UUT/c:SerialNumber", None, NAMESPACES) == "-"


def test_numbers_are_typed_and_read_back_as_the_same_double() -> None:
    one = measurement_of("channel_balance_db").find("tr:TestResult/tr:TestData/c:Datum", NAMESPACES)
    assert one is not None and one.get(XSI_TYPE) == "c:double" and float(str(one.get("value"))) == -1e-07
