"""Labels with the real daemon, its drawing process and the simulated printer: out of paper, killed, printed again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tomli_w
import zxingcpp

from station.report.label_layout import PAPERS
from tests.report.label_printer import printed
from tests.report.test_slips import shows
from tests.scenarios.live import PLAN, ROOT, Live

SMALL = PAPERS[203].rows[0]
SAFE = ("earth-bond", "switched-on", "insulation")
"""What a plan needs that has a label."""


class Shop(Live):
    """A live bench whose short plan has a label."""

    def _add_plan(self) -> None:
        super()._add_plan()
        path = self._config / "plans" / f"{PLAN}.toml"
        plan = tomllib.loads(path.read_text(encoding="utf-8"))
        path.write_text(tomli_w.dumps(plan | {"label": True}), encoding="utf-8")

    def labels(self) -> list[bytes]:
        """What came out of the printer, in order."""
        return [path.read_bytes() for path in sorted((self._config / "var" / "labels").glob("*.zpl"))]

    def wait_labels(self, count: int) -> list[bytes]:
        """As soon as there are so many."""
        self.until(lambda: len(self.labels()) >= count, f"{count} labels out of the printer", 30.0)
        return self.labels()

    def pending(self) -> dict[str, Any]:
        """What the daemon says of its paper."""
        with self.connect() as client:
            told: dict[str, Any] = client.ask("status")["data"]["paper"]
        return told

    def told_centre(self, name: str) -> list[str]:
        """Runs of the events of that name at the centre."""
        bodies = [
            json.loads(row)["body"] for (row,) in self.rows("SELECT payload FROM messages WHERE kind LIKE 'event/%'")
        ]
        return [body["run_id"] for body in bodies if body["event"] == name]

    def results_label(self, *arguments: str) -> tuple[int, dict[str, Any]]:
        """`station results label … --json`: exit status and what it printed."""
        command = [
            sys.executable,
            "-m",
            "station",
            "results",
            "label",
            *arguments,
            "--config",
            str(self._config),
            "--json",
        ]
        made = subprocess.run(
            command, capture_output=True, text=True, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False
        )
        return made.returncode, json.loads(made.stdout)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with Shop(tmp_path_factory.mktemp("shop"), steps=SAFE) as shop:
        yield shop


def code(job: bytes) -> list[str]:
    return [one.text for one in zxingcpp.read_barcodes(printed(job, "zpl"))]


def again(job: bytes) -> bool:
    picture = printed(job, "zpl")
    assert shows(picture, "模拟 SAMPLE", SMALL), "a simulated bench's paper says so"
    return shows(picture, "补打", SMALL)


def test_paper_out_then_killed_then_loaded_prints_once_and_a_reprint_says_so(shop: Shop, tmp_path: Path) -> None:
    shop.send("printer 0")
    first, ended = shop.run_until(lambda event: event["kind"] == "run_ended")
    assert ended["data"]["verdict"] == "PASS"
    shop.until(lambda: shop.pending()["reason"] is not None, "the reason why it waits")
    assert shop.pending()["pending"] == 1 and "缺纸" in shop.pending()["reason"]["zh"]
    shop.kill(shop.station)
    shop.start_station()
    shop.until(lambda: shop.pending()["reason"] is not None, "the reason after a restart")
    assert shop.labels() == [] and shop.told_centre("label_printed") == []

    shop.send("printer 1")
    (job,) = shop.wait_labels(1)
    assert code(job) == [first] and not again(job), "nothing had been tried: it is the first"
    shop.until(lambda: shop.told_centre("label_printed") == [first], "the event at the centre")
    shop.until(lambda: shop.pending() == {"pending": 0, "reason": None}, "nothing waits")

    assert shop.results_label("1") == (0, {"run_id": first, "status": "queued"})
    job = shop.wait_labels(2)[1]
    assert code(job) == [first] and again(job)
    shop.until(lambda: shop.told_centre("label_reprinted") == [first], "the reprint at the centre")

    file = tmp_path / "again.tspl"
    assert shop.results_label(first[:18], "--out", str(file), "--language", "tspl")[0] == 0
    picture = printed(file.read_bytes(), "tspl")
    assert [one.text for one in zxingcpp.read_barcodes(picture)] == [first] and shows(picture, "补打", SMALL)
    shop.until(lambda: shop.told_centre("label_reprinted") == [first] * 2, "the one in a file, too")
    assert shop.told_centre("label_printed") == [first] and len(shop.labels()) == 2


def test_without_the_daemon_a_label_is_printed_at_once_and_told_when_it_is_back(shop: Shop) -> None:
    before, told = len(shop.wait_labels(1)), len(shop.told_centre("label_reprinted"))
    shop.kill(shop.station)
    status, said = shop.results_label("1")
    assert (status, said["status"]) == (0, "printed")
    assert again(shop.wait_labels(before + 1)[-1])
    shop.send("printer 0")
    status, said = shop.results_label("1")
    assert status == 1 and said["status"] == "waiting" and "load labels" in said["reason"]
    shop.start_station()
    shop.send("printer 1")
    shop.wait_labels(before + 2)
    shop.until(lambda: len(shop.told_centre("label_reprinted")) == told + 2, "both reprints at the centre")


def test_a_fail_prints_a_return_slip_and_has_no_label(tmp_path: Path) -> None:
    with Shop(tmp_path, dut="low-insulation", steps=SAFE) as shop:
        run_id, ended = shop.run_until(lambda event: event["kind"] == "run_ended")
        assert ended["data"]["verdict"] == "FAIL"
        (job,) = shop.wait_labels(1)
        picture = printed(job, "zpl")
        assert code(job) == [run_id] and not again(job)
        assert shows(picture, "返修单", PAPERS[203].titles[1]) and shows(picture, "绝缘电阻", PAPERS[203].reason)
        status, said = shop.results_label(run_id)
        assert status == 1 and said["status"] == "refused" and "no label was due" in said["reason"]
        shop.result(run_id)
        assert shop.told_centre("label_printed") == shop.told_centre("label_reprinted") == []
