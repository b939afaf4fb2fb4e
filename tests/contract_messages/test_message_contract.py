"""Messages against the words of the contract: names, envelope, size, and the schemas that we publish."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from station.contract.asyncapi import write_contract
from station.contract.bodies import (
    Aggregate,
    Alarm,
    AlarmActive,
    Body,
    Event,
    Info,
    Presence,
    Progress,
    Reply,
    Telemetry,
)
from station.contract.canonical import MAX_MESSAGE_BYTES
from station.contract.envelope import open_envelope, station_of, topic
from station.contract.messages import Messages, decode_body, encode_body, encode_result
from station.contract.records import RecordCodec, record_from_plain, to_plain
from station.domain.errors import MessageError, SettingsError
from station.domain.outbox import Slot
from station.domain.record import Cause, Instrument, Record, StepRecord
from tests.uplink.rig import MESSAGES, STATION, TS, full_record, make_draft, make_record, make_step, read_stamp

SLOT = Slot("bench-07:9f31c2aa:184", 184)
RECORD_FIELDS = """run_id run_no purpose work_order operator second_operator repair_engineer handovers dut plan station
software config_sha256 simulated speed started_at ended_at clock duration_s verdict causes steps trips findings parts
instruments reference"""
NESTED_FIELDS = {
    "dut": "product maker model serial_number imei",
    "plan": "id revision sha256",
    "clock": "quality max_error_ms boot_id",
    "causes": "step measurement channel text",
    "steps": "id use title verdict attempt started_at duration_s measurements curves notes",
    "trips": "interlock cause value limit blames at_s",
    "findings": "area text because weight parts",
    "instruments": "role kind model serial_number calibrated_until",
    "reference": "run_id rework",
}
MEASUREMENT_FIELDS = "name channel value unit low high uncertainty bound verdict limit_source conditions"
CURVE_FIELDS = "name channel x_name x_unit y_name y_unit x y mask"
BODIES: dict[str, Body] = {
    "event": Event(event="run_ended", work_order="WO-1", run_id="r", reason=None),
    "alarm": Alarm(code="E12", cause="hot", run_id=None, at=TS),
    "reply": Reply(cmd_id="c1", status="refused", reason="expired"),
    "presence": Presence(state="online", store_epoch="9f31c2aa", session=3),
    "info": Info(software="0.1", capabilities=("amplifier",), instruments=(Instrument("mains", "p", "m", "s", None),)),
    "progress": Progress(
        state="energised", step="soak", fraction=0.5, expected_end=TS, prompt={"zh": "好", "en": "ok"}
    ),
    "telemetry": Telemetry(run_id="r", seconds=1.0, readings={"mains.power_w": Aggregate(mean=1.0, low=0.5, high=2.0)}),
    "alarm_active": AlarmActive(alarms=(Alarm(code="E12", cause="hot", at=TS),)),
}


@pytest.fixture(scope="module")
def contract(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("contract")
    write_contract(folder)
    return folder


def validator(contract: Path, name: str) -> Draft202012Validator:
    schema = json.loads((contract / "schemas" / f"{name}-1.0.json").read_text())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def test_the_fields_of_a_record_are_those_of_the_table() -> None:
    body = json.loads(encode_result(full_record(), SLOT, read_stamp()))["body"]
    assert set(body) == set(RECORD_FIELDS.split())
    for field, names in NESTED_FIELDS.items():
        members = body[field] if isinstance(body[field], list) else [body[field]]
        assert [set(member) for member in members] == [set(names.split())], field
    step = body["steps"][0]
    assert set(step["measurements"][0]) == set(MEASUREMENT_FIELDS.split())
    assert set(step["curves"][0]) == set(CURVE_FIELDS.split())


def test_channel_and_bound_are_absent_where_there_is_none_and_a_value_not_measured_is_null() -> None:
    record = make_record(make_draft(), 1, ())
    first = replace(record.steps[0].measurements[0], channel=None, uncertainty=None)
    record = replace(
        record, steps=(replace(record.steps[0], measurements=(first,)),), causes=(Cause(None, None, None, "cut off"),)
    )
    body = to_plain(record, Record)
    measured = body["steps"][0]["measurements"][0]
    assert measured["value"] is None and measured["uncertainty"] is None
    assert not {"channel", "bound"} & set(measured)
    assert body["causes"] == [{"step": None, "measurement": None, "text": "cut off"}]
    assert "imei" not in body["dut"] and body["work_order"] == "WO-1" and body["reference"] is None
    assert record_from_plain(body) == record


def test_an_envelope_has_the_fields_of_the_contract() -> None:
    message = json.loads(encode_result(full_record(), SLOT, read_stamp()))
    assert set(message) == {"schema", "msg_id", "station", "ts", "clock", "body"}
    assert set(message["clock"]) == {"quality", "max_error_ms", "boot_id", "monotonic_ns"}
    assert (message["schema"], message["msg_id"], message["station"], message["ts"]) == (
        "result/1.0",
        SLOT.msg_id,
        STATION,
        TS,
    )


def test_what_one_end_writes_the_other_reads() -> None:
    record = full_record()
    assert decode_body(open_envelope(encode_result(record, SLOT, read_stamp()))) == record
    for name, body in BODIES.items():
        assert decode_body(open_envelope(encode_body(body, name, SLOT.msg_id, STATION, read_stamp()))) == body


@pytest.mark.parametrize(
    ("path", "value"),
    [(("verdict",), "OK"), (("run_no",), "7"), (("steps", 0, "measurements", 0, "value"), "1.0"),
     (("steps", 0, "measurements", 0, "channel"), None), (("steps", 0, "measurements", 0, "bound"), None),
     (("purpose",), "private"), (("dut",), None), (("steps", 0, "curves", 0, "x"), [None])],
)  # fmt: skip
def test_the_published_schema_of_a_result_refuses_what_the_contract_does_not_know(
    contract: Path, path: tuple[Any, ...], value: Any
) -> None:
    body = json.loads(encode_result(full_record(), SLOT, read_stamp()))["body"]
    place = body
    for part in path[:-1]:
        place = place[part]
    place[path[-1]] = value
    assert not validator(contract, "result").is_valid(body)


def test_the_asyncapi_document_names_every_topic_and_all_its_references_lead_somewhere(contract: Path) -> None:
    document = json.loads((contract / "asyncapi.json").read_text())
    assert document["asyncapi"] == "3.0.0"
    addresses = {channel["address"] for channel in document["channels"].values()}
    names = ["presence", "info", "progress", "telemetry", "event", "result", "alarm", "alarm_active", "reply"]
    up = {f"bench/v1/{{station}}/up/{name}" for name in names}
    assert addresses == up | {"bench/v1/{station}/dn/receipt", "bench/v1/{station}/dn/cmd"}
    references = list(_references(document))
    assert len(references) > 40
    for reference in references:
        place = document
        for part in reference.removeprefix("#/").split("/"):
            place = place[part]
        assert isinstance(place, dict)
    actions = {name: operation["action"] for name, operation in document["operations"].items()}
    assert actions["receive_cmd"] == "receive" and actions["send_result"] == "send"
    retained = {n for n, o in document["operations"].items() if o["bindings"]["mqtt"]["retain"]}
    assert retained == {"send_presence", "send_info", "send_progress", "send_alarm_active"}
    assert {p.name for p in (contract / "schemas").iterdir()} == {f"{n}-1.0.json" for n in [*names, "receipt", "cmd"]}


def _references(value: Any) -> Any:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for member in value.values():
            yield from _references(member)
    elif isinstance(value, list):
        for member in value:
            yield from _references(member)


def test_256_kib_go_and_one_byte_more_is_refused_and_never_cut() -> None:
    record = full_record()
    length = len(encode_result(record, SLOT, read_stamp()))
    step = record.steps[0]

    def with_note(size: int) -> Record:
        return replace(record, steps=(replace(step, notes=(*step.notes, "n" * size)),))

    room = MAX_MESSAGE_BYTES - length - len(',""')
    assert len(encode_result(with_note(room), SLOT, read_stamp())) == MAX_MESSAGE_BYTES
    with pytest.raises(MessageError, match=rf"has {MAX_MESSAGE_BYTES + 1} bytes, at most {MAX_MESSAGE_BYTES}"):
        encode_result(with_note(room + 1), SLOT, read_stamp())


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_nan_in_a_record_is_refused_with_its_place(number: float) -> None:
    record = full_record()
    measured = replace(record.steps[0].measurements[0], conditions={"at_w": number})
    record = replace(record, steps=(replace(record.steps[0], measurements=(measured,)),))
    with pytest.raises(MessageError, match=r"body\.steps\[0\]\.measurements\[0\]\.conditions\.at_w is (nan|inf)"):
        encode_result(record, SLOT, read_stamp())
    with pytest.raises(MessageError, match=r"conditions\.at_w"):
        RecordCodec().record_to_json(record)


def test_a_field_of_the_wrong_type_is_refused_before_it_is_written() -> None:
    with pytest.raises(MessageError, match="value"):
        RecordCodec().step_to_json(make_step("first", value="high"))  # type: ignore[arg-type]


def test_steps_and_drafts_come_back_as_they_were() -> None:
    codec = RecordCodec()
    step: StepRecord = full_record().steps[0]
    assert codec.step_from_json(codec.step_to_json(step)) == step
    draft = make_draft()
    assert codec.draft_from_json(codec.draft_to_json(draft)) == draft


def test_unknown_fields_and_a_later_minor_version_are_accepted_another_major_is_not() -> None:
    message = json.loads(encode_result(full_record(), SLOT, read_stamp()))
    later = {**message, "schema": "result/1.7", "more": 1, "body": {**message["body"], "more": {"a": 1}}}
    assert decode_body(open_envelope(json.dumps(later).encode())) == full_like(later)
    with pytest.raises(MessageError, match="version 1 is supported here, not 2"):
        decode_body(open_envelope(json.dumps({**message, "schema": "result/2.0"}).encode()))
    with pytest.raises(MessageError, match="no such message"):
        decode_body(open_envelope(json.dumps({**message, "schema": "gossip/1.0"}).encode()))


def full_like(message: dict[str, Any]) -> Record:
    return record_from_plain(message["body"])


@pytest.mark.parametrize(
    "change",
    [{"msg_id": "x"}, {"station": "Bench 7"}, {"ts": "yesterday"}, {"clock": {}}, {"body": []}, {"schema": "result"}],
    ids=lambda change: next(iter(change)),
)
def test_an_envelope_that_is_not_one_is_refused_by_field(change: dict[str, Any]) -> None:
    message = json.loads(encode_result(full_record(), SLOT, read_stamp()))
    with pytest.raises(MessageError, match=next(iter(change))):
        open_envelope(json.dumps({**message, **change}).encode())


def test_drafts_refuse_what_the_contract_does_not_know() -> None:
    with pytest.raises(MessageError, match="event"):
        MESSAGES.event("exploded")  # type: ignore[arg-type]
    with pytest.raises(MessageError, match="status"):
        MESSAGES.reply("c1", "perhaps")


@pytest.mark.parametrize("name", ["", "Bench", "bench 7", "b/7", "b" * 41, "bench#", "bänch"])
def test_a_station_name_that_cannot_stand_in_a_topic_is_refused(name: str) -> None:
    with pytest.raises(SettingsError, match="part of every topic"):
        Messages(name, read_stamp)
    assert station_of(topic(name, "up", "result")) is None


def measured(**figures: Any) -> dict[str, Any]:
    """A measurement with these figures, as it stands in the body of a result."""
    first = replace(full_record().steps[0].measurements[0], **{"bound": None, **figures})
    record = replace(full_record(), steps=(replace(full_record().steps[0], measurements=(first,)),))
    return dict(to_plain(record, Record)["steps"][0]["measurements"][0])


def test_figures_are_written_with_six_significant_digits() -> None:
    said = measured(
        value=330.40000000000003, low=0.1 + 0.2, high=1234567.8, uncertainty=1 / 3, conditions={"f_hz": 1e3 + 1e-9}
    )
    assert [said[name] for name in ("value", "low", "high", "uncertainty")] == [330.4, 0.3, 1234570.0, 0.333333]
    assert said["conditions"] == {"f_hz": 1000.0}
    trip = replace(full_record().trips[0], value=0.1 + 0.2, limit=2.0000000000000004, at_s=12.345678)
    body = to_plain(replace(full_record(), trips=(trip,), duration_s=7330.345678), Record)
    assert (body["trips"][0]["value"], body["trips"][0]["limit"]) == (0.3, 2.0)
    assert (body["trips"][0]["at_s"], body["duration_s"]) == (12.345678, 7330.345678), "times are exact"
    assert body["steps"][0]["curves"][0]["x"] == [20.0, 1000.0]
    assert json.loads(RecordCodec().step_to_json(full_record().steps[0])) == body["steps"][0]


@pytest.mark.parametrize(
    "figures",
    [
        {"value": 100.00001, "low": None, "high": 100.0, "uncertainty": None},
        {"value": 99.99999, "low": 100.0, "high": None, "uncertainty": None},
        {"value": 99.000004, "low": None, "high": 100.0, "uncertainty": 1.0},
    ],
)
def test_a_figure_is_never_rounded_across_the_limit_that_it_was_judged_by(figures: dict[str, Any]) -> None:
    said = measured(**figures)
    assert {name: said[name] for name in figures} == figures


def test_what_an_instrument_does_not_say_of_itself_is_null(contract: Path) -> None:
    silent = Instrument("mains", "pzem-016", None, None, None)
    body = to_plain(replace(full_record(), instruments=(silent,)), Record)
    assert body["instruments"] == [
        {"role": "mains", "kind": "pzem-016", "model": None, "serial_number": None, "calibrated_until": None}
    ]
    assert list(validator(contract, "result").iter_errors(body)) == []
    assert record_from_plain(body).instruments == (silent,)
