"""`station campaign` after contracts/cli.md: one JSON document, exit 0, 1 or 2, a trace, a replay line that replays."""

from __future__ import annotations

import json
import logging
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from station.campaign import campaign
from station.campaign.board import load_core
from station.campaign.campaign import run_seeds
from station.campaign.history import draw
from station.campaign.session import Mode
from station.cli.main import main
from tests.campaign.sabotages_of_the_guard import deaf_to
from tests.campaign.stage import ROOT, At, Scene, What, read_tree

SHORT = (15, 16)
"""Seeds that are over soon, one after the other."""
STORY = Scene(
    (
        What(At("session ready", 0.2), "scan", "x"),
        What(At("guard ENERGISED", 1.0), "kill", for_s=2.0),
        What(At("guard ENERGISED", 2.0), "utc_jump", amount=3_600),
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    out: str
    err: str


Use = Callable[..., Answer]


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Use:
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr("station.cli.campaign.os.cpu_count", lambda: 1)  # in this process

    def through_the_door(*arguments: str) -> Answer:
        monkeypatch.setattr(sys, "argv", ["station", "campaign", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        assert isinstance(ended.value.code, int)
        said = capsys.readouterr()
        return Answer(ended.value.code, said.out, said.err)

    return through_the_door


def sabotaged(monkeypatch: pytest.MonkeyPatch, sabotage: Any) -> None:
    """Every bench that is made from here on has a guard with this bug."""

    def load() -> Any:
        core = load_core()
        sabotage(monkeypatch, core)
        return core

    monkeypatch.setattr(campaign, "load_core", load)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("", ["--seeds"]),
        ("--seeds 5", ["--seeds '5'", "A:B"]),
        ("--seeds 5:5", ["--seeds '5:5'", "A below B"]),
        ("--seeds 7:3", ["7:3", "A below B"]),
        ("--seeds -3:3", ["-3:3"]),
        ("--seeds 1.5:3", ["1.5:3"]),
        ("--seeds 0:1 --only 1,x", ["--only '1,x'", "such as 0,3"]),
        ("--seeds 0:1 --only 99", ["--only 99", "seed 0 has"]),
        ("--seeds 0:3 --only 0", ["--only", "one seed"]),
        ("--seeds 0:1 --mode slow", ["--mode", "jump", "every", "whole"]),
        ("--seeds 0:1 --config tests/campaign", ["interlocks.toml"]),
        ("--seeds 0:1 surplus", ["surplus"]),
    ],
)
def test_a_wrong_use_exits_2_with_one_clear_line(use: Use, line: str, said: list[str]) -> None:
    answer = use(*line.split())
    assert (answer.status, answer.out) == (2, "")
    assert line.endswith("tests/campaign") or len(answer.err.splitlines()) == 1, answer.err  # a tree tells every error
    assert [text for text in said if text not in answer.err] == []


def test_json_is_one_document_on_standard_output_and_a_clean_campaign_exits_0() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "station", "campaign", "--seeds", f"{SHORT[0]}:{SHORT[-1] + 1}", "--json"],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=110, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    document = json.loads(ran.stdout)
    assert list(document) == ["seeds", "simulated_s", "wall_s", "violations"]
    assert (document["seeds"], document["violations"]) == (len(SHORT), [])
    assert document["simulated_s"] > 10.0 and document["wall_s"] > 0.0
    assert f"{len(SHORT)} seeds" in ran.stderr


def test_without_json_nothing_goes_to_standard_output(use: Use) -> None:
    answer = use("--seeds", f"{SHORT[0]}:{SHORT[0] + 1}")
    assert (answer.status, answer.out) == (0, "")
    assert re.search(r"^1 seeds, .* 0 seeds with a violation$", answer.err, re.MULTILINE)


def test_a_violation_exits_1_is_cut_down_and_replayed_by_the_printed_line(
    use: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    history = STORY.history()
    for room in ("station.campaign.campaign", "station.cli.campaign"):
        monkeypatch.setattr(f"{room}.draw", lambda seed: replace(history, seed=seed))
    sabotaged(monkeypatch, deaf_to("HEARTBEAT"))
    answer = use("--seeds", f"{history.seed}:{history.seed + 1}", "--json")
    assert answer.status == 1
    found = json.loads(answer.out)["violations"]
    assert [list(one) for one in found] == [["seed", "invariant", "detail"]] * 2
    assert [(one["seed"], one["invariant"]) for one in found] == [(history.seed, 1), (history.seed, 13)]
    told = answer.err.partition("shortest history")[2]
    assert [line.strip() for line in told.splitlines() if " s: " in line and "invariant" not in line] == [
        str(history.happenings[1])
    ]
    replay = re.search(r"replay: \./bench campaign --seeds (\S+) --only '(\S+)' --trace\n", told)
    assert replay is not None and replay.groups() == (f"{history.seed}:{history.seed + 1}", "1")
    again = use("--seeds", replay[1], "--only", replay[2], "--trace", "--json")
    assert (again.status, json.loads(again.out)["violations"]) == (1, found)
    assert "! invariant 1: K on" in again.err


def test_a_trace_tells_everything_that_happened_and_only_what_was_kept(use: Use) -> None:
    seed = next(seed for seed in range(100) if draw(seed).soak_s == 0 and draw(seed).happenings)
    answer = use("--seeds", f"{seed}:{seed + 1}", "--only", "", "--trace")
    assert answer.status == 0
    assert re.search(rf"^seed {seed}, trace [0-9a-f]{{16}}, ", answer.err, re.MULTILINE)
    assert re.search(r"^ +\d+\.\d{6} guard ENERGISED$", answer.err, re.MULTILINE)
    assert " * " not in answer.err


def test_workers_give_the_same_outcomes_in_the_same_order_as_one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    alone = list(run_seeds(read_tree, SHORT, Mode.JUMP, 1))
    monkeypatch.setattr(campaign, "CHUNK", 1)
    shared = list(run_seeds(read_tree, SHORT, Mode.JUMP, 2))
    assert [one.seed for one in alone] == list(SHORT)
    assert alone == shared
