"""docs/finding-a-fault.md names every symptom, and no other."""

from __future__ import annotations

import re
from pathlib import Path

from station.doctor.causes import Symptom

PAGE = Path(__file__).parents[2] / "docs" / "finding-a-fault.md"


def test_the_page_lists_every_symptom_in_the_order_of_the_table() -> None:
    table = PAGE.read_text(encoding="utf-8").split("## Symptoms")[1].split("## logs")[0]
    named = re.findall(r"^\| ([a-z ]+) \|", table, re.MULTILINE)[1:]
    assert set(named) == {symptom.value for symptom in Symptom} and len(named) == len(set(named))
