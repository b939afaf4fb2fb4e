"""What leaves the bench in a bundle carries no secret and no name: by what secrets look like, and by what they are.

Pure but for `secrets_of`, which reads the credential files only to know what must not be in the text.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

GONE = "[redacted]"
SHORTEST = 6
"""A secret of fewer characters cannot be told from a word."""
READ_MAX = 1_000_000
NAMES = frozenset({"operator", "second_operator", "repair_engineer", "signed_by"})
"""Keys of a record whose values are people."""
_SECRET_NAME = r"[\w.-]*(?:passw(?:or)?d|passphrase|secret|token|api_?key|private_?key|credential)[\w.-]*"
_LOOKS = (
    (re.compile(r"-----BEGIN [^-]*PRIVATE KEY-----.*?(?:-----END [^-]*PRIVATE KEY-----|\Z)", re.DOTALL), GONE),
    (re.compile(r"(\w+://)[^\s'\"]*@"), rf"\1{GONE}@"),
    (re.compile(rf"(?i)({_SECRET_NAME}[\"']?\s*[=:]\s*)(?:\"[^\"]*\"|'[^']*'|[^\s,;}}]+)"), rf'\1"{GONE}"'),
    (re.compile(r"(?i)(authorization:\s*|bearer\s+)\S+(\s+\S+)?"), rf"\1{GONE}"),
)


@dataclass(frozen=True, slots=True)
class Redaction:
    """`secrets`: texts that must not appear. `people`: names, each told as the same hash within one bundle (`salt`)."""

    secrets: frozenset[str]
    people: frozenset[str]
    salt: bytes

    def person(self, name: str) -> str:
        """What stands for a person: tells two apart, and nobody who."""
        return f"person-{hashlib.sha256(self.salt + name.encode()).hexdigest()[:8]}"

    def text(self, text: str) -> str:
        """Any text of the bundle."""
        for pattern, instead in _LOOKS:
            text = pattern.sub(instead, text)
        for secret in sorted(self.secrets, key=len, reverse=True):
            text = text.replace(secret, GONE)
        for name in sorted(self.people, key=len, reverse=True):
            text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", self.person(name), text)
        return text


def secrets_of(credentials: Path, environment: Mapping[str, str]) -> frozenset[str]:
    """Every line and JSON text of the credential files, and the values of variables that are named like secrets."""
    found: set[str] = set()
    for file in sorted(credentials.rglob("*")) if credentials.is_dir() else ():
        try:
            text = file.read_bytes()[:READ_MAX].decode("utf-8", "replace") if file.is_file() else ""
        except OSError:  # not ours to read: then it is not ours to leak either
            continue
        if "-----BEGIN CERTIFICATE" in text and "PRIVATE" not in text:
            continue
        found.update(line.strip() for line in text.splitlines())
        try:
            found.update(_texts(json.loads(text)))
        except ValueError:
            continue
    named = re.compile(rf"(?i){_SECRET_NAME}")
    found.update(value for name, value in environment.items() if named.fullmatch(name))
    return frozenset(one for one in found if len(one) >= SHORTEST)


def people_of(records: Iterable[Any]) -> frozenset[str]:
    """The names of people in records as JSON."""
    found: set[str] = set()

    def look(value: Any) -> None:
        if isinstance(value, Mapping):
            for key, one in value.items():
                if key in NAMES and isinstance(one, str) and one:
                    found.add(one)
                look(one)
        elif isinstance(value, list):
            for one in value:
                look(one)

    for record in records:
        look(record)
    return frozenset(found)


def _texts(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)
