"""`results label --out`: where a label may be written, and that nothing of its owner's is lost there."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from station.cli.main import main
from station.contract.records import RecordCodec
from station.domain.paper import DuePaper
from station.store.store import Store
from tests.cli.test_results import draft_of
from tests.report.conftest import make_pass

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Bench:
    """A stopped bench with one run that had a label."""

    config: Path
    store: Path

    def label(self, out: str, monkeypatch: pytest.MonkeyPatch) -> int:
        """`station results label 1 --out OUT`: the exit status."""
        arguments = ["results", "label", "1", "--out", out, "--config", str(self.config)]
        monkeypatch.setattr("sys.argv", ["station", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0)

    def told(self) -> int:
        """Labels that the store knows of."""
        with closing(sqlite3.connect(self.store)) as db:
            return int(db.execute("SELECT count(*) FROM paper WHERE reprint = 1").fetchone()[0])


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    import asyncio

    config, store = tmp_path / "config", tmp_path / "station.sqlite"
    shutil.copytree(ROOT / "config", config)
    path = config / "station.toml"
    text = path.read_text(encoding="utf-8")
    for old, new in (
        ("/var/lib/bench/station.sqlite", str(store)),
        ("/run/bench", str(tmp_path)),
        ("simulated = false", "simulated = true"),
    ):
        assert old in text, old
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")

    async def fill() -> None:
        opened = await Store.open(store, RecordCodec(), "bench-07")
        opened.paper_due = lambda record: (DuePaper("label", queued=False),)
        record = make_pass()
        assert await opened.begin_run(draft_of(record)) == 1
        await opened.finish_run(replace(record, run_no=1))
        await opened.close()

    asyncio.run(fill())
    return Bench(config, store)


@pytest.mark.parametrize("out", [".", "", "/", "folder", "..", "pipe"])
def test_what_is_no_file_is_refused_before_anything_is_told(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], out: str
) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.chdir(tmp_path)
    assert bench.label(out, monkeypatch) == 2
    assert "no plain file; name the file" in capsys.readouterr().err
    assert bench.told() == 0


def test_a_place_that_is_not_there_is_told_to_nobody(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench.label(str(tmp_path / "nowhere" / "x.zpl"), monkeypatch) == 2
    assert "No such file" in capsys.readouterr().err and bench.told() == 0


def test_a_label_is_written_beside_a_file_that_looks_like_its_half(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "x.zpl.part"
    own.write_text("mine", encoding="utf-8")
    assert bench.label(str(tmp_path / "x.zpl"), monkeypatch) == 0
    assert (tmp_path / "x.zpl").read_bytes().startswith(b"^XA") and bench.told() == 1
    assert own.read_text(encoding="utf-8") == "mine" and not list(tmp_path.glob(".label-*"))
