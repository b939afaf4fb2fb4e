"""JSON as this contract has it: finite numbers only, at most 256 KiB, one canonical form for signatures (RFC 8785).

What others send is read between two scans of safety, so a message may bring only as much as is read in milliseconds.
"""

from __future__ import annotations

import contextlib
import json
import math
import re
from collections.abc import Mapping
from json.encoder import encode_basestring
from typing import Any, NoReturn

import rfc8785
from pydantic_core import from_json

from station.domain.errors import MessageError

MAX_MESSAGE_BYTES = 256 * 1024
MAX_COMMAND_BYTES = 64 * 1024
"""Of a command, also on the bench's own socket."""
MAX_COMMAND_BYTES_OF_FEW = MAX_MESSAGE_BYTES
FEW_VALUES = 64
"""A command of so few values may have that many bytes: one long text (`apply`) is read at once, numbers are not."""
MAX_COMMAND_VALUES = 8192
"""Numbers, texts, lists and objects in a command, counted by the commas and brackets before it is read."""
MAX_RECEIPT_BYTES = 16 * 1024
_SAFE_INTEGER = 2**53
_FAR_EXPONENT = re.compile(rb"[eE]\+?\d{3,}(?:[\s,\]}]|$)")
_DIGITS_ALIKE = bytes.maketrans(b"123456789", b"0" * 9)
_MANY_DIGITS = b"0" * 200
"""So many digits and less than three in the exponent are no more than 1e299."""
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def to_json(value: Any) -> bytes:
    """Compact UTF-8 JSON. Raises `MessageError` that names the place of a NaN, an infinity or a broken character."""
    try:
        return _ENCODER.encode(value).encode()
    except (ValueError, TypeError) as error:
        raise MessageError(_why_not_json(value) or f"this cannot be written as JSON: {error}") from error


def parse_json(text: str) -> Any:
    """The value of JSON text. Raises `MessageError` for all that strict JSON does not allow.

    pydantic's parser is several times as fast and reads the same values, but for numbers beyond a float and beyond
    4,300 digits; what may hold one, and whatever it refuses, is left to Python's own.
    """
    with contextlib.suppress(ValueError):
        payload = text.encode()
        if not (_FAR_EXPONENT.search(payload) or _MANY_DIGITS in payload.translate(_DIGITS_ALIKE)):
            return from_json(payload, allow_inf_nan=False)
    return _parse_slowly(text)


def _parse_slowly(text: str) -> Any:
    try:
        value = json.loads(text, parse_constant=_refuse_constant, parse_float=_finite)
        if "\\ud" in text or "\\uD" in text:
            json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise MessageError(f"not JSON: {error}") from error
    return value


def parse_object(payload: bytes) -> dict[str, Any]:
    """The object that a received message holds. Raises `MessageError`, also for more than 256 KiB."""
    if len(payload) > MAX_MESSAGE_BYTES:
        raise MessageError(f"{len(payload)} bytes; a message has at most {MAX_MESSAGE_BYTES}")
    try:
        value = parse_json(payload.decode())
    except UnicodeDecodeError as error:
        raise MessageError(f"not UTF-8: {error}") from error
    if not isinstance(value, dict):
        raise MessageError(f"a JSON object was expected, not {type(value).__name__}")
    return value


def why_too_much(payload: bytes) -> str | None:
    """Why a command is not even read; None if it may be."""
    if len(payload) > MAX_COMMAND_BYTES_OF_FEW:
        return f"{len(payload)} bytes; a command has at most {MAX_COMMAND_BYTES}, apply {MAX_COMMAND_BYTES_OF_FEW}"
    values = 1 + sum(payload.count(char) for char in (b",", b"[", b"{"))
    if len(payload) > MAX_COMMAND_BYTES and values > FEW_VALUES:
        return f"{len(payload)} bytes; a command has at most {MAX_COMMAND_BYTES}: leave out curves of older runs"
    if values > MAX_COMMAND_VALUES:
        return f"{values} values; a command has at most {MAX_COMMAND_VALUES}: leave out curves of older runs"
    return None


def canonical(value: Mapping[str, Any]) -> bytes:
    """The canonical form that is signed (RFC 8785). Raises `MessageError`."""
    try:
        return _canonical(dict(value)).encode()
    except (ValueError, RecursionError) as error:
        raise MessageError(f"no canonical form: {error}") from error


def _canonical(value: Any) -> str:
    """What `rfc8785` writes, several times as fast; it still writes, or refuses, whatever is rare."""
    kind = type(value)
    if kind is float and math.isfinite(value):
        return _number(value)
    if kind is int and -_SAFE_INTEGER < value < _SAFE_INTEGER:
        return str(value)
    if kind is str:
        return encode_basestring(value)
    if kind is list or kind is tuple:
        return f"[{','.join([_canonical(member) for member in value])}]"
    if kind is dict and all(type(key) is str for key in value):
        names = sorted(value, key=lambda name: name.encode("utf-16be"))
        return f"{{{','.join([f'{encode_basestring(name)}:{_canonical(value[name])}' for name in names])}}}"
    return rfc8785.dumps(value).decode()


def _number(value: float) -> str:
    """A finite number as ECMAScript writes it: Python's digits, another place for the exponent."""
    if value == 0:
        return "0"
    text = repr(value)
    mantissa, e, exponent = text.partition("e")
    if not e:
        return text.removesuffix(".0")
    power = int(exponent)
    if power < -6 or power > 20:
        return f"{mantissa}e{power:+d}"
    sign, digits = "-" if value < 0 else "", mantissa.lstrip("-").replace(".", "")
    if power > 0:
        return sign + digits + "0" * (power + 1 - len(digits))
    return f"{sign}0.{'0' * (-power - 1)}{digits}"


def _refuse_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is no JSON number")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is out of range")
    return value


def _why_not_json(value: Any, path: str = "") -> str | None:
    """Where the first number or character stands that JSON cannot carry."""
    if isinstance(value, float) and not math.isfinite(value):
        return f"{path or 'the value'} is {value}: JSON has no such number; what could not be measured is null"
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            return f"{path or 'the value'} holds a broken character (a lone surrogate)"
    members: list[tuple[str, Any]] = []
    if isinstance(value, Mapping):
        members = [(f"{path}.{key}" if path else str(key), member) for key, member in value.items()]
    elif isinstance(value, (list, tuple)):
        members = [(f"{path}[{index}]", member) for index, member in enumerate(value)]
    return next((why for place, member in members if (why := _why_not_json(member, place))), None)
