"""What `station check` says of multimeters: wrong keys, contradictions, and commands that would drive something."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import Any

import pytest

from drivers.catalog import CATALOG
from drivers.scpi.faults import meter_faults, xdm_faults
from drivers.scpi.settings import MeterQuantity, MeterSettings, Setup, XdmSettings
from station.settings.devices import place_devices
from station.settings.locate import locate
from station.settings.source import Source

GOOD: Mapping[str, Any] = {
    "quantities": {"volts_v": MeterQuantity("READ?", low=-1.0, high=1.0)},
    "port": "/dev/bench-dmm",
    "setup": (Setup("CONF:VOLT:DC 10", "FUNC?", "VOLT"),),
}


@pytest.mark.parametrize(
    ("more", "path", "says"),
    [
        ({}, None, ""),
        ({"port": "", "address": "dmm:5025"}, None, ""),
        ({"address": "dmm"}, ("port",), "both a port and an address"),
        ({"port": ""}, ("port",), "neither a port nor an address"),
        ({"port": "", "address": "tcp://dmm"}, ("address",), "is no address"),
        ({"quantities": {}}, ("quantities",), "no quantity at all"),
        ({"quantities": {"volts_v": MeterQuantity("READ")}}, ("quantities", "volts_v", "query"), "asks nothing"),
        (
            {"quantities": {"volts_v": MeterQuantity("READ?", scale=0.0)}},
            ("quantities", "volts_v", "scale"),
            "the same",
        ),
        (
            {"quantities": {"volts_v": MeterQuantity("READ?", low=2.0, high=1.0)}},
            ("quantities", "volts_v", "low"),
            "not below high",
        ),
        ({"timeout_s": 0.0}, ("timeout_s",), "too small"),
        ({"setup": (Setup("CONF:VOLT:DC"),)}, ("setup",), "would go unseen"),
        ({"setup": (*GOOD["setup"], Setup())}, ("setup", 1), "neither a command nor a query"),
        ({"setup": (*GOOD["setup"], Setup(query="RATE?"))}, ("setup", 1, "answer"), "is missing"),
        ({"setup": (*GOOD["setup"], Setup("RATE S\n"))}, ("setup", 1, "command"), "cannot be sent"),
        ({"errors": "SYST:ERR"}, ("errors",), "asks nothing"),
        ({"setup": ()}, ("setup",), "would go unseen"),
        ({"setup": (Setup("", "*IDN?", "DMM"),)}, ("setup",), "would go unseen"),
        ({"setup": (), "quantities": {"volts_v": MeterQuantity("MEAS?")}}, ("setup",), "would go unseen"),
        ({"setup": (), "quantities": {"volts_v": MeterQuantity("MEAS:VOLT:DC?")}}, None, ""),
        ({"quantities": {"volts_v": MeterQuantity("READ?;OUTP 1")}}, ("quantities", "volts_v", "query"), "drives"),
    ],
)
def test_a_meter_that_contradicts_itself_is_told_where(
    more: Mapping[str, Any], path: tuple[str | int, ...] | None, says: str
) -> None:
    found = list(meter_faults(MeterSettings(**{**GOOD, **more})))
    assert [fault.path for fault in found] == ([] if path is None else [path])
    assert all(says in fault.wrong and fault.remedy for fault in found)


@pytest.mark.parametrize(
    "command",
    ["OUTP ON", ":OUTPut:STATe 1", "SOUR:VOLT 500", "source:volt 5", "FUNC:TEST ON", "FUNCtion:TEST ON", "MANU:STEP 1",
     "SYST:REM;OUTP ON", "INP ON", "LOAD ON", "SAFE:STAR", "STAR", "*CLS; :MAIN:FUNC MANU", "TEST ON",
     "C1:OUTP ON", "OUT1", "ALLOUTON", "INST:NSEL 1", "APPL 500,1", "VOLT 500", "CURR 30", "VOLT:LEV 5", "*RCL 1",
     "*TRG", "INIT", "CHAN1:OUTP ON", "INPUT:SHORT ON", "INP:STAT:EXT 1", "SYST:LOCK;C1:OUTP ON", "SIMU 1",
     "MODE:TEST ON", "PULS:STAT ON", "IR:STAR", "*SAV 0;*OPC", "  :OUTP ON", "::OUTP ON", '"":OUTP ON', "SENS:SOUR 1"],
)  # fmt: skip
def test_a_meter_is_never_told_to_drive_anything(command: str) -> None:
    settings = MeterSettings(**{**GOOD, "setup": (*GOOD["setup"], Setup(command))})
    assert ["drives something" in fault.wrong for fault in meter_faults(settings)] == [True]


def test_what_meters_need_is_allowed() -> None:
    harmless = (
        "SYST:REM",
        "CONF:VOLT:DC 50E-3",
        "INP:IMP:AUTO ON",
        "TRIG:SOUR IMM",
        "RATE S",
        "VOLT:NPLC 10",
        "*RST",
        "TEMP:TRAN RTD",
    )
    steps = (*GOOD["setup"], *(Setup(command) for command in harmless))
    assert not list(meter_faults(MeterSettings(**{**GOOD, "setup": steps})))


@pytest.mark.parametrize(
    ("more", "path"),
    [
        ({}, None),
        ({"range": 0.05}, None),
        ({"range": 0.06}, ("range",)),
        ({"function": "ohms"}, ("reading",)),
        ({"reading": "bias_ohm", "function": "ohms", "range": 500.0}, None),
        ({"reading": "volts"}, ("reading",)),
        ({"low": 1.0, "high": 0.0}, ("low",)),
    ],
)
def test_an_xdm_has_the_functions_and_ranges_that_it_has(more: Mapping[str, Any], path: tuple[str, ...] | None) -> None:
    own = {"port": "/dev/bench-dmm", "reading": "bias_mv", "accuracy_relative": 0.001, "accuracy_absolute": 0.01}
    assert [fault.path for fault in xdm_faults(XdmSettings(**own | more))] == ([] if path is None else [path])


@pytest.mark.parametrize(
    ("text", "key", "remedy"),
    [
        ("quantites = {}", "quantites", "did you mean `quantities`?"),
        ('quantities = { a_v = { querry = "READ?" } }', "quantities.a_v.querry", "did you mean `query`?"),
        ('setup = [{ comand = "SYST:REM" }]', "setup[1].comand", "did you mean `command`?"),
        ('end = "crfl"', "end", "did you mean `crlf`?"),
        ('setup = [{ command = "OUTP ON" }]', "setup[1].command", "another driver"),
    ],
)
def test_wrong_keys_of_a_meter_are_told_at_their_place(text: str, key: str, remedy: str) -> None:
    page = f'[devices.reference]\nkind = "scpi-meter"\nport = "/dev/bench-dmm"\n{text}\n'
    if "quantit" not in text:
        page += 'quantities = { a_v = { query = "READ?" } }\n'
    source = Source("station.toml", "station.toml", tomllib.loads(page), locate(page))
    problems = place_devices(source, CATALOG)[1]
    told = [problem for problem in problems if problem.key.endswith(key)]
    assert [remedy in problem.remedy for problem in told] == [True], problems
