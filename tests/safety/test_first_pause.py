"""The pause between OFF and ON: waited for from the start of the daemon unless no run was ever begun here."""

from __future__ import annotations

from station.safety import scan
from station.safety.rules import Rules


def test_off_counts_from_the_start_of_the_daemon_when_an_earlier_run_may_have_ended_with_k_on() -> None:
    assert scan.begin(Rules(), 100.0).off_until == 100.0 + Rules().min_off_s


def test_a_bench_on_which_no_run_was_ever_begun_has_no_off_to_count_from() -> None:
    assert scan.begin(Rules(), 100.0, never_energised=True).off_until == 100.0
