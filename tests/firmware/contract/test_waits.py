"""The long times of the contract, on several guards at once: bleeding, ARMED without ON, the cadence, ON's end."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from statistics import median

from tests.firmware.contract.contract_host import COMMAND, Bench, fair

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
        bench.rest(0.3, beats=False)
        bench.fresh(state)
        if end == "HEARTBEAT":
            off = bench.told(lambda seen: seen.causes == ("HEARTBEAT",), "the trip", begin=0).up
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
    assert seen.up - armed >= 9_998  # and by 10 s at the latest: the model
    assert bench.ask("ON 5") == "NAK ON STATE"
    bench.ask("HB")
    assert bench.ask("ARM NONCE") == "OK ARM"
    bench.agree()


def a_status_comes_every_500_ms(bench: Bench) -> None:
    """Without a host, in SAFE and while energised; the host's own limit is 1.2 s."""
    for state in ("", "SAFE", "ENERGISED"):
        if state:
            bench.fresh(state)
        begin = len(bench.statuses) - 1
        bench.rest(1.7, beats=state == "ENERGISED")
        ups = [seen.up for _, seen in bench.statuses[max(0, begin) :]]
        steps = [later - earlier for earlier, later in pairwise(ups)]
        assert len(ups) >= 4
        assert state or 495 <= median(steps) <= 505, steps
        assert max(steps) <= 510 or bench.stalled, steps


def the_seconds_of_on_and_hv_count_down_to_a_trip(bench: Bench) -> None:
    """`on_left` falls, nothing stays on for longer than n seconds, and the end is a trip; OFF before it is none."""
    for state, what in (("ENERGISED", "k"), ("HV", "h")):
        bench.fresh(state, seconds=3)
        assert bench.last().on_left in (2, 3)
        bench.rest(1.1)
        assert bench.now().on_left in (1, 2)
        bench.ask("OFF")
        assert bench.last().on_left == 0
        figures: list[int] = []
        while len(figures) < 3 and (not figures or min(figures) > 1_005_000_000):
            bench.fresh(state, seconds=1)
            on = bench.switched(what, 1, bench.changes[-1].ns)
            bench.rest(1.05)
            assert bench.last().causes == ("TIME",)
            figures.append(bench.switched(what, 0, on.ns).ns - on.ns)
        assert 998_000_000 <= min(figures) <= 1_005_000_000, figures
    bench.agree()


def test_the_long_times_of_the_contract() -> None:
    scenarios = [
        boot_counts_as_just_switched_off,
        bleeding_counts_from_the_last_time_on("ENERGISED", "OFF"),
        bleeding_counts_from_the_last_time_on("HV", "HEARTBEAT"),
        armed_falls_back_to_safe_after_10_s,
        fair(a_status_comes_every_500_ms),
        fair(the_seconds_of_on_and_hv_count_down_to_a_trip),
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
