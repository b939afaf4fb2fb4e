"""What is signed of a certificate, where it stands in the page, and what of a page does not agree with it. No key here.

The page carries one hidden element with canonical JSON: the certificate as data, every text that the page shows under
its field name, the SHA-256 of the page without that element, and the signature over all of it. So a change of a shown
text, of the data or of anything else in the file is noticed, and a changed text is named.
"""

from __future__ import annotations

import hashlib
import html
import json
from collections.abc import Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any

from markupsafe import escape

SCHEMA = "certificate/1.0"
OPEN, CLOSE = '<pre id="signed" hidden>', "</pre><!-- signed -->"
EMPTY = OPEN + CLOSE
PAGE = "page"
"""What a change outside of every named field is called."""
DATA = "signed data"
VOID = frozenset({"meta", "link", "br", "img", "hr", "input"})


@dataclass(frozen=True, slots=True)
class Embedded:
    """What a page says of itself. `text`: the element's JSON; `exact`: it stands there as `embed` writes it, so that it
    holds no markup; `shown`: texts of the page by field."""

    text: str
    exact: bool
    signed: dict[str, Any]
    shown: dict[str, str]
    page_sha256: str


class NotACertificate(ValueError):
    """The file holds no signed data of a certificate; the message says what is there instead."""


def to_sign(page: str, data: Mapping[str, Any], shown: Mapping[str, str]) -> dict[str, Any]:
    """What is to be signed for a page that still has the empty element."""
    assert page.count(EMPTY) == 1
    return {"schema": SCHEMA, "data": dict(data), "shown": dict(shown), "page_sha256": _fingerprint(page)}


def embed(page: str, signed: str) -> str:
    """The page with the signed JSON in its element."""
    return page.replace(EMPTY, f"{OPEN}{escape(signed)}{CLOSE}", 1)


def extract(page: str) -> Embedded:
    """Read a page. Raises `NotACertificate` where there is no signed data, or none that can be read."""
    page = page.removeprefix("\ufeff").replace("\r\n", "\n")
    begin = page.find(OPEN)
    end = page.find(CLOSE, begin + len(OPEN)) if begin >= 0 else -1
    if begin < 0 or end < 0:
        raise NotACertificate("it holds no signed data: no certificate, or one that was made without a key")
    raw = page[begin + len(OPEN) : end]
    text = html.unescape(raw)
    if not text:
        raise NotACertificate("the certificate is not signed: the station had no key when it was made")
    try:
        signed = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise NotACertificate(f"its signed data cannot be read: {error}") from error
    if not isinstance(signed, dict) or signed.get("schema") != SCHEMA or not isinstance(signed.get("shown"), dict):
        raise NotACertificate(f"its signed data is no {SCHEMA}")
    bare = page[: begin + len(OPEN)] + page[end:]
    return Embedded(text, raw == str(escape(text)), signed, _Shown.of(bare), _fingerprint(bare))


def differences(found: Embedded) -> tuple[str, ...]:
    """Fields whose text on the page is not the signed one; `page` where something else of the file was changed, and
    `signed data` where the bytes of that element were."""
    told = found.signed["shown"]
    names = [*told, *(name for name in found.shown if name not in told)]
    fields = [name for name in names if found.shown.get(name) != told.get(name)]
    if not fields and found.page_sha256 != found.signed.get("page_sha256"):
        fields.append(PAGE)
    if not found.exact:
        fields.append(DATA)
    return tuple(fields)


def _fingerprint(page: str) -> str:
    return hashlib.sha256(page.encode()).hexdigest()


class _Shown(HTMLParser):
    """Texts of the elements with `data-field`. A field that stands there twice keeps both, so that it differs."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.texts: dict[str, str] = {}
        self._open: list[str | None] = []

    @classmethod
    def of(cls, page: str) -> dict[str, str]:
        parser = cls()
        parser.feed(page)
        parser.close()
        return parser.texts

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in VOID:
            return
        name = dict(attrs).get("data-field")
        self._open.append(name)
        if name is not None:
            self.texts[name] = f"{self.texts[name]}\n" if name in self.texts else ""

    def handle_endtag(self, tag: str) -> None:
        if self._open and tag not in VOID:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        for name in self._open:
            if name is not None:
                self.texts[name] += data
