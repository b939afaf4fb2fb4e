"""Properties of the guard's core and codec over many histories: wrap-around, jumping, replay, noise."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from drivers.uart import guard_frame as host_frame
from firmware.guard.guard_core import LIVE
from firmware.guard.guard_frame import BODY_MAX, LineReader, crc16, decode, encode
from tests.firmware.core_bench import SESSION, Core

some = hypothesis_settings(max_examples=60, deadline=None)
many = hypothesis_settings(max_examples=150, deadline=None)

BODIES = st.text(
    st.characters(min_codepoint=0x20, max_codepoint=0x7E, exclude_characters="*"), min_size=1, max_size=BODY_MAX
)

VERBS = ["HELLO", "HB", "HB", "HB", "ARM nonce", "ON 1", "ON 3", "HV nonce:1", "OFF", "STOP", "RESET", "UNLOCK", "STAT",
         "ARM ffffffff", "ON 0", "junk"]  # fmt: skip
Act = Callable[[Core], object]


def _frame(verb: str) -> Act:
    def act(core: Core) -> object:
        return core.frame(verb.replace("nonce", core.nonce or "00000000"))

    return act


def _wire(name: str, level: bool | None) -> Act:
    return lambda core: setattr(core, name, level)


def _wait(milliseconds: int) -> Act:
    return lambda core: core.ms(milliseconds)


ACTS = st.one_of(
    st.sampled_from(VERBS).map(_frame),
    st.sampled_from([1, 4, 5, 49, 50, 51, 99, 100, 101, 299, 301, 500, 1100, 10_000]).map(_wait),
    st.builds(_wire, st.sampled_from(["estop", "lid", "thermo"]), st.booleans()),
    st.builds(_wire, st.just("fb"), st.sampled_from([True, False, None])),
)
ON: list[Act] = [_frame(verb) for verb in ("HELLO", "RESET", "HB", "ARM nonce", "ON 3")]
HV: list[Act] = [_frame(verb) for verb in ("HELLO", "RESET", "HB", "HV nonce:2")]
BEATS: list[Act] = [_frame("HB"), _wait(200)] * 12
HISTORIES = st.lists(ACTS | st.sampled_from([ON, HV, BEATS]), min_size=3, max_size=25).map(
    lambda parts: [act for part in parts for act in (part if isinstance(part, list) else [part])]
)

DEADLINES: dict[str, list[Act]] = {
    "status": [_wait(5000)],
    "heartbeat": [*ON, _wait(400)],
    "heartbeat of HV": [*HV, _wait(400)],
    "heartbeat of ARMED": [*ON[:-1], _wait(400)],
    "bound": [*ON, _wait(130), *BEATS, *BEATS],
    "lapse": [*ON[:-1], _wait(130), *(BEATS * 5)],
    "weld": [*ON, _wait(200), _wire("fb", True), _frame("OFF"), _wait(300)],
    "weld at boot": [_wire("fb", True), _wait(300)],
    "never closed": [*ON, _wire("fb", False), _wait(200)],
    "dropout": [*ON, _wait(200), _wire("fb", False), _wait(2), _frame("HB"), _wait(200)],
    "debounce": [
        _wire("lid", False),
        _wait(20),
        _wire("lid", True),
        *([_frame("HELLO"), _frame("RESET"), _wait(7)] * 9),
    ],
}


def play(history: list[Act], ticks: int = 0, jump: bool = False) -> tuple[list[str], Core]:
    core = Core(ticks=ticks, jump=jump, bleed_s=1)
    for act in history:
        act(core)
        core.step()
    return core.sent, core


@some
@given(HISTORIES, st.integers(0, 2**30 - 1) | st.integers(2**30 - 2000, 2**30 - 1))
def test_where_the_ticks_start_and_wrap_changes_nothing(history: list[Act], ticks: int) -> None:
    assert play(history, ticks, jump=True)[0] == play(history, 0, jump=True)[0]


@some
@given(HISTORIES)
def test_passes_only_where_something_is_due_give_the_history_of_every_millisecond(history: list[Act]) -> None:
    assert play(history, jump=True)[0] == play(history, jump=False)[0]


@some
@given(HISTORIES, st.data())
def test_before_what_due_ms_says_a_pass_does_nothing_and_then_it_does_something(
    history: list[Act], data: st.DataObject
) -> None:
    core = play(history, jump=True)[1]
    guard = core.guard
    due_ms = guard.due_ms()
    seen = len(core.sent), guard.state, guard.cause, guard.also
    fb = guard.fb  # nothing from outside changes while we wait
    for early_ms in sorted(data.draw(st.sets(st.integers(1, due_ms), max_size=4)) - {due_ms}):
        guard.step((core.ticks + early_ms) & 0x3FFFFFFF, guard.estop, guard.lid, guard.thermo, fb)
        assert (len(core.sent), guard.state, guard.cause, guard.also) == seen
    guard.step((core.ticks + due_ms) & 0x3FFFFFFF, guard.estop, guard.lid, guard.thermo, fb)
    assert len(core.sent) > seen[0] or due_ms == 1


@pytest.mark.parametrize("name", DEADLINES)
def test_every_deadline_is_met_to_the_millisecond_when_passes_come_only_then(name: str) -> None:
    assert play(DEADLINES[name], jump=True)[0] == play(DEADLINES[name], jump=False)[0]


@many
@given(HISTORIES)
def test_at_every_moment_the_outputs_obey_the_invariants(history: list[Act]) -> None:
    core = Core(jump=True, bleed_s=1)
    for act in history:
        before = core.guard.state
        act(core)
        core.step()
        guard = core.guard
        assert not (guard.red and guard.green)
        assert not (guard.k and guard.h)
        assert guard.red == (guard.fb or guard.state in LIVE)
        if guard.state in LIVE:
            assert guard.lock
            assert guard.estop and guard.lid and guard.thermo
            assert 0 <= guard.hb_age <= guard.hb_ms
        if guard.k:
            assert before in ("ARMED", "ENERGISED")
        assert (guard.state == "TRIPPED") == (guard.cause != "-")


@many
@given(HISTORIES, st.lists(st.integers(0, 200), max_size=40))
def test_a_recording_replayed_in_any_order_never_energises(history: list[Act], order: list[int]) -> None:
    _, first = play([*ON, *HV, *history], jump=True)
    core = Core(jump=True, bleed_s=0)
    core._random = 0x40000000  # another boot, other random numbers
    verbs = [
        "HELLO",
        "RESET",
        "HB",
        f"ARM {first.nonce}",
        "ON 3",
        "HB",
        "OFF",
        "RESET",
        "HB",
        f"HV {first.nonce}:2",
        "HB",
    ]
    recorded = [f"{SESSION} {seq} {verb}" for seq, verb in enumerate(verbs, 1)]
    for index in order:
        core.guard.frame(recorded[index % len(recorded)])
        core.ms(index)
        assert not (core.guard.k or core.guard.h or core.guard.state == "ARMED")


# ---- frames ----------------------------------------------------------------------------------------------------
def lines(data: bytes) -> list[str | bool]:
    reader = LineReader()
    return [line for line in map(reader.feed, data) if line is not None]


def test_the_check_value_of_the_contract() -> None:
    assert crc16(b"123456789") == 0x29B1
    assert encode("123456789") == b"123456789*29B1\n"


@many
@given(BODIES)
def test_both_ends_write_and_read_the_same_frames(body: str) -> None:
    assert encode(body) == host_frame.encode(body)
    assert host_frame.decode(encode(body)[:-1]) == decode(encode(body)[:-1]) == body
    assert lines(encode(body)[:-1] + b"\r\n") == [body]


@many
@given(BODIES, st.integers(0, 10_000), st.integers(1, 255))
def test_a_frame_with_one_byte_changed_is_no_frame(body: str, place: int, change: int) -> None:
    frame = bytearray(encode(body))
    frame[place % (len(frame) - 1)] ^= change
    assert [line for line in lines(bytes(frame)) if line is not False] == []


@many
@given(st.lists(st.binary(max_size=400), max_size=6), BODIES)
def test_noise_is_counted_line_by_line_and_the_next_frame_is_whole(noise: list[bytes], body: str) -> None:
    data = b"\n".join(noise) + b"\n"
    heard = lines(data + encode(body))
    assert heard[-1] == body
    assert len(heard) == data.count(b"\n") + 1


def test_length_characters_and_crc_are_taken_literally() -> None:
    longest = "x" * BODY_MAX
    assert lines(encode(longest)) == [longest]
    assert lines(encode(longest)[:-1] + b"\r\n") == [longest]
    assert lines(encode(longest + "x")) == [False]
    assert lines(b"y" * 10_000 + b"\n" + encode("z")) == [False, "z"]
    assert lines(encode("ab").lower()) == [False]
    assert lines(encode("a\x7f")) == [False]
    assert lines(b"a*b*" + b"%04X\n" % crc16(b"a*b")) == [False]
    assert lines(b"\r" + encode("a")) == [False]
    assert lines(encode("a")[:-1] + b"\r\r\n") == [False]
    assert lines(b"\n*FFFF\n") == [False, ""], "an empty body is a frame; the core drops it"
