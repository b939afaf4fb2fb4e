"""`simulate --guard`, word by word as in contracts/cli.md."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from drivers.ports import GuardState
from tests.drivers.guard_bench import BareHost, Heart

PROGRAM = "from station.cli.simulate_guard import serve_guard; raise SystemExit(serve_guard())"


class Served:
    """The verb in a process of its own, and a host on its port."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        first = self.line()
        told = json.loads(first)
        assert list(told) == ["port"], first
        self.host = BareHost(told["port"])

    def line(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().decode().strip()

    def change(self) -> tuple[str, int]:
        """The next output change; its stamp is of CLOCK_MONOTONIC and now."""
        name, value, stamp_ns = self.line().split(" ")
        assert 0 <= time.monotonic_ns() - int(stamp_ns) < 30e9
        return name, int(value)

    def type(self, *lines: bytes) -> None:
        assert self.process.stdin
        self.process.stdin.write(b"".join(line + b"\n" for line in lines))
        self.process.stdin.flush()

    def end(self) -> tuple[int, str]:
        """Exit status and standard error."""
        status = self.process.wait(10.0)
        assert self.process.stderr
        return status, self.process.stderr.read().decode()


@pytest.fixture
def served() -> Iterator[Served]:
    served = Served()
    yield served
    served.host.close()
    with served.process:  # closes its pipes
        served.process.kill()


def test_at_first_all_is_healthy_and_the_feedback_follows_k(served: Served) -> None:
    status = served.host.status(lambda _: True)
    assert (status.estop, status.lid, status.thermo, status.fb) == (True, True, True, False)
    served.host.energise()
    heart = Heart(lambda: served.host.send("HB"))
    assert served.change() == ("k", 1)
    assert served.host.status(lambda now: now.fb).k
    served.type(b"fb 0")
    assert served.change() == ("k", 0)
    heart.stop()
    assert served.host.status(lambda now: now.state == GuardState.TRIPPED).cause in ("DROPOUT", "HEARTBEAT")


@pytest.mark.parametrize("name", ["estop", "lid", "thermo"])
def test_an_input_that_is_typed_is_what_the_guard_sees(served: Served, name: str) -> None:
    served.type(f"{name} 0".encode())
    assert not getattr(served.host.status(lambda now: not getattr(now, name)), name)
    served.type(f"  {name}\t1 ".encode())
    assert getattr(served.host.status(lambda now: getattr(now, name)), name)


def test_a_feedback_that_is_typed_stays_until_auto(served: Served) -> None:
    served.type(b"fb 1")
    assert served.host.status(lambda now: now.fb).k is False
    assert "WELD" in served.host.status(lambda now: bool(now.also)).also
    served.type(b"fb auto")
    assert not served.host.status(lambda now: not now.fb).fb


@pytest.mark.byhand
def test_test_voltage_and_the_lid_lock_are_printed_too(served: Served) -> None:
    served.host.hello()
    served.host.ask("RESET")
    served.host.ask("HB")
    assert served.host.ask(f"HV {served.host.nonce}:5")[0].accepted
    assert served.change() == ("h", 1)
    served.host.ask("OFF")
    assert served.change() == ("h", 0)
    until = time.monotonic() + 30
    while not served.host.ask("UNLOCK")[0].accepted:
        assert time.monotonic() < until
        time.sleep(0.2)
    assert served.change() == ("lock", 0)


def test_what_is_not_understood_is_answered_clearly_and_changes_nothing(served: Served) -> None:
    wrong = [b"fb 2", b"ESTOP 0", b"estop", b"estop 0 1", b"lid off", b"press start", b"\xff\xfe", b"quit now"]
    served.type(b"", *wrong, b"quit")
    status, errors = served.end()
    assert status == 0
    assert errors.count("use estop|lid|thermo 0|1, fb auto|0|1 or quit") == len(wrong)
    assert "'lid off': use" in errors
    assert "Traceback" not in errors


def test_the_end_of_input_ends_it(served: Served) -> None:
    assert served.process.stdin
    served.process.stdin.close()
    assert served.end() == (0, "")


def test_sigterm_ends_it(served: Served) -> None:
    served.process.send_signal(signal.SIGTERM)
    assert served.end() == (0, "")


def test_it_ends_when_nobody_listens_any_more(served: Served) -> None:
    assert served.process.stdout
    served.process.stdout.close()
    with contextlib.suppress(TimeoutError, OSError):  # it may end before it has answered
        served.host.energise()
    status, errors = served.end()
    assert (status, "Traceback" in errors) == (0, False), errors
