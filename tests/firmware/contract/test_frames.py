"""What is a frame of the guard line, and that everything else is dropped and counted, never answered."""

from __future__ import annotations

import pytest

from tests.firmware.contract.contract_host import Bench, fair
from tests.firmware.contract.line import HOST_BODY_MAX, crc, frame


def dropped(bench: Bench, raw: bytes) -> None:
    """The bytes are one bad frame: no answer, no act, SEQ not used, counted once (the model judges the STAT after)."""
    assert bench.model is not None
    before, bad = bench.now(), bench.model.bad
    bench.raw(raw)
    assert bench.model.bad == bad + 1, "the test is wrong: by the contract this is not one bad frame"
    after = bench.now()
    assert (after.state, after.bad) == (before.state, before.bad + 1)


def test_the_checksum_has_the_check_value_of_the_contract() -> None:
    assert crc(b"123456789") == 0x29B1


@pytest.mark.parametrize(
    "body",
    ["", " ", "{s}", "{s} 900", "{s} 900 PING", "{s} 900 hb", "{s} 900 HELO", "{s} 900 HBX", "{s} 900 H", "900 HB",
     "{s} 0 HB", "{s} 2147483648 HB", "{s} 4294967297 HB", "{s} 99999999999999999999 HB", "{s} 0900 HB", "{s} 00 HB",
     "{s} -1 HB", "{s} +900 HB", "{s} 900.0 HB", "{s} 9e2 HB", "{s} 0x900 HB", "{s} x HB",
     "{s}  900 HB", "{s} 900  HB", " {s} 900 HB", "{s} 900 HB ", "{s}\t900 HB", "{s} 900 HB 1", "{s} 900 HELLO 1",
     "{s} 900 OFF 0", "{s} 900 OFF ", "{s} 900 STOP now", "{s} 900 RESET 1", "{s} 900 UNLOCK 1", "{s} 900 STAT 1",
     "{s} 900 ARM", "{s} 900 ARM ", "{s} 900 ARM {n} 5", "{s} 900 ARM  {n}",
     "{s} 900 ON", "{s} 900 ON ", "{s} 900 ON x", "{s} 900 ON 05", "{s} 900 ON -5", "{s} 900 ON +5", "{s} 900 ON 5.0",
     "{s} 900 ON 5 5", "{s} 900 ON 1e1", "{s} 900 HV", "{s} 900 HV {n}", "{s} 900 HV {n}:", "{s} 900 HV {n}:05",
     "{s} 900 HV {n}:x", "{s} 900 HV {n}:-5", "{s} 900 HV {n} 5", "{s} 900 HV {n}: 5", "{s} 900 HV {n}:5 5",
     "S state=SAFE", "{s} 900 OK HB"],
)  # fmt: skip
@fair
def test_a_malformed_body_is_dropped_and_counted(bench: Bench, body: str) -> None:
    bench.fresh("ARMED")
    dropped(bench, frame(body.format(s=bench.session, n=bench.nonce)))


@pytest.mark.parametrize("session", ["UPPER", "short", "long", "letters"])
@pytest.mark.parametrize("verb", ["HB", "HELLO", "OFF", "STOP"])
@fair
def test_a_session_that_is_not_eight_lower_case_hex_digits_is_no_session(bench: Bench, session: str, verb: str) -> None:
    bench.fresh("ARMED")
    malformed = {"UPPER": "ABCDEF01", "short": bench.session[:7], "long": bench.session + "0", "letters": "0123abcg"}
    dropped(bench, frame(f"{malformed[session]} 900 {verb}"))
    assert bench.last().state == "ARMED"


@fair
def test_the_checksum_must_be_there_be_right_and_be_four_upper_case_digits(bench: Bench) -> None:
    bench.fresh("ARMED")
    while True:  # a body whose checksum has a letter in it
        body = bench.body("OFF").encode()
        digits = b"%04X" % crc(body)
        if digits.lower() != digits:
            break
    wrong = b"%04X" % (crc(body) ^ 1)
    for line in (body, body + b"*", body + b"*" + wrong, body + b"*" + digits.lower(), body + b"*" + digits[:3],
                 body + b"*" + digits + b"0", body + b"*0" + digits, body + b"**" + digits, body + digits,
                 body + b"* " + digits, body + b"*" + digits + b" ", b"*" + digits, b"*FFFF",
                 body + b"*" + digits + b"*" + digits):  # fmt: skip
        dropped(bench, line + b"\n")
    assert bench.last().state == "ARMED"


@pytest.mark.parametrize(
    "byte", [0x00, 0x01, 0x03, 0x04, 0x09, 0x0D, 0x11, 0x13, 0x1A, 0x1B, 0x1F, 0x2A, 0x7F, 0x80, 0xC3, 0xFF]
)
@fair
def test_a_character_outside_the_set_drops_the_frame_wherever_it_stands(bench: Bench, byte: int) -> None:
    bench.fresh("ARMED")
    body, character = bench.body("OFF"), chr(byte)
    dropped(bench, frame(body + character))
    dropped(bench, frame(character + body))
    dropped(bench, character.encode("latin-1") + frame(body))
    dropped(bench, frame(f"{bench.session} {bench.seq + 1} ARM {character}"))
    assert bench.last().state == "ARMED"


@fair
def test_every_character_of_the_set_may_stand_in_a_field(bench: Bench) -> None:
    bench.fresh()
    letters = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) != "*")
    for part in (letters[:47], letters[47:]):
        assert bench.ask(f"ARM {part}") == "NAK ARM STALE"


@fair
def test_a_carriage_return_before_the_newline_is_tolerated_and_nowhere_else(bench: Bench) -> None:
    bench.fresh()
    body = bench.body("STOP")
    dropped(bench, b"\r" + frame(body))
    dropped(bench, frame(body).replace(b" ", b"\r ", 1))
    dropped(bench, frame(body).replace(b"*", b"\r*"))
    count = len(bench.answers)
    bench.raw(frame(bench.body("HB")).replace(b"\n", b"\r\n"))
    bench.until(lambda: len(bench.answers) > count, "the answer")
    assert bench.answers[-1][1].endswith("OK HB")


@fair
def test_a_body_of_120_characters_is_heard_and_one_more_is_too_long(bench: Bench) -> None:
    bench.fresh("ARMED")
    for ask, answer in (("ON 1", "NAK ON RANGE"), ("ARM x", "NAK ARM STALE"), (f"HV {bench.nonce}:1", "NAK HV STATE")):
        seq = bench.seq + 1
        room = HOST_BODY_MAX - len(bench.body(ask, seq=seq))
        assert bench.ask(ask + ask[-1] * room) == answer
        dropped(bench, frame(bench.body(ask + ask[-1] * (room + 1), seq=seq + 1)))
    room = HOST_BODY_MAX - len(bench.body("ARM x", seq=bench.seq + 1))
    answers = len(bench.answers)
    bench.raw(frame(bench.body("ARM x" + "x" * room)).replace(b"\n", b"\r\n"))
    bench.until(lambda: len(bench.answers) > answers, "the answer to the longest line of all")


@pytest.mark.parametrize("length", [121, 126, 127, 128, 255, 256, 257, 1024, 5000, 70_000])
@fair
def test_a_long_line_is_discarded_up_to_its_newline_and_counts_once(bench: Bench, length: int) -> None:
    bench.fresh("ARMED" if length < 5000 else "SAFE")  # where a longer one costs no heartbeat
    before = bench.last().state
    dropped(bench, b"x" * length + b"\n")
    dropped(bench, b"x" * length + frame(bench.body("OFF")))
    dropped(bench, (frame(bench.body("OFF"))[:-1] * (length // 20 + 2)) + b"\n")
    assert bench.last().state == before


@fair
def test_a_frame_may_come_in_pieces_and_several_in_one_piece(bench: Bench) -> None:
    bench.fresh("ARMED")
    answers = len(bench.answers)
    for byte in frame(bench.body("HB")):
        bench.raw(bytes([byte]))
        bench.pump(0.001)
    bench.raw(b"".join(frame(bench.body(ask)) for ask in ("STAT", "HB", "ON 0", "OFF", "STAT")))
    bench.until(lambda: len(bench.answers) == answers + 6, "six answers")
    assert [text.split(" ", 2)[2] for _, text in bench.answers[answers:]] == [
        "OK HB", "OK STAT", "OK HB", "NAK ON RANGE", "OK OFF", "OK STAT"]  # fmt: skip


@fair
def test_numbers_are_zero_or_without_a_leading_zero_however_long(bench: Bench) -> None:
    bench.fresh("ARMED")
    for n in ("0", "9001", "2147483648", "4294967297", "18446744073709551617", "1" + "0" * 80):
        assert bench.ask(f"ON {n}") == "NAK ON RANGE"
    bench.fresh()
    bench.ask("HB")
    for n in ("0", "121", "256", "376", "65537", "4294967416", "1" + "0" * 60):
        assert bench.ask(f"HV NONCE:{n}") == "NAK HV RANGE"
    assert bench.last().state == "SAFE"
