"""The long times of the contract, on several guards at once: bleeding before the lid opens, ARMED without ON."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from tests.firmware.contract.contract_host import COMMAND, Bench

STEP_S = 0.2


def unlock_when_bled(bench: Bench) -> int:
    """Ask for the lid until it is released; returns `up` at the release. The model knows to the millisecond when."""
    while (answer := bench.ask("UNLOCK")) != "OK UNLOCK":
        assert answer == "NAK UNLOCK BLEED"
        bench.rest(STEP_S, beats=False)
    assert not bench.last().lock
    bench.switched("lock", 0)
    return bench.last().up


def boot_counts_as_just_switched_off(bench: Bench) -> None:
    """A guard knows nothing of the time before its power-up; once released, the lid stays so until ARM or HV."""
    bench.hello()
    assert unlock_when_bled(bench) >= 9_998
    for ask in ("UNLOCK", "STOP", "UNLOCK", "OFF", "RESET", "UNLOCK", "HELLO"):
        assert bench.ask(ask, seq=bench.seq + 1).startswith("OK")
        assert not bench.last().lock
        bench.seq += 1
    bench.hello()
    assert bench.ask("ARM NONCE") == "NAK ARM HEARTBEAT"  # a refused one locks nothing
    assert bench.ask("HV 00000000:5") == "NAK HV STALE"
    assert not bench.last().lock
    for ask in ("ARM NONCE", "HV NONCE:5"):
        bench.ask("HB")
        assert bench.ask(ask).startswith("OK")
        assert bench.last().lock
        bench.ask("OFF")
        assert bench.last().lock
        if ask.startswith("ARM"):  # nothing was on: the lid may open at once
            assert bench.ask("UNLOCK") == "OK UNLOCK"
    assert bench.ask("UNLOCK") == "NAK UNLOCK BLEED"
    bench.agree()
    assert [item.level for item in bench.changes if item.what == "lock"] == [0, 1, 0, 1]


def bleeding_counts_from_the_last_time_on(state: str, end: str) -> Callable[[Bench], None]:
    """K and H off for at least bleed seconds, not from boot and not from the trip's RESET."""

    def scenario(bench: Bench) -> None:
        bench.hello()
        bench.rest(1.0, beats=False)
        bench.fresh(state)
        if end == "HEARTBEAT":
            off = bench.told(lambda seen: seen.state == "TRIPPED", "the trip").up
        else:
            bench.ask(end)
            off = bench.last().up
        bench.shows(lambda seen: not seen.fb, "open contacts")
        released = unlock_when_bled(bench)
        assert released - off >= 9_998
        assert bench.last().state == ("SAFE" if end == "OFF" else "TRIPPED")
        bench.agree()

    return scenario


def armed_falls_back_to_safe_after_10_s(bench: Bench) -> None:
    """A lapse is no trip; it locks nothing and unlocks nothing, and is told at once."""
    for _ in range(3):
        bench.fresh("ARMED")
        armed = bench.last().up
        begin = len(bench.statuses)
        while bench.last().state == "ARMED":
            bench.rest(0.1)
        if bench.last().state == "SAFE" or not bench.stalled:
            break
        bench.stalled = False
    seen = next(seen for _, seen in bench.statuses[begin:] if seen.state != "ARMED")
    assert (seen.state, seen.causes, seen.lock) == ("SAFE", (), True)
    assert 9_998 <= seen.up - armed <= 10_020
    assert bench.ask("ON 5") == "NAK ON STATE"
    bench.ask("HB")
    assert bench.ask("ARM NONCE") == "OK ARM"
    bench.agree()


def test_the_long_times_of_the_contract() -> None:
    scenarios = [
        boot_counts_as_just_switched_off,
        bleeding_counts_from_the_last_time_on("ENERGISED", "OFF"),
        bleeding_counts_from_the_last_time_on("HV", "HEARTBEAT"),
        armed_falls_back_to_safe_after_10_s,
    ]
    benches = [Bench(COMMAND) for _ in scenarios]
    try:
        with ThreadPoolExecutor(len(benches)) as pool:
            plays = [pool.submit(play, bench) for play, bench in zip(scenarios, benches, strict=True)]
            for play in plays:
                play.result()
    finally:
        for bench in benches:
            bench.close()
