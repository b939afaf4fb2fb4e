"""Many links in one thread, on a real broker: what is heard, what ends a link, and that it ends nobody else's."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable

import pytest

from station.domain.errors import LinkError
from station.mqtt.address import parse_address
from station.mqtt.crowd import Crowd, CrowdLink, Ended, Heard, Opened, Subscribed
from station.mqtt.link import Acknowledged, LinkOptions, Received, Will
from tests.servers.mosquitto import Mosquitto, free_port


class Ears:
    """A crowd, and everything that each of its links heard."""

    def __init__(self, url: str) -> None:
        self.crowd = Crowd()
        self.heard: dict[CrowdLink, list[Heard]] = {}
        self.acks = True
        self._address = parse_address(url)

    def open(self, name: str, will: Will | None = None, session_expiry_s: int = 0) -> CrowdLink:
        """A link, as far as its CONNACK."""
        link = self.crowd.open(LinkOptions(self._address, name, will, session_expiry_s))
        self.heard[link] = []
        self.until(lambda: Opened() in self.heard[link], f"{name} is open")
        return link

    def until(self, check: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + 10.0
        while not check():
            assert time.monotonic() < deadline, f"not within 10 s: {what}; {self.heard.values()}"
            for link in self.crowd.turn(0.05):
                self.heard[link] += link.heard
                for item in link.heard if self.acks else ():
                    if isinstance(item, Received):
                        link.ack(item)
                link.heard.clear()

    def subscribe(self, link: CrowdLink, topic_filter: str) -> None:
        link.subscribe(topic_filter)
        self.until(lambda: Subscribed() in self.heard[link], f"{topic_filter} is subscribed")

    def received(self, link: CrowdLink) -> list[bytes]:
        return [item.payload for item in self.heard[link] if isinstance(item, Received)]

    def ended(self, link: CrowdLink) -> str | None:
        return next((item.why for item in self.heard[link] if isinstance(item, Ended)), None)


def test_two_hundred_links_talk_to_each_other_in_one_thread(broker: Mosquitto) -> None:
    ears = Ears(broker.url)
    links = [ears.open(f"many-{number}") for number in range(200)]
    ears.subscribe(links[0], "many/+")
    mids = {link: link.publish(f"many/{number}", b"%d" % number) for number, link in enumerate(links)}
    ears.until(lambda: len(ears.received(links[0])) == 200, "all of it arrived")
    ears.until(lambda: all(Acknowledged(mids[link], 0) in ears.heard[link] for link in links), "all was acknowledged")
    assert sorted(map(int, ears.received(links[0]))) == list(range(200))
    ears.crowd.close()


def test_what_was_not_acknowledged_comes_again_on_the_next_link_and_what_was_does_not(broker: Mosquitto) -> None:
    ears = Ears(broker.url)
    sender = ears.open("sender")
    ears.acks = False
    first = ears.open("keeper", session_expiry_s=60)
    ears.subscribe(first, "kept")
    sender.publish("kept", b"one")
    ears.until(lambda: ears.received(first) == [b"one"], "it came")
    first.drop("cut")
    ears.acks = True
    second = ears.open("keeper", session_expiry_s=60)
    ears.until(lambda: ears.received(second) == [b"one"], "it came again")
    sender.publish("kept", b"two")
    ears.until(lambda: ears.received(second) == [b"one", b"two"], "and the next one")
    second.drop("cut")
    third = ears.open("keeper", session_expiry_s=60)
    sender.publish("kept", b"three")
    ears.until(lambda: b"three" in ears.received(third), "the last one")
    assert b"one" not in ears.received(third)
    ears.crowd.close()


def test_more_than_the_kernel_takes_at_once_is_sent_piece_by_piece(broker: Mosquitto) -> None:
    ears = Ears(broker.url)
    link = ears.open("large")
    ears.subscribe(ears.open("reader"), "large")
    mids = [link.publish("large", bytes(200_000)) for _ in range(100)]
    ears.until(lambda: all(Acknowledged(mid, 0) in ears.heard[link] for mid in mids), "20 MB were acknowledged")
    assert ears.ended(link) is None
    ears.crowd.close()


def test_a_taken_over_client_id_ends_the_older_link_and_nobody_elses(broker: Mosquitto) -> None:
    ears = Ears(broker.url)
    first, other = ears.open("twin"), ears.open("other")
    second = ears.open("twin")
    ears.until(lambda: ears.ended(first) is not None, "the first twin is out")
    assert ears.ended(second) is None and ears.ended(other) is None
    ears.crowd.close()


def test_the_will_speaks_for_a_cut_link_and_not_for_a_goodbye(broker: Mosquitto) -> None:
    ears = Ears(broker.url)
    witness = ears.open("witness")
    ears.subscribe(witness, "wills/+")
    cut, leaving = (ears.open(name, Will(f"wills/{name}", name.encode())) for name in ("cut", "leaving"))
    leaving.say_goodbye()
    ears.until(lambda: ears.ended(leaving) is not None, "gone with a goodbye")
    cut.drop("cut")
    ears.until(lambda: ears.received(witness) != [], "a will")
    assert ears.received(witness) == [b"cut"]
    ears.crowd.close()


def test_a_killed_broker_ends_all_links_and_the_next_one_takes_them_again(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with Mosquitto(tmp_path_factory.mktemp("killed")) as broker:
        ears = Ears(broker.url)
        links = [ears.open(f"k-{number}") for number in range(50)]
        broker.kill()
        ears.until(lambda: all(ears.ended(link) for link in links), "all have ended")
        with pytest.raises(LinkError, match="refused"):
            ears.open("nobody")
        broker.start()
        again = [ears.open(f"k-{number}") for number in range(50)]
        assert not any(ears.ended(link) for link in again)
        ears.crowd.close()


def test_nobody_there_is_a_link_error_that_names_the_broker() -> None:
    port = free_port()
    with pytest.raises(LinkError, match=f"mqtt://127.0.0.1:{port}: .*refused"):
        Crowd().open(LinkOptions(parse_address(f"mqtt://127.0.0.1:{port}"), "x"))


def test_links_that_ended_leave_no_file_open(broker: Mosquitto) -> None:
    ears = Ears(broker.url)
    free: list[int] = []
    for _ in range(3):
        links = [ears.open(f"files-{number}") for number in range(20)]
        free.append(max(link.fd for link in links))
        for number, link in enumerate(links):
            link.drop("cut") if number % 2 else link.say_goodbye()
        ears.until(lambda links=links: all(ears.ended(link) for link in links), "ended")  # type: ignore[misc]
    assert len(set(free)) == 1, f"highest file numbers by life: {free}"
    assert max(free) < resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    ears.crowd.close()
