"""The contract as documents: `asyncapi.json` (AsyncAPI 3.0) and one JSON Schema a message body, from the models.

The document describes the station: what it sends is `send`, what the centre sends is `receive`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from station.contract.canonical import (
    FEW_VALUES,
    MAX_COMMAND_BYTES,
    MAX_COMMAND_BYTES_OF_FEW,
    MAX_COMMAND_VALUES,
    MAX_MESSAGE_BYTES,
    MAX_RECEIPT_BYTES,
)
from station.contract.envelope import topic
from station.contract.examples import examples_of
from station.contract.schemas import ALL_BODIES, SENT_BY_CENTRE, VERSION, component_schemas, schema_of

SESSION_EXPIRY_S = 86_400
TELEMETRY_EXPIRY_S = 60
_BINDING = "0.2.0"
_STATION = "{station}"
_MAX_BYTES = {"receipt": MAX_RECEIPT_BYTES, "cmd": MAX_COMMAND_BYTES_OF_FEW}


class Topic(NamedTuple):
    """How one topic is used. `answer` is the topic that answers it."""

    summary: str
    says: str
    qos: int = 1
    retained: bool = False
    answer: str | None = None
    id_at: str = "/msg_id"


_RECEIPTED = (
    "It waits in the station's outbox, and is sent again with the same bytes, until a receipt with its msg_id and its "
    "sha256 says stored or duplicate. Store it once by msg_id, commit, then send the receipt; a repeat gets one too."
)
_RETAINED = "Subscribe plainly: a shared subscription gets no retained messages."
TOPICS: Mapping[str, Topic] = {
    "presence": Topic(
        "Birth and last will",
        "Within one store_epoch a message of an older session than the last birth says nothing. " + _RETAINED,
        retained=True,
    ),
    "info": Topic("What the station is and can do", _RETAINED, retained=True),
    "progress": Topic("Where the bench stands; changes of state only", _RETAINED, retained=True),
    "telemetry": Topic(
        "Aggregates of 1 to 5 s while a test runs",
        f"Message expiry {TELEMETRY_EXPIRY_S} s. What found no link is gone: it is for watching, the record counts.",
        qos=0,
    ),
    "event": Topic("What the centre maps to work-order states", _RECEIPTED, answer="receipt"),
    "result": Topic("The record of a run", _RECEIPTED, answer="receipt"),
    "alarm": Topic(
        "A trip or fault", "Sent before results, so it may come before its run. " + _RECEIPTED, answer="receipt"
    ),
    "alarm_active": Topic("Snapshot of what is latched now", _RETAINED, retained=True),
    "reply": Topic("The outcome of a command", _RECEIPTED, answer="receipt", id_at="/body/cmd_id"),
    "receipt": Topic(
        "The centre's signed word on one message",
        "sha256 is of the exact payload bytes. rejected moves the message to the station's quarantine, for a person.",
    ),
    "cmd": Topic(
        "A signed command",
        "Never retained. None can arm, reset or energise. Each cmd_id is taken once; every command gets an up/reply. "
        f"At most {MAX_COMMAND_BYTES} bytes and {MAX_COMMAND_VALUES} values (numbers, texts, lists, objects); "
        f"of at most {FEW_VALUES} values (apply) up to {MAX_COMMAND_BYTES_OF_FEW} bytes.",
        answer="reply",
        id_at="/cmd_id",
    ),
}
"""Of contracts/mqtt.md, in its order."""
_ABOUT = f"""MQTT v5, JSON (UTF-8), at most {MAX_MESSAGE_BYTES} bytes a message. Every message on an `up/` topic has the
same envelope; `schema` names its body. Versions 1.x only add fields: ignore those that you do not know.
`sig` is Ed25519 over the canonical JSON (RFC 8785) without `sig`, in base64url without padding.
Delivery is at least once on the wire; stored by unique `msg_id` it is exactly once in the database."""


def asyncapi_document() -> dict[str, Any]:
    """The whole contract as one AsyncAPI 3.0 document, self-contained."""
    return {
        "asyncapi": "3.0.0",
        "id": "urn:bench-station:v1",
        "info": {
            "title": "Bench station", "version": VERSION, "description": _ABOUT.replace("\n", " "),
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": _servers(),
        "channels": {name: _channel(name, it) for name, it in TOPICS.items()},
        "operations": {_verb(name) + name: _operation(name, it) for name, it in TOPICS.items()},
        "components": {
            "messages": {name: _message(name, it) for name, it in TOPICS.items()},
            "schemas": component_schemas(),
            "parameters": {"station": {"description": "Common name of the station's certificate, [a-z0-9-]{1,40}"}},
            "securitySchemes": {"certificate": {"type": "X509", "description": _CERTIFICATE}},
        },
    }  # fmt: skip


def write_contract(out_dir: Path) -> list[Path]:
    """Write `asyncapi.json` and `schemas/NAME-1.0.json` under `out_dir`; returns the files written."""
    documents = {out_dir / "asyncapi.json": asyncapi_document()}
    documents.update({out_dir / "schemas" / f"{name}-{VERSION}.json": schema_of(name) for name in ALL_BODIES})
    for path, document in documents.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return list(documents)


_CERTIFICATE = (
    "Mutual TLS with P-256 certificates. A station may write bench/v1/NAME/up/# and read bench/v1/NAME/dn/#; NAME "
    "is the common name of its certificate."
)


def _servers() -> dict[str, Any]:
    will = {"topic": topic(_STATION, "up", "presence"), "qos": 1, "retain": True, "message": "presence, offline"}
    mqtt = {
        "clientId": _STATION, "cleanSession": False, "sessionExpiryInterval": SESSION_EXPIRY_S, "lastWill": will,
        "bindingVersion": _BINDING,
    }  # fmt: skip
    port = {"description": "Of the listener.", "default": "8883"}
    return {
        "production": {
            "host": "{broker}:{port}", "protocol": "secure-mqtt", "protocolVersion": "5.0",
            "description": "The centre's broker: mqtts://, mutual TLS.",
            "variables": {"broker": {"description": "The name in the broker's certificate."}, "port": port},
            "security": [{"$ref": "#/components/securitySchemes/certificate"}], "bindings": {"mqtt": mqtt},
        },
        "loopback": {
            "host": "127.0.0.1:{port}", "protocol": "mqtt", "protocolVersion": "5.0",
            "description": "Demo and tests. Without TLS a station refuses every broker that is not on loopback.",
            "variables": {"port": {**port, "default": "1883"}}, "bindings": {"mqtt": mqtt},
        },
    }  # fmt: skip


def _channel(name: str, it: Topic) -> dict[str, Any]:
    address = topic(_STATION, "dn" if name in SENT_BY_CENTRE else "up", name)
    channel = {
        "address": address,
        "title": it.summary,
        "description": it.says,
        "messages": {name: {"$ref": f"#/components/messages/{name}"}},
        "parameters": {"station": {"$ref": "#/components/parameters/station"}},
        "x-max-bytes": _MAX_BYTES.get(name, MAX_MESSAGE_BYTES),
    }
    if name not in SENT_BY_CENTRE:
        everyone = address.replace(_STATION, "+")
        channel["x-receipted"] = it.answer == "receipt"
        channel["x-centre-subscribes"] = everyone if it.answer is None else f"$share/centre-{name}/{everyone}"
    return channel


def _verb(name: str) -> str:
    return "receive_" if name in SENT_BY_CENTRE else "send_"


def _operation(name: str, it: Topic) -> dict[str, Any]:
    mqtt = {"qos": it.qos, "retain": it.retained, "bindingVersion": _BINDING}
    if name == "telemetry":
        mqtt["messageExpiryInterval"] = TELEMETRY_EXPIRY_S
    operation: dict[str, Any] = {
        "action": "receive" if name in SENT_BY_CENTRE else "send",
        "channel": {"$ref": f"#/channels/{name}"},
        "messages": [{"$ref": f"#/channels/{name}/messages/{name}"}],
        "summary": it.summary,
        "bindings": {"mqtt": mqtt},
    }
    if it.answer is not None:
        operation["reply"] = {
            "channel": {"$ref": f"#/channels/{it.answer}"},
            "messages": [{"$ref": f"#/channels/{it.answer}/messages/{it.answer}"}],
        }
    return operation


def _message(name: str, it: Topic) -> dict[str, Any]:
    body = {"$ref": f"#/components/schemas/{name}-{VERSION}"}
    enveloped = {
        "allOf": [
            {"$ref": f"#/components/schemas/envelope-{VERSION}"},
            {"properties": {"schema": {"pattern": f"^{name}/1\\.[0-9]+$"}, "body": body}},
        ]
    }
    return {
        "name": name,
        "title": it.summary,
        "contentType": "application/json",
        "correlationId": {"location": f"$message.payload#{it.id_at}"},
        "payload": body if name in SENT_BY_CENTRE else enveloped,
        "examples": [{"name": key, "payload": json.loads(payload)} for key, payload in examples_of(name).items()],
    }
