"""The real amplifiers of config/products: three of each class of operation, each figure with where it comes from."""

from __future__ import annotations

import math
import re
import tomllib
from collections import Counter
from pathlib import Path

import pytest
from settings_tree import CONFIG, MODELS

REAL = tuple(name for name in MODELS if not name.startswith("example-"))
PAGE = (CONFIG.parent / "docs" / "products.md").read_text(encoding="utf-8")
CLASS = re.compile(r"^# Class of operation: (A|AB|D) \(", re.MULTILINE)
DERIVED = re.compile(r"# derived: 20 log10\(sqrt\(([0-9.]+) W x 8 ohm\) / ([0-9.]+) (m?)V\)")


def text_of(name: str) -> str:
    return (CONFIG / "products" / name).read_text(encoding="utf-8")


def test_there_are_three_of_each_class() -> None:
    classes = Counter(match[1] for name in REAL if (match := CLASS.search(text_of(name))))
    assert all(classes[one] >= 3 for one in ("A", "AB", "D")), classes


@pytest.mark.parametrize("name", REAL)
def test_a_model_says_its_sources_and_stands_in_the_table(name: str) -> None:
    text, data = text_of(name), tomllib.loads(text_of(name))
    assert CLASS.search(text) and "# Sources:\n#   " in text and "\n# Not found: " in text
    assert all(re.search(rf"^{key} = \S+ +# .+", text, re.MULTILINE) for key in ("rated_power_w", "gain_db"))
    row = next(line for line in PAGE.splitlines() if line.startswith(f"| `{Path(name).stem}`"))
    assert f" {data['rated_power_w']:g} W" in row and f" {data['gain_db']:.1f} dB " in row


def test_a_gain_that_was_derived_is_what_its_formula_gives() -> None:
    derived = {name: match for name in REAL if (match := DERIVED.search(text_of(name)))}
    assert len(derived) >= 3
    for name, (power_w, sensitivity, milli) in ((name, match.groups()) for name, match in derived.items()):
        volts = float(sensitivity) / (1000.0 if milli else 1.0)
        gain_db = 20.0 * math.log10(math.sqrt(float(power_w) * 8.0) / volts)
        assert tomllib.loads(text_of(name))["gain_db"] == pytest.approx(gain_db, abs=0.06), name
