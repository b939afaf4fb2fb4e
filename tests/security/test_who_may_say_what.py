"""A station with a good certificate is itself and nobody else: at a real mosquitto, with the page's configuration."""

from __future__ import annotations

import socket
import ssl
import time
from contextlib import closing, suppress
from pathlib import Path

import pytest

from station.mqtt.tls import TlsFiles
from tests.security.conftest import Fleet
from tests.security.intruder import Intruder, bare_context, connected
from tests.security.site import Site
from tests.servers.mosquitto import Mosquitto, free_port

NOT_AUTHORIZED = 0x87
GRANTED_QOS_1 = 0x01
FOREIGN = [f"bench/v1/bench-07/up/{kind}" for kind in ("presence", "info", "result", "event", "alarm", "reply", "x/y")]
OF_THE_CENTRE = [f"bench/v1/{name}/dn/{kind}" for name in ("bench-07", "bench-08") for kind in ("cmd", "receipt")]


@pytest.mark.parametrize("retain", [False, True])
def test_a_station_cannot_write_as_another_nor_as_the_centre(broker: Mosquitto, fleet: Fleet, retain: bool) -> None:
    with connected(broker.port, fleet.collector) as centre, connected(broker.port, fleet.eight) as eight:
        assert centre.subscribe("bench/v1/+/up/#", "bench/v1/+/dn/#") == [GRANTED_QOS_1] * 2
        refused = {
            topic: eight.publish(topic, retain=retain) for topic in [*FOREIGN, *OF_THE_CENTRE, "$SYS/x", "bench/v1"]
        }
        assert set(refused.values()) == {NOT_AUTHORIZED}, refused
        assert eight.publish("bench/v1/bench-08/up/result", b"its own") == 0
        centre.until(lambda: centre.got)
        centre.listen()
        assert centre.got == [("bench/v1/bench-08/up/result", b"its own")] and not eight.lost


def test_a_station_gets_nothing_that_is_not_its_own_whatever_it_subscribes(broker: Mosquitto, fleet: Fleet) -> None:
    with connected(broker.port, fleet.eight) as eight, connected(broker.port, fleet.seven) as seven:
        wanted = ("#", "+/+/+/#", "bench/v1/bench-07/dn/#", "$share/centre/bench/v1/+/up/result", "bench/v1/+/dn/cmd")
        eight.subscribe(*wanted)
        seven.subscribe("bench/v1/bench-07/dn/#")
        with connected(broker.port, fleet.commands) as centre:
            assert centre.publish("bench/v1/bench-07/dn/cmd", b"for seven") == 0
            assert centre.publish("bench/v1/bench-08/dn/cmd", b"for eight") == 0
            assert seven.publish("bench/v1/bench-07/up/result", b"of seven") in (0, 0x10)
        seven.until(lambda: seven.got)
        eight.until(lambda: eight.got)
        eight.listen()
        assert seven.got == [("bench/v1/bench-07/dn/cmd", b"for seven")]
        assert set(eight.got) == {("bench/v1/bench-08/dn/cmd", b"for eight")}


def test_a_station_cannot_take_anothers_client_id_or_session(broker: Mosquitto, fleet: Fleet) -> None:
    with connected(broker.port, fleet.seven, "bench-07") as seven:
        seven.subscribe("bench/v1/bench-07/dn/#")
        with connected(broker.port, fleet.eight, "bench-07") as eight, connected(broker.port, fleet.commands) as centre:
            assert centre.publish("bench/v1/bench-07/dn/cmd", b"for seven") == 0
            seven.until(lambda: seven.got)
            eight.listen()
            assert eight.got == [] and not seven.lost
    assert " as bench-08 " in broker.text(), "the name of the certificate, whatever was asked for"


def test_a_last_will_on_anothers_topic_is_never_spoken(broker: Mosquitto, fleet: Fleet) -> None:
    will = "bench/v1/bench-07/up/presence"
    with connected(broker.port, fleet.collector) as centre:
        centre.subscribe("bench/v1/+/up/presence")
        for name, files, topic in (("eight", fleet.eight, will), ("seven", fleet.seven, will)):
            with connected(broker.port, files, will=topic) as client:
                client.die()
            if name == "eight":
                centre.listen()
                assert centre.got == []
        centre.until(lambda: centre.got)  # seven's own does come, so the other would have
        assert centre.got == [(will, b"forged")]


def test_a_program_of_the_centre_writes_its_own_kind_of_message_and_no_other(broker: Mosquitto, fleet: Fleet) -> None:
    with connected(broker.port, fleet.collector) as collector, connected(broker.port, fleet.commands) as commands:
        assert collector.publish("bench/v1/bench-07/dn/cmd") == NOT_AUTHORIZED
        assert commands.publish("bench/v1/bench-07/dn/receipt") == NOT_AUTHORIZED
        assert {centre.publish("bench/v1/bench-07/up/result") for centre in (collector, commands)} == {NOT_AUTHORIZED}


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
@pytest.mark.parametrize("who", ["nobody", "a stranger", "its own authority"])
def test_without_a_certificate_of_the_authority_nobody_gets_in(
    broker: Mosquitto, site: Site, tmp_path: Path, who: str, version: ssl.TLSVersion
) -> None:
    """Of TLS 1.2 the handshake fails; of 1.3 it ends well on the client's side, and the first read says no."""
    files = None if who == "nobody" else stranger(site, tmp_path, "/CN=bench-07")
    if who == "its own authority":  # the name of ours, another key
        files = stranger(site, tmp_path, "/CN=Bench authority")
    try:
        intruder = Intruder(broker.port, bare_context(files, version))
    except (ssl.SSLError, ConnectionError):
        return
    intruder.until(lambda: intruder.connacks)
    assert intruder.lost and intruder.connacks == []


def stranger(site: Site, folder: Path, subject: str) -> TlsFiles:
    """A certificate that signed itself."""
    curve = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc"
    site.run(f"openssl req -x509 {curve} -days 9 -subj '{subject}' -keyout s-key.pem -out s.pem", folder)
    (folder / "s-key.pem").chmod(0o600)
    return TlsFiles(site.stick / "ca.pem", folder / "s.pem", folder / "s-key.pem")


def wait_open(port: int) -> None:
    """Until somebody listens there: mosquitto opens one port after the other."""
    for _ in range(500):
        with suppress(ConnectionRefusedError), closing(socket.create_connection(("127.0.0.1", port), 5.0)):
            return
        time.sleep(0.01)
    raise AssertionError(f"nobody listens on {port}")


def test_a_plain_connection_to_the_tls_port_gets_nothing(broker: Mosquitto) -> None:
    with closing(socket.create_connection(("127.0.0.1", broker.port), 5.0)) as plain:
        plain.sendall(b"\x10\x14\x00\x04MQTT\x05\x02\x00\x0a\x00\x00\x07bench-1")
        try:
            answer = plain.recv(64)
        except ConnectionError:
            answer = b""
    assert not answer.startswith(b"\x20"), "a CONNACK"


def test_a_second_listener_for_many_workers_needs_an_authority_of_its_own(
    site: Site, fleet: Fleet, tmp_path: Path
) -> None:
    """The page's last word on the centre: with the same authority a station takes over any client id there."""
    port = free_port()
    text = (site.root / "etc/mosquitto/conf.d/bench.conf").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("listener ")]
    again = [line for line in lines if line.startswith(("cafile", "certfile", "keyfile", "require_", "use_identity_"))]
    with (
        Mosquitto(tmp_path / "same", [*lines, f"listener {port} 127.0.0.1", *again], tls=True) as same,
        connected(same.port, fleet.seven) as seven,
    ):
        wait_open(port)
        with connected(port, fleet.eight, "bench-07"):
            seven.listen(5.0)
            assert seven.lost
    other = stranger(site, tmp_path, "/CN=collector.1")
    again = [f"cafile {other.certificate}" if line.startswith("cafile") else line for line in again]
    with Mosquitto(tmp_path / "own", [*lines, f"listener {port} 127.0.0.1", *again], tls=True):
        wait_open(port)
        with connected(port, other, "worker-1") as one, connected(port, other, "worker-2") as two:
            one.listen(0.1)
            assert not one.lost and not two.lost
        refused = Intruder(port, bare_context(fleet.eight), "bench-07")
        refused.until(lambda: refused.connacks)
        assert refused.lost
