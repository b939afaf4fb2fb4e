"""docs/configuring-over-ssh.md: every command on the page has the verbs and options that it names."""

from __future__ import annotations

import re
import shlex

import pytest
import typer

from station.cli.verbs import app
from tests.docs.pages import ROOT

PAGE = (ROOT / "docs" / "configuring-over-ssh.md").read_text(encoding="utf-8")
BLOCKS = "\n".join(re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL))
LINES = re.findall(r"station ((?:apply|rollback|revisions|diff|check) ?[^#<&\n]*)", BLOCKS)


@pytest.mark.parametrize("line", LINES)
def test_the_command_is_understood(line: str) -> None:
    verb, *arguments = shlex.split(line)
    command = typer.main.get_command(app).commands[verb]  # type: ignore[attr-defined]
    with command.make_context(verb, list(arguments)) as context:
        assert context.args == [], "nothing is left over"


def test_the_page_shows_every_verb() -> None:
    assert {line.split()[0] for line in LINES} == {"apply", "rollback", "revisions", "diff", "check"}
