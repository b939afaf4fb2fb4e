"""Size and time of every paper, for a usual and for the worst record, each made by the process that makes it.

By hand: python tests/benchmarks/bench_report.py [record.json]. The worst record is as large as a message may be
(256 KiB with its envelope): curves beyond what the steps give, long notes, findings for every area, captures; and the
run as found beside it is as large again. Times are wall time of the whole process, the start of Python included, the
best of three; the PDF is Chromium's alone. Goals: 1.5 MB, 3 s.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from station.cli.keys import certificate_key  # noqa: E402
from station.contract.records import RecordCodec, to_plain  # noqa: E402
from station.domain.earlier import earlier_of  # noqa: E402
from station.domain.measurement import Curve  # noqa: E402
from station.domain.record import Finding, Part, Record  # noqa: E402
from station.domain.work_order import EarlierRun  # noqa: E402
from station.report.paper_words import AREAS  # noqa: E402
from station.report.papers import NAMES  # noqa: E402
from station.report.pdf import NoBrowser, print_pdf  # noqa: E402
from tests.report.conftest import make_incoming, make_pass  # noqa: E402

LARGEST_BYTES = 255_000
GOAL_BYTES, GOAL_S = 1_500_000, 3.0
ROUNDS = 3


def size_of(record: Record) -> int:
    """Bytes of its JSON on the wire."""
    return len(RecordCodec().record_to_json(record).encode())


def worst(record: Record) -> Record:
    """The record, filled to the size that a message may have."""
    findings = tuple(
        Finding(area, {"zh": zh * 8, "en": f"{en}, " * 8}, ("thd/thd_percent/left", "snr/snr_db/right"), 0.5,
                {"zh": zh * 4, "en": en * 4})
        for area, (zh, en) in AREAS.items()
    )  # fmt: skip
    parts = tuple(Part(f"part {n} 滤波电容", f"LKG1J{n}", 2, "authorised distributor") for n in range(30))
    filled = replace(record, findings=findings if record.purpose == "incoming" else (), parts=parts)
    points = tuple(20.0 * 1000.0 ** (n / 999) for n in range(1000))
    while (left := LARGEST_BYTES - size_of(filled)) > 25_000:
        extra = Curve(f"extra_{left}", "frequency", "Hz", "level", "dB", tuple(round(f, 2) for f in points),
                      tuple(round(-f / 4e4, 4) for f in points), "left")  # fmt: skip
        first, *rest = filled.steps
        filled = replace(filled, steps=(replace(first, curves=(*first.curves, extra)), *rest))
    first, *rest = filled.steps
    note = "a note of the step that somebody wrote down " * 20
    notes = (note,) * (left // len(note))
    return replace(filled, steps=(replace(first, notes=notes), *rest))


def papers(folder: Path, name: str, record: Record, found: EarlierRun | None, kinds: tuple[str, ...]) -> Iterator[str]:
    """Make each kind and say how large and how long."""
    source, beside = folder / "record.json", folder / "found.json"
    source.write_text(json.dumps(to_plain(record, Record)), encoding="utf-8")
    command = [sys.executable, "-m", "station.cli.paper", "--record", str(source), "--out", str(folder),
               "--key", str(certificate_key(folder))]  # fmt: skip
    if found is not None:
        beside.write_text(json.dumps(to_plain(found, EarlierRun)), encoding="utf-8")
        command += ["--found", str(beside)]
    for kind in kinds:
        took = min(timed([*command, "--kind", kind]) for _ in range(ROUNDS))
        page = folder / NAMES[kind]  # type: ignore[index]
        met = "met" if took <= GOAL_S and page.stat().st_size <= GOAL_BYTES else "MISSED"
        sizes = f"{size_of(record) / 1e3:6.0f} kB  {kind:12} {page.stat().st_size / 1e3:7.0f} kB"
        yield f"{name:7} {sizes}  {took:5.2f} s  {met:7} {pdf(page)}"


def timed(command: list[str]) -> float:
    """Wall seconds of a process."""
    began = time.perf_counter()
    subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def pdf(page: Path) -> str:
    """The same as PDF."""
    began = time.perf_counter()
    try:
        made = print_pdf(page, page.with_suffix(".pdf"))
    except NoBrowser as why:
        return str(why)
    return f"PDF {made.stat().st_size / 1e3:5.0f} kB {time.perf_counter() - began:5.2f} s"


def main(arguments: list[str]) -> None:
    """Print a line a paper."""
    print(f"{'record':18} {'paper':12} {'page':>10}  {'made in':>7}  {'goals':7} (1.5 MB, 3 s)")
    incoming, passed = make_incoming(), make_pass()
    for name, change in (("usual", lambda record: record), ("worst", worst)):
        with tempfile.TemporaryDirectory() as folder:
            found = earlier_of(change(incoming))
            for line in papers(Path(folder), name, change(passed), found, ("report", "certificate")):
                print(line)
            for line in papers(Path(folder), name, change(incoming), None, ("report", "fault")):
                print(line)
    if arguments:
        with tempfile.TemporaryDirectory() as folder:
            record = RecordCodec().record_from_json(Path(arguments[0]).read_text(encoding="utf-8"))
            for line in papers(Path(folder), "given", record, None, ("report",)):
                print(line)


if __name__ == "__main__":
    main(sys.argv[1:])
