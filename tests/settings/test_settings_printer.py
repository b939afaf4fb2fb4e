"""The table [printer]: optional, of three kinds, each error said with its line."""

from __future__ import annotations

import re

import pytest

from drivers.settings import FilePrinterSettings, TcpPrinterSettings
from tests.settings.settings_tree import TreeCopy

OLD = 'address = "bench-printer:9100"'
KIND = 'kind = "zpl-tcp"'


def test_the_shipped_bench_has_one_on_the_network(tree: TreeCopy) -> None:
    printer = tree.load().station.printer
    assert printer is not None and printer.kind == "zpl-tcp"
    assert printer.settings == TcpPrinterSettings("bench-printer:9100", 203, True, False)


def test_a_bench_may_have_none(tree: TreeCopy) -> None:
    path = tree.directory / "station.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(re.sub(r"\[printer\].*?(?=# ---- audio)", "", text, flags=re.DOTALL), encoding="utf-8")
    assert tree.problems() == [] and tree.load().station.printer is None


def test_a_device_file_says_its_language(tree: TreeCopy) -> None:
    tree.spoil("station.toml", KIND, 'kind = "label-file"')
    tree.spoil("station.toml", OLD, 'path = "/dev/usb/lp0"\nlanguage = "tspl"')
    printer = tree.load().station.printer
    assert printer is not None and printer.settings == FilePrinterSettings("/dev/usb/lp0", "tspl", 203, False)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (OLD, 'address = "bench printer"', "printer.address: 'bench printer' is no address"),
        (OLD, 'address = "bench-printer:99100"', "is no address; write \"host\" or \"host:port\""),
        (OLD, 'address = "bench..printer:9100"', "printer.address: 'bench..printer:9100' is no address"),
        (OLD, 'address = "-printer"', "is no address"),
        (OLD, f'address = "{"a" * 64}:9100"', "is no address"),
        (OLD, 'address = "[:::]:9100"', "is no address"),
        (OLD, "", "printer.address: is missing"),
        ("dpi = 203", "dpi = 200", "printer.dpi"),
        ("slips = false", 'slips = "no"', "printer.slips"),
        (KIND, 'kind = "zpl-tpc"', "unknown driver kind 'zpl-tpc'; did you mean `zpl-tcp`?"),
        (KIND, 'kind = "st5540"', "kinds for it: label-file, label-serial, tspl-tcp, zpl-tcp"),
    ],
)  # fmt: skip
def test_each_error_is_said_once(tree: TreeCopy, old: str, new: str, said: str) -> None:
    tree.spoil("station.toml", old, new)
    (problem,) = tree.problems()
    assert said in str(problem)


@pytest.mark.parametrize("address", ["p", "192.168.7.20", "label_1.shop.example:9101", "[fe80::1]:9100", "[::1]"])
def test_names_and_numbers_are_addresses(tree: TreeCopy, address: str) -> None:
    tree.spoil("station.toml", OLD, f'address = "{address}"')
    assert tree.problems() == []


def test_a_file_that_depends_on_where_the_daemon_starts_is_refused(tree: TreeCopy) -> None:
    tree.spoil("station.toml", KIND, 'kind = "label-file"')
    tree.spoil("station.toml", OLD, 'path = "labels.zpl"')
    (problem,) = tree.problems()
    assert "printer.path: 'labels.zpl' depends on where the daemon starts" in str(problem)
