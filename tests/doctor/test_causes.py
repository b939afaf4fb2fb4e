"""Each symptom with its real error provoked: on ptys, on ports that are missing, forbidden, held or dead."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from drivers.errors import PortError
from drivers.modbus.frame import crc16
from drivers.sim.pty import RawPty
from station.doctor.causes import CAUSES, Facts, Symptom, likely_causes
from station.doctor.explain import Asked, explain
from station.doctor.finding import Finding
from station.doctor.port_facts import PortFacts, holders_of, look_at
from station.doctor.questions import Answer, Question
from tests.doctor.rig import MISSING, examined, settings_with
from tests.drivers.fake_line import FakeLine, Reply, rtu_length

HOLD = "import serial, sys; s = serial.Serial(sys.argv[1], exclusive=True); print('held', flush=True); sys.stdin.read()"


def framed(body: bytes) -> bytes:
    return body + crc16(body)


def only(addresses: set[int], answer: Callable[[bytes], bytes]) -> Callable[[bytes], Reply]:
    """A bus on which these addresses answer."""
    return lambda request: [(0.0, answer(request))] if request[0] in addresses else []


def registers(request: bytes) -> bytes:
    """Whatever is read is a 1."""
    count = int.from_bytes(request[4:6], "big")
    if request[1] == 1:
        return framed(bytes((request[0], 1, (count + 7) // 8)) + bytes((count + 7) // 8))
    return framed(bytes((request[0], request[1], 2 * count)) + b"\x00\x01" * count)


@pytest.mark.parametrize("symptom", list(Symptom))
def test_every_symptom_has_causes_that_can_be_told(symptom: Symptom) -> None:
    causes = likely_causes(symptom, Facts(port="/dev/x", kind="pzem-016", bus="a", baud="9600", address="2"))
    assert causes and set(CAUSES) == set(Symptom)
    assert all("{" not in cause and len(cause) > 20 for cause in causes)


async def test_a_port_that_is_missing_is_named_with_what_is_plugged_in_instead(tmp_path: Path) -> None:
    found = await examined(settings_with(tmp_path))
    for role in ("guard", "bus a", "mains", "bus b", "dc", "tester", "touch", "scanner"):
        assert not found[role].answers and found[role].symptom == "port missing", found[role]
        assert MISSING in found[role].causes[0] and "ls /dev/bench-*" in found[role].causes[-1]
    assert found["panel"].symptom == "port missing" and not found["audio"].answers


async def test_a_bus_on_which_nobody_answers_is_told_from_one_silent_address(tmp_path: Path) -> None:
    with FakeLine(lambda request: [], rtu_length) as dead, FakeLine(only({11, 12, 13}, registers), rtu_length) as live:
        found = await examined(settings_with(tmp_path, a=dead.path, b=live.path))
    assert found["bus a"].symptom == found["mains"].symptom == found["relays"].symptom == "whole bus silent"
    assert found["mains"].causes[0].startswith("A and B are swapped")
    assert found["bus b"].answers and found["inrush"].answers
    assert found["fan"].symptom == "address silent" and "--listen b" in found["fan"].causes[1]


async def test_garbage_and_a_refusal_are_told_apart(tmp_path: Path) -> None:
    def answer(request: bytes) -> bytes:
        if request[0] == 2:
            return registers(request)[:-2] + b"\x00\x00"
        return framed(bytes((request[0], request[1] | 0x80, 2)))

    with FakeLine(only({1, 2, 3, 4}, answer), rtu_length) as line:
        found = await examined(settings_with(tmp_path, a=line.path))
    assert found["mains"].symptom == "garbage" and "two devices have address 2" in found["mains"].causes[0]
    assert found["relays"].symptom == "exception" and "(waveshare-relay-8)" in found["relays"].causes[0]
    assert found["bus a"].answers


async def test_an_impossible_reading_is_no_fault_of_the_wire(tmp_path: Path) -> None:
    def answer(request: bytes) -> bytes:
        count = int.from_bytes(request[4:6], "big")
        return framed(bytes((request[0], request[1], 2 * count)) + b"\xff\xff" * count)

    with FakeLine(only({2, 4}, answer), rtu_length) as line:
        found = await examined(settings_with(tmp_path, a=line.path))
    assert (
        found["mains"].symptom == "impossible reading"
        and "the bus and the address are good" in found["mains"].causes[0]
    )


async def test_another_instrument_and_a_silent_one(tmp_path: Path) -> None:
    with (
        FakeLine(lambda line: [(0.0, b"OWON,XDM1041,1,V1\n")], 0) as other,
        FakeLine(lambda line: [], 0) as silent,
    ):
        found = await examined(settings_with(tmp_path, tester=other.path, touch=silent.path))
    assert found["tester"].symptom == "other instrument" and "XDM1041" in found["tester"].error
    assert found["touch"].symptom == "line silent" and "another speed than" in found["touch"].causes[1]


async def test_a_guard_that_says_nothing(tmp_path: Path) -> None:
    with FakeLine(lambda line: [], 0) as silent:
        found = await examined(settings_with(tmp_path, guard=silent.path))
    assert found["guard"].symptom == "guard silent" and "flash" in found["guard"].causes[0]


@pytest.fixture
def held() -> Iterator[tuple[str, int]]:
    """A port that another process holds, and its number."""
    pty = RawPty()
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, pty.path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None and holder.stdin is not None
        assert holder.stdout.readline() == b"held\n"
        yield pty.path, holder.pid
        holder.stdin.close()
    pty.close()


async def test_a_port_that_another_process_holds_names_it(tmp_path: Path, held: tuple[str, int]) -> None:
    port, pid = held
    found = await examined(settings_with(tmp_path, tester=port))
    assert found["tester"].symptom == "port busy" and f"({pid})" in found["tester"].causes[0]
    assert f"({pid})" in " ".join(holders_of(Path(port)))


def seen(**facts: object) -> PortFacts:
    plain: dict[str, object] = {
        "port": "/dev/x", "exists": True, "usable": True, "group": "dialout", "mode": "0660", "user": "pi",
        "in_group": False, "holders": (), "plugged": (),
    }  # fmt: skip
    return PortFacts(**{**plain, **facts})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("facts", "symptom", "word"),
    [
        ({"usable": False}, "permission", "usermod -aG dialout pi"),
        ({"holders": ("minicom (77)",)}, "port busy", "minicom (77)"),
        ({"exists": False, "plugged": ("usb-FTDI-if00",)}, "port missing", "plugged in under another name: usb-FTDI"),
        ({}, "port broken", "dmesg"),
    ],
)
def test_what_can_be_seen_of_the_port_decides(
    tmp_path: Path, facts: Mapping[str, object], symptom: str, word: str
) -> None:
    async def ask() -> Answer:
        raise AssertionError("only explained here")

    question = Question("tester", "gpt-9800", "/dev/x", "tester", ask)
    asked = Asked(question, Finding("tester", "gpt-9800", "/dev/x", False), PortError("/dev/x", "cannot be opened"))
    (found,) = explain([asked], settings_with(tmp_path), lambda port: seen(**facts))
    assert found.symptom == symptom and any(word in cause for cause in found.causes), found


def test_a_port_is_looked_at_without_opening_it(tmp_path: Path) -> None:
    port = tmp_path / "port"
    port.touch(0o600)
    facts = look_at(str(port), by_id=tmp_path / "none")
    assert facts.exists and facts.usable and facts.mode == "0600" and facts.in_group
    handle = os.open(port, os.O_RDONLY)
    assert facts.holders == () == holders_of(port), "this process itself is no holder"
    os.close(handle)
    assert not look_at(str(tmp_path / "gone")).exists


@pytest.mark.skipif(os.geteuid() != 0, reason="gives a port to nobody and reads it as nobody: only root can")
def test_a_port_that_is_not_ours_says_which_group(tmp_path: Path) -> None:
    """Permission, for real: the port belongs to root alone and is looked at by another user."""
    pty = RawPty()
    Path(pty.path).chmod(0o600)
    code = (
        "import os, sys; sys.path.insert(0, sys.argv[2]); from station.doctor.port_facts import look_at;"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534);"
        "f = look_at(sys.argv[1]); print(f.usable, f.in_group, f.user)"
    )
    root = str(Path(__file__).parents[2])
    said = subprocess.run([sys.executable, "-c", code, pty.path, root], capture_output=True, text=True, check=False)
    pty.close()
    assert said.stdout.split() == ["False", "False", "nobody"], said.stderr
