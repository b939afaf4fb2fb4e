"""Where traces keep sound: beside the store unless the configuration says otherwise, and never where it is emptied."""

from __future__ import annotations

import pytest

from tests.settings.settings_tree import TreeCopy

STATION = "station.toml"
TABLE = "[captures]                      # sound that traces keep around events (docs/trace.md)\n"
PATH = 'path = "/var/lib/bench/captures"            # without this line: beside the store\n'


def test_the_shipped_bench_keeps_a_gigabyte_beside_its_store(tree: TreeCopy) -> None:
    captures = tree.load().station.captures
    assert (captures.path, captures.max_mb) == ("/var/lib/bench/captures", 1000.0)


def test_without_a_table_they_lie_beside_the_store(tree: TreeCopy) -> None:
    text = (tree.directory / STATION).read_text(encoding="utf-8")
    begin, end = text.index(TABLE), text.index("[control]")
    (tree.directory / STATION).write_text(text[:begin] + text[end:].replace("/var/lib/bench/", "/srv/"), "utf-8")
    tree.spoil(STATION, 'path = "/var/lib/bench/station.sqlite"', 'path = "/srv/station/station.sqlite"')
    captures = tree.load().station.captures
    assert (captures.path, captures.max_mb) == ("/srv/station/captures", 1000.0)


@pytest.mark.parametrize(
    ("new", "key", "wrong"),
    [
        ('path = "captures"\n', "captures.path", "depends on where the daemon starts"),
        ('path = "/tmp/captures"\n', "captures.path", "is no place that keeps results"),
        ("max_gb = 1.0\n", "captures.max_gb", "unknown key"),
    ],
)
def test_a_mistake_is_said_with_its_key(tree: TreeCopy, new: str, key: str, wrong: str) -> None:
    tree.spoil(STATION, PATH, new)
    (problem,) = tree.problems()
    assert problem.key == key and wrong in problem.wrong


def test_a_bound_that_holds_no_capture_is_refused(tree: TreeCopy) -> None:
    tree.spoil(STATION, "max_mb = 1000.0", "max_mb = 1.0")
    (problem,) = tree.problems()
    assert problem.key == "captures.max_mb"
