"""A maintainer's day: at most 15 steps, and ten faults in words that the station really says."""

from __future__ import annotations

import re
from functools import cache

from station.safety.lamp_codes import BLINKS
from tests.docs.pages import ROOT

PAGE = (ROOT / "docs" / "a-maintainers-day.md").read_text(encoding="utf-8")
JOINED = re.compile(r'"\s*\n\s*f?"')


@cache
def said() -> str:
    """Everything that station and drivers can say, texts over several lines joined."""
    files = [*(ROOT / "station").rglob("*.py"), *(ROOT / "drivers").rglob("*.py")]
    return "\n".join(JOINED.sub("", file.read_text(encoding="utf-8")) for file in files)


def section(title: str) -> str:
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def test_from_a_blank_card_to_the_first_pass_takes_at_most_fifteen_steps() -> None:
    text = section("From a blank card to the first PASS")
    steps = [int(number) for number in re.findall(r"^(\d+)\. \*\*", text, re.M)]
    assert steps == list(range(1, len(steps) + 1)) and 5 < len(steps) <= 15


def test_each_of_the_ten_faults_is_told_in_words_that_the_station_says() -> None:
    rows = re.findall(r"^\| (\d+) \| (.+?) \|", section("The ten likeliest faults"), re.M)
    assert [int(number) for number, _ in rows] == list(range(1, 11))
    for _, cell in rows:
        quoted = re.findall(r"`([^`]+)`", cell)
        assert quoted and (quoted[0] in said() or quoted[0] in BLINKS), cell


def test_the_store_is_settled_only_while_no_daemon_holds_it() -> None:
    rows = [row for row in section("Another Raspberry Pi").splitlines() if "service machine" in row]
    for row in rows:
        assert row.index("systemctl stop") < row.index("service machine") < row.index("systemctl start"), row
    assert len(rows) == 2
