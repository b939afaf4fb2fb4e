"""Permits: alive only until the deadline that the last scan moved."""

from __future__ import annotations

import asyncio

import pytest

from drivers.errors import PermitDenied
from station.safety.permit import NAMES, LivePermit, Permits
from station.safety.settled import settle, try_all


class Clock:
    def __init__(self) -> None:
        self.now_s = 50.0

    def __call__(self) -> float:
        return self.now_s


def test_a_permit_that_no_scan_has_granted_is_denied() -> None:
    with pytest.raises(PermitDenied, match="no scan"):
        LivePermit("mains", Clock()).check()


def test_a_permit_ends_by_itself_and_is_moved_on_only_by_a_grant() -> None:
    clock = Clock()
    permit = LivePermit("mains", clock)
    permit.grant(50.15)
    permit.check()
    clock.now_s = 50.15
    with pytest.raises(PermitDenied, match="overdue"):
        permit.check()
    permit.grant(50.3)
    permit.check()


def test_revoking_takes_effect_at_once_and_says_why() -> None:
    permit = LivePermit("drive", Clock())
    permit.grant(60.0)
    permit.revoke("tripped: guard, ESTOP")
    with pytest.raises(PermitDenied, match="no drive permit: tripped: guard, ESTOP"):
        permit.check()


def test_what_a_scan_refuses_is_revoked_and_the_rest_granted() -> None:
    permits = Permits(Clock())
    permits.apply({"routing": "", "hv": "not wanted", "test_voltage": "x", "mains": "", "drive": "x"}, 50.15)
    assert [name for name in NAMES if permits.by_name[name].granted] == ["routing", "mains"]
    permits.revoke_all("STOP")
    assert not any(permit.granted for permit in permits.by_name.values())


async def test_clean_up_ends_whatever_the_caller_suffers_and_the_cancellation_goes_on() -> None:
    done = asyncio.Event()
    release = asyncio.Event()

    async def clean_up() -> None:
        await release.wait()
        done.set()

    caller = asyncio.ensure_future(settle(clean_up()))
    for _ in range(3):
        await asyncio.sleep(0)
        caller.cancel()
    release.set()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert done.is_set()


async def test_every_action_is_tried_and_the_first_error_is_raised() -> None:
    tried = []

    async def act(name: str, error: Exception | None = None) -> None:
        tried.append(name)
        if error is not None:
            raise error

    async def hang() -> None:
        tried.append("hang")
        await asyncio.Event().wait()

    with pytest.raises(ValueError, match="first"):
        await try_all(
            (lambda: act("a", ValueError("first")), 1.0), (hang, 0.01), (lambda: act("b", KeyError("second")), 1.0),
            (lambda: act("c"), 1.0),
        )  # fmt: skip
    assert tried == ["a", "hang", "b", "c"]
