"""Whatever a maintainer writes, `check` answers with problems: it never fails itself and never misses a hole."""

from __future__ import annotations

import copy
import math
import tomllib
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import tomli_w
from hypothesis import given, settings
from hypothesis import strategies as st
from settings_tree import CONFIG, TreeCopy

from station.domain.plates import AmplifierPlate
from station.settings.schema import ProductFile

FILES = {
    name: tomllib.loads((CONFIG / name).read_text(encoding="utf-8"))
    for name in (
        "station.toml", "interlocks.toml", "diagnosis.toml",
        "plans/outgoing-amplifier.toml", "plans/self-test.toml", "products/example-a-100.toml",
        "plans/outgoing-electronics.toml", "products/example-n-230.toml",
    )
}  # fmt: skip
VALUES = st.sampled_from([0, -1, 1e9, math.nan, math.inf, "", "x", "\n", True, [], [1, "a"], {}, {"low": 2, "high": 1}])


def places(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, child in inner for place in places(child, (*path, key)))]


def changed(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    """A copy with `value` at `path`, or without that key where `value` is None."""
    new = copy.deepcopy(document)
    at = new
    for key in path[:-1]:
        at = at[key]
    if value is None:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return new


ANYWHERE = st.sampled_from([(name, path) for name, document in FILES.items() for path in places(document) if path])


@settings(max_examples=120, deadline=None)
@given(where=ANYWHERE, value=st.one_of(st.none(), VALUES))
def test_check_answers_whatever_stands_in_a_file(
    tmp_path_factory: Any, where: tuple[str, tuple[Any, ...]], value: Any
) -> None:
    name, path = where
    tree = TreeCopy.make(tmp_path_factory.mktemp("fuzz") / "config")
    text = tomli_w.dumps(changed(FILES[name], path, value))
    (tree.directory / name).write_text(text, encoding="utf-8")
    problems = tree.problems()
    if not problems:
        tree.load()
    for problem in problems:
        assert Path(problem.file).is_relative_to(tree.directory)
        assert problem.line >= 1 and problem.key and problem.wrong and problem.remedy


PRODUCT = "products/example-a-100.toml"
OPTIONAL = {(own.name,) for kind in (ProductFile, AmplifierPlate) for own in fields(kind) if own.default is not MISSING}
BOTH_WAYS = "dc_offset_mv"
"""A limit that safety hangs on, and on both of its bounds."""
NEEDED = st.sampled_from([(PRODUCT, path) for path in places(FILES[PRODUCT]) if path and path[:1] not in OPTIONAL])


@settings(max_examples=60, deadline=None)
@given(where=NEEDED)
def test_a_limit_that_is_gone_is_never_clean_unless_its_other_bound_stands(
    tmp_path_factory: Any, where: tuple[str, tuple[Any, ...]]
) -> None:
    name, path = where
    tree = TreeCopy.make(tmp_path_factory.mktemp("holes") / "config")
    document = changed(FILES[name], path, None)
    (tree.directory / name).write_text(tomli_w.dumps(document), encoding="utf-8")
    other_bound = path[-1] in ("low", "high") and {"low", "high"} & document["limits"][path[1]].keys()
    assert bool(tree.problems()) != bool(other_bound and path[1] != BOTH_WAYS)
