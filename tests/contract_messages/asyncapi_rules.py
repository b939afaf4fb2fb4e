"""What AsyncAPI 3.0.0 asks of a document, object by object, as a table. `asyncapi_check` reads a document by it.

Source of the facts: AsyncAPI Specification 3.0.0, the tables of fixed fields in the section of the object's name, and
MQTT Bindings 0.2.0. The check is narrower than the standard where our document is: it is one file, its servers,
channels and operations are written in place, its only protocol is MQTT, its only security scheme is X.509, a payload
is a JSON Schema, a runtime expression has a pointer, a reference has nothing beside `$ref`.

A kind in the table: a Python type (`object` is anything, None is null), a pattern of text, a set of the values
allowed, `[kind]`, `{pattern of names: kind}`, the name of an object, `To(...)` a reference, a tuple of alternatives.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

PLAIN = re.compile(r"[A-Za-z0-9_-]+")
DOTTED = re.compile(r"[A-Za-z0-9._-]+")
URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+")  # section Identifier; absolute URLs
MEDIA_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+(;.*)?")
RUNTIME = re.compile(r"\$message\.(header|payload)#(/([^~/]|~[01])+)+")  # section Runtime Expression
EXTENSION = re.compile(r"x-[\w.-]+")  # section Specification Extensions


@dataclass(frozen=True)
class To:
    """A Reference Object that must lead to an object of this kind, at a place under this one."""

    kind: str
    under: str = "#/"


@dataclass(frozen=True)
class Fields:
    """The fields of an object, and those that must be there."""

    needed: frozenset[str]
    kinds: dict[str, Any]
    extensible: bool


def fields(needed: str = "", *, extensible: bool = True, **kinds: Any) -> Fields:
    return Fields(frozenset(needed.split()), kinds, extensible)


def or_to(kind: str) -> tuple[Any, ...]:
    return (kind, To(kind))


def shelf(kind: str) -> dict[re.Pattern[str], Any]:
    """A map of Components."""
    return {DOTTED: or_to(kind)}


QOS = {0, 1, 2}
WORDS = {"title": str, "summary": str, "description": str}
FILED = {"tags": [or_to("Tag")], "externalDocs": or_to("ExternalDocs")}
PLACEHOLDER = {"enum": [str], "default": str, "description": str, "examples": [str]}
ON_OPERATIONS = {**WORDS, **FILED, "security": [or_to("SecurityScheme")], "bindings": or_to("OperationBindings")}
ON_MESSAGES = {
    **WORDS, **FILED, "name": str, "contentType": MEDIA_TYPE, "headers": or_to("Schema"),
    "correlationId": or_to("CorrelationId"), "bindings": or_to("MessageBindings"), "examples": ["MessageExample"],
}  # fmt: skip
OWN_MESSAGES = {"channel": To("Channel", "#/channels/"), "messages": [To("Message", "#/channels/")]}
MQTT_SECONDS = (int, *or_to("Schema"))

OBJECTS: dict[str, Fields] = {
    "AsyncAPI": fields(
        "asyncapi info", asyncapi={"3.0.0"}, id=URI, info="Info", defaultContentType=MEDIA_TYPE,
        servers={PLAIN: "Server"}, channels={DOTTED: "Channel"}, operations={DOTTED: "Operation"},
        components="Components",
    ),
    "Info": fields(
        "title version", title=str, version=str, description=str, termsOfService=URI, contact="Contact",
        license="License", **FILED,
    ),
    "Contact": fields(name=str, url=URI, email=str),
    "License": fields("name", name=str, url=URI),
    "Tag": fields("name", name=str, description=str, externalDocs=or_to("ExternalDocs")),
    "ExternalDocs": fields("url", url=URI, description=str),
    "Server": fields(
        "host protocol", host=str, protocol={"mqtt", "mqtts", "secure-mqtt"}, protocolVersion=str, pathname=str,
        variables={PLAIN: or_to("ServerVariable")}, security=[or_to("SecurityScheme")],
        bindings=or_to("ServerBindings"), **WORDS, **FILED,
    ),
    "ServerVariable": fields(**PLACEHOLDER),
    "Channel": fields(
        address=(str, None), messages={DOTTED: or_to("Message")}, servers=[To("Server", "#/servers/")],
        parameters={PLAIN: or_to("Parameter")}, bindings=or_to("ChannelBindings"), **WORDS, **FILED,
    ),
    "Parameter": fields(location=RUNTIME, **PLACEHOLDER),
    "Operation": fields(
        "action channel", action={"send", "receive"}, reply=or_to("OperationReply"),
        traits=[or_to("OperationTrait")], **OWN_MESSAGES, **ON_OPERATIONS,
    ),
    "OperationTrait": fields(**ON_OPERATIONS),
    "OperationReply": fields(address=or_to("OperationReplyAddress"), **OWN_MESSAGES),
    "OperationReplyAddress": fields("location", location=RUNTIME, description=str),
    "Message": fields(payload=or_to("Schema"), traits=[or_to("MessageTrait")], **ON_MESSAGES),
    "MessageTrait": fields(**ON_MESSAGES),
    "MessageExample": fields(headers={re.compile(".*"): object}, payload=object, name=str, summary=str),
    "CorrelationId": fields("location", location=RUNTIME, description=str),
    "SecurityScheme": fields("type", type={"X509"}, description=str),
    "Components": fields(
        schemas=shelf("Schema"), servers=shelf("Server"), channels=shelf("Channel"), operations=shelf("Operation"),
        messages=shelf("Message"), securitySchemes=shelf("SecurityScheme"), serverVariables=shelf("ServerVariable"),
        parameters=shelf("Parameter"), correlationIds=shelf("CorrelationId"), replies=shelf("OperationReply"),
        replyAddresses=shelf("OperationReplyAddress"), externalDocs=shelf("ExternalDocs"), tags=shelf("Tag"),
        operationTraits=shelf("OperationTrait"), messageTraits=shelf("MessageTrait"),
        serverBindings=shelf("ServerBindings"), channelBindings=shelf("ChannelBindings"),
        operationBindings=shelf("OperationBindings"), messageBindings=shelf("MessageBindings"),
    ),
    "ServerBindings": fields(mqtt="MqttServer"),
    "ChannelBindings": fields(mqtt="MqttChannel"),
    "OperationBindings": fields(mqtt="MqttOperation"),
    "MessageBindings": fields(mqtt="MqttMessage"),
    "MqttServer": fields(
        extensible=False, clientId=str, cleanSession=bool, lastWill="MqttLastWill", keepAlive=int,
        sessionExpiryInterval=MQTT_SECONDS, maximumPacketSize=MQTT_SECONDS, bindingVersion={"0.2.0"},
    ),
    "MqttLastWill": fields(extensible=False, topic=str, qos=QOS, message=str, retain=bool),
    "MqttChannel": fields(extensible=False),
    "MqttOperation": fields(
        extensible=False, qos=QOS, retain=bool, messageExpiryInterval=MQTT_SECONDS, bindingVersion={"0.2.0"}
    ),
    "MqttMessage": fields(
        extensible=False, payloadFormatIndicator={0, 1}, correlationData=or_to("Schema"), contentType=str,
        responseTopic=(str, *or_to("Schema")), bindingVersion={"0.2.0"},
    ),
}  # fmt: skip
