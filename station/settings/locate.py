"""Where each key of a TOML document stands: line numbers by key path, which tomllib does not give.

The scanner reads documents that tomllib has already accepted, so it checks nothing: it walks keys, tables,
arrays of tables, dotted keys, arrays and inline tables and notes the line of each. Values are skipped, not read.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from collections.abc import Mapping
from contextlib import suppress

Path = tuple[str | int, ...]
"""Keys and array indices from the root: `("step", 2, "limits", "thd_percent")`."""

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_VALUE = (
    re.compile(r'"""(?:\\.|[^\\])*?"{3,5}', re.DOTALL),
    re.compile(r"'''.*?'{3,5}", re.DOTALL),
    re.compile(r'"(?:\\.|[^"\\\n])*"'),
    re.compile(r"'[^'\n]*'"),
    re.compile(r"\d{4}-\d{2}-\d{2} \d{2}:[^\s,\]}#]+"),  # a date and time with a blank between
    re.compile(r"[^\s,\]}#\"'][^\s,\]}#]*"),
)
_QUOTED = _VALUE[2:4]


def locate(text: str) -> Mapping[Path, int]:
    """Line (from 1) of every key, table and array element of `text`, which tomllib must have accepted."""
    return _Scanner(text).run()


def line_of_unfinished(text: str) -> int:
    """Line of the key whose value never ends, for a document that tomllib gives up at its end."""
    scanner = _Scanner(text)
    with suppress(ValueError, IndexError):
        scanner.run()
    return scanner.began


class _Scanner:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._starts = [0, *(match.end() for match in re.finditer("\n", text))]
        self._lines: dict[Path, int] = {}
        self._explicit: set[Path] = set()
        self._counts: dict[Path, int] = {}
        self.began = 1
        """Line of the last key outside any bracket."""

    def run(self) -> Mapping[Path, int]:
        table: Path = ()
        self._skip_blank()
        while self._at < len(self._text):
            if self._text.startswith("[", self._at):
                table = self._header()
            else:
                self.began = self._line()
                self._pair(table)
            self._skip_blank()
        return self._lines

    def _line(self) -> int:
        return bisect_right(self._starts, self._at)

    def _skip_blank(self) -> None:
        match = _BLANK.match(self._text, self._at)
        assert match is not None  # the pattern matches the empty text
        self._at = match.end()

    def _take(self, patterns: tuple[re.Pattern[str], ...]) -> str:
        for pattern in patterns:
            match = pattern.match(self._text, self._at)
            if match is not None:
                self._at = match.end()
                return match.group()
        raise ValueError(f"line {self._line()}: neither key nor value; give `locate` only what tomllib accepts")

    def _header(self) -> Path:
        line = self._line()
        many = self._text.startswith("[[", self._at)
        self._at += 2 if many else 1
        keys = self._keys()
        self._skip_blank()
        self._at += 2 if many else 1
        path: Path = ()
        for key in keys[:-1]:
            path = self._inside((*path, key), line)
        path = (*path, keys[-1])
        if many:
            self._lines.setdefault(path, line)
            self._counts[path] = self._counts.get(path, 0) + 1
            path = (*path, self._counts[path] - 1)
        self._mark(path, line)
        return path

    def _inside(self, path: Path, line: int) -> Path:
        self._lines.setdefault(path, line)
        return (*path, self._counts[path] - 1) if path in self._counts else path

    def _mark(self, path: Path, line: int) -> None:
        """A table's own header counts more than a header of one of its children that came before it."""
        if path not in self._explicit:
            self._lines[path] = line
            self._explicit.add(path)

    def _pair(self, table: Path) -> None:
        line = self._line()
        path = table
        for key in self._keys():
            path = (*path, key)
            self._lines.setdefault(path, line)
        self._skip_blank()
        self._at += 1  # the equals sign
        self._skip_blank()
        self._value(path)

    def _keys(self) -> list[str]:
        keys = []
        while True:
            self._skip_blank()
            token = self._take((*_QUOTED, _BARE))
            keys.append(tomllib.loads(f"k = {token}")["k"] if token[0] in "\"'" else token)
            self._skip_blank()
            if not self._text.startswith(".", self._at):
                return keys
            self._at += 1

    def _value(self, path: Path) -> None:
        opening = self._text[self._at]
        if opening not in "[{":
            self._take(_VALUE)
            return
        self._at += 1
        closing = "]" if opening == "[" else "}"
        index = 0
        self._skip_blank()
        while not self._text.startswith(closing, self._at):
            if opening == "[":
                self._lines[(*path, index)] = self._line()
                self._value((*path, index))
                index += 1
            else:
                self._pair(path)
            self._skip_blank()
            if self._text.startswith(",", self._at):
                self._at += 1
                self._skip_blank()
        self._at += 1
