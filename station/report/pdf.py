"""A page as PDF by the machine's own Chromium, headless, with a profile of its own that is thrown away.

No browser is a state of the world, not an error of ours: `NoBrowser` says what to do, and the HTML prints as well.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

from station.domain.errors import StationError

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
TIMEOUT_S = 60.0


class NoBrowser(StationError):
    """There is no Chromium here."""


class PdfError(StationError):
    """The browser is there and made no PDF."""


def find_browser() -> str:
    """The first browser on the path. Raises `NoBrowser`."""
    for name in BROWSERS:
        if (found := shutil.which(name)) is not None:
            return found
    raise NoBrowser(
        "no PDF: there is no Chromium on this machine; apt-get install chromium, or print the HTML from any browser"
    )


def print_pdf(page: Path, pdf: Path, browser: str | None = None, timeout_s: float = TIMEOUT_S) -> Path:
    """Print `page` to `pdf`, whole or not at all. Raises `NoBrowser`, `PdfError`, `OSError`."""
    browser = browser or find_browser()
    part = pdf.with_name(pdf.name + ".part")
    part.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-pdf-", ignore_cleanup_errors=True) as profile:
        command = [
            browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-extensions", "--disable-dev-shm-usage",
            "--no-first-run", "--disable-background-networking", f"--user-data-dir={profile}", "--no-pdf-header-footer",
            f"--print-to-pdf={part.absolute()}", page.absolute().as_uri(),
        ]  # fmt: skip
        said = _run(command, {**os.environ, "HOME": profile}, timeout_s)
    if not part.is_file() or part.stat().st_size == 0:
        raise PdfError(f"{browser} made no PDF of {page}: {said or 'it said nothing'}")
    part.replace(pdf)
    return pdf


def _run(command: list[str], environment: dict[str, str], timeout_s: float) -> str:
    """Run to its end, or end it and everything that it started; what it said last."""
    process = subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        start_new_session=True, text=True, errors="replace",
    )  # fmt: skip
    try:
        _, said = process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        raise PdfError(f"{command[0]} was stopped: no PDF within {timeout_s:g} s") from None
    finally:
        _end_group(process)
    return said.strip().splitlines()[-1] if said.strip() else ""


def _end_group(process: subprocess.Popen[str]) -> None:
    """Whatever of the browser's own session still lives is killed: it has renderers that outlive it for a moment."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stderr is not None:
        process.stderr.close()
