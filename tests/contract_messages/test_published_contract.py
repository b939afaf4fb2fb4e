"""The published documents: right by the standards, true of every message, and refusing what is wrong."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from jsonschema.protocols import Validator

from station.contract import examples
from station.contract.asyncapi import SESSION_EXPIRY_S, TOPICS, asyncapi_document
from station.contract.canonical import parse_object
from station.contract.commands import ARGS, NoArgs, OrderArgs, RunArgs, read_assign, read_command, read_resend
from station.contract.envelope import open_envelope, sha256_of
from station.contract.messages import decode_body, encode_body, encode_result
from station.contract.receipts import verify_receipt
from station.contract.schemas import ALL_BODIES, SENT_BY_CENTRE, schema_of
from station.domain.errors import MessageError
from station.uplink.uplink import _SESSION_EXPIRY_S
from tests.contract_messages.mutations import missing_fields, wrong_types
from tests.contract_messages.test_message_contract import BODIES, SLOT
from tests.uplink.rig import STATION, full_record, make_draft, make_record, read_stamp

KEYS = {examples.KEY.key_id: examples.KEY.public}
NAMES = sorted(ALL_BODIES)
CONTRACT = {
    "presence": (1, True), "info": (1, True), "progress": (1, True), "telemetry": (0, False), "event": (1, False),
    "result": (1, False), "alarm": (1, False), "alarm_active": (1, True), "reply": (1, False), "receipt": (1, False),
    "cmd": (1, False),
}  # fmt: skip
"""QoS and retained, as the table of contracts/mqtt.md has them."""


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return asyncapi_document()


@pytest.fixture(scope="module")
def payloads(document: dict[str, Any]) -> dict[str, Validator]:
    """Validators of whole messages, by the end of their topic."""
    return {
        name: Draft202012Validator({**message["payload"], "components": document["components"]})
        for name, message in document["components"]["messages"].items()
    }


def messages_of(name: str) -> list[Any]:
    """What the station or the centre really writes on this topic, with much and with little in it."""
    written = list(examples.examples_of(name).values())
    if name == "result":
        records = (full_record(), make_record(make_draft(), 1), make_record(make_draft(), 2, ()))
        written += [encode_result(record, SLOT, read_stamp()) for record in records]
    elif name in BODIES:
        written.append(encode_body(BODIES[name], name, SLOT.msg_id, STATION, read_stamp()))
    return [json.loads(payload) for payload in written]


# ---- the document ------------------------------------------------------------------------------------------
def test_every_topic_is_used_as_the_contract_says(document: dict[str, Any]) -> None:
    operations = {name.partition("_")[2]: it for name, it in document["operations"].items()}
    bindings = {name: it["bindings"]["mqtt"] for name, it in operations.items()}
    assert {name: (it["qos"], it["retain"]) for name, it in bindings.items()} == CONTRACT
    expiry = {name: it.get("messageExpiryInterval") for name, it in bindings.items()}
    assert expiry == {**dict.fromkeys(CONTRACT), "telemetry": 60}
    answers = {name: it["reply"]["channel"]["$ref"] for name, it in operations.items() if "reply" in it}
    assert answers == {
        **dict.fromkeys(("event", "result", "alarm", "reply"), "#/channels/receipt"),
        "cmd": "#/channels/reply",
    }
    channels = document["channels"]
    hints = {name: it["x-centre-subscribes"] for name, it in channels.items() if it.get("x-receipted")}
    of_workers = ("event", "result", "alarm", "reply")
    assert hints == {name: f"$share/centre-{name}/bench/v1/+/up/{name}" for name in of_workers}
    retained = [channels[name]["x-centre-subscribes"] for name, (_, kept) in CONTRACT.items() if kept]
    assert not any(hint.startswith("$share") for hint in retained), "a shared subscription gets no retained messages"
    assert SESSION_EXPIRY_S == _SESSION_EXPIRY_S


def test_every_correlation_has_its_place_in_the_examples(document: dict[str, Any]) -> None:
    for name, message in document["components"]["messages"].items():
        pointer = message["correlationId"]["location"].removeprefix("$message.payload#/").split("/")
        for example in message["examples"]:
            value = example["payload"]
            for part in pointer:
                value = value[part]
            assert isinstance(value, str), name
    for operation in document["operations"].values():
        channel = document["channels"][operation["channel"]["$ref"].rpartition("/")[2]]
        assert [one["$ref"].rpartition("/")[2] for one in operation["messages"]] == list(channel["messages"])


def test_every_topic_of_the_models_is_there_with_an_example(document: dict[str, Any]) -> None:
    assert list(TOPICS) == list(CONTRACT) and set(NAMES) == set(CONTRACT)
    shown = {name: len(message["examples"]) for name, message in document["components"]["messages"].items()}
    assert {name for name, count in shown.items() if count != 1} == {"cmd"}
    assert shown["cmd"] == len(ARGS), "an example of every verb"


# ---- what flows, and what must not ---------------------------------------------------------------------------
@pytest.mark.parametrize("name", NAMES)
def test_every_schema_is_valid_and_stands_alone(name: str) -> None:
    schema = schema_of(name)
    Draft202012Validator.check_schema(schema)
    assert schema["$id"] == f"{name}-1.0.json" and schema["$schema"].endswith("2020-12/schema")
    references = set(re.findall(r'"\$ref": "([^"]+)"', json.dumps(schema)))
    assert references == {f"#/$defs/{one}" for one in schema.get("$defs", ())}


@pytest.mark.parametrize("name", NAMES)
def test_what_is_written_holds_and_every_single_fault_in_it_is_refused(
    name: str, payloads: dict[str, Validator]
) -> None:
    """Each value of a wrong type, each field left out: in the whole message and in the body alone."""
    alone, whole = Draft202012Validator(schema_of(name)), payloads[name]
    messages = messages_of(name)
    bodies = [message if name in SENT_BY_CENTRE else message["body"] for message in messages]
    for message, body in zip(messages, bodies, strict=True):
        whole.validate(message)
        alone.validate(body)
    many = bodies if name == "cmd" else bodies[:2]  # of records: the example, and one with something in every field
    faults = [(whole, path, wrong) for path, wrong in _faults(name, messages[0])]
    faults += [(alone, path, wrong) for body in many for path, wrong in _faults(name, body)]
    assert len(faults) >= 20
    assert [path for validator, path, wrong in faults if validator.is_valid(wrong)] == [], "these were let through"


def _faults(name: str, message: Any) -> list[Any]:
    return [*wrong_types(message), *_required(name, message)]


def _required(name: str, message: Any) -> Any:
    """What a station reads may leave out more than what it writes."""
    optional = {"reason"} if name == "receipt" else set()
    return [
        (path, wrong) for path, wrong in missing_fields(message)
        if path[-1] not in optional and not (name == "cmd" and path[0] == "args" and path != ("args", "work_order"))
        and not (path == ("args",) and message["verb"] in ("identify", "resend"))
    ]  # fmt: skip


def test_each_kind_refuses_the_messages_of_the_others(payloads: dict[str, Validator]) -> None:
    for name in NAMES:
        others = [message for other in NAMES if other != name for message in messages_of(other)]
        assert len(others) > 10 and not any(payloads[name].is_valid(message) for message in others), name


def test_the_examples_are_read_by_the_very_code_that_reads_messages() -> None:
    for name in NAMES:
        if name not in SENT_BY_CENTRE:
            decode_body(open_envelope(examples.payload_of(name)))
    receipt = verify_receipt(examples.receipt(), KEYS)
    assert receipt.sha256 == sha256_of(examples.payload_of("event"))
    for payload in examples.examples_of("cmd").values():
        command = read_command(parse_object(payload), examples.STATION, KEYS)
        ARGS[command.verb].model_validate(command.args)


# ---- arguments of commands ---------------------------------------------------------------------------------
RUN = {"run_id": "r-1", "purpose": "incoming", "verdict": "FAIL", "ended_at": "2026-11-20"}
AS_IN_A_RECORD = {"name": "gain_db", "channel": "left", "value": 29.0, "unit": "dB", "low": 28.0}
CURVE = {"name": "response", "x_name": "f", "x_unit": "Hz", "y_name": "level", "y_unit": "dB", "x": [1.0], "y": [2.0]}
ASSIGNED: list[tuple[bool, dict[str, Any]]] = [
    (True, {}),
    (True, {"product": "example-a-100", "priority": -1000, "data_consent": True, "later": 1}),
    (True, {"parts": ["2SC5200", {"name": "2SA1943", "quantity": 2}]}),
    (True, {"history": [RUN]}),
    (True, {"history": [{"id": "r-1", "date": "2026-11-20T06:11:09Z", "purpose": "incoming", "verdict": "PASS"}]}),
    (True, {"history": [{**RUN, "causes": ["hum", {"step": None, "text": "hum"}], "curves": [CURVE]}]}),
    (True, {"history": [{**RUN, "measurements": {"gain_db/left": 29.0}}]}),
    (True, {"history": [{**RUN, "measurements": [AS_IN_A_RECORD]}]}),
    (False, {"work_order": "two words"}),
    (False, {"purpose": "private"}),
    (False, {"priority": 1001}),
    (False, {"priority": "1"}),
    (False, {"data_consent": "yes"}),
    (False, {"parts": [{"number": "Q3"}]}),
    (False, {"parts": [{"name": "Q3", "quantity": 0}]}),
    (False, {"parts": ["Q"] * 51}),
    (False, {"history": [{**RUN, "run_id": "two words"}]}),
    (False, {"history": [{name: RUN[name] for name in ("purpose", "verdict", "ended_at")}]}),
    (False, {"history": [{**RUN, "ended_at": "yesterday"}]}),
    (False, {"history": [{**RUN, "measurements": {"two words": 1.0}}]}),
    (False, {"history": [{**RUN, "measurements": {"gain_db": "29"}}]}),
    (False, {"history": [{**RUN, "curves": [{**CURVE, "x": ["1"]}]}]}),
    (False, {"history": [RUN] * 21}),
]


def command(verb: str, args: Any) -> dict[str, Any]:
    message: dict[str, Any] = json.loads(examples.command("identify"))
    return {**message, "verb": verb, "args": args}


@pytest.mark.parametrize(("right", "args"), ASSIGNED)
def test_schema_and_station_agree_on_the_arguments_of_assign(right: bool, args: dict[str, Any]) -> None:
    given = {"work_order": "WO-1", **args}
    assert Draft202012Validator(schema_of("cmd")).is_valid(command("assign", given)) is right
    try:
        read_assign(given)
    except MessageError:
        assert not right
    else:
        assert right


def test_each_verb_takes_its_own_arguments_and_an_unknown_verb_is_refused() -> None:
    validator = Draft202012Validator(schema_of("cmd"))
    assert (ARGS["withdraw"], ARGS["abort"], ARGS["identify"]) == (OrderArgs, RunArgs, NoArgs)
    assert validator.is_valid(command("abort", {"run_id": "r-1"}))
    assert validator.is_valid({name: it for name, it in command("identify", {}).items() if name != "args"})
    for verb, args in (("abort", {"work_order": "WO-1"}), ("start", {"run_id": "r-1"}), ("withdraw", {}), ("arm", {}),
                       ("assign", None), ("identify", [])):  # fmt: skip
        assert not validator.is_valid(command(verb, args)), (verb, args)
    range_asked = {"from_seq": 120, "to_seq": 184}
    assert validator.is_valid(command("resend", range_asked)) and validator.is_valid(command("resend", {"run_id": "r"}))
    for args in ({}, {"from_seq": 1}, {**range_asked, "run_id": "r"}, {**range_asked, "from_seq": 0}):
        assert not validator.is_valid(command("resend", args)), args
        with pytest.raises(MessageError):
            read_resend(args)
    assert not validator.is_valid(command("apply", {"sha256": "7d", "tree": ""}))
    bare = {name: it for name, it in command("abort", {}).items() if name != "args"}
    assert not validator.is_valid(bare), "abort without its run"
