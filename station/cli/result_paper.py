"""`results report RUN`: the paper of a run of the history, made by a process of its own (`station.cli.paper`)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from station.cli.keys import CERTIFICATE_KEY
from station.cli.results import Bench, bench_of, find_record, open_history
from station.contract.records import to_plain
from station.domain.earlier import as_found, related
from station.domain.errors import SettingsError
from station.domain.record import Record
from station.domain.work_order import EarlierRun
from station.store.history import History

PAPER_S = 120.0
_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class PaperChoice:
    """What is to be made; `lang` and `out` None: the bench's language, a folder named after the run."""

    config: Path
    run: str
    kind: str
    lang: str | None
    pdf: bool
    out: Path | None


def report_run(choice: PaperChoice, *, as_json: bool) -> int:
    """Make it and print the paths. Exit status 0; raises `SettingsError` where there is no such paper."""
    bench = bench_of(choice.config)
    with open_history(bench) as history:
        record = find_record(history, choice.run)
        found = found_for(history, record)
    out = choice.out if choice.out is not None else Path(f"run-{record.run_no}")
    paths = make_paper(record, found, bench, (choice.kind,), out, lang=choice.lang or bench.language, pdf=choice.pdf)
    if as_json:
        print(json.dumps({"run_id": record.run_id, "files": paths}, ensure_ascii=False))
    else:
        print("\n".join(paths))
    return 0


def found_for(history: History, record: Record) -> EarlierRun | None:
    """The run as found of the record's work order, where the store knows one."""
    before = related(
        history.earlier(record), record.run_id, record.work_order, record.dut.serial_number, simulated=record.simulated
    )
    return as_found(before, record.work_order)


def make_paper(
    record: Record, found: EarlierRun | None, bench: Bench, kinds: tuple[str, ...], out: Path, *, lang: str, pdf: bool
) -> list[str]:
    """Have the pages made; the paths written. Raises `SettingsError` with what the process says."""
    with tempfile.TemporaryDirectory(prefix="bench-paper-") as folder:
        files = {"--record": to_plain(record, Record)}
        if found is not None:
            files["--found"] = to_plain(found, EarlierRun)
        arguments = ["--out", str(out), "--lang", lang, "--timezone", bench.timezone, *["--pdf"] * pdf]
        for kind in kinds:
            arguments += ["--kind", kind]
        for option, content in files.items():
            file = Path(folder) / f"{option[2:]}.json"
            file.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
            arguments += [option, str(file)]
        if (key := bench.credentials / CERTIFICATE_KEY).is_file():
            arguments += ["--key", str(key)]
        return _run(arguments)


def _run(arguments: list[str]) -> list[str]:
    path = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))  # wherever it was started
    try:
        done = subprocess.run(
            [sys.executable, "-m", "station.cli.paper", *arguments], capture_output=True, text=True, timeout=PAPER_S,
            env={**os.environ, "PYTHONPATH": path},
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise SettingsError(f"no paper within {PAPER_S:g} s; try without --pdf") from None
    said = done.stderr.strip()
    if done.returncode != 0:
        raise SettingsError(said.splitlines()[-1].partition(".json: ")[2] or said if said else "the paper failed")
    if said:
        print(said, file=sys.stderr)
    return done.stdout.split("\n")[:-1]
