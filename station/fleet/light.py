"""One light station: the contract's state and nothing else. No thread, no socket, no clock; time is handed in.

It says of itself what the uplink of a daemon says (`station.uplink.uplink`), by the same parts: `Messages`, `Window`,
`Backoff`, `verify_receipt`. What it does not do: keep anything on a disk, and carry out a command.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Protocol

from station.contract.bodies import Body, Presence
from station.contract.canonical import parse_object
from station.contract.commands import read_command
from station.contract.envelope import topic
from station.contract.keys import PublicKeys
from station.contract.messages import Messages, encode_body
from station.contract.receipts import verify_receipt
from station.domain.errors import LinkError, MessageError
from station.domain.outbox import Draft
from station.fleet.figures import Figures
from station.fleet.outbox import Outbox
from station.mqtt.address import BrokerAddress
from station.mqtt.crowd import Ended, Heard, Opened, Subscribed
from station.mqtt.keeper import Backoff
from station.mqtt.link import NO_MATCHING_SUBSCRIBERS, Acknowledged, LinkOptions, Received, Will
from station.uplink.window import Window, WindowLimits

SESSION_EXPIRY_S = 86_400
OPENING_S = 10.0
"""From CONNECT to the birth's PUBACK; a link that takes longer is dropped."""
TEND_S = 7.5
"""Half of the keepalive."""
TELEMETRY_EXPIRY_S = 60
_NO_COMMANDS = "a light station of a simulated fleet carries nothing out"


class StationLink(Protocol):
    """What a light station needs of its link (`station.mqtt.crowd.CrowdLink`)."""

    def subscribe(self, topic_filter: str) -> None:
        """Subscribe with QoS 1."""

    def publish(
        self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False, expiry_s: int | None = None
    ) -> int:
        """Send a message; returns its `mid`."""

    def ack(self, message: Received) -> None:
        """This message is taken care of."""

    def tend(self) -> None:
        """Keep it alive."""

    def say_goodbye(self) -> None:
        """DISCONNECT."""

    def drop(self, why: str) -> None:
        """End it at once; `Ended` follows."""


@dataclass(frozen=True, slots=True)
class Fellowship:
    """What all light stations of a process share."""

    address: BrokerAddress
    keys: PublicKeys
    open_link: Callable[[LinkOptions], StationLink]
    figures: Figures = field(default_factory=Figures)
    backoff: Backoff = field(default_factory=Backoff)
    limits: WindowLimits = field(default_factory=WindowLimits)


class State(Enum):
    """Of the link."""

    AWAY = auto()
    OPENING = auto()
    ONLINE = auto()
    """The broker has acknowledged the birth."""


class LightStation:
    """`open` it when it `wants_link`, let it `hear` what its link heard, and give it a `turn` when it asked for one."""

    def __init__(self, messages: Messages, fellowship: Fellowship) -> None:
        self.name = messages.station
        self.messages = messages
        self.state = State.AWAY
        self.epoch = secrets.token_hex(4)
        self.session = 0
        self.outbox = Outbox(f"{self.name}:{self.epoch}")
        self.retry_at = float("-inf")
        self._all = fellowship
        self._figures = fellowship.figures
        self._window = Window(fellowship.limits, fellowship.backoff)
        self._link: StationLink | None = None
        self._greeted = self._leaving = False
        self._birth = 0
        self._since = 0.0
        self._tend_at = 0.0
        self._attempt = 0
        self._unnumbered = 0
        self._retained: dict[str, Body] = {}

    def wants_link(self, now: float) -> bool:
        """Whether its wait is over."""
        return self.state is State.AWAY and now >= self.retry_at

    # --- what it has to say ------------------------------------------------------------------------------------

    def post(self, drafts: Sequence[Draft], now: float) -> None:
        """Put messages into the outbox, connected or not. Raises `MessageError`."""
        for draft in drafts:
            seq = self.outbox.add(draft)
            self._figures.posted += 1
            self._figures.unsettled[f"{self.name}:{self.epoch}:{seq}"] = now

    def retain(self, name: str, body: Body) -> None:
        """Publish a retained body; the latest of each is sent again on every link."""
        if self._retained.get(name) != body:
            self._retained[name] = body
            if self._greeted:
                self._say(name, body, retain=True)

    def say_telemetry(self, body: Body) -> bool:
        """Publish an aggregate if a link stands; whether it did."""
        if self.state is State.ONLINE:
            self._say("telemetry", body, qos=0, expiry_s=TELEMETRY_EXPIRY_S)
            self._figures.telemetry += 1
        return self.state is State.ONLINE

    def leave(self) -> None:
        """Say goodbye: the will does not speak then, so it does itself."""
        self._leaving = True
        if self._link is not None:
            if self._greeted:
                self._say("presence", self._presence("offline"), retain=True)
            self._link.say_goodbye()

    # --- the link ----------------------------------------------------------------------------------------------

    def open(self, now: float) -> StationLink | None:
        """Try to connect; None where nobody listens (it then waits, see `retry_at`)."""
        self.session += 1
        self._unnumbered = 0
        self._since = now
        will = Will(topic(self.name, "up", "presence"), self._encode("presence", self._presence("offline")))
        try:
            self._link = self._all.open_link(LinkOptions(self._all.address, self.name, will, SESSION_EXPIRY_S))
        except LinkError as error:
            self.session -= 1  # no CONNECT went out
            self._figures.refused += 1
            self._wait(str(error), now)
            return None
        self._figures.connects += 1
        self.state, self._tend_at = State.OPENING, now + TEND_S
        return self._link

    def hear(self, link: StationLink, heard: Sequence[Heard], now: float) -> None:
        """What its link heard. What an older link still says is nothing to it."""
        for item in heard:
            if link is not self._link:
                return
            match item:
                case Opened():
                    link.subscribe(topic(self.name, "dn", "#"))
                case Subscribed():
                    self._greet()
                case Acknowledged():
                    self._acknowledged(item, now)
                case Received():
                    self._receive(item, now)
                    link.ack(item)
                case Ended(why):
                    self._lost(why, now)

    def turn(self, now: float) -> float:
        """Do what is due; when to come back (before that, only what it hears matters)."""
        if self._link is None:
            return self.retry_at
        if self.state is State.OPENING and now - self._since >= OPENING_S:
            self._link.drop(f"not online within {OPENING_S:g} s")
        if now >= self._tend_at:
            self._tend_at = now + TEND_S
            self._link.tend()
        if self._greeted:
            self._drain(self._link, now)
        return min(self._tend_at, self._window.next_change_at(now) or self._tend_at)

    def _greet(self) -> None:
        self._greeted = True
        self._birth = self._say("presence", self._presence("online"), retain=True)
        for name, body in self._retained.items():
            self._say(name, body, retain=True)

    def _drain(self, link: StationLink, now: float) -> None:
        self._window.expire(now)
        room = self._window.room(now) if len(self.outbox) else 0
        if room:
            for row in self.outbox.due(room, self._window.skip(now)):
                mid = link.publish(topic(self.name, "up", row.suffix), row.payload)
                self._window.sent(row.seq, mid, now)
                self._figures.published += 1

    def _lost(self, why: str, now: float) -> None:
        if self.state is State.ONLINE:
            self._figures.online -= 1
            self._figures.lost += not self._leaving
        if now - self._since > self._all.backoff.cap_s:
            self._attempt = 0
        self._link, self._greeted = None, False
        self._window.link_lost()
        self._wait(why, now)

    def _wait(self, why: str, now: float) -> None:
        if not self._leaving:
            self._figures.last_error = why
        self.state = State.AWAY
        self.retry_at = now + self._all.backoff.wait_s(self._attempt)
        self._attempt += 1

    # --- what comes in -----------------------------------------------------------------------------------------

    def _acknowledged(self, item: Acknowledged, now: float) -> None:
        if item.reason >= 0x80 or item.reason == NO_MATCHING_SUBSCRIBERS:
            self._window.refused(item.mid, now)
        if item.mid == self._birth and self.state is State.OPENING:
            self.state = State.ONLINE
            self._figures.births += 1
            self._figures.online += 1

    def _receive(self, message: Received, now: float) -> None:
        try:
            if message.topic == topic(self.name, "dn", "receipt"):
                self._settle(message.payload)
            elif message.topic == topic(self.name, "dn", "cmd"):
                command = read_command(parse_object(message.payload), self.name, self._all.keys)
                self._figures.commands += 1
                self.post([self.messages.reply(command.cmd_id, "refused", _NO_COMMANDS)], now)
        except MessageError as error:
            self._figures.strange += 1
            self._figures.last_error = f"{message.topic}: {error}"

    def _settle(self, payload: bytes) -> None:
        receipt = verify_receipt(payload, self._all.keys)
        outcome, seq = self.outbox.settle(receipt)
        if outcome in ("mismatch", "unknown"):
            raise MessageError(f"a receipt for {receipt.msg_id}: {outcome}")
        self._window.receipted(seq)
        if outcome == "known":
            self._figures.repeated += 1
            return
        self._figures.receipts += 1
        self._figures.quarantined += outcome == "quarantined"
        self._figures.unsettled.pop(receipt.msg_id, None)

    # --- small things ------------------------------------------------------------------------------------------

    def _presence(self, state: str) -> Presence:
        return Presence.model_validate({"state": state, "store_epoch": self.epoch, "session": self.session})

    def _say(self, name: str, body: Body, *, qos: int = 1, retain: bool = False, expiry_s: int | None = None) -> int:
        assert self._link is not None
        where = topic(self.name, "up", name)
        return self._link.publish(where, self._encode(name, body), qos=qos, retain=retain, expiry_s=expiry_s)

    def _encode(self, name: str, body: Body) -> bytes:
        """A message without a row in the outbox; its number is never used again."""
        self._unnumbered += 1
        msg_id = f"{self.name}:{self.epoch}:p{self.session * 1_000_000_000 + self._unnumbered}"
        return encode_body(body, name, msg_id, self.name, self.messages.read_stamp())
