"""Starting under the lock, with a revision on trial: what fails goes back and starts again, what does not is left."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from station.daemon import main
from station.domain.errors import LinkError, SettingsError
from station.settings.revisions import Revisions, revision_of
from station.settings.switching import Switching
from station.starting import AGAIN, DONE, FAILED, WRONG_USE, serve_bench
from station.store.lock import hold_store

NEW = {"interlocks.toml": b"new"}


class Ran(Exception):
    """The process would have run itself anew."""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "station.toml").write_text(f'[store]\npath = "{tmp_path}/store/s.sqlite"\n')

    def execv(path: str, arguments: list[str]) -> None:
        with hold_store(tmp_path / "store" / "s.sqlite"):
            raise Ran(*arguments)

    monkeypatch.setattr(os, "execv", execv)
    monkeypatch.setattr(os, "closerange", lambda low, high: None)
    return tmp_path


def wanted(own: Path) -> Switching:
    switching = Switching(Revisions(own / "store" / "config"))
    switching.want(switching.revisions.keep(NEW))
    return switching


def on_trial(own: Path) -> Switching:
    switching = wanted(own)
    switching.switch()
    return switching


def fails(error: Exception) -> Callable[[Switching], int]:
    def serve(switching: Switching) -> int:
        raise error

    return serve


@pytest.mark.parametrize(
    ("serve", "status"),
    [
        (lambda switching: DONE, DONE), (lambda switching: FAILED, FAILED),
        (fails(SettingsError("wrong limit")), WRONG_USE), (fails(LinkError("no room")), FAILED),
    ],
)  # fmt: skip
def test_without_a_trial_the_status_is_what_came(own: Path, serve: Callable[[Switching], int], status: int) -> None:
    assert serve_bench(own, serve) == status
    assert not (own / "store" / "config").exists(), "nothing is written where nothing is tried"


def test_a_bug_without_a_trial_is_not_hidden(own: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        serve_bench(own, fails(ZeroDivisionError()))


def test_the_wanted_revision_is_taken_into_use_and_the_same_command_runs_anew(own: Path) -> None:
    switching = wanted(own)
    with pytest.raises(Ran) as ran:
        serve_bench(own, lambda switching: AGAIN)
    assert switching.revisions.current() == revision_of(NEW) and switching.read().trial is not None
    assert len(ran.value.args) > 1, "interpreter and arguments"


def test_the_log_is_written_before_the_process_runs_anew(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    on_trial(own)
    flushed: list[str] = []

    class Waits(logging.NullHandler):
        def flush(self) -> None:
            flushed.append("log")

    monkeypatch.setattr(logging.getLogger(), "handlers", [Waits()])
    with pytest.raises(Ran):
        serve_bench(own, lambda switching: FAILED)
    assert flushed == ["log"]


@pytest.mark.parametrize(
    ("serve", "says"),
    [
        (fails(SettingsError("interlocks.toml:3: high")), "interlocks.toml:3: high"),
        (fails(LinkError("no room")), "no room"),
        (fails(ZeroDivisionError("a bug")), "the daemon broke: ZeroDivisionError('a bug')"),
        (lambda switching: FAILED, "ended with status 4"),
    ],
)
def test_what_fails_on_trial_goes_back_at_once(own: Path, serve: Callable[[Switching], int], says: str) -> None:
    switching = on_trial(own)
    with pytest.raises(Ran):
        serve_bench(own, serve)
    state = switching.read()
    assert switching.revisions.current() is None and state.untold and says in str(state.error)
    assert serve_bench(own, lambda switching: DONE) == DONE


def test_one_that_was_condemned_in_order_is_given_up_and_the_one_before_runs_anew(own: Path) -> None:
    switching = on_trial(own)

    def serve(its: Switching) -> int:
        its.condemned = "fan answered before and is silent now"
        return AGAIN

    with pytest.raises(Ran):
        serve_bench(own, serve)
    state = switching.read()
    assert switching.revisions.current() is None and "fan answered before" in str(state.error) and state.untold
    assert [one.what for one in state.history] == ["kept", "on trial", "given up"]


def test_a_signal_on_trial_is_no_failure(own: Path) -> None:
    switching = on_trial(own)
    for _ in range(5):
        assert serve_bench(own, lambda switching: DONE) == DONE
    assert switching.revisions.current() == revision_of(NEW)


def test_a_second_daemon_is_refused_and_counts_for_nothing(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    switching = on_trial(own)
    with hold_store(own / "store" / "s.sqlite"):
        for _ in range(5):
            assert serve_bench(own, lambda switching: DONE) == WRONG_USE
    assert "stop that one first" in capsys.readouterr().err
    trial = switching.read().trial
    assert trial is not None and trial.starts == 0


def test_a_revision_that_cannot_be_linked_is_wanted_no_more(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    switching = wanted(own)

    monkeypatch.setattr(Path, "symlink_to", no_space)
    with pytest.raises(Ran):
        serve_bench(own, lambda switching: AGAIN)
    state = switching.read()
    assert (state.wanted, state.trial) == (None, None) and "No space left on device" in str(state.error)


def test_a_directory_that_names_no_store_is_left_to_say_so(tmp_path: Path) -> None:
    assert serve_bench(tmp_path, fails(SettingsError("station.toml: store is missing"))) == WRONG_USE
    assert list(tmp_path.iterdir()) == []


# ---- a full disk ------------------------------------------------------------------------------------------
def no_space(*_: object) -> None:
    """Instead of what writes."""
    raise OSError(28, "No space left on device")


def test_on_a_full_disk_a_revision_that_fails_is_given_up_and_the_one_before_starts(
    own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    switching = on_trial(own)

    def fails_on_a_full_disk(_: Switching) -> int:
        monkeypatch.setattr("station.settings.switching.write_file", no_space)
        return FAILED

    with pytest.raises(Ran):
        serve_bench(own, fails_on_a_full_disk)
    assert switching.revisions.current() is None
    seen: list[Switching] = []
    for _ in range(3):
        assert serve_bench(own, lambda again: seen.append(again) or DONE) == DONE  # type: ignore[func-returns-value]
    assert len(seen) == 3 and seen[0].behind and seen[0].read().untold and seen[0].read().trial is None


def test_a_start_on_trial_that_cannot_be_counted_is_one_of_the_revision_before(
    own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    switching, seen = on_trial(own), []
    monkeypatch.setattr("station.settings.switching.write_file", no_space)

    def serve(again: Switching) -> int:
        seen.append((again.revisions.current(), again.read().trial, str(again.read().error)))
        return FAILED

    assert serve_bench(own, serve) == FAILED, "none is on trial"
    ((current, trial, error),) = seen
    assert (current, trial) == (None, None) and "could not be counted: [Errno 28]" in error
    assert switching.revisions.current() is None


@pytest.mark.parametrize("counted", [True, False])
def test_where_even_current_cannot_lead_back_one_line_says_so(
    own: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], counted: bool
) -> None:
    on_trial(own)
    monkeypatch.setattr(Revisions, "use", no_space)
    if not counted:
        monkeypatch.setattr("station.settings.switching.write_file", no_space)
    assert serve_bench(own, lambda switching: FAILED) == FAILED
    (line,) = capsys.readouterr().err.splitlines()
    assert f"{own}/store/config" in line and "No space left on device" in line and "make room" in line


def test_a_stop_on_a_full_disk_is_a_stop(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    on_trial(own)

    def stopped(_: Switching) -> int:
        monkeypatch.setattr("station.settings.switching.write_file", no_space)
        return DONE

    assert serve_bench(own, stopped) == DONE


def test_a_directory_that_is_not_there_is_not_said_to_be_in_use(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO"):
        assert main(["--config", str(tmp_path / "nowhere")]) == WRONG_USE
    assert "own directory" not in caplog.text
