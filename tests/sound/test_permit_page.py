"""The drive permit as a shared page: only what the kernel granted, and only until then."""

from __future__ import annotations

import math
import mmap
import multiprocessing
import os
import time
from collections.abc import Iterator

import pytest

from drivers.errors import DriveEnded, PermitDenied
from station.sound.permit_page import PagePermit, PermitPage
from station.sound.worker import JobPermit, Mutes


@pytest.fixture
def page() -> Iterator[PermitPage]:
    page = PermitPage()
    yield page
    page.close()


def test_nothing_is_granted_at_first(page: PermitPage) -> None:
    with pytest.raises(PermitDenied, match="not granted"):
        PagePermit(page.fd).check()


def test_a_grant_holds_until_its_deadline_and_no_longer(page: PermitPage) -> None:
    permit = PagePermit(page.fd)
    page.grant(time.monotonic() + 60.0)
    assert permit.check() is None
    page.grant(time.monotonic() - 0.001)
    with pytest.raises(PermitDenied, match="ran out"):
        permit.check()


def test_revoking_ends_it_at_once_and_a_later_grant_allows_again(page: PermitPage) -> None:
    permit = PagePermit(page.fd)
    page.grant(time.monotonic() + 60.0)
    page.revoke()
    with pytest.raises(PermitDenied):
        permit.check()
    page.grant(time.monotonic() + 60.0)
    assert permit.check() is None


@pytest.mark.parametrize("endless", [math.nan, math.inf])
def test_a_grant_without_an_end_is_refused(page: PermitPage, endless: float) -> None:
    with pytest.raises(ValueError, match="no end"):
        page.grant(endless)


def test_a_torn_write_reads_as_no_permit(page: PermitPage) -> None:
    permit = PagePermit(page.fd)
    page.grant(time.monotonic() + 60.0)
    with mmap.mmap(page.fd, mmap.PAGESIZE) as memory:
        memory[3] ^= 0x40
        with pytest.raises(PermitDenied, match="cannot be read"):
            permit.check()


def test_closing_the_page_denies_what_is_still_mapped(page: PermitPage) -> None:
    permit = PagePermit(page.fd)
    page.grant(time.monotonic() + 60.0)
    page.close()
    page.close()
    with pytest.raises(PermitDenied):
        permit.check()


def test_the_reader_cannot_write(page: PermitPage) -> None:
    permit = PagePermit(page.fd)
    with pytest.raises(TypeError):
        permit._page[0] = 1


def _outlive(fd: int, pipe: multiprocessing.connection.Connection) -> None:  # type: ignore[name-defined]
    permit = PagePermit(fd)
    pipe.send("ready")
    while True:
        try:
            permit.check()
        except PermitDenied:
            pipe.send(time.monotonic())
            return
        time.sleep(0.001)


def test_another_process_sees_the_deadline_pass_with_nobody_left_to_tell_it(page: PermitPage) -> None:
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    deadline = time.monotonic() + 0.3
    page.grant(deadline)
    child = context.Process(target=_outlive, args=(os.dup(page.fd), theirs))
    child.start()
    assert ours.poll(10) and ours.recv() == "ready"
    assert ours.poll(10)
    assert ours.recv() >= deadline
    child.join(10)
    assert child.exitcode == 0


def test_a_job_that_is_closed_has_ended_and_one_that_is_muted_or_not_granted_is_denied(page: PermitPage) -> None:
    def denial(mutes: Mutes) -> type[PermitDenied] | None:
        try:
            JobPermit(PagePermit(page.fd), mutes, 5).check()
        except PermitDenied as denied:
            return type(denied)
        return None

    closed, muted = Mutes(), Mutes()
    closed.ended_below = muted.ended_below = muted.below = 6
    page.grant(time.monotonic() + 60.0)
    assert [denial(mutes) for mutes in (Mutes(), closed, muted)] == [None, DriveEnded, PermitDenied]
    page.revoke()
    assert denial(closed) is PermitDenied
