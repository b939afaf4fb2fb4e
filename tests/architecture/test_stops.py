"""Where files and functions stop growing, and how modules are named (STYLE: size, names, docstrings, tests)."""

from __future__ import annotations

import ast
from functools import cache

import pytest

from tests.architecture.house import CODE, functions, named, parsed, sources

FILE_LINES = 400
FUNCTION_LINES = 70
FORBIDDEN = {"manager", "helper", "handler", "util", "common", "data", "process"}
RAISING = {"raises", "warns", "fail", "validate"}
"""Calls that end a test when what they look at is wrong; `validate` is jsonschema's."""


def test_no_file_of_the_house_is_longer_than_400_lines() -> None:
    lines = {named(path): path.read_text(encoding="utf-8").count("\n") for path in sources(*CODE)}
    assert lines
    assert {name: count for name, count in lines.items() if count > FILE_LINES} == {}


def test_no_function_is_longer_than_70_lines() -> None:
    long = {}
    for path in sources(*CODE, "tests"):
        for function in functions(parsed(path)):
            assert function.end_lineno is not None
            count = function.end_lineno - function.lineno + 1
            if count > FUNCTION_LINES:
                long[f"{named(path)}:{function.lineno} {function.name}"] = count
    assert long == {}


def test_every_module_says_what_it_is_for() -> None:
    silent = [named(path) for path in sources(*CODE, "tests") if not ast.get_docstring(parsed(path))]
    assert silent == []


def test_no_module_has_a_name_that_says_nothing() -> None:
    words = {named(path): {_singular(word) for word in path.stem.split("_")} for path in sources(*CODE)}
    assert {name: found & FORBIDDEN for name, found in words.items() if found & FORBIDDEN} == {}


def _singular(word: str) -> str:
    return word[:-2] if word.endswith("sses") else word.removesuffix("s") if word != "process" else word


def test_every_test_asserts_something() -> None:
    trees = [(path, parsed(path)) for path in sources("tests")]
    asserting = _asserting([function for _, tree in trees for function in functions(tree)])
    idle = [
        f"{named(path)}:{function.lineno} {function.name}"
        for path, tree in trees
        if path.name.startswith("test_")
        for function in functions(tree)
        if function.name.startswith("test_") and not _asserts(function, asserting)
    ]
    assert idle == []


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("assert x == 1", True),
        ("with pytest.raises(ValueError):\n    f()", True),
        ("check(1)", True),
        ("f()", False),
        ("assert True", False),
        ("pass", False),
    ],
)
def test_what_counts_as_an_assertion(body: str, expected: bool) -> None:
    indented = "\n".join("    " + line for line in body.splitlines())
    tree = ast.parse(f"def check(x):\n    assert x\n\ndef test_it():\n{indented}\n")
    found = list(functions(tree))
    test = next(function for function in found if function.name == "test_it")
    assert _asserts(test, _asserting([f for f in found if f is not test])) is expected


def _asserting(all_functions: list[ast.FunctionDef | ast.AsyncFunctionDef]) -> set[str]:
    """Names of functions of the tests that assert, themselves or through another of them."""
    calls = [(function.name, _asserts_itself(function), _called(function)) for function in all_functions]
    known: set[str] = set()
    while True:
        more = {name for name, itself, called in calls if itself or called & known}
        if more == known:
            return known
        known = more


def _asserts(function: ast.AST, asserting: set[str]) -> bool:
    return _asserts_itself(function) or not asserting.isdisjoint(_called(function))


@cache
def _asserts_itself(function: ast.AST) -> bool:
    return not RAISING.isdisjoint(_called(function)) or any(
        isinstance(node, ast.Assert) and not isinstance(node.test, ast.Constant) for node in ast.walk(function)
    )


@cache
def _called(function: ast.AST) -> set[str]:
    called = (node.func for node in ast.walk(function) if isinstance(node, ast.Call))
    return {one.attr if isinstance(one, ast.Attribute) else getattr(one, "id", "") for one in called}
