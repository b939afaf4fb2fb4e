"""Whatever comes down the line, and a host that does not read or goes away: the guard runs on, nothing is delayed."""

from __future__ import annotations

import os
import random
import time

import pytest

from tests.firmware.contract.contract_host import Bench, fair
from tests.firmware.contract.line import frame

STREAMS = {
    "Ctrl-C": b"\x03" * 50,
    "Ctrl-D and friends": bytes(range(32)) * 8,
    "a paste mode": b"\x05print(1)\r\n\x04\x02",
    "a raw prompt": b"\x03\x03\r\x01import machine; machine.reset()\x04",
    "escapes": b"\x1b[2J\x1b[0c\x9b5n" * 20,
    "stars": b"*" * 300,
    "newlines": b"\r\n" * 200 + b"\n" * 200,
    "zeros": bytes(400),
    "high bytes": bytes(range(128, 256)) * 4,
    "its own words": b"S state=SAFE k=0 h=0 lock=1 fb=0*0000\n" * 10,
}


@pytest.mark.parametrize("state", ["SAFE", "ENERGISED", "HV"])
@pytest.mark.parametrize("name", STREAMS)
@fair
def test_a_stream_leaves_the_guard_running_and_its_outputs_as_they_are(bench: Bench, name: str, state: str) -> None:
    bench.fresh(state)
    outputs = (bench.now().k, bench.last().h, bench.last().lock)
    bench.raw(STREAMS[name])
    bench.raw(b"\n")
    assert bench.ask("HB") == "OK HB"
    assert bench.last().state == state
    assert (bench.last().k, bench.last().h, bench.last().lock) == outputs


@pytest.mark.parametrize("count", [300, pytest.param(20_000, marks=[pytest.mark.byhand, pytest.mark.timeout(1200)])])
@fair
def test_random_mutated_and_replayed_frames_energise_nothing(bench: Bench, count: int) -> None:
    """The model knows of each line what it must do: count it, refuse it, or in rare luck obey it (STOP, HELLO …)."""
    chance = random.Random(count)
    bench.fresh("ENERGISED")
    bench.fresh("HV")
    asks = ("HELLO", "RESET", "HB", f"ARM {bench.nonce}", "ON 60", f"HV {bench.nonce}:60", "OFF", "UNLOCK")
    heard = [frame(f"{bench.session} {seq} {ask}") for seq, ask in enumerate(asks, 1)]
    bench.ask("STOP")
    granted = dict(bench.model.granted) if bench.model else {}
    for _ in range(count):
        line = bytearray(chance.choice(heard))
        for _ in range(chance.choice((0, 1, 1, 2, 8))):
            place = chance.randrange(len(line))
            match chance.randrange(3):
                case 0:
                    line[place] ^= 1 << chance.randrange(8)
                case 1:
                    line[place:place] = chance.randbytes(chance.choice((1, 1, 3, 200)))
                case _:
                    del line[place : place + chance.randrange(1, 4)]
            line = line or bytearray(b"\n")
        bench.raw(bytes(line) + b"\n")
        bench.pump(0.0)
        if chance.random() < 0.05:
            assert bench.ask("STAT").endswith(("OK STAT", "STALE"))
    bench.hello()
    bench.agree()
    assert bench.model is not None
    assert bench.model.granted == granted


@fair
def test_a_flood_delays_no_switching_off(bench: Bench) -> None:
    """Garbage without a pause from a host that beats no more: off by the heartbeat; best of a few by the clock."""
    delays = []
    for _ in range(4):
        bench.fresh("ENERGISED")
        since = bench.raw(frame(bench.body("HB")))
        end = time.monotonic() + 0.4
        while time.monotonic() < end and bench.levels["k"]:
            bench.raw(os.urandom(200).replace(b"\n", b"x") + b"\n")
            bench.pump(0.0)
        delays.append(bench.switched("k", 0, since).ns - since)
        if delays[-1] <= 305e6:
            break
    assert min(delays) <= 305e6, delays
    assert min(delays) >= 299e6, delays


def off_while_nobody_reads(bench: Bench) -> int | None:
    """From an input's break to K off while more answers and status lines are due than any buffer holds."""
    bench.fresh("ENERGISED")
    bench.lose_sight()
    bench.read_port = False
    for number in range(2000):
        bench.raw(frame(bench.body("STAT" if number % 3 else "HB")))
        bench.pump(0.0)
    on = bench.levels["k"]
    answers = len(bench.answers)
    since = bench.wire(estop=0)
    delay = bench.switched("k", 0, since).ns - since if on else None  # None: load has cost the heartbeat
    bench.read_port = True
    bench.drain()
    assert 10 < len(bench.answers) - answers < 2000, "the test is wrong: all lines went into some buffer"
    bench.look_again()
    return delay


def test_a_host_that_does_not_read_delays_nothing_and_finds_whole_lines_later(booted: Bench) -> None:
    delays = []
    for _ in range(5):
        delays += [delay] if (delay := off_while_nobody_reads(booted)) is not None else []
        if delays and min(delays) <= 5e6:
            break
    assert min(delays) <= 5e6, delays
    assert booted.garbled == []
    assert booted.last().causes[0] == "ESTOP"


@fair
def test_a_host_that_goes_away_is_a_heartbeat_lost_and_may_come_back(bench: Bench) -> None:
    for state, what in (("ENERGISED", "k"), ("HV", "h")):
        bench.fresh(state)
        since = bench.raw(frame(bench.body("HB")))
        bench.unplug()
        assert bench.switched(what, 0, since).ns - since >= 299e6
        bench.pump(0.05)
        bench.open()
        bench.hello()
        assert bench.last().causes == ("HEARTBEAT",)
        assert bench.ask("RESET") == "OK RESET"
        bench.agree()


@fair
def test_a_half_frame_of_a_dead_host_spoils_one_line_of_the_next_at_most(bench: Bench) -> None:
    bench.fresh()
    bench.raw(frame(bench.body("HB"))[:9])
    bench.unplug()
    bench.open()
    bench.raw(b"\n")
    bench.hello()
    assert bench.ask("STAT") == "OK STAT"
