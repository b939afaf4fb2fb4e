"""A trip that is cleared beside a load bank that is not known to be cool: the fan runs on and the lid stays locked."""

from __future__ import annotations

from station.domain.session_state import State
from station.run import session_events as ev
from station.run.session import Session
from tests.run.test_session import CATALOGUE


def tripped() -> Session:
    """A session as after a restart: tripped before anything was scanned."""
    session = Session(CATALOGUE)
    session.step(ev.Tripped("G01", {"zh": "上电", "en": "powered up"}), 1000.0)
    assert session.state is State.TRIPPED
    return session


def test_a_trip_cleared_while_hot_goes_to_cooling_and_releases_no_lid() -> None:
    session = tripped()
    assert session.step(ev.TripCleared(hot=True), 1001.0) == ()
    assert session.state is State.COOLING and session.view()["trip"] is None


def test_a_trip_cleared_while_cool_releases_the_lid() -> None:
    session = tripped()
    assert session.step(ev.TripCleared(hot=False), 1001.0) == (ev.ReleaseLid(),)
    assert session.state is State.WAITING
