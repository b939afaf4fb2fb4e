"""The line locator: finds exactly the keys that tomllib finds, each on the line where it is written."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import pytest
import tomli_w
from hypothesis import given, settings
from hypothesis import strategies as st

from station.settings.locate import Path, line_of_unfinished, locate


def every_path(value: Any, path: Path = ()) -> set[Path]:
    paths = {path} if path else set()
    if isinstance(value, dict):
        for key, child in value.items():
            paths |= every_path(child, (*path, key))
    elif isinstance(value, list):
        for index, child in enumerate(value):
            paths |= every_path(child, (*path, index))
    return paths


def every_leaf(value: Any, path: Path = ()) -> dict[Path, Any]:
    if isinstance(value, dict):
        pairs = [((*path, key), child) for key, child in value.items()]
    elif isinstance(value, list):
        pairs = [((*path, index), child) for index, child in enumerate(value)]
    else:
        return {path: value}
    return {own: leaf for at, child in pairs for own, leaf in every_leaf(child, at).items()}


# ---- documents in every way that TOML can be written; every leaf is a text with a number of its own in it ----
KEYS = st.one_of(
    st.sampled_from(["a", "b", "c-d", "e_f", "1"]), st.sampled_from(['q"k', "x.y", "#", "a]b", "键", " ", "", "'"])
)
NOISE = ["", "#", " # no comment", '"', "'", "]", "}", "[x]", " = ", ",", "\\", '""', "''", "键"]
SHAPES = st.recursive(
    st.just(None),
    lambda inner: st.one_of(
        st.dictionaries(KEYS, inner, max_size=4),
        st.lists(inner, max_size=3),
        st.lists(st.dictionaries(KEYS, inner, max_size=3), min_size=1, max_size=3),
    ),
    max_leaves=12,
)


class Writer:
    """Writes a tree of shapes as TOML, drawing at each turn one of the ways in which it can be written."""

    def __init__(self, data: st.DataObject) -> None:
        self.draw = data.draw
        self.leaves = 0

    def one_of(self, *choices: Any) -> Any:
        return self.draw(st.sampled_from(choices))

    def key(self, name: str) -> str:
        bare = name != "" and all(c.isascii() and (c.isalnum() or c in "-_") for c in name)
        ways = [json.dumps(name)] + ([name] if bare else []) + ([f"'{name}'"] if "'" not in name else [])
        return str(self.one_of(*ways))

    def leaf(self) -> str:
        self.leaves += 1
        mark, noise = f"mark{self.leaves}.", self.one_of(*NOISE)
        ways = [json.dumps(mark + noise), f'"""{mark}x\n{noise.replace(chr(92), "").replace(chr(34), "")}\n"""']
        if "'" not in noise:
            ways += [f"'{mark}{noise}'", f"'''{mark}\n{noise}\n'''"]
        return str(self.one_of(*ways))

    def blank(self, *, lines: bool) -> str:
        ways = ["", " ", "\t"]
        return str(self.one_of(*ways, *(("\n", " # [a] = {\n", "\n\n") if lines else ())))

    def value(self, shape: Any) -> str:
        if shape is None:
            return self.leaf()
        if isinstance(shape, dict):
            pairs = [f"{self.key(name)} = {self.value(child)}" for name, child in shape.items()]
            return "{" + ", ".join(pairs) + self.blank(lines=False) + "}"
        items = [f"{self.blank(lines=True)}{self.value(child)}{self.blank(lines=True)}" for child in shape]
        return "[" + ",".join(items) + (self.one_of("", ",") if items else "") + self.blank(lines=True) + "]"

    def table(self, shape: dict[str, Any], header: str) -> str:
        here, below = "", ""
        for name, child in shape.items():
            key = self.key(name)
            full = f"{header}.{key}" if header else key
            if isinstance(child, dict) and self.one_of(True, False):
                below += f"{self.blank(lines=True)}[{full}]\n" + self.table(child, full)
            elif isinstance(child, dict) and child and self.one_of(True, False):
                here += self.dotted(key, child)
            elif isinstance(child, list) and child and all(isinstance(c, dict) for c in child) and self.one_of(0, 1):
                below += "".join(f"[[ {full} ]] # one more\n" + self.table(c, full) for c in child)
            else:
                here += f"{self.blank(lines=True)}{key}{self.blank(lines=False)}= {self.value(child)} # end\n"
        return here + below

    def dotted(self, prefix: str, shape: dict[str, Any]) -> str:
        return "".join(f"{prefix} . {self.key(name)} = {self.value(child)}\n" for name, child in shape.items())


@settings(max_examples=120, deadline=None)
@given(shape=st.dictionaries(KEYS, SHAPES, max_size=5), data=st.data())
def test_every_key_is_found_on_the_line_where_its_value_begins(shape: dict[str, Any], data: st.DataObject) -> None:
    text = Writer(data).table(shape, "")
    parsed = tomllib.loads(text)
    lines = locate(text)
    assert set(lines) == every_path(parsed)
    written = text.split("\n")
    for path, leaf in every_leaf(parsed).items():
        if isinstance(leaf, str):
            mark = leaf[: leaf.index(".") + 1]
            assert mark in written[lines[path] - 1]


@settings(max_examples=100, deadline=None)
@given(
    st.recursive(
        st.one_of(st.text(max_size=8), st.integers(), st.booleans(), st.floats(), st.datetimes(), st.dates()),
        lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
        max_leaves=15,
    ).map(lambda value: {"root": value})
)
def test_the_keys_found_are_those_of_tomllib_for_any_value(document: dict[str, Any]) -> None:
    text = tomli_w.dumps(document, multiline_strings=True)
    assert set(locate(text)) == every_path(tomllib.loads(text))


def test_a_tables_own_header_counts_more_than_the_header_of_its_child_before() -> None:
    lines = locate("[a.b]\nx = 1\n\n[a]\ny = 2\n")
    assert (lines[("a",)], lines[("a", "b")], lines[("a", "y")]) == (4, 1, 5)


def test_a_table_below_an_array_of_tables_belongs_to_its_last_element() -> None:
    lines = locate("[[s]]\n[s.limits.x]\nhigh = 1\n[[s]]\n[s.limits.x]\nhigh = 2\n")
    assert lines[("s", 0, "limits", "x", "high")] == 3
    assert lines[("s", 1, "limits", "x", "high")] == 6


def test_a_date_with_a_blank_in_it_is_one_value() -> None:
    lines = locate("a = [\n 1979-05-27 07:32:00,\n 1979-05-27,\n]\nb = 1\n")
    assert lines == {("a",): 1, ("a", 0): 2, ("a", 1): 3, ("b",): 5}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a = 1\nb = 'open\nc = 2\n", 2),
        ("a = 1\n\nb = [1,\n2,\n", 3),
        ('a = """x\n\ny\n', 1),
        ("[t]\na = 1\nb = { c = [", 3),
        ("", 1),
    ],
)
def test_what_never_ends_is_found_where_it_began(text: str, line: int) -> None:
    assert line_of_unfinished(text) == line


def test_a_table_made_by_dotted_keys_stands_where_its_first_key_does() -> None:
    assert locate("x = 1\na.b = 1\na.c = 2\n")[("a",)] == 2


@pytest.mark.parametrize("quote", ['"', "'"])
@pytest.mark.parametrize("count", [3, 4, 5])
def test_quotes_right_before_the_end_of_a_long_text_belong_to_it(quote: str, count: int) -> None:
    text = f"a = {quote * 3}x{quote * count}\nb = 1\n"
    assert locate(text) == {("a",): 1, ("b",): 2}
    assert set(tomllib.loads(text)) == {"a", "b"}
