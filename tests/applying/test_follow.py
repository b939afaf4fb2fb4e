"""Following what was handed to the daemon: every end has its name, and nothing that happened before counts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from station.cli import follow
from station.cli.follow import Followed, Told
from station.control.answers import ControlError

SOCKET = Path("control")
GONE = ControlError("control: nobody listens")


def happened(number: int, what: str, revision: str = "new", why: str = "") -> dict[str, Any]:
    return {"number": number, "at": "", "what": what, "revision": revision, "by": "maria", "why": why}


def seen(*events: dict[str, Any], wanted: str | None = None, waits_for: str = "") -> dict[str, Any]:
    return {"happened": list(events), "wanted": wanted, "waits_for": waits_for}


OLD = happened(1, "given up", why="of another time")
KEPT, TRIAL = happened(2, "kept"), happened(3, "on trial")


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "LOOK_S", 0.0)


def followed(
    monkeypatch: pytest.MonkeyPatch, *looks: Any, timeout_s: float | None = None
) -> tuple[Followed, list[str]]:
    """What came of it, and what was said on the way."""
    coming: Iterator[Any] = iter(looks)

    def told(socket: Path) -> Told:
        look = next(coming, looks[-1])
        if isinstance(look, BaseException):
            raise look
        return Told(look)

    monkeypatch.setattr(follow, "told", told)
    said: list[str] = []
    return follow.follow(SOCKET, "new", 1, timeout_s, said.append), said


def test_a_run_is_waited_for_and_the_restart_is_no_end(monkeypatch: pytest.MonkeyPatch) -> None:
    end, said = followed(
        monkeypatch, seen(OLD), seen(OLD, KEPT, wanted="new", waits_for="the run R7"),
        seen(OLD, KEPT, wanted="new", waits_for="the bench (PASS), 300 s more if nobody comes"),
        seen(OLD, KEPT, wanted="new", waits_for="the bench (PASS), 299 s more if nobody comes"),
        GONE, GONE, seen(OLD, KEPT, TRIAL), seen(KEPT, TRIAL, happened(4, "in use")),
    )  # fmt: skip
    assert end == Followed("in use")
    assert said == [
        "checked and kept on the bench", "waiting for the run R7",
        "waiting for the bench (PASS), 300 s more if nobody comes",
        "the daemon starts again", "the daemon is back", "taken into use, on trial for a minute",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("looks", "end"),
    [
        ((seen(OLD, KEPT), seen(KEPT, TRIAL, happened(4, "given up", why="fan"))), Followed("given up", "fan")),
        ((seen(OLD, happened(2, "refused", why="a limit")),), Followed("refused", "a limit")),
        ((seen(KEPT), seen(KEPT, happened(3, "kept", "other"))),
         Followed("replaced", "revision other was sent after it by maria")),
        ((seen(happened(2, "kept", "other")), seen(KEPT | {"number": 3}), seen(happened(4, "in use"))),
         Followed("in use")),
        ((seen(KEPT), KeyboardInterrupt()), Followed("left", follow.LATER)),
    ],
    ids=["given up", "refused", "replaced", "another one before", "Ctrl-C"],
)  # fmt: skip
def test_every_end_has_its_name(monkeypatch: pytest.MonkeyPatch, looks: tuple[Any, ...], end: Followed) -> None:
    assert followed(monkeypatch, *looks)[0] == end


def test_a_time_out_ends_the_following_alone_and_a_daemon_that_stays_away_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    end, _ = followed(monkeypatch, seen(KEPT), timeout_s=0.0)
    assert end.what == "waiting" and "station revisions" in end.why
    monkeypatch.setattr(follow, "AWAY_S", -1.0)
    end, _ = followed(monkeypatch, seen(KEPT), GONE)
    assert end.what == "gone" and "journalctl" in end.why
