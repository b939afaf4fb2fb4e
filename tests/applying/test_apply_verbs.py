"""apply, rollback, revisions and diff where no daemon runs: exit statuses, words, JSON, and what is left alone."""

from __future__ import annotations

import io
import json
import os
import shutil
import sys
import tempfile
import types
from pathlib import Path
from typing import Any

import pytest

from station.cli.follow import Followed, Told
from station.cli.main import main
from station.cli.offline import take_into_use
from station.contract.commands import MAX_TREE_BYTES
from station.control.answers import ControlError
from station.settings.archive import pack
from station.settings.revisions import Revisions, read_files, revision_of, write_files
from station.settings.switching import Switching
from station.starting import DONE, serve_bench
from station.store.lock import hold_store
from tests.settings.trees import SHARED, SHIPPED, packed

PLANS = {name: content for name, content in SHARED.items() if not name.startswith("duts/")}
LOOSE = {**PLANS, "interlocks.toml": PLANS["interlocks.toml"].replace(b"high = 60.0", b"high = 70.0")}
COMMENT = {**PLANS, "diagnosis.toml": PLANS["diagnosis.toml"] + b"# seen\n"}


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A bench's own directory, with the shared files as first installed."""
    write_files(tmp_path / "etc", PLANS)
    text = (SHIPPED / "station.toml").read_text(encoding="utf-8").replace("simulated = false", "simulated = true")
    text = text.replace("/var/lib/bench", f"{tmp_path}/lib").replace("/run/bench", f"{tmp_path}")
    (tmp_path / "etc" / "station.toml").write_text(text, encoding="utf-8")
    return tmp_path / "etc"


@pytest.fixture
def station(own: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """`station ARGUMENTS --config OWN`: exit status, standard output, standard error."""

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["station", *arguments, "--config", str(own)])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        code = ended.value.code
        assert isinstance(code, int)
        return code, said.out, said.err

    return run


def folder(path: Path, files: dict[str, bytes]) -> str:
    write_files(path, files)
    return str(path)


def start(own: Path) -> None:
    """The daemon for a minute."""

    def serve(switching: Switching) -> int:
        switching.holds()
        return DONE

    assert serve_bench(own, serve) == DONE


def current(own: Path) -> str | None:
    return Revisions(own.parent / "lib" / "config").current()


def test_a_tree_is_used_from_the_next_start_on_listed_and_rolled_back(own: Path, station: Any, tmp_path: Path) -> None:
    tree = folder(tmp_path / "tree", COMMENT)
    shutil.copy(own / "station.toml", tree)
    code, out, _ = station("apply", tree)
    assert code == 0 and current(own) == revision_of(COMMENT)
    assert out.splitlines()[:2] == [
        "left alone: station.toml: apply never replaces what is the bench's own",
        "  diagnosis.toml: comments, blanks, the order of keys or the way of writing alone",
    ]
    assert "next start: no daemon runs" in out
    code, _, err = station("apply", folder(tmp_path / "other", LOOSE), "--accept-looser", "inrush")
    assert code == 2 and "is on trial and the daemon is stopped in it" in err
    start(own)
    code, out, _ = station("apply", tree)
    assert code == 0 and "is in use already" in out

    code, out, _ = station("revisions")
    first, second = out.splitlines()
    assert first.startswith(f"* {revision_of(COMMENT)[:12]}  in use") and "  by " in first
    assert second == "  own           as first installed"
    code, out, _ = station("rollback")
    assert code == 0 and out.startswith("back to own") and current(own) == revision_of(PLANS)
    start(own)
    code, out, _ = station("rollback", revision_of(COMMENT)[:6])
    assert code == 0 and current(own) == revision_of(COMMENT)
    code, out, _ = station("rollback", "--json")
    assert code == 0 and json.loads(out)["outcome"] == "next start" and current(own) == revision_of(PLANS)
    rows = json.loads(station("revisions", "--json")[1])
    assert [(row["revision"], row["standing"]) for row in rows] == [
        (revision_of(COMMENT), "given up"), (revision_of(PLANS), "in use"),
    ]  # fmt: skip


def test_what_loosens_safety_is_refused_until_it_is_named(own: Path, station: Any, tmp_path: Path) -> None:
    tree = folder(tmp_path / "tree", LOOSE)
    code, out, err = station("apply", tree)
    assert code == 2 and out == "! interlock inrush: trips above 60.0 → 70.0 A (looser)\n" and current(own) is None
    assert err.endswith("if that is meant, add --accept-looser inrush.high\n")
    code, out, _ = station("apply", tree, "--accept-looser", "inrush.high", "--dry-run", "--json")
    told = json.loads(out)
    assert (code, told["outcome"], told["revision"]) == (0, "dry run", revision_of(LOOSE)) and current(own) is None
    assert [change["name"] for change in told["changes"]] == ["inrush.high"]
    assert station("apply", tree, "--accept-looser", "inrush.high")[0] == 0 and current(own) == revision_of(LOOSE)


def test_an_archive_on_standard_input_is_taken_without_what_is_the_benchs_own(
    own: Path, station: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = packed({**COMMENT, "station.toml": b"of another bench", "credentials/key.pem": b"secret"})
    monkeypatch.setattr(sys, "stdin", types.SimpleNamespace(buffer=io.BytesIO(theirs)))
    code, out, _ = station("apply", "-")
    assert code == 0 and "left alone: credentials, station.toml" in out
    kept = Revisions(own.parent / "lib" / "config")
    assert read_files(kept.folder(str(current(own)))) == COMMENT
    assert pack(COMMENT) == pack(dict(reversed(COMMENT.items()))), "the same files are the same bytes"


def test_errors_of_the_tree_and_of_the_benchs_own_part_change_nothing(own: Path, station: Any, tmp_path: Path) -> None:
    wrong = PLANS["plans/self-test.toml"].replace(b"revision = ", b"revison = ")
    tree = folder(tmp_path / "tree", {**PLANS, "plans/self-test.toml": wrong})
    code, out, err = station("apply", tree)
    assert code == 2 and f"{tree}/plans/self-test.toml:" in out and "did you mean `revision`?" in out
    assert err.endswith(": nothing was changed\n") and current(own) is None
    text = (own / "station.toml").read_text(encoding="utf-8")
    (own / "station.toml").write_text(text.replace("[guard]", "[gaurd]"), encoding="utf-8")
    code, out, _ = station("apply", folder(tmp_path / "good", COMMENT), "--json")
    told = json.loads(out)
    assert code == 2 and told["outcome"] == "refused" and current(own) is None
    assert {problem["file"] for problem in told["problems"]} == {str(own / "station.toml")}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("apply", "nowhere"), "nowhere: no such directory"),
        (("apply", "."), "holds no shared file"),
        (("rollback",), "there is nothing to go back from"),
        (("rollback", "abcdef"), "abcdef is no directory and no revision that is kept here; kept: none"),
        (("diff", "own", "a"), "a is no directory and no revision"),
        (("apply",), "see station apply --help"),
    ],
)
def test_wrong_use_is_one_line_and_2(
    station: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    code, _, err = station(*arguments)
    assert code == 2 and says in err and len(err.splitlines()) == 1


def test_a_daemon_that_runs_and_does_not_answer_is_not_worked_around(own: Path, station: Any, tmp_path: Path) -> None:
    with hold_store(own.parent / "lib" / "station.sqlite"):
        code, _, err = station("apply", folder(tmp_path / "tree", COMMENT))
    assert code == 2 and "another station" in err and "does not answer" in err and current(own) is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can write as somebody else")
def test_root_writes_as_the_owner_of_the_store(own: Path) -> None:
    with tempfile.TemporaryDirectory() as place:
        bench = Path(place)
        bench.chmod(0o755)
        (bench / "lib").mkdir()
        os.chown(bench / "lib", 65534, 65534)
        (bench / "station.toml").write_text(f'[store]\npath = "{bench}/lib/s.sqlite"\n')
        take_into_use(bench, COMMENT, "maria", "no daemon")
        made = [path for path in (bench / "lib").rglob("*") if path.name != "current"]
        assert len(made) > 10 and {path.stat().st_uid for path in made} == {65534}
        assert os.geteuid() == 0 and os.getegid() == 0


def test_a_difference_exits_1_and_none_exits_0(own: Path, station: Any, tmp_path: Path) -> None:
    tree = folder(tmp_path / "tree", LOOSE)
    assert station("diff", "own", "current") == (0, "no difference\n", "")
    code, out, _ = station("diff", "current", tree, "--json")
    assert code == 1 and json.loads(out)["changes"][0]["way"] == "looser"
    code, out, _ = station("diff", tree, "own", "--looser", "--json")
    assert (code, json.loads(out)) == (0, {"count": 0, "changes": []}), "the way back is tighter"


def test_a_damaged_revision_in_use_is_mended_by_itself_and_followed_by_another_only_by_name(
    own: Path, station: Any, tmp_path: Path
) -> None:
    tree = folder(tmp_path / "tree", COMMENT)
    assert station("apply", tree)[0] == 0
    start(own)
    kept = Revisions(own.parent / "lib" / "config")
    damaged = kept.folder(revision_of(COMMENT)) / "diagnosis.toml"
    damaged.write_bytes(b"#")
    loose = folder(tmp_path / "loose", LOOSE)
    code, out, err = station("apply", loose, "--accept-looser", "inrush")
    assert code == 2 and "is damaged on this disk" in out and "; compared with own (may be looser)" in out
    assert err.endswith("add --accept-looser current\n") and "inrush: trips above" in out
    code, out, _ = station("diff", "current", loose, "--looser", "--json")
    assert code == 1 and [one["name"] for one in json.loads(out)["changes"]] == ["current", "inrush.high"]
    assert station("diff", "current", tree, "--looser", "--json")[:2] == (0, '{"count": 0, "changes": []}\n')
    code, out, _ = station("apply", tree)
    assert code == 0 and kept.is_whole(revision_of(COMMENT)), "the same one mends it"
    damaged.unlink()
    assert station("apply", loose, "--accept-looser", "inrush", "--accept-looser", "current")[0] == 0
    assert current(own) == revision_of(LOOSE)


def test_an_archive_that_was_cut_at_the_bound_is_not_unpacked(
    own: Path, station: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = io.BytesIO(b"\0" * (MAX_TREE_BYTES + 5))
    monkeypatch.setattr(sys, "stdin", types.SimpleNamespace(buffer=large))
    code, _, err = station("apply", "-")
    assert code == 2 and f"more than {MAX_TREE_BYTES} bytes" in err


@pytest.mark.parametrize("arrived", [True, False])
def test_a_lost_answer_is_looked_for_once_and_else_unknown(
    own: Path, station: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arrived: bool
) -> None:
    class Lost:
        def __init__(self, socket: Path) -> None: ...

        def __enter__(self) -> Lost:
            return self

        def __exit__(self, *_: object) -> None: ...

        def ask(self, verb: str, **args: Any) -> dict[str, Any]:
            raise ControlError("the daemon did not answer in time")

    kept = {"number": 1, "at": "", "what": "kept", "revision": revision_of(COMMENT), "by": "", "why": ""}
    looks = iter([Told({}), Told({"happened": [kept] * arrived})])
    monkeypatch.setattr("station.cli.apply.told", lambda socket: next(looks))
    monkeypatch.setattr("station.cli.apply.ControlClient", Lost)
    monkeypatch.setattr("station.cli.apply.follow", lambda *_: Followed("in use"))
    code, out, _ = station("apply", folder(tmp_path / "tree", COMMENT), "--json")
    assert (code, json.loads(out)["outcome"]) == ((0, "in use") if arrived else (1, "unknown"))
