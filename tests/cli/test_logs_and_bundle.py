"""`logs RUN` merges journal and store; `bundle` lets no secret and no name out, wherever they were planted."""

from __future__ import annotations

import hashlib
import json
import stat
import sys
import tarfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from station.cli.main import _verb
from station.contract.records import RecordCodec
from station.doctor.redact import Redaction
from station.domain.clock import utc_text
from station.domain.record import Handover, Record, TripRecord
from station.settings.revisions import Revisions, store_of
from station.settings.switching import Switching
from station.store.store import Store
from tests.cli.test_results import draft_of
from tests.report.conftest import make_pass

SECRETS = {
    "url": "hunter2-in-the-url", "toml": "hunter3-in-a-key", "file": "hunter4-in-a-plain-file",
    "json": "hunter5/in+a+json=", "environment": "hunter6-in-the-environment", "comment": "hunter7-in-a-comment",
}  # fmt: skip
JOURNAL = """#!/bin/sh
cat <<'END'
{"__REALTIME_TIMESTAMP": "%d", "MESSAGE": "link refused: %s", "PRIORITY": "4", "BENCH_STEP": "gain"}
{"__REALTIME_TIMESTAMP": "%d", "MESSAGE": [104, 105, 255, 27, 91, 50, 75, 103, 111, 110, 101], "PRIORITY": "3"}
not json
END
"""


REFUSED = "mqtts://bench:hunter2-in-the-url@broker, token=hunter3-in-a-key, badge wang.li"


WANTED = ("manifest.json", "config/station.toml", "config/plans/env.toml", "log.txt", "runs/1.json")


@pytest.fixture
def no_doctor(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it is not looked at: it takes seconds."""
    monkeypatch.setattr(sys, "executable", "/bin/true")


def bundled(config: Path, out: Path) -> dict[str, bytes]:
    """A bundle's files by their names in it."""
    assert _verb(["bundle", "--config", str(config), "--out", str(out)]) == 0
    with tarfile.open(out) as archive:
        return {
            one.name.removeprefix("bundle/"): archive.extractfile(one).read()  # type: ignore[union-attr]
            for one in archive.getmembers()
        }


def a_run() -> Record:
    return replace(
        make_pass(), operator="wang.li", trips=(TripRecord("lid", "opened", None, None, "station", 2.0),),
        handovers=(Handover("zhao.min", "2026-03-02T03:04:05.000Z"),),
    )  # fmt: skip


@pytest.fixture
async def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tree with a secret in every place that one could stand in, a store with a run, and a journal."""
    config, programs = tmp_path / "config", tmp_path / "bin"
    (config / "credentials").mkdir(parents=True)
    programs.mkdir()
    store = tmp_path / "station.sqlite"
    (config / "station.toml").write_text(
        f'[station]\nname = "bench-07"\ntimezone = "Asia/Shanghai"\n[store]\npath = "{store}"\n'
        f'[mqtt]\nurl = "mqtts://bench:{SECRETS["url"]}@broker:8883"\npassword = "{SECRETS["toml"]}"\n'
        f"# the old token: {SECRETS['comment']}\n",
        encoding="utf-8",
    )
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (config / "credentials" / "station-key.pem").write_bytes(pem)
    (config / "calibration").mkdir()
    (config / "calibration" / "copied-key.toml").write_bytes(b'oops = """\n' + pem + b'"""\n')
    (config / "credentials" / "broker-password").write_text(SECRETS["file"] + "\n", encoding="utf-8")
    (config / "credentials" / "keys.json").write_text(json.dumps({"k": {"d": SECRETS["json"]}}), encoding="utf-8")
    (config / "interlocks.toml").write_text(f'x = "{SECRETS["file"]} {SECRETS["json"]}"\n', encoding="utf-8")
    (config / "plans").mkdir()
    (config / "plans" / "env.toml").write_text(f'y = "{SECRETS["environment"]}"\n', encoding="utf-8")
    monkeypatch.setenv("BROKER_PASSWORD", SECRETS["environment"])
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    run = a_run()
    began = int(1_772_420_645e6)
    (programs / "journalctl").write_text(JOURNAL % (began, REFUSED, began + 1), encoding="utf-8")
    (programs / "journalctl").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    opened = await Store.open(store, RecordCodec(), "bench-07")
    number = await opened.begin_run(draft_of(run))
    await opened.finish_run(replace(run, run_no=number))
    await opened.close()
    return config


def test_a_bundle_holds_no_secret_and_no_name(config: Path, tmp_path: Path) -> None:
    out = tmp_path / "bundle.tar.gz"
    assert _verb(["bundle", "--config", str(config), "--out", str(out)]) == 0
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    with tarfile.open(out) as archive:
        held = {one.name: archive.extractfile(one).read() for one in archive.getmembers()}  # type: ignore[union-attr]
    every = b"\n".join([*held.values(), *(name.encode() for name in held)])
    pem = (config / "credentials" / "station-key.pem").read_bytes().splitlines()[1:-1]
    for secret in (*(one.encode() for one in SECRETS.values()), *pem, b"wang.li", b"zhao.min", b"PRIVATE KEY"):
        assert secret not in every, secret
    assert not any("credentials" in name for name in held)
    assert {f"bundle/{name}" for name in WANTED} <= set(held)
    manifest = json.loads(held["bundle/manifest.json"])
    for file in manifest["files"]:
        assert hashlib.sha256(held[f"bundle/{file['name']}"]).hexdigest() == file["sha256"]
    assert any("credentials" in one for one in manifest["left_out"])
    record = json.loads(held["bundle/runs/1.json"])
    assert record["operator"].startswith("person-") and record["operator"].encode() in held["bundle/log.txt"]


@pytest.mark.usefixtures("no_doctor")
def test_a_bundle_holds_the_shared_files_in_use_and_what_became_of_revisions(config: Path, tmp_path: Path) -> None:
    """The bench's own shared files are read no more once a revision is in use; a stray file is nobody's business."""
    state = store_of(config).parent / "config"  # type: ignore[union-attr]
    (config / "stray.toml").write_text("x = 1\n", encoding="utf-8")
    switching = Switching(Revisions(state))
    revision = switching.revisions.keep({"plans/soak.toml": b'of = "the revision"\n'})
    switching.want(revision, "li.lei from 10.0.0.9")
    switching.switch()
    held = bundled(config, tmp_path / "bundle.tar.gz")
    assert held[f"config/revisions/{revision}/plans/soak.toml"] == b'of = "the revision"\n'
    happened = held["config/revisions/state.json"]
    assert revision.encode() in happened and b"li.lei" not in happened and b"person-" in happened
    assert {"config/station.toml", "config/calibration/copied-key.toml"} <= set(held)
    assert not {"config/stray.toml", "config/plans/env.toml", "config/interlocks.toml"} & set(held)


@pytest.mark.usefixtures("no_doctor")
async def test_people_of_every_record_of_the_days_of_the_log_are_hashes(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also of those runs that are too many for the bundle."""
    monkeypatch.setattr("station.cli.bundle.RUNS", 1)
    now = utc_text(datetime.now(UTC))
    opened = await Store.open(tmp_path / "station.sqlite", RecordCodec(), "bench-07")
    for name in ("liu.yang", "sun.hao"):
        run = replace(make_pass(), run_id=f"{uuid4()}", operator=name, ended_at=now)
        number = await opened.begin_run(draft_of(run))
        await opened.finish_run(replace(run, run_no=number))
    await opened.close()
    journal = tmp_path / "bin" / "journalctl"
    journal.write_text(journal.read_text(encoding="utf-8").replace("badge wang.li", "badge liu.yang"), encoding="utf-8")
    held = bundled(config, tmp_path / "bundle.tar.gz")
    assert [name for name in held if name.startswith("runs/")] == ["runs/3.json"]
    assert b"badge person-" in held["log.txt"] and b"liu.yang" not in b"".join(held.values())


def test_a_bundle_is_never_written_over(config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "there.tar.gz"
    out.write_bytes(b"mine")
    assert _verb(["bundle", "--config", str(config), "--out", str(out)]) == 2
    assert out.read_bytes() == b"mine" and "--out" in capsys.readouterr().err


def test_logs_merges_the_journal_and_the_store(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _verb(["logs", "1", "--config", str(config), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["journal"] == "read" and [one["at"] for one in told["lines"]] == sorted(
        one["at"] for one in told["lines"]
    )
    texts = [one["text"] for one in told["lines"]]
    assert any(text.startswith("trip lid: opened") for text in texts) and "zhao.min took over" in texts
    assert any("link refused" in text for text in texts) and "hi\ufffd\x1b[2Kgone" in texts
    assert _verb(["logs", told["run_id"][:30], "--config", str(config)]) == 0
    said = capsys.readouterr()
    assert " journal WARNING [gain] link refused" in said.out and "run ends: PASS" in said.out
    assert "\\x1b[2Kgone" in said.out and "\x1b" not in said.out, "the journal does not steer the terminal"


def test_only_the_units_own_entries_are_a_run_s(config: Path, tmp_path: Path) -> None:
    """Any user may write `BENCH_RUN=…` to the journal; `_SYSTEMD_UNIT` is the journal's own word."""
    (tmp_path / "bin" / "journalctl").write_text(f'#!/bin/sh\necho "$@" >{tmp_path}/asked\n', encoding="utf-8")
    assert _verb(["logs", "1", "--config", str(config)]) == 0
    asked = (tmp_path / "asked").read_text(encoding="utf-8").split()
    assert "_SYSTEMD_UNIT=station.service" in asked and "+" not in asked
    assert any(one.startswith("BENCH_RUN=") for one in asked)


def test_without_a_journal_the_store_tells_and_says_so(
    config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    assert _verb(["logs", "1", "--config", str(config)]) == 0
    said = capsys.readouterr()
    assert "run ends: PASS" in said.out and "only what the store knows" in said.err
    assert _verb(["logs", "77", "--config", str(config)]) == 2


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ('password = "x y z"', "x y z"),
        ("api_key: abc,def", "abc"),
        ("mqtt://u:p/ss@h", "p/ss"),
        ("Authorization: Basic QWxh", "QWxh"),
        ("-----BEGIN EC PRIVATE KEY-----\nMHc", "MHc"),
    ],
)
def test_what_looks_like_a_secret_is_taken_out(text: str, left: str) -> None:
    assert left not in Redaction(frozenset(), frozenset(), b"").text(text)
