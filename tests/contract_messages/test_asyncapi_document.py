"""`asyncapi.json` by AsyncAPI's rules: ours is right, and a document wrong in one place is refused for that place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest

from station.contract.asyncapi import asyncapi_document
from tests.contract_messages.asyncapi_check import faults_of
from tests.contract_messages.mutations import wrong_types

GONE = object()
AN_ADDRESS = {"location": "$message.header#/reply_to"}
SEND, RESULT, MESSAGE = "operations.send_result", "channels.result", "components.messages.cmd"
MQTT, CERTIFICATE = "servers.production.bindings.mqtt", "components.securitySchemes.certificate"
ANYBODYS = re.compile(r"x-.*|payload|\w+Interval")
PRESENCE = "#/channels/presence/messages/presence"
WRONG: list[tuple[str, Any, str]] = [
    # a field that must be there
    ("asyncapi", GONE, "lacks asyncapi"),
    ("info", GONE, "lacks info"),
    ("info.title", GONE, "lacks title"),
    ("info.version", GONE, "lacks version"),
    ("info.license.name", GONE, "lacks name"),
    ("servers.loopback.host", GONE, "lacks host"),
    ("servers.production.protocol", GONE, "lacks protocol"),
    (f"{SEND}.action", GONE, "lacks action"),
    (f"{SEND}.channel", GONE, "lacks channel"),
    (f"{MESSAGE}.correlationId.location", GONE, "lacks location"),
    (f"{MESSAGE}.examples.0.payload", GONE, "an example shows"),
    (f"{CERTIFICATE}.type", GONE, "lacks type"),
    # a value of the wrong kind, or not one of those allowed
    ("asyncapi", "2.6.0", "'2.6.0' is not"),
    ("id", "bench station", "'bench station' is not"),
    ("info.version", None, "'None' is not"),
    ("defaultContentType", "json", "'json' is not"),
    ("servers.production.protocol", None, "'None' is not"),
    ("servers.the broker", {"host": "h", "protocol": "mqtt"}, "the name 'the broker'"),
    ("components.schemas.a/b", {}, "the name 'a/b'"),
    (f"{SEND}.action", "shout", "'shout' is not"),
    (f"{SEND}.bindings.mqtt.qos", 3, "'3' is not"),
    (f"{SEND}.bindings.mqtt.qos", True, "'True' is not"),
    (f"{SEND}.bindings.mqtt.retain", 1, "'1' is not"),
    (f"{SEND}.bindings.mqtt.messageExpiryInterval", "60", "'60' is not"),
    (f"{SEND}.bindings.mqtt.bindingVersion", "0.3.0", "'0.3.0' is not"),
    (f"{MQTT}.cleanSession", "no", "'no' is not"),
    (f"{MQTT}.lastWill.qos", 4, "'4' is not"),
    (f"{RESULT}.messages", [], "'[]' is not"),
    (f"{CERTIFICATE}.type", "trust", "'trust' is not"),
    (f"{MESSAGE}.payload", True, "'True' is no Schema"),
    (f"{MESSAGE}.payload", {"type": "text"}, "payload/type: 'text' is not"),
    # a field that is not known
    (f"{RESULT}.topic", "x", "Channel has no field 'topic'"),
    (f"{RESULT}.bindings", {"mqtt": {"qos": 1}}, "MqttChannel has no field 'qos'"),
    (f"{MQTT}.x-ours", 1, "MqttServer has no field 'x-ours'"),
    # a reference
    (f"{RESULT}.messages.result.$ref", "#/components/messages/outcome", "leads nowhere"),
    (f"{RESULT}.messages.result.$ref", "#/components/schemas/Record", "has no field"),
    (f"{RESULT}.messages.result.$ref", "other.json#/result", "does not lead to a place under #/"),
    (f"{RESULT}.messages.result.summary", "x", "not a reference alone"),
    (f"{MESSAGE}.payload", {"properties": {"a": {"$ref": "#/components/schemas/a"}}}, "payload/properties/a"),
    ("servers.production.security.0.$ref", "#/components/parameters/station", "lacks type"),
    # an operation and its channel
    (f"{SEND}.channel", {"address": "bench/v1/result"}, "not a reference alone"),
    (f"{SEND}.channel.$ref", "#/components/messages/result", "place under #/channels/"),
    (f"{SEND}.channel.$ref", "#/channels/event", "not a message of #/channels/event"),
    (f"{SEND}.messages.0.$ref", "#/components/messages/result", "place under #/channels/"),
    (f"{SEND}.messages.0.$ref", PRESENCE, "not a message of #/channels/result"),
    (f"{SEND}.reply.messages.0.$ref", PRESENCE, "not a message of #/channels/receipt"),
    (f"{SEND}.reply.address", AN_ADDRESS, "has an address too"),
    # a runtime expression
    (f"{MESSAGE}.correlationId.location", "cmd_id", "'cmd_id' is not"),
    (f"{MESSAGE}.correlationId.location", "$message.payload/cmd_id", "is not"),
    (f"{MESSAGE}.correlationId.location", "$message.body#/cmd_id", "is not"),
    (f"{MESSAGE}.correlationId.location", "$message.payload#cmd_id", "is not"),
    # names in braces, examples
    (f"{RESULT}.address", "bench/v1/result", "'station' is not both"),
    (f"{RESULT}.address", "bench/v1/{station}/{slot}", "'slot' is not both"),
    (f"{RESULT}.parameters", GONE, "'station' is not both"),
    ("servers.loopback.host", "{broker}:{port}", "'broker' is not both"),
    ("servers.loopback.pathname", "/{path}", "'path' is not both"),
    (f"{MESSAGE}.examples.0.payload.verb", "arm", "examples/0/payload"),
]


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return asyncapi_document()


def test_the_document_is_right_by_the_rules_of_asyncapi(document: dict[str, Any]) -> None:
    assert faults_of(document) == []


def test_what_the_standard_allows_and_we_do_not_write_is_right_too() -> None:
    document = asyncapi_document()
    document["info"] |= {"contact": {"name": "Office", "url": "https://example.com/a"}, "tags": [{"name": "bench"}]}
    document["components"]["tags"] = {"bench.v1": {"name": "bench"}}
    channel, operation = document["channels"]["receipt"], document["operations"]["send_result"]
    channel |= {"bindings": {"mqtt": {}}, "servers": [{"$ref": "#/servers/production"}], "tags": [{"name": "a"}]}
    document["channels"]["inbox"] = {"address": None, "messages": channel["messages"]}
    operation["reply"] = {"address": AN_ADDRESS, "channel": {"$ref": "#/channels/inbox"}, "x-note": ["any"]}
    operation["bindings"]["mqtt"]["messageExpiryInterval"] = {"type": "integer", "minimum": 30}
    document["components"]["messages"]["cmd"]["headers"] = {"type": "object"}
    assert faults_of(document) == []


@pytest.mark.parametrize(("path", "value", "says"), WRONG)
def test_a_document_that_is_wrong_in_one_place_is_refused_for_it(
    document: dict[str, Any], path: str, value: Any, says: str
) -> None:
    wrong = place = deepcopy(document)
    *above, last = (int(part) if part.isdecimal() else part for part in path.split("."))
    for part in above:
        place = place[part]
    if value is GONE:
        del place[last]
    else:
        place[last] = value
    assert says in "\n".join(faults_of(wrong))


def test_no_value_of_another_type_and_no_field_that_nobody_knows_is_let_through(document: dict[str, Any]) -> None:
    """In every place but those that are anybody's: extensions, schemas (an interval may be one), what is shown."""
    frame = deepcopy(document)
    frame["components"]["schemas"] = {}
    for message in frame["components"]["messages"].values():
        message |= {"payload": {}, "examples": [{"name": "bare", "payload": 1}]}
    assert faults_of(frame) == []
    wrong = [(path, it) for path, it in wrong_types(frame) if not ANYBODYS.fullmatch(str(path[-1]))]
    wrong += _more_fields(frame)
    assert len(wrong) > 500
    assert [path for path, it in wrong if not faults_of(it)] == [], "these were let through"


def _more_fields(document: dict[str, Any]) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """An object with one member more, in its turn each of them; not in a schema."""
    for path, _ in wrong_types(document):
        changed = place = deepcopy(document)
        for part in path:
            place = place[part]
        if isinstance(place, dict) and path[-1] != "payload" and path[-2:] != ("components", "schemas"):
            place["wrong"] = ["wrong"]
            yield path, changed
