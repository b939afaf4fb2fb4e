"""The contract as documents: `asyncapi.json` (AsyncAPI 3.0) and one JSON Schema a message body, from the models."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from station.contract.bodies import Command, Receipt
from station.contract.envelope import Envelope
from station.contract.messages import BODIES
from station.contract.records import ABSENT_WHEN_EMPTY, ABSENT_WHEN_NONE, adapter
from station.domain.record import Record

VERSION = "1.0"
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_BODIES: dict[str, Any] = {"result": Record, **BODIES, "receipt": Receipt, "cmd": Command}
_SENT_BY_CENTRE = frozenset({"receipt", "cmd"})
_TITLES_OF_CENTRE = frozenset({Receipt.__name__, Command.__name__})
_RETAINED = frozenset({"presence", "info", "progress", "alarm_active"})
_SUMMARY = {
    "result": "The record of a run; outbox and receipt",
    "event": "What the centre maps to work-order states; outbox and receipt",
    "alarm": "A trip or fault; outbox and receipt; drained before results",
    "reply": "The outcome of a command; outbox and receipt",
    "presence": "Birth and last will; sessions compare within one store_epoch",
    "info": "Software, capabilities, instruments, configuration",
    "progress": "Changes of state only",
    "telemetry": "1 to 5 s aggregates while a test runs; message expiry 60 s",
    "alarm_active": "Snapshot of what is latched now",
    "receipt": "The centre's signed word on one message",
    "cmd": "A signed command; never retained; none can arm, reset or energise",
}


def schema_of(name: str) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of one message body."""
    schema = _as_sent(adapter(_BODIES[name]).json_schema())
    return {"$schema": _DIALECT, "$id": f"{name}-{VERSION}.json", **schema, "description": _SUMMARY[name]}


def asyncapi_document() -> dict[str, Any]:
    """The whole contract as one AsyncAPI 3.0 document, self-contained."""
    models: dict[str, Any] = {**_BODIES, "envelope": Envelope}
    schemas, definitions = TypeAdapter.json_schemas(
        [(name, "validation", adapter(model)) for name, model in models.items()],
        ref_template="#/components/schemas/{model}",
    )
    named = {f"{name}-{VERSION}": _as_sent(schema) for (name, _), schema in schemas.items()}
    shared = _as_sent(definitions.get("$defs", {}))
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Bench station", "version": VERSION, "description": "MQTT v5, JSON (UTF-8), QoS 1."},
        "defaultContentType": "application/json",
        "channels": {name: _channel(name) for name in _BODIES},
        "operations": {_verb(name) + name: _operation(name) for name in _BODIES},
        "components": {"messages": {name: _message(name) for name in _BODIES}, "schemas": {**shared, **named}},
    }


def write_contract(out_dir: Path) -> list[Path]:
    """Write `asyncapi.json` and `schemas/NAME-1.0.json` under `out_dir`; returns the files written."""
    documents = {out_dir / "asyncapi.json": asyncapi_document()}
    documents.update({out_dir / "schemas" / f"{name}-{VERSION}.json": schema_of(name) for name in _BODIES})
    for path, document in documents.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return list(documents)


def _channel(name: str) -> dict[str, Any]:
    direction = "dn" if name in _SENT_BY_CENTRE else "up"
    return {
        "address": f"bench/v1/{{station}}/{direction}/{name}",
        "messages": {name: {"$ref": f"#/components/messages/{name}"}},
        "parameters": {"station": {"description": "Common name of the station's certificate, [a-z0-9-]{1,40}"}},
        "bindings": {"mqtt": {"bindingVersion": "0.2.0"}},
    }


def _verb(name: str) -> str:
    return "receive_" if name in _SENT_BY_CENTRE else "send_"


def _operation(name: str) -> dict[str, Any]:
    binding = {"qos": 0 if name == "telemetry" else 1, "retain": name in _RETAINED, "bindingVersion": "0.2.0"}
    return {
        "action": "receive" if name in _SENT_BY_CENTRE else "send",
        "channel": {"$ref": f"#/channels/{name}"},
        "summary": _SUMMARY[name],
        "bindings": {"mqtt": binding},
    }


def _message(name: str) -> dict[str, Any]:
    body = {"$ref": f"#/components/schemas/{name}-{VERSION}"}
    enveloped = {
        "allOf": [
            {"$ref": f"#/components/schemas/envelope-{VERSION}"},
            {"properties": {"schema": {"pattern": f"^{name}/1\\.[0-9]+$"}, "body": body}},
        ]
    }
    return {
        "name": name,
        "summary": _SUMMARY[name],
        "contentType": "application/json",
        "payload": body if name in _SENT_BY_CENTRE else enveloped,
    }


def _as_sent(schema: Any) -> Any:
    """The schema of what is sent: every field is there, except those left out where they have no value (never null)."""
    if isinstance(schema, list):
        return [_as_sent(member) for member in schema]
    if not isinstance(schema, dict):
        return schema
    result = {key: _as_sent(member) for key, member in schema.items()}
    properties = result.get("properties")
    if schema.get("type") != "object" or not isinstance(properties, dict):
        return result
    absent = {name for name in ABSENT_WHEN_NONE & properties.keys() if _may_be_null(properties[name])}
    for name in absent:
        properties[name] = _never_null(properties[name])
    if schema.get("title") not in _TITLES_OF_CENTRE:
        result["required"] = [name for name in properties if name not in absent | ABSENT_WHEN_EMPTY]
    return result


def _may_be_null(schema: dict[str, Any]) -> bool:
    return {"type": "null"} in schema.get("anyOf", ())


def _never_null(schema: dict[str, Any]) -> dict[str, Any]:
    kept = {key: member for key, member in schema.items() if key not in ("anyOf", "default")}
    choices = [choice for choice in schema.get("anyOf", ()) if choice != {"type": "null"}]
    return {**kept, **choices[0]} if len(choices) == 1 else {**kept, **({"anyOf": choices} if choices else {})}
