"""The PDF: by the real Chromium where it is, an honest word where it is not, nothing left running."""

from __future__ import annotations

import os
import shutil
import stat
import time
from pathlib import Path

import pytest

from station.domain.record import Record
from station.report.html import Reader, render_certificate
from station.report.pdf import BROWSERS, NoBrowser, PdfError, find_browser, print_pdf
from station.report.record_view import plain_record

needs_chromium = pytest.mark.skipif(not any(map(shutil.which, BROWSERS)), reason="no Chromium on this machine")


@needs_chromium
def test_a_certificate_becomes_a_pdf_of_a_few_a4_pages(passed: Record, tmp_path: Path) -> None:
    page = tmp_path / "certificate.html"
    page.write_text(render_certificate(plain_record(passed), Reader("zh")), encoding="utf-8")
    pdf = print_pdf(page, tmp_path / "certificate.pdf")
    content = pdf.read_bytes()
    assert content.startswith(b"%PDF-") and content.count(b"/Type /Page\n") in (2, 3)
    assert b"/MediaBox [0 0 594" in content or b"/MediaBox [0 0 595" in content, "A4"
    assert len(content) < 1_500_000 and [p.name for p in tmp_path.iterdir() if p.suffix == ".part"] == []


def test_without_a_browser_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoBrowser, match="apt-get install chromium, or print the HTML"):
        find_browser()


def fake_browser(folder: Path, script: str) -> str:
    """A program in the browser's place."""
    path = folder / "chromium"
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def test_a_browser_that_hangs_is_stopped_with_all_that_it_started(tmp_path: Path) -> None:
    page, pids = tmp_path / "a.html", tmp_path / "pids"
    page.write_text("x", encoding="utf-8")
    browser = fake_browser(tmp_path, f"sleep 60 & echo $! > {pids}; echo $$ >> {pids}; wait")
    began = time.monotonic()
    with pytest.raises(PdfError, match=r"was stopped: no PDF within 0\.5 s"):
        print_pdf(page, tmp_path / "a.pdf", browser, timeout_s=0.5)
    assert time.monotonic() - began < 10.0
    for pid in map(int, pids.read_text().split()):
        deadline = time.monotonic() + 5.0
        while _lives(pid):
            assert time.monotonic() < deadline, pid
            time.sleep(0.01)


def _lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    os.kill(pid, 0)
    return state != "Z"


def test_a_browser_that_makes_nothing_is_told_with_its_last_words(tmp_path: Path) -> None:
    page, old = tmp_path / "a.html", tmp_path / "a.pdf"
    page.write_text("x", encoding="utf-8")
    old.write_bytes(b"%PDF- of yesterday")
    with pytest.raises(PdfError, match=r"made no PDF of .*no display"):
        print_pdf(page, old, fake_browser(tmp_path, "echo no display >&2"))
    assert old.read_bytes() == b"%PDF- of yesterday", "what was there stays whole"
