"""What is old goes from either database of the centre, and nothing of it is ever taken twice or missed."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from station.cli.main import main
from station.collector.centre import Centre
from station.collector.database import open_centre
from station.contract.envelope import Stamp
from station.contract.messages import encode_result
from station.domain.outbox import Slot
from tests.collector.post import EPOCH, incoming, result, rows, said
from tests.uplink.rig import CLOCK, STATION, TS, full_record

OLD, NOW = "2025-01-05T10:00:00.000Z", "2026-11-22T03:52:11.000Z"


def of(seq: int, ended_at: str, **fields: Any) -> Any:
    """A result as a bench sends it when it has ended."""
    quality = fields.pop("quality", "synced")
    dut = replace(full_record().dut, serial_number=fields.pop("serial_number", "SN-1"), imei=fields.pop("imei", None))
    clock = replace(CLOCK, quality=quality)
    record = replace(full_record(), run_id=f"run-{seq}", ended_at=ended_at, clock=clock, dut=dut, **fields)
    return incoming(encode_result(record, Slot(f"{STATION}:{EPOCH}:{seq}", seq), Stamp(ended_at, clock, 1)))


def purge(database: str, *arguments: str) -> dict[str, Any]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sys, "argv", ["station", "purge", "--database", database, "--json", *arguments])
        out: list[str] = []
        patched.setattr("builtins.print", lambda *said, **_: out.append(str(said[0])))
        with pytest.raises(SystemExit) as ended:
            main()
    assert ended.value.code == 0, out
    told: dict[str, Any] = json.loads(out[-1])
    return told


@pytest.fixture
def centre(database: str) -> Any:
    centre = open_centre(database)
    centre.ready()
    yield centre
    centre.close()


def test_what_ended_too_long_ago_goes_and_what_did_not_stays(database: str, centre: Centre) -> None:
    event = said("event", 3, event="run_ended", work_order="WO-1", run_id="run-1", ts=OLD)
    centre.take([of(1, OLD), of(2, TS), event, said("reply", 4, cmd_id="c", status="done", ts=OLD)], [], NOW)
    told = purge(database, "--days", "400", "--dry-run")
    assert (told["results"], told["messages"]) == (1, 3)
    assert len(rows(database, "SELECT 1 FROM results")) == 2, "a dry run deletes nothing"
    assert purge(database, "--days", "400")["messages"] == 3
    assert rows(database, "SELECT run_id FROM results") == [("run-2",)]
    for table in ("measurements", "steps"):
        assert rows(database, f"SELECT DISTINCT run_id FROM {table}") == [("run-2",)]
    assert rows(database, "SELECT (SELECT count(*) FROM events), (SELECT count(*) FROM replies)") == [(0, 0)]
    assert rows(database, "SELECT seq FROM messages WHERE payload <> ''") == [(2,)]


def test_an_old_result_that_is_sent_again_is_receipted_and_not_counted_twice(database: str, centre: Centre) -> None:
    centre.take([of(1, OLD), of(2, TS), of(4, TS)], [], NOW)
    purge(database, "--days", "400")
    assert [one.status for one in centre.take([of(1, OLD)], [], NOW)] == ["duplicate"]
    assert rows(database, "SELECT run_id FROM results ORDER BY 1") == [("run-2",), ("run-4",)]
    assert rows(database, "SELECT from_seq, to_seq FROM gaps") == [(3, 3)], "what was purged is not lost"
    forged = centre.take([of(1, OLD, operator="somebody else")], [], NOW)
    assert [one.status for one in forged] == ["rejected"], "its hash stays"


def test_a_stamp_of_a_clock_that_was_not_set_is_not_believed(database: str, centre: Centre) -> None:
    centre.take([of(1, "1970-01-01T00:05:00.000Z", quality="unsynced"), of(2, OLD)], [], NOW)
    assert purge(database, "--days", "400")["results"] == 1
    assert rows(database, "SELECT run_id FROM results") == [("run-1",)]


@pytest.mark.parametrize(
    ("asked", "gone"),
    [(("--serial", "ZZSN1"), {1}), (("--serial", "356938035643809"), {2}), (("--work-order", "ZZWO"), {3}),
     (("--badge", "ZZBADGE1"), {4})],
)  # fmt: skip
def test_a_device_an_order_or_a_person_is_forgotten_and_nobody_else(
    database: str, centre: Centre, asked: tuple[str, str], gone: set[int]
) -> None:
    event = said("event", 9, event="accepted", work_order="ZZWO")
    centre.take([
        of(1, TS, serial_number="ZZSN1"), of(2, TS, imei="356938035643809"), of(3, TS, work_order="ZZWO"),
        of(4, TS, second_operator="ZZBADGE1"), of(5, TS, serial_number="ZZSN10", second_operator="ZZBADGE10"), event,
        said("progress", "p1", state="PASS", work_order="ZZWO"),
        *(said("event", 20 + number, event="refused", work_order="WO-1", reason=f"serial: it says {told}. Check it")
          for number, told in enumerate(("ZZSN1", "ZZSN10", "ZZBADGE1", "ZZBADGE10"))),
    ], [], NOW)  # fmt: skip
    assert purge(database, *asked)["results"] == 1
    left = {int(str(one).removeprefix("run-")) for (one,) in rows(database, "SELECT run_id FROM results")}
    assert left == {1, 2, 3, 4, 5} - gone
    texts = [text for (text,) in rows(database, "SELECT payload FROM messages")]
    assert not [text for text in texts if re.search(rf"\b{asked[1]}\b", text)]
    assert len(rows(database, "SELECT 1 FROM events WHERE reason IS NOT NULL")) == (3 if asked[1].endswith("1") else 4)
    centre.close()
    if not database.startswith("postgresql://"):
        assert f'"{asked[1]}"'.encode() not in b"".join(file.read_bytes() for file in Path(database).parent.iterdir())


def test_what_others_have_as_another_text_stays_with_its_alarms(database: str, centre: Centre) -> None:
    """A badge 1042 and a device 1042 are two."""
    alarms = [said("alarm", 10 + number, code="OVERCURRENT", cause="it tripped", run_id=f"run-{number}", at=TS)
              for number in (1, 2)]  # fmt: skip
    centre.take([of(1, TS, operator="1042"), of(2, TS, serial_number="1042"), *alarms], [], NOW)
    told = purge(database, "--badge", "1042")
    assert (told["results"], told["messages"]) == (1, 2)
    assert rows(database, "SELECT run_id FROM alarms") == [("run-2",)]
    assert rows(database, "SELECT seq FROM messages WHERE payload <> '' ORDER BY 1") == [(2,), (12,)]


@pytest.mark.parametrize("asked", [("--serial", "ZZSN"), ("--work-order", "ZZWO"), ("--badge", "zz-e7")])
def test_whoever_is_forgotten_stays_in_no_message_and_in_no_other_letters(
    database: str, centre: Centre, asked: tuple[str, str]
) -> None:
    """A run that came twice (a copied card) is kept among the messages only; a reply and an alarm speak of it."""
    once = of(1, TS, serial_number="ZZSN", work_order="ZZWO", operator="ZZ-E7")
    record = replace(full_record(), run_id="run-1", work_order="ZZWO", operator="ZZ-E7")
    record = replace(record, dut=replace(record.dut, serial_number="ZZSN"))
    again = incoming(encode_result(record, Slot(f"{STATION}:{EPOCH}:2", 2), Stamp(TS, CLOCK, 1)))
    words = f"not here: {asked[1]}."
    alarm = said("alarm", 4, code="x", cause=words, at=TS)
    centre.take([once, again, said("reply", 3, cmd_id="c", status="refused", reason=words), alarm, of(5, TS)], [], NOW)
    assert purge(database, *asked)["messages"] == 4
    assert rows(database, "SELECT seq FROM messages WHERE payload <> ''") == [(5,)]
    assert rows(database, "SELECT (SELECT count(*) FROM replies), (SELECT count(*) FROM alarms WHERE code = 'x')") == [
        (0, 0)
    ]


def test_a_search_through_all_messages_keeps_no_worker_from_storing(database: str, centre: Centre) -> None:
    centre.take([of(1, TS)], [], NOW)
    other = open_centre(database)
    other.ready()
    [status] = centre.look(lambda _: [one.status for one in other.take([of(2, TS)], [], NOW)])
    other.close()
    assert status == "stored"


def test_a_database_that_is_not_there_is_wrong_use(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (("--days", "400"), ("--days", "3"), ()):
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(sys, "argv", ["station", "purge", "--database", str(tmp_path / "no.sqlite"), *arguments])
            with pytest.raises(SystemExit) as ended:
                main()
        assert ended.value.code == 2
    told = capsys.readouterr().err
    assert "there is no such file" in told and "30 to 36500" in told and "say what goes" in told
    assert list(tmp_path.iterdir()) == []


def test_a_hundred_pages_go_as_well_as_one(database: str, centre: Centre) -> None:
    centre.take([result(seq) if seq == 300 else of(seq, OLD) for seq in range(1, 301)], [], NOW)
    assert purge(database, "--days", "400")["results"] == 299
    assert rows(database, "SELECT count(*) FROM results") == [(1,)]
