"""A batch in the centre's database, on both: once by id, whole or not at all, whatever is in it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from station.collector.budget import STATION_ALARMS
from station.collector.centre import Centre, CentreAlarm, Incoming
from station.collector.database import open_centre
from station.contract.canonical import to_json
from tests.collector.post import EPOCH, OTHER_EPOCH, incoming, result, rows, said
from tests.uplink.rig import STATION, full_record

NOW = "2026-11-22T04:00:00Z"


@pytest.fixture
def centre(database: str) -> Iterator[Centre]:
    centre = open_centre(database)
    centre.ready()
    yield centre
    centre.close()


def take(centre: Centre, *messages: Incoming) -> list[str]:
    return [answer.status for answer in centre.take(messages, [], NOW)]


def test_a_message_is_stored_once_also_within_one_batch(centre: Centre, database: str) -> None:
    one, two = result(1), result(2)
    assert take(centre, one, two, one) == ["stored", "stored", "duplicate"]
    assert take(centre, two) == ["duplicate"]
    assert rows(database, "SELECT msg_id, sha256, payload, store_epoch, seq FROM messages ORDER BY seq") == [
        (m.envelope.msg_id, m.sha256, m.payload.decode(), EPOCH, n) for n, m in ((1, one), (2, two))
    ]


def test_the_same_id_with_another_content_is_rejected_and_an_alarm(centre: Centre, database: str) -> None:
    first, other = result(1), result(1)
    assert first.sha256 != other.sha256
    assert take(centre, first, other) == ["stored", "rejected"]
    assert take(centre, other) == ["rejected"]
    assert rows(database, "SELECT code FROM alarms") == [("msg_id_reused",)] * 2
    assert rows(database, "SELECT sha256 FROM messages") == [(first.sha256,)]


def test_a_second_record_of_a_run_is_kept_as_a_message_and_an_alarm(centre: Centre, database: str) -> None:
    record = full_record()
    assert take(centre, result(1, record), result(2, replace(record, duration_s=9.0))) == ["stored", "stored"]
    assert rows(database, "SELECT code, msg_id FROM alarms") == [("run_recorded_twice", f"{STATION}:{EPOCH}:2")]
    assert rows(database, "SELECT msg_id FROM results") == [(f"{STATION}:{EPOCH}:1",)]
    assert rows(database, "SELECT count(*) FROM measurements") == [(1,)]


def test_what_one_station_gets_wrong_without_end_is_counted_and_fills_no_table(
    centre: Centre, database: str, caplog: pytest.LogCaptureFixture
) -> None:
    record = full_record()
    take(centre, result(1), result(2, record))
    wild = said("presence", "p1", state="online", store_epoch=EPOCH, session=10**30)
    for number in range(STATION_ALARMS):
        take(centre, result(1))
        take(centre, result(100 + number, record))
        take(centre, wild)
    assert rows(database, "SELECT count(*) FROM alarms") == [(STATION_ALARMS,)]
    outcomes = {code: [0, 0] for code in ("msg_id_reused", "run_recorded_twice", "columns_refused")}
    for (code, outcome), count in centre.alarm_counts.items():
        outcomes[code][outcome == "withheld"] = count
    assert [sum(counts) for counts in outcomes.values()] == [STATION_ALARMS] * 3, "each is counted"
    assert sum(written for written, _ in outcomes.values()) == STATION_ALARMS
    assert len(caplog.records) == 3 * STATION_ALARMS and "beyond what is written down" in caplog.text
    take(centre, result(1, station="bench-08"), result(1, station="bench-08"))
    assert rows(database, "SELECT code FROM alarms WHERE station = 'bench-08'") == [("msg_id_reused",)]


def test_each_kind_has_plain_columns(centre: Centre, database: str) -> None:
    record = full_record()
    batch = [
        result(1, record), said("event", 2, event="accepted", work_order="WO-1"),
        said("alarm", 3, code="E12", cause="hot", run_id="a run that is not there yet", at=NOW),
        said("reply", 4, cmd_id="c-1", status="refused", reason="late"),
    ]  # fmt: skip
    assert take(centre, *batch) == ["stored"] * 4
    columns = "run_id, station, run_no, verdict, serial_number, first_cause_measurement"
    assert rows(database, f"SELECT {columns} FROM results WHERE simulated") == [
        (record.run_id, STATION, 7, "FAIL", "SN-1", "thd_percent")
    ]
    columns = "run_id, place, step, attempt, measurement, channel, value, unit, low, high, bound, verdict"
    assert rows(database, f"SELECT {columns} FROM measurements") == [
        (record.run_id, 0, "thd", 2, "thd_percent", "left", 0.0004, "%", None, 0.1, "below", "PASS")
    ]
    assert rows(database, "SELECT event, work_order FROM events") == [("accepted", "WO-1")]
    assert rows(database, "SELECT source, code, cause FROM alarms") == [("station", "E12", "hot")]
    assert rows(database, "SELECT cmd_id, status, reason FROM replies") == [("c-1", "refused", "late")]


POISON = {
    "a number that no column holds": replace(full_record(), run_no=2**80),
    "a number of steps that no column holds": replace(full_record(), run_no=-(2**63) - 1),
}


@pytest.mark.parametrize("record", POISON.values(), ids=POISON)
def test_what_the_database_refuses_poisons_nothing_else_and_is_kept_itself(
    centre: Centre, database: str, record: object
) -> None:
    batch = [result(seq) for seq in range(1, 8)]
    batch.insert(3, result(20, record))  # type: ignore[arg-type]
    answers = centre.take(batch, [CentreAlarm("message_rejected", "of the same batch")], NOW)
    assert [answer.status for answer in answers] == ["stored"] * 8
    assert rows(database, "SELECT count(*) FROM messages") == [(8,)]
    assert rows(database, "SELECT count(*) FROM results") == [(7,)]
    assert rows(database, "SELECT code, msg_id FROM alarms ORDER BY code") == [
        ("columns_refused", f"{STATION}:{EPOCH}:20"), ("message_rejected", None)
    ]  # fmt: skip
    assert rows(database, "SELECT payload FROM messages WHERE seq = 20") == [(batch[3].payload.decode(),)]
    assert take(centre, batch[3]) == ["duplicate"]


def test_a_nul_in_a_text_is_stored_to_the_byte_and_shown_as_a_sign(centre: Centre, database: str) -> None:
    message = json.loads(result(1).payload)
    message["body"]["operator"] = "badge\0" + "1" * 20_000
    sent = incoming(to_json(message))
    assert b"\\u0000" in sent.payload
    assert take(centre, sent) == ["stored"]
    assert rows(database, "SELECT payload FROM messages") == [(sent.payload.decode(),)]
    assert rows(database, "SELECT operator FROM results") == [("badge\ufffd" + "1" * 20_000,)]


def test_a_text_too_long_for_an_index_is_stored_with_or_without_its_columns(centre: Centre, database: str) -> None:
    long = "".join(chr(0x4E00 + index * 7 % 20_000) for index in range(20_000))
    record = full_record()
    sent = result(1, replace(record, dut=replace(record.dut, serial_number=long)))
    assert take(centre, sent, result(2)) == ["stored", "stored"]
    assert rows(database, "SELECT count(*) FROM messages") == [(2,)]
    kept = rows(database, "SELECT count(*) FROM results")[0][0]
    assert kept + rows(database, "SELECT count(*) FROM alarms WHERE code = 'columns_refused'")[0][0] == 2


def test_workers_side_by_side_with_the_same_messages_in_opposite_order_lose_and_double_nothing(
    centre: Centre, database: str
) -> None:
    batches = [[result(seq + 1) for seq in range(start, start + 40)] for start in range(0, 160, 40)]
    everything = [message for batch in batches for message in batch]
    answers: list[str] = []
    failed: list[BaseException] = []

    def work(turned: bool) -> None:
        worker = open_centre(database)
        try:
            worker.ready()
            for batch in batches:
                told = worker.take(batch[::-1] if turned else batch, [], NOW)
                answers.extend(answer.status for answer in told)
        except BaseException as error:
            failed.append(error)
        finally:
            worker.close()

    workers = [threading.Thread(target=work, args=(bool(number % 2),)) for number in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert failed == []
    assert (answers.count("stored"), answers.count("duplicate")) == (160, 480)
    for table in ("messages", "results", "measurements"):
        assert rows(database, f"SELECT count(*) FROM {table}") == [(160,)]
    assert len(everything) == 160 and rows(database, "SELECT count(*) FROM alarms") == [(0,)]


def test_gaps_are_named_by_station_and_epoch(centre: Centre, database: str) -> None:
    batch = [result(seq) for seq in (3, 4, 9, 10)]
    batch += [result(1, station="bench-08"), result(2, station="bench-08"), result(2, epoch=OTHER_EPOCH)]
    take(centre, *batch)
    take(centre, said("event", "p77", event="reset"))
    assert rows(database, "SELECT * FROM gaps ORDER BY store_epoch, from_seq") == [
        (STATION, OTHER_EPOCH, 1, 1, 1), (STATION, EPOCH, 1, 2, 2), (STATION, EPOCH, 5, 8, 4)
    ]  # fmt: skip
