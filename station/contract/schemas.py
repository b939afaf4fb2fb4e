"""The shapes of all messages as JSON Schema (draft 2020-12), from the models that write and read them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import AliasChoices, TypeAdapter

from station.contract import commands
from station.contract.bodies import Body, Command, Receipt
from station.contract.envelope import Envelope
from station.contract.messages import BODIES
from station.contract.records import ABSENT_WHEN_EMPTY, ABSENT_WHEN_NONE, adapter
from station.domain.record import Record

VERSION = "1.0"
ALL_BODIES: Mapping[str, Any] = {"result": Record, **BODIES, "receipt": Receipt, "cmd": Command}
"""Every message by the end of its topic."""
SENT_BY_CENTRE = frozenset({"receipt", "cmd"})
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_READ_BY_STATION: Mapping[str, type[Body]] = {
    Receipt.__name__: Receipt,
    **{name: it for name, it in vars(commands).items() if isinstance(it, type) and issubclass(it, Body)},
}
"""Models of what others send: their fields may be left out, and may have other names."""


def schema_of(name: str) -> dict[str, Any]:
    """The JSON Schema of one message body, self-contained."""
    schemas, definitions = _generate({name: ALL_BODIES[name]}, "#/$defs/{model}")
    schema = schemas[name]
    if "$ref" in schema:
        schema = definitions.pop(schema["$ref"].rpartition("/")[2])
    found = {"$schema": _DIALECT, "$id": f"{name}-{VERSION}.json", **schema}
    return {**found, "$defs": definitions} if definitions else found


def component_schemas() -> dict[str, Any]:
    """All of them for `components.schemas` of one document, with the envelope; bodies are `NAME-1.0`."""
    schemas, definitions = _generate({**ALL_BODIES, "envelope": Envelope}, "#/components/schemas/{model}")
    return {**definitions, **{f"{name}-{VERSION}": schema for name, schema in schemas.items()}}


def _generate(models: Mapping[str, Any], template: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The schemas of `models` by name, and of what they refer to; with commands come the arguments of each verb."""
    args = {model.__name__: model for model in commands.ARGS.values()} if "cmd" in models else {}
    made, found = TypeAdapter.json_schemas(
        [(name, "validation", adapter(model)) for name, model in {**models, **args}.items()], ref_template=template
    )
    everything = {name: _as_sent(schema) for (name, _), schema in made.items()}
    definitions = {name: _as_sent(schema) for name, schema in found.get("$defs", {}).items()}
    schemas = {name: everything.pop(name) for name in models}
    definitions |= {name: schema for name, schema in everything.items() if name not in definitions}
    if "cmd" in schemas:
        schemas["cmd"] = _by_verb(definitions.pop(Command.__name__, schemas["cmd"]), template)
    return schemas, definitions


def _by_verb(command: dict[str, Any], template: str) -> dict[str, Any]:
    """A command takes the arguments of its verb and no others' in their place."""
    choices = [
        {
            "title": verb,
            "properties": {"verb": {"const": verb}, "args": {"$ref": template.format(model=it.__name__)}},
            "required": ["args"] if any(field.is_required() for field in it.model_fields.values()) else [],
        }
        for verb, it in commands.ARGS.items()
    ]
    verbs = {"verb": {"type": "string", "enum": list(commands.ARGS)}, "args": {"type": "object"}}
    return {**command, "properties": {**command["properties"], **verbs}, "oneOf": choices}


# ---- as it is on the wire -----------------------------------------------------------------------------------
def _as_sent(schema: Any) -> Any:
    """The schema of what is sent: every field is there, except those left out where they have no value (never null)."""
    if isinstance(schema, list):
        return [_as_sent(member) for member in schema]
    if not isinstance(schema, dict):
        return schema
    result = {key: _as_sent(member) for key, member in schema.items()}
    if "patternProperties" in result:
        result["additionalProperties"] = False  # a name that does not fit the pattern is refused
    properties = result.get("properties")
    if schema.get("type") != "object" or not isinstance(properties, dict):
        return result
    model = _READ_BY_STATION.get(str(schema.get("title")))
    if model is not None:
        return _with_other_names(result, model)
    absent = {name for name in ABSENT_WHEN_NONE & properties.keys() if _may_be_null(properties[name])}
    for name in absent:
        properties[name] = _never_null(properties[name])
    result["required"] = [name for name in properties if name not in absent | ABSENT_WHEN_EMPTY]
    return result


def _with_other_names(schema: dict[str, Any], model: type[Body]) -> dict[str, Any]:
    """A field that is read under several names may come under each of them."""
    required, either = list(schema.get("required", ())), []
    for field in model.model_fields.values():
        if isinstance(field.validation_alias, AliasChoices):
            first, *others = (str(choice) for choice in field.validation_alias.choices)
            schema["properties"] |= dict.fromkeys(others, schema["properties"][first])
            if first in required:
                required.remove(first)
                either.append({"anyOf": [{"required": [name]} for name in (first, *others)]})
    return {**schema, "required": required, **({"allOf": either} if either else {})}


def _may_be_null(schema: dict[str, Any]) -> bool:
    return {"type": "null"} in schema.get("anyOf", ())


def _never_null(schema: dict[str, Any]) -> dict[str, Any]:
    kept = {key: member for key, member in schema.items() if key not in ("anyOf", "default")}
    choices = [choice for choice in schema.get("anyOf", ()) if choice != {"type": "null"}]
    return {**kept, **choices[0]} if len(choices) == 1 else {**kept, **({"anyOf": choices} if choices else {})}
