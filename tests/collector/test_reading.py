"""Results read out of the centre's database for an export: on SQLite and on PostgreSQL, beside the collectors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest

from station.collector import reading
from station.collector.centre import Incoming
from station.collector.database import open_centre
from station.collector.reading import find_runs, read_results
from station.domain.chosen_runs import ChosenRuns
from station.domain.errors import SettingsError
from tests.collector.post import EPOCH, OTHER_EPOCH, result
from tests.uplink.rig import TS, full_record


def run_of(number: int, ended_at: str = TS, simulated: bool = False, epoch: str = EPOCH) -> Incoming:
    record = replace(
        full_record(), run_id=f"019a0000-0000-7000-8000-{number:012d}", run_no=number, ended_at=ended_at,
        simulated=simulated, work_order=f"WO-{number}",
    )  # fmt: skip
    return result(number, record, epoch=epoch)


@pytest.fixture
def filled(database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Five runs of two stores, the third simulated, the last a month later; pages of two."""
    monkeypatch.setattr(reading, "PAGE", 2)
    with closing(open_centre(database)) as centre:
        centre.ready()
        messages = [run_of(1), run_of(2), run_of(3, simulated=True), run_of(4, epoch=OTHER_EPOCH),
                    run_of(5, ended_at="2027-01-22T05:54:20.456Z")]  # fmt: skip
        centre.take(messages, [], TS)
    yield database


def numbers(url: str, chosen: ChosenRuns) -> list[int]:
    return [int(run_id[-1]) for run_id, _, _ in read_results(url, chosen)]


def test_every_result_comes_page_by_page_as_it_was_sent(filled: str) -> None:
    sent = {4: run_of(4, epoch=OTHER_EPOCH).payload.decode(), 1: run_of(1).payload.decode()}
    told = {int(run_id[-1]): (epoch, text) for run_id, epoch, text in read_results(filled, ChosenRuns())}
    assert list(told) == [1, 2, 3, 4, 5]
    assert told[4] == (OTHER_EPOCH, sent[4]) and told[1] == (EPOCH, sent[1])


@pytest.mark.parametrize(
    ("chosen", "found"),
    [
        (ChosenRuns(work_order="WO-2"), [2]),
        (ChosenRuns(serial_number="nobody"), []),
        (ChosenRuns(simulated=True), [3]),
        (ChosenRuns(simulated=False), [1, 2, 4, 5]),
        (ChosenRuns(since="2027-01-01T00:00:00.000Z"), [5]),
        (ChosenRuns(until="2027-01-01T00:00:00.000Z", simulated=False), [1, 2, 4]),
        (ChosenRuns(run_ids=("019a0000-0000-7000-8000-000000000004",)), [4]),
    ],
)
def test_only_what_was_asked_for_comes(filled: str, chosen: ChosenRuns, found: list[int]) -> None:
    assert numbers(filled, chosen) == found


def test_a_run_is_found_by_the_beginning_of_its_id_and_signs_of_a_pattern_are_letters(filled: str) -> None:
    assert find_runs(filled, "019a0000-0000-7000-8000-000000000004") == ["019a0000-0000-7000-8000-000000000004"]
    assert len(find_runs(filled, "019a")) == 2, "more than one, and no more are looked for"
    assert find_runs(filled, "%") == find_runs(filled, "019a____") == []


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("/nowhere/centre.sqlite", "unable to open database file; name a file of the centre"),
        ("mysql://centre", "give the path of an SQLite file, or postgresql://user@host/name"),
        ("postgresql://u:secret@h/c", "no password on a command line"),
        ("postgresql:///c?host=/nonexistent", "is the server there, and may you read its results?"),
        ("postgresql://h/c?colour=red", "invalid"),
    ],
)
def test_a_database_that_does_not_answer_is_one_line(url: str, says: str) -> None:
    with pytest.raises(SettingsError) as told:
        list(read_results(url, ChosenRuns()))
    assert says in str(told.value) and "\n" not in str(told.value) and "secret" not in str(told.value)
