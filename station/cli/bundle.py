"""`station bundle`: redacted logs, configuration, doctor and recent records in one archive for support.

Credentials are never put in; they are read only to take what they hold out of everything else. People stand in it as
hashes that are good within one bundle. Bounded in size, mode 0600, and it says what is inside and what is not.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import platform
import secrets
import subprocess
import sys
import tarfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from station import __version__
from station.cli.keys import credentials_of
from station.cli.logs import UNIT, read_journal
from station.cli.results import Bench, bench_of, open_history
from station.contract.records import RecordCodec
from station.doctor.redact import Redaction, people_of, secrets_of
from station.domain.clock import utc_text
from station.domain.errors import SettingsError, StoreError
from station.domain.printable import printable
from station.settings.revisions import Revisions, read_files, shared_part, state_of
from station.settings.source import STATION
from station.settings.switching import Switching

DONE = 0
RUNS = 20
RUNS_MOST = 10_000
"""Runs that are looked through for people; a bench makes fewer in the days of the log."""
FILE_MAX = 5_000_000
"""Bytes of one file in it; of a log the end is kept."""
TOTAL_MAX = 40_000_000
DAYS = 7
NOBODY = frozenset({"", "root", "bench"})
DOCTOR_S = 120.0
LEFT_OUT = (
    "credentials (keys, certificates, passwords): never put in",
    "sound captures: too large; fetch them by name from the bench",
    "names of people: told as hashes that are good within this bundle only",
)


@dataclass(frozen=True, slots=True)
class Part:
    """A file of the bundle, redacted already."""

    name: str
    text: str
    note: str = ""


def make_bundle(config: Path, out: Path | None, *, as_json: bool) -> int:
    """Exit status 0. Raises `SettingsError` where there is no configuration, or the file cannot be made."""
    bench = bench_of(config)
    records, people, trouble = _records(bench)
    redaction = Redaction(
        secrets_of(credentials_of(config), os.environ) | secrets_of(config / "credentials", {}),
        people | _askers(config), secrets.token_bytes(16),
    )  # fmt: skip
    left_out = [*LEFT_OUT, *trouble]
    runs = ((f"runs/{number}.json", text) for number, text in records)
    raw = [*_configuration(config, left_out), *_gathered(config, left_out), *runs]
    parts = _bounded([_cut(name, redaction.text(text)) for name, text in raw], left_out)
    name = out or Path(f"bench-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.tar.gz")
    manifest = _manifest(parts, [redaction.text(one) for one in left_out])
    _write(name, [Part("manifest.json", json.dumps(manifest, ensure_ascii=False, indent=1)), *parts])
    if as_json:
        print(json.dumps({"file": str(name), **manifest}, ensure_ascii=False))
    for part in parts:
        print(
            f"{printable(part.name)}  {len(part.text.encode())} bytes{f' ({part.note})' if part.note else ''}",
            file=sys.stderr,
        )
    for one in manifest["left_out"]:
        print(f"not in it: {printable(one)}", file=sys.stderr)
    if not as_json:
        print(name)
    return DONE


def _records(bench: Bench) -> tuple[list[tuple[int, str]], frozenset[str], list[str]]:
    """The last records as JSON, the people of every record of the days that the log covers, and why there is none."""
    found: list[tuple[int, str]] = []
    people: set[str] = set()
    since = utc_text(datetime.now(UTC) - timedelta(days=DAYS + 1))  # a day more: a run that was under way then
    trouble: list[str] = []
    try:
        with open_history(bench) as history:
            for row in history.runs(RUNS_MOST):
                if row.verdict is None or (len(found) >= RUNS and (row.ended_at or "") < since):
                    continue
                try:
                    text = RecordCodec().record_to_json(history.record(row.run_id))
                except StoreError as error:
                    trouble.append(f"run {row.run_no}: {error}; names in it are not known, so look through log.txt")
                    continue
                people |= people_of([json.loads(text)])
                if len(found) < RUNS:
                    found.append((row.run_no, text))
    except (SettingsError, StoreError) as error:
        trouble.append(f"records: {error}")
    return found, frozenset(people), trouble


def _askers(config: Path) -> frozenset[str]:
    """Who applied a configuration: `NAME from ADDRESS` in the history of revisions."""
    state = state_of(config)
    history = () if state is None else Switching(Revisions(state)).read().history
    return frozenset(one.by.partition(" from ")[0] for one in history) - NOBODY


def _configuration(config: Path, left_out: list[str]) -> list[tuple[str, str]]:
    """The bench's own files, the shared ones that are in use, and what is known of revisions; nothing else."""
    own = [config / name for name in (STATION, "ports")]
    own += sorted((config / "calibration").rglob("*.toml"))
    named = [(f"config/{file.relative_to(config)}", file) for file in own]
    try:
        shared = shared_part(config)
        in_use = "config" if shared == config else f"config/revisions/{shared.name}"
        named += [(f"{in_use}/{name}", shared / name) for name in sorted(read_files(shared))]
    except SettingsError as error:
        left_out.append(f"shared configuration: {error}")
    except OSError as error:
        left_out.append(f"shared configuration: {error.filename}: {error.strerror}")
    if (state := state_of(config)) is not None:
        named.append(("config/revisions/state.json", state / "state.json"))
    found = []
    for name, file in named:
        try:
            if file.is_file() and not file.is_symlink():
                found.append((name, file.read_text(encoding="utf-8", errors="replace")))
        except OSError as error:
            left_out.append(f"{name}: {error.strerror}")
    return found


def _gathered(config: Path, left_out: list[str]) -> list[tuple[str, str]]:
    """Logs, doctor and versions; what cannot be had is named."""
    found = [("versions.json", json.dumps(_versions(), indent=1))]
    since = f"--since=-{DAYS}d"
    lines, missing = read_journal(since, "SYSLOG_IDENTIFIER=station", "+", UNIT)
    if missing:
        left_out.append(f"logs: {missing}")
    found.append(("log.txt", "".join(f"{one.at} {one.level} {one.step} {one.text}\n" for one in lines)))
    command = [sys.executable, "-m", "station", "doctor", "--config", str(config), "--json"]
    try:
        told = subprocess.run(command, capture_output=True, text=True, timeout=DOCTOR_S, check=False)
        found.append(("doctor.json", told.stdout))
        if not told.stdout:
            left_out.append(f"doctor: {told.stderr.strip()[-500:]}")
    except subprocess.TimeoutExpired:
        left_out.append(f"doctor: not done within {DOCTOR_S:g} s")
    return [(name, text) for name, text in found if text]


def _versions() -> dict[str, Any]:
    release = platform.freedesktop_os_release() if Path("/etc/os-release").exists() else {}
    return {
        "software": __version__, "python": platform.python_version(), "kernel": platform.release(),
        "machine": platform.machine(), "system": release.get("PRETTY_NAME", ""), "uptime_s": round(time.monotonic()),
    }  # fmt: skip


def _cut(name: str, text: str) -> Part:
    """At most `FILE_MAX` bytes: of a log its end, of anything else its beginning."""
    held = text.encode()
    if len(held) <= FILE_MAX:
        return Part(name, text)
    kept = held[-FILE_MAX:] if name.endswith(".txt") else held[:FILE_MAX]
    return Part(name, kept.decode(errors="ignore"), f"cut from {len(held)} bytes")


def _bounded(parts: list[Part], left_out: list[str]) -> list[Part]:
    room, kept = TOTAL_MAX, []
    for part in parts:
        room -= len(part.text.encode())
        if room < 0:
            left_out.append(f"{part.name}: no room within {TOTAL_MAX // 1_000_000} MB")
            continue
        kept.append(part)
    return kept


def _manifest(parts: list[Part], left_out: list[str]) -> dict[str, Any]:
    files = [
        {
            "name": part.name, "bytes": len(part.text.encode()),
            "sha256": hashlib.sha256(part.text.encode()).hexdigest(), "note": part.note,
        }
        for part in parts
    ]  # fmt: skip
    return {"made_at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}", "files": files, "left_out": left_out}


def _write(path: Path, parts: list[Part]) -> None:
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as file, gzip.GzipFile(fileobj=file, mode="wb") as packed:
            with tarfile.open(fileobj=packed, mode="w|") as archive:
                for part in parts:
                    held = part.text.encode()
                    info = tarfile.TarInfo(f"bundle/{part.name}")
                    info.size, info.mode, info.mtime = len(held), 0o600, int(time.time())
                    archive.addfile(info, io.BytesIO(held))
            packed.flush()
    except OSError as error:
        why = error.strerror or str(error)
        raise SettingsError(f"bundle {path}: {why}; name a new file with --out") from error
