"""The referee itself: every sabotage of the station is seen, and a share can be played again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

import station.commands as commands
import station.control.server as server
from drivers.ports import Button
from station.domain.commands import Answer
from station.domain.session_state import State
from station.mqtt.link import Received
from station.panel.buttons import ButtonPressed
from station.run import session_events as ev
from station.safety.snapshot import MainsWish
from station.store import asked
from station.store.store import Store
from station.uplink.inbox import Inbox
from tests.hostile.attack import Found, attack
from tests.hostile.attacked import STRANGER, Attacked
from tests.hostile.scenes import BY_NAME, SCENES

ENOUGH = 400


def with_verb(monkeypatch: pytest.MonkeyPatch, deed: Callable[[Attacked], Any]) -> Callable[[Attacked], None]:
    """A station whose `identify` does something else as well."""

    def sabotage(station: Attacked) -> None:
        def identify(self: commands.Commands, args: Mapping[str, Any], source: ev.Source) -> Answer:
            deed(station)
            return Answer()

        monkeypatch.setitem(commands._VERBS, "identify", identify)  # type: ignore[arg-type]

    return sabotage


def press(button: Button) -> Callable[[Attacked], Any]:
    return lambda station: station.conductor.post(ButtonPressed(button))


def unlock(station: Attacked) -> None:
    station.guard.core.lock = False


def close_the_contactor(station: Attacked) -> None:
    station.guard.core._enter(station.guard._module.ENERGISED)


def forget_trips(station: Attacked) -> None:
    station.kernel._state = replace(station.kernel._now_state(), trips=())


def clear_service(station: Attacked) -> None:
    station.kernel._service.reason = "nobody came"


def close_a_load(station: Attacked) -> None:
    station.bench.board.positions["load_left"] = True


def want_mains(station: Attacked) -> None:
    station.kernel.request_mains(MainsWish.ON, station.loop.time() + 60.0)


@pytest.mark.parametrize(
    ("scene", "deed", "words"),
    [
        ("ready", press(Button.START), "a run began"),
        ("prompt", press(Button.OK), "and yet the session changed"),
        ("tripped", press(Button.RESET), "the guard was told ['RESET']"),
        ("waiting", close_the_contactor, "K or H came on"),
        ("tripped", forget_trips, "the latch was cleared"),
        ("waiting", clear_service, "the service latch changed"),
        ("energised", unlock, "the lid was unlocked with voltage on"),
        ("waiting", close_a_load, "relays closed"),
        ("ready", want_mains, "permits granted"),
        ("preparing", lambda station: station.tasks[1].cancel(), "stands still"),
    ],
)
def test_a_verb_that_does_more_than_it_may_is_seen(
    monkeypatch: pytest.MonkeyPatch, scene: str, deed: Callable[[Attacked], Any], words: str
) -> None:
    with pytest.raises(Found) as found:
        attack(BY_NAME[scene], 1, ENOUGH, with_verb(monkeypatch, deed))
    assert words in str(found.value) and "HOSTILE_SEED=1" in str(found.value)


class Dropping(Inbox):
    """Loses a message now and then without a word."""

    lost = 0

    async def take(self, batch: Sequence[Received]) -> None:
        self.lost += 1
        await super().take(batch if self.lost % 10 else [])


class Trusting(Inbox):
    """Takes commands of a stranger."""

    def __init__(self, *args: Any, **more: Any) -> None:
        more["command_keys"] = {**more["command_keys"], STRANGER.key_id: STRANGER.public}
        super().__init__(*args, **more)


@pytest.mark.parametrize(("inbox", "words"), [(Dropping, "neither answered nor counted"), (Trusting, "signed: False")])
def test_an_inbox_that_loses_or_trusts_is_seen(inbox: type[Inbox], words: str) -> None:
    with pytest.raises(Found, match=words):
        attack(BY_NAME["ready"], 1, 2 * ENOUGH, inbox_type=inbox)


def test_a_store_that_forgets_commands_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    async def knows(self: Store, cmd_id: str) -> bool:
        return False

    monkeypatch.setattr(Store, "knows_command", knows)
    monkeypatch.setattr(asked, "remember", lambda db, cmd_id, now: True)
    with pytest.raises(Found, match="was done, signed: True, 2 times"):
        attack(BY_NAME["ready"], 1, 2 * ENOUGH)


def test_a_socket_that_breaks_on_a_line_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(line: bytes) -> Any:
        if b"reset" in line:
            raise KeyError("reset")
        return real(line)

    real = server.read_request
    monkeypatch.setattr(server, "read_request", read)
    with pytest.raises(Found, match="no reply on the socket"):
        attack(BY_NAME["waiting"], 1, ENOUGH)


def test_a_badge_by_socket_that_signs_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def carry(self: commands.Commands, verb: str, args: Mapping[str, Any], source: ev.Source = "centre") -> Answer:
        if verb == "scan" and source == "socket":
            return self._post(ev.Scanned(str(args["text"]), "scanner"))
        return real(self, verb, args, source)

    real = commands.Commands.carry
    monkeypatch.setattr(commands.Commands, "carry", carry)
    with pytest.raises(Found, match="took the session from prompt"):
        attack(BY_NAME["prompt-badge"], 1, 10 * ENOUGH)


def test_every_state_has_its_scene() -> None:
    assert {scene.state for scene in SCENES} == set(State)
    assert {"k", "h"} <= {scene.outputs for scene in SCENES}


def test_a_seed_gives_the_same_share_again() -> None:
    first, again = (attack(BY_NAME["scan-missing"], 3, 150) for _ in range(2))
    assert (first.sent, first.came, first.entered) == (again.sent, again.came, again.entered)
