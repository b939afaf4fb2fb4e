"""What a text of elsewhere holds steers no maintainer's terminal: plain prints, tables and the picture of watch."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import pytest
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from station.cli.main import _verb
from station.cli.sim_config import SHIPPED
from station.cli.terminal import Terminal
from station.domain.printable import printable, printable_lines

HOSTILE = "a\x1b[2Kb\x9b1Ac\x7f\u202ed\re\x07"


def test_controls_become_escapes_and_nothing_else_is_touched() -> None:
    assert printable(HOSTILE + "\n") == r"a\x1b[2Kb\x9b1Ac\x7f\u202ed\re\x07" + r"\n"
    assert printable_lines("a\n\x1bb") == "a\n\\x1bb"
    plain = "电压 230.1 V → 12 °C, 100 %: #{}[]\\ é"
    assert printable(plain) == plain


def test_a_table_and_a_live_picture_pass_no_foreign_control() -> None:
    out = io.StringIO()
    terminal = Terminal(file=out, force_terminal=True, width=60, color_system=None)
    table = Table()
    table.add_column("what", overflow="fold")
    table.add_row(escape(HOSTILE))
    terminal.print(table, f"[bold]{escape(HOSTILE)}[/]")
    assert "\\x1b[2K" in out.getvalue() and not set("\x1b\x9b\x7f\u202e\r\x07") & set(
        out.getvalue().replace("\x1b[1m", "").replace("\x1b[0m", "")
    )
    out.truncate(0)
    with Live(Text(HOSTILE), console=terminal, auto_refresh=False) as live:
        live.update(Text(HOSTILE), refresh=True)
    assert "\x1b[2Kb" not in out.getvalue() and "\\x1b[2Kb" in out.getvalue()


def test_check_and_diff_print_no_control_of_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(SHIPPED, tmp_path / "tree", ignore=shutil.ignore_patterns("credentials"))
    rules = tmp_path / "tree" / "interlocks.toml"
    more = '\n[[interlock]]\nid = "x\\u001b[2Ky"\nwhen = "\\u009b1A\\u202e"\n'
    rules.write_text(rules.read_text(encoding="utf-8") + more, encoding="utf-8")
    assert _verb(["check", str(tmp_path / "tree")]) == 1
    assert _verb(["diff", str(SHIPPED), str(tmp_path / "tree"), "--config", str(SHIPPED)]) == 1
    said = capsys.readouterr()
    assert "\\x1b[2Ky" in said.out and not set("\x1b\x9b\u202e") & set(said.out + said.err)
