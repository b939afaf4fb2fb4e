"""WSJF additional data: named properties with a type, objects and arrays among them, and the value as text."""

from __future__ import annotations

from typing import Any

RECORD = "record"
"""The name under which a run, a step and a measurement carry what WSJF has no field for."""


def additional(values: dict[str, Any]) -> list[dict[str, Any]]:
    """One piece of additional data that holds plain JSON values (no null, no empty list) under their own names."""
    return [{"name": RECORD, "props": [_named(name, member) for name, member in values.items()]}]


def _named(name: str, value: Any) -> dict[str, Any]:
    return {"name": name, **_typed(value)}


def _typed(value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return {"type": "Obj", "props": [_named(name, member) for name, member in value.items()]}
    if isinstance(value, list):
        indexes: list[dict[str, Any]] = [
            {"text": f"[{place}]", "indexes": [place], "value": _named(f"[{place}]", member)}
            for place, member in enumerate(value)
        ]
        return {"type": "Array", "array": {"dimension": 1, "type": _kind(value[0]), "indexes": indexes}}
    return {"type": _kind(value), "value": _text(value)}


def _kind(value: Any) -> str:
    if isinstance(value, dict):
        return "Obj"
    if isinstance(value, bool):
        return "Bool"
    return "Number" if isinstance(value, int | float) else "String"


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, int | float) else str(value)
