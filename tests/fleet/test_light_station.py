"""A light station in invented time, against a broker and a centre that are a list each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from station.contract.canonical import parse_object, to_json
from station.contract.envelope import open_envelope, sha256_of
from station.contract.keys import SigningKey, new_key
from station.contract.messages import Messages, decode_body
from station.contract.receipts import Status, make_receipt
from station.domain.errors import LinkError
from station.domain.record import Record
from station.fleet.light import Fellowship, LightStation, State
from station.fleet.work import TELEMETRY, do_run, introduce
from station.mqtt.address import parse_address
from station.mqtt.crowd import Ended, Opened, Subscribed
from station.mqtt.keeper import Backoff
from station.mqtt.link import NO_MATCHING_SUBSCRIBERS, Acknowledged, LinkOptions, Received
from tests.uplink.rig import read_stamp

NAME = "fleet-0001"
KEY = new_key()


@dataclass
class Wire:
    """A link that writes down what was asked of it."""

    options: LinkOptions
    said: list[tuple[str, bytes, int, bool, int | None]] = field(default_factory=list)
    filters: list[str] = field(default_factory=list)
    acked: list[Received] = field(default_factory=list)
    tended: int = 0
    left: bool = False
    dropped: str = ""

    def subscribe(self, topic_filter: str) -> None:
        self.filters.append(topic_filter)

    def publish(
        self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False, expiry_s: int | None = None
    ) -> int:
        self.said.append((topic, payload, qos, retain, expiry_s))
        return len(self.said)

    def ack(self, message: Received) -> None:
        self.acked.append(message)

    def tend(self) -> None:
        self.tended += 1

    def say_goodbye(self) -> None:
        self.left = True

    def drop(self, why: str) -> None:
        self.dropped = why

    def on(self, suffix: str) -> list[bytes]:
        """What was published on `up/{suffix}`."""
        return [said[1] for said in self.said if said[0] == f"bench/v1/{NAME}/up/{suffix}"]

    def bodies(self, suffix: str) -> list[dict[str, Any]]:
        return [parse_object(payload)["body"] for payload in self.on(suffix)]


class Broker:
    """Opens wires, or refuses."""

    def __init__(self) -> None:
        self.wires: list[Wire] = []
        self.open = True

    def open_link(self, options: LinkOptions) -> Wire:
        if not self.open:
            raise LinkError("nobody listens")
        self.wires.append(Wire(options))
        return self.wires[-1]


def longest(low: float, high: float) -> float:
    return high


class Play:
    """A station, its broker, and a hand that moves both on."""

    def __init__(self, uniform: Callable[[float, float], float] = longest) -> None:
        self.broker = Broker()
        self.shared = Fellowship(
            parse_address("mqtt://127.0.0.1:1883"), {KEY.key_id: KEY.public}, self.broker.open_link,
            backoff=Backoff(uniform=uniform),
        )  # fmt: skip
        self.station = LightStation(Messages(NAME, read_stamp), self.shared)
        introduce(self.station)

    @property
    def wire(self) -> Wire:
        return self.broker.wires[-1]

    def connect(self, now: float = 0.0) -> Wire:
        """All the way to the birth's PUBACK."""
        assert self.station.open(now) is self.wire
        for heard in (Opened(), Subscribed(), Acknowledged(1, 0)):
            self.station.hear(self.wire, [heard], now)
        assert self.station.state is State.ONLINE
        return self.wire

    def receipt(self, payload: bytes, status: Status = "stored", sha256: str = "", key: SigningKey = KEY) -> None:
        """The centre's word on one message comes in."""
        msg_id = open_envelope(payload).msg_id
        self.tell("receipt", make_receipt(msg_id, sha256 or sha256_of(payload), status, key))

    def tell(self, suffix: str, payload: bytes, now: float = 1.0) -> None:
        self.station.hear(self.wire, [Received(f"bench/v1/{NAME}/dn/{suffix}", payload, False, 9, 1)], now)


def test_the_birth_follows_the_subscription_and_both_birth_and_will_carry_epoch_and_session() -> None:
    play = Play()
    assert play.station.open(0.0) is not None
    play.station.hear(play.wire, [Opened()], 0.0)
    assert play.wire.filters == [f"bench/v1/{NAME}/dn/#"] and play.wire.said == []
    play.station.hear(play.wire, [Subscribed()], 0.0)
    topic, birth, qos, retained, _ = play.wire.said[0]
    assert (topic, qos, retained) == (f"bench/v1/{NAME}/up/presence", 1, True)
    will = play.wire.options.will
    assert will is not None and will.topic == topic
    said = [open_envelope(payload) for payload in (birth, will.payload)]
    assert [envelope.body["state"] for envelope in said] == ["online", "offline"]
    assert {(envelope.body["store_epoch"], envelope.body["session"]) for envelope in said} == {(play.station.epoch, 1)}
    assert [len(play.wire.on(name)) for name in ("info", "progress", "alarm_active")] == [1, 1, 1]


def test_it_is_online_only_when_the_broker_has_acknowledged_the_birth() -> None:
    play = Play()
    play.station.open(0.0)
    play.station.hear(play.wire, [Opened(), Subscribed()], 0.0)
    assert play.station.state is State.OPENING and play.shared.figures.online == 0
    play.station.hear(play.wire, [Acknowledged(2, 0)], 0.0)
    assert play.station.state is State.OPENING
    play.station.hear(play.wire, [Acknowledged(1, 0)], 0.0)
    assert play.station.state is State.ONLINE and play.shared.figures.online == 1


def test_a_session_is_one_higher_per_connect_and_not_for_a_try_that_sent_none() -> None:
    play = Play()
    play.connect()
    play.station.hear(play.wire, [Ended("gone")], 1.0)
    play.broker.open = False
    assert play.station.open(2.0) is None
    play.broker.open = True
    play.connect(4.0)
    assert play.wire.bodies("presence")[0]["session"] == 2
    assert play.shared.figures.connects == 2 and play.shared.figures.refused == 1


def test_no_number_of_a_message_without_a_row_comes_twice() -> None:
    play = Play()
    said: list[str] = []
    for life in range(3):
        wire = play.connect(10.0 * life)
        play.station.say_telemetry(TELEMETRY[0])
        said += [open_envelope(payload).msg_id for _, payload, *_ in wire.said]
        play.station.hear(wire, [Ended("gone")], 10.0 * life + 1)
    assert len(said) == 15 and len(set(said)) == 15


def test_what_a_run_says_is_of_the_contract_and_its_event_goes_before_its_result() -> None:
    play = Play()
    wire = play.connect()
    do_run(play.station, 0.0)
    play.station.turn(0.0)
    said = [(topic.rpartition("/")[2], payload) for topic, payload, *_ in wire.said]
    assert [name for name, _ in said if name in ("event", "result")] == ["event", "event", "result"]
    bodies = [decode_body(open_envelope(payload)) for _, payload in said]
    assert sum(isinstance(body, Record) for body in bodies) == 1
    assert [body["state"] for body in wire.bodies("progress")] == ["waiting", "testing", "PASS"]
    assert 3_000 < len(wire.on("result")[0]) < 8_000


def test_a_row_leaves_on_its_signed_receipt_alone() -> None:
    play = Play()
    wire = play.connect()
    do_run(play.station, 0.0)
    play.station.turn(0.0)
    result = wire.on("result")[0]
    play.station.hear(wire, [Acknowledged(mid, 0) for mid in range(1, 10)], 0.0)
    assert len(play.station.outbox) == 3
    play.receipt(result, sha256="0" * 64)
    play.receipt(result, key=new_key())
    play.tell("receipt", b"{not a receipt")
    assert len(play.station.outbox) == 3 and play.shared.figures.strange == 3
    play.receipt(result)
    play.receipt(result, "duplicate")
    assert len(play.station.outbox) == 2
    figures = play.shared.figures
    assert (figures.receipts, figures.repeated, figures.waiting) == (1, 1, 2)
    assert len(wire.acked) == 5


def test_a_rejected_row_is_not_sent_again() -> None:
    play = Play()
    wire = play.connect()
    do_run(play.station, 0.0)
    play.station.turn(0.0)
    for payload in wire.on("event") + wire.on("result"):
        play.receipt(payload, "rejected")
    play.station.turn(200.0)
    assert len(wire.on("result")) == 1 and play.shared.figures.quarantined == 3


def test_at_most_twenty_are_in_flight_and_a_silent_centre_is_asked_again_with_the_same_bytes() -> None:
    play = Play()
    wire = play.connect()
    for _ in range(10):
        do_run(play.station, 0.0)
    assert play.station.turn(0.0) <= 10.0
    sent = wire.on("event") + wire.on("result")
    assert len(sent) == 20
    play.station.turn(9.9)
    assert play.shared.figures.published == 20
    play.station.turn(10.0)
    play.station.turn(11.0)
    assert play.shared.figures.published == 21 and wire.on("event")[-1] == sent[0]


def test_nobody_behind_the_broker_is_a_repeat_after_back_off() -> None:
    play = Play()
    wire = play.connect()
    do_run(play.station, 0.0)
    play.station.turn(0.0)
    first = len(wire.said) - 2
    play.station.hear(wire, [Acknowledged(mid, NO_MATCHING_SUBSCRIBERS) for mid in range(first, first + 3)], 0.1)
    play.station.turn(0.5)
    assert play.shared.figures.published == 3
    play.station.turn(1.2)
    assert play.shared.figures.published == 4


def test_what_was_in_flight_when_the_link_was_lost_goes_out_on_the_next_one_with_the_same_bytes() -> None:
    play = Play()
    wire = play.connect()
    do_run(play.station, 0.0)
    play.station.turn(0.0)
    play.station.hear(wire, [Ended("gone")], 1.0)
    do_run(play.station, 1.5)
    assert play.station.say_telemetry(TELEMETRY[0]) is False
    again = play.connect(5.0)
    play.station.turn(5.0)
    assert again.on("result")[0] == wire.on("result")[0]
    assert len(again.on("result")) == 2 and len(again.on("event")) == 4


def test_it_waits_with_full_jitter_that_doubles_and_ends_at_two_minutes() -> None:
    bounds: list[float] = []

    def note(low: float, high: float) -> float:
        bounds.append(high)
        return high

    play = Play(note)
    play.broker.open = False
    for _ in range(9):
        play.station.open(max(0.0, play.station.retry_at))
    assert bounds == [1, 2, 4, 8, 16, 32, 64, 120, 120]
    assert not play.station.wants_link(play.station.retry_at - 0.1)
    assert play.station.wants_link(play.station.retry_at)


@pytest.mark.parametrize(("stood_s", "next_bound"), [(5.0, 4.0), (121.0, 1.0)])
def test_only_a_link_that_stood_for_long_begins_the_back_off_anew(stood_s: float, next_bound: float) -> None:
    play = Play()
    play.broker.open = False
    play.station.open(0.0)
    play.station.open(1.0)
    play.broker.open = True
    play.connect(10.0)
    play.station.hear(play.wire, [Ended("gone")], 10.0 + stood_s)
    assert play.station.retry_at == 10.0 + stood_s + next_bound


def test_a_link_that_does_not_get_online_is_dropped() -> None:
    play = Play()
    play.station.open(0.0)
    play.station.turn(9.9)
    assert not play.wire.dropped
    play.station.turn(10.0)
    assert play.wire.dropped == "not online within 10 s"


def test_what_an_older_link_still_says_is_nothing_to_the_next() -> None:
    play = Play()
    old = play.connect()
    play.station.hear(old, [Ended("gone")], 1.0)
    play.connect(3.0)
    play.station.hear(old, [Acknowledged(1, 0), Ended("gone again")], 3.0)
    assert play.station.state is State.ONLINE and play.shared.figures.online == 1


def test_telemetry_is_sent_once_with_an_expiry_and_only_while_online() -> None:
    play = Play()
    assert play.station.say_telemetry(TELEMETRY[0]) is False
    wire = play.connect()
    assert play.station.say_telemetry(TELEMETRY[0]) is True
    assert [said[2:] for said in wire.said if said[0].endswith("/telemetry")] == [(0, False, 60)]


def test_the_goodbye_is_said_by_the_station_because_the_will_is_not() -> None:
    play = Play()
    wire = play.connect()
    play.station.leave()
    assert wire.left and [body["state"] for body in wire.bodies("presence")] == ["online", "offline"]
    play.station.hear(wire, [Ended("No error.")], 1.0)
    assert (play.shared.figures.online, play.shared.figures.lost, play.shared.figures.last_error) == (0, 0, "")


def test_a_signed_command_is_refused_with_a_reply_and_a_forged_one_is_counted() -> None:
    play = Play()
    wire = play.connect()
    command = {
        "cmd_id": "c-1", "station": NAME, "verb": "identify", "args": {}, "issued_at": "2026-11-22T03:52:00Z",
        "expires_at": "2026-11-22T03:53:00Z",
    }  # fmt: skip
    play.tell("cmd", to_json(KEY.sign(command)))
    play.tell("cmd", to_json(new_key().sign(command)))
    play.station.turn(1.0)
    replies = wire.bodies("reply")
    assert [(reply["cmd_id"], reply["status"]) for reply in replies] == [("c-1", "refused")]
    assert play.shared.figures.strange == 1 and play.shared.figures.commands == 1
