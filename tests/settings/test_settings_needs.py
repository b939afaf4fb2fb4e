"""Plan keys that are about work orders, shifts and command keys: what `check` says of them, and what comes of them."""

from __future__ import annotations

from datetime import time
from pathlib import Path

import pytest

from station.domain.plan import NeedsPass
from station.run.catalogue import catalogue_of
from station.settings.tree import TlsNames
from tests.settings.settings_tree import TreeCopy

SOAK, BENCH = "plans/outgoing-soak-amplifier.toml", "plans/outgoing-bench-amplifier.toml"
INCOMING, STATION = "plans/incoming-amplifier.toml", "station.toml"
KEYS = 'receipt_keys = "receipt-keys.json"'
URL = 'url = "mqtt://127.0.0.1:1883"'


@pytest.fixture
def tree(tmp_path: Path) -> TreeCopy:
    return TreeCopy.make(tmp_path / "config")


def test_the_shipped_soak_waits_for_the_shipped_bench_test(tree: TreeCopy) -> None:
    facts = catalogue_of(tree.load()).facts
    assert facts["outgoing-soak-amplifier"].needs_pass == NeedsPass("outgoing-bench-amplifier", 24.0)
    assert facts["outgoing-soak-amplifier"].steps[-1] == "soak"
    assert "soak" not in facts["outgoing-bench-amplifier"].steps
    amplifiers = {name: plan for name, plan in tree.load().plans.items() if plan.family == "audio-amplifier"}
    labels = {name: plan.label for name, plan in amplifiers.items() if plan.purpose == "outgoing"}
    assert labels == {"outgoing-amplifier": True, "outgoing-soak-amplifier": True, "outgoing-bench-amplifier": False}


def test_the_outgoing_test_in_two_is_the_outgoing_test(tree: TreeCopy) -> None:
    """Steps, texts, parameters and limits are copies: whoever edits one is told to edit the others."""
    tree_now = tree.load()
    whole, bench, soak = (
        {s.id: s for s in tree_now.resolve(name, "example-a-100").steps}
        for name in ("outgoing-amplifier", "outgoing-bench-amplifier", "outgoing-soak-amplifier")
    )
    assert {**bench, **soak} == whole, "a step differs from outgoing-amplifier.toml"
    assert [s for s in whole if s in bench] == list(bench) and [s for s in whole if s in soak] == list(soak)
    assert set(whole) - set(bench) == {"soak"}


def test_an_intermittent_fault_has_its_own_incoming_plan(tree: TreeCopy) -> None:
    catalogue = catalogue_of(tree.load())
    plain = catalogue.default_plan("incoming", "example-a-100")
    codes = catalogue.facts["incoming-intermittent"].fault_codes
    assert plain == "incoming-amplifier" == catalogue.default_plan("incoming", "example-a-100", "no-such-code")
    assert codes and {catalogue.default_plan("incoming", "example-a-100", code) for code in codes} == {
        "incoming-intermittent"
    }
    assert catalogue.default_plan("outgoing", "example-a-100") == "outgoing-amplifier"
    assert catalogue.default_plan("verify", "example-a-100") == "verify-golden"
    assert catalogue.default_plan("adjust", "example-a-100") == "adjust-bias"


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        (SOAK, "outgoing-bench-amplifier\", within_h", "outgoing-bench-amplifer\", within_h",
         "needs_pass.plan: no plan 'outgoing-bench-amplifer'; did you mean `outgoing-bench-amplifier`?"),
        (SOAK, "outgoing-bench-amplifier\", within_h", "outgoing-soak-amplifier\", within_h",
         "needs_pass.plan: a plan cannot wait for its own PASS; name the plan that comes before it"),
        (SOAK, "outgoing-bench-amplifier\", within_h", "adjust-bias\", within_h",
         "needs_pass.plan: a run of 'adjust-bias' has purpose 'adjust', and only an outgoing PASS counts; "
         "name an outgoing plan"),
        (SOAK, "within_h = 24.0", "within_h = 0.0", "needs_pass.within_h: 0.0 is out of bounds; "
         "it should be greater than 0"),
        (SOAK, "within_h = 24.0", "within_d = 1.0", "needs_pass.within_d: unknown key; did you mean `within_h`?"),
        (BENCH, "label = false", 'fault_codes = ["x"]',
         "fault_codes: fault codes choose among incoming plans, and this one is 'outgoing'; "
         'remove them, or purpose = "incoming"'),
        (INCOMING, 'purpose = "incoming"', 'purpose = "incoming"\n§fault_codes = ["intermittent"]',
         "fault_codes[1]: 'intermittent' is in plans/incoming-amplifier.toml as well, for the same family; "
         "name it in one of them only"),
        (STATION, '# [shift]\n# ends = ["12:00", "20:00"]', '[shift]\n§ends = ["12:00", "24:00"]',
         'shift.ends[2]: "24:00" is out of bounds; it should match pattern'),
        (STATION, KEYS, f'{KEYS}\n§command_keys = "/etc/keys"',
         "mqtt.command_keys: '/etc/keys' is a path; give the file's name in the credentials directory only"),
        (STATION, KEYS, f'{KEYS}\n§command_keys = "a\\u0000b"',
         "mqtt.command_keys: 'a\\x00b' holds what nobody can print; name the file without it"),
        (STATION, URL, '§url = "mqtts://broker.example"',
         "mqtt.command_keys: is missing: with mqtts:// the keys of receipts do not sign commands; write "
         'command_keys = "command-keys.json"; make a pair with `python -m station.cli.keys DIR commands`'),
        (STATION, URL, 'url = "mqtts://broker.example"\n§command_keys = "receipt-keys.json"',
         "mqtt.command_keys: 'receipt-keys.json' is the file of receipt_keys, and with mqtts:// one key must not do "
         "both; name another file; make a pair with `python -m station.cli.keys DIR commands`"),
    ],
)  # fmt: skip
def test_one_error_is_said_once_where_it_is(tree: TreeCopy, file: str, old: str, new: str, says: str) -> None:
    tree.spoil(file, old, new)
    (problem,) = tree.problems()
    assert says in str(problem)


def test_shifts_and_command_keys_are_optional(tree: TreeCopy) -> None:
    assert tree.load().station.shift_ends == () and tree.load().station.command_keys == "receipt-keys.json"
    tree.spoil(STATION, '# [shift]\n# ends = ["12:00", "20:00"]', '[shift]\nends = ["12:00", "20:00"]')
    tree.spoil(STATION, '# command_keys = "command-keys.json"', 'command_keys = "command-keys.json"')
    assert tree.load().station.shift_ends == (time(12), time(20))
    assert tree.load().station.command_keys == "command-keys.json"


def test_a_broker_on_the_network_goes_with_command_keys_of_their_own(tree: TreeCopy) -> None:
    tree.spoil(STATION, URL, 'url = "mqtts://broker.example:8883"')
    tree.spoil(STATION, '# command_keys = "command-keys.json"', 'command_keys = "command-keys.json"')
    station = tree.load().station
    assert (station.mqtt_url, station.command_keys) == ("mqtts://broker.example:8883", "command-keys.json")


def test_credentials_of_mqtts_have_names_of_their_own_if_none_are_given(tree: TreeCopy) -> None:
    assert tree.load().station.tls == TlsNames("ca.pem", "station.pem", "station-key.pem", None)
    tree.spoil(STATION, '# crl = "crl.pem"', 'crl = "revoked.pem"')
    assert tree.load().station.tls.crl == "revoked.pem"
