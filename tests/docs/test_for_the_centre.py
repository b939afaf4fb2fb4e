"""docs/for-the-central-system.md says what the code does: the worked example, the tables, the Node-RED flow."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import re
from typing import Any, get_args

import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from jsonschema import Draft202012Validator

from station.contract import examples
from station.contract.asyncapi import TOPICS, asyncapi_document
from station.contract.bodies import Alarm, EventName, Presence, Progress, Telemetry
from station.contract.canonical import (
    MAX_COMMAND_BYTES,
    MAX_COMMAND_BYTES_OF_FEW,
    MAX_COMMAND_VALUES,
    MAX_MESSAGE_BYTES,
)
from station.contract.commands import VERBS
from station.contract.schemas import SENT_BY_CENTRE, schema_of
from tests.docs.pages import ROOT, blocks

PAGE = (ROOT / "docs" / "for-the-central-system.md").read_text(encoding="utf-8")
EXAMPLES = {block.name: block.text for block in blocks("for-the-central-system.md") if block.kind == "example"}
SUBSCRIBERS = ROOT / "docs" / "subscribers"
FLOW: list[dict[str, Any]] = json.loads((SUBSCRIBERS / "node-red-flow.json").read_text(encoding="utf-8"))
STATE_OF = ("PASS", "FAIL")
PURPOSES = ("incoming", "adjust", "outgoing")


def table(heading: str) -> list[list[str]]:
    """The rows of the first table under a heading, each cell without its backquotes."""
    section = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| ")]
    return [[cell.strip().replace("`", "") for cell in row.strip("|").split("|")] for row in rows[2:]]


# ---- the worked example, computed again with nothing of ours -------------------------------------------------
def test_the_receipt_of_the_page_follows_from_its_payload_and_key_by_the_rule_of_the_page() -> None:
    payload, keys = EXAMPLES["payload"].rstrip("\n").encode(), json.loads(EXAMPLES["keys"])
    receipt = json.loads(EXAMPLES["receipt"])
    assert f"{len(payload)} bytes" in PAGE and receipt["sha256"] == hashlib.sha256(payload).hexdigest()
    unsigned = {name: value for name, value in receipt.items() if name != "sig"}
    assert rfc8785.dumps(unsigned).decode() == EXAMPLES["canonical"].rstrip("\n")
    plainly = json.dumps(unsigned, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert plainly == EXAMPLES["canonical"].rstrip("\n"), "of texts and null alone"
    private = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(keys["private"]))
    assert private.public_key().public_bytes_raw().hex() == keys["public"]
    signature = base64.urlsafe_b64encode(private.sign(rfc8785.dumps(unsigned))).rstrip(b"=").decode()
    assert receipt["sig"] == signature
    (public,) = keys["receipt-keys.json"].values()
    assert base64.urlsafe_b64decode(public + "=").hex() == keys["public"]


def test_the_command_of_the_page_is_signed_as_it_says() -> None:
    command = json.loads(EXAMPLES["command"])
    unsigned = {name: value for name, value in command.items() if name != "sig"}
    public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(json.loads(EXAMPLES["keys"])["public"]))
    public.verify(base64.urlsafe_b64decode(command["sig"] + "=="), rfc8785.dumps(unsigned))
    Draft202012Validator(schema_of("cmd")).validate(command)


def test_the_page_shows_what_the_documents_show() -> None:
    assert EXAMPLES["payload"].rstrip("\n").encode() == examples.payload_of("event")
    assert json.loads(EXAMPLES["receipt"]) == json.loads(examples.receipt())
    assert json.loads(EXAMPLES["command"]) == json.loads(examples.command("start"))


# ---- the tables ----------------------------------------------------------------------------------------------
def test_every_event_with_every_verdict_and_purpose_leads_to_one_state_in_both_languages() -> None:
    rows = table("Events, and the state of a work order")
    told = {(event, reason, purpose): (state, zh) for event, reason, purpose, state, zh in rows}
    assert len(told) == len(rows) and {event for event, *_ in told} == set(get_args(EventName))
    ended = {(reason, purpose) for event, reason, purpose in told if event == "run_ended"}
    assert ended == {*itertools.product(STATE_OF, PURPOSES), ("ABORTED", "any"), ("ERROR", "any")}
    assert all(state and re.search("[一-鿿]", zh) and not re.search("[一-鿿]", state) for state, zh in told.values())


def test_the_states_of_the_query_are_those_of_the_table() -> None:
    rows = table("Events, and the state of a work order")
    sql = (SUBSCRIBERS / "queries.sql").read_text(encoding="utf-8")
    found = set(re.findall(r"(?:THEN|ELSE) '([^']+)'", sql)) - {"test ended, record to come", "检测结束，待记录"}
    said = " | ".join(cell for row in rows for cell in row[3:])
    assert len(found) == 14 and [state for state in found if state not in said] == []


def test_the_page_names_every_topic_every_verb_and_every_bound() -> None:
    told = {name for row in table("What to subscribe") for name in row[0].split(", ")}
    assert told == set(TOPICS) - SENT_BY_CENTRE
    assert [row[0] for row in table("Commands")] == list(VERBS)
    for bound in (MAX_MESSAGE_BYTES, MAX_COMMAND_VALUES, MAX_COMMAND_BYTES // 1024, MAX_COMMAND_BYTES_OF_FEW // 1024):
        assert re.search(rf"\b{bound:,}\b|\b{bound}\b", PAGE), bound
    lines = (SUBSCRIBERS / "receiver.py").read_text(encoding="utf-8").count("\n")
    assert f"{lines} lines" in PAGE


# ---- the Node-RED flow ---------------------------------------------------------------------------------------
def nodes(kind: str) -> list[dict[str, Any]]:
    return [node for node in FLOW if node["type"] == kind]


def test_the_flow_hears_topics_of_the_contract_as_they_are_sent_and_sends_nothing() -> None:
    document = asyncapi_document()
    sent = {
        document["channels"][name]["x-centre-subscribes"]: it["bindings"]["mqtt"]["qos"]
        for name, it in ((key.partition("_")[2], it) for key, it in document["operations"].items())
        if it["action"] == "send"
    }
    heard = {node["topic"]: int(node["qos"]) for node in nodes("mqtt in")}
    assert heard == {topic: sent[topic] for topic in heard}
    assert {topic.rpartition("/")[2] for topic in heard} == {"presence", "progress", "alarm_active", "telemetry"}
    assert {node["datatype"] for node in nodes("mqtt in")} == {"json"}
    assert [node["protocolVersion"] for node in nodes("mqtt-broker")] == ["5"] and nodes("mqtt out") == []


def test_every_wire_of_the_flow_leads_to_a_node() -> None:
    ids = {node["id"] for node in FLOW}
    assert len(ids) == len(FLOW)
    assert {to for node in FLOW for port in node.get("wires", ()) for to in port} <= ids
    assert {node["broker"] for node in nodes("mqtt in")} <= ids


@pytest.mark.parametrize(
    ("node", "names", "models"),
    [
        ("presence-rule", r"told\.(\w+)", (Presence,)),
        ("lines", r"(?:body|it)\.(\w+)", (Telemetry, *get_args(Telemetry.model_fields["readings"].annotation))),
        ("rows", r"(?:progress|alarm)\.(\w+)", (Progress, Alarm)),
    ],
)
def test_the_flow_reads_fields_that_the_messages_have(node: str, names: str, models: tuple[Any, ...]) -> None:
    code = next(one["func"] for one in FLOW if one["id"] == node)
    fields = {name for model in models if hasattr(model, "model_fields") for name in model.model_fields}
    read = set(re.findall(names, code))
    assert len(read) >= 3 and read <= fields


def test_the_table_of_the_flow_shows_what_its_rows_hold() -> None:
    code = next(one["func"] for one in FLOW if one["id"] == "rows")
    (template,) = [node["template"] for node in nodes("template")]
    shown = set(re.findall(r"\{\{(\w+)\}\}", template))
    assert len(shown) == 7 and all(re.search(rf"\b{name}[,:]", code) for name in shown)
