"""What either side refuses comes out as one line that says which side, which certificate and what to do."""

from __future__ import annotations

import signal
import ssl
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from station.contract.keys import new_key
from station.domain.errors import LinkError
from station.mqtt.address import parse_address
from station.mqtt.link import Link, LinkOptions
from station.mqtt.tls import MutualContext, TlsFiles, make_context
from tests.security.conftest import Fleet
from tests.security.intruder import connected
from tests.security.site import Site
from tests.security.test_who_may_say_what import stranger
from tests.servers.mosquitto import Mosquitto
from tests.uplink.rig import Bench, Office, open_store, until

PAST = "-startdate 20200101000000Z -enddate 20210101000000Z"
FUTURE = "-startdate 20900101000000Z -enddate 20910101000000Z"


async def refusal(url: str, files: TlsFiles) -> str:
    """What a link says that is not let in, or does not go in."""
    link = Link(LinkOptions(parse_address(url), "bench-07", tls=files))
    try:
        with pytest.raises(LinkError) as refused:
            await link.open()
    finally:
        await link.close()
    text = str(refused.value)
    assert text.startswith(f"{url}: ") and "\n" not in text
    return text.removeprefix(f"{url}: ")


# ---- what we refuse ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("how", "host", "says"),
    [
        (PAST, "localhost", "the broker's certificate is expired; renew it at the broker, or set this machine's"),
        (FUTURE, "localhost", "the broker's certificate is not valid yet; set this machine's clock (20"),
        ("", "elsewhere.example", "the broker's certificate is for another host than 'localhost'; write the host's"),
    ],
    ids=["expired", "not yet valid", "wrong host"],
)
async def test_a_brokers_certificate_that_is_not_good_is_refused(
    site: Site, fleet: Fleet, tmp_path: Path, how: str, host: str, says: str
) -> None:
    with site.broker(tmp_path / "m", site.make("odd-broker", tmp_path, how, host)) as odd:
        assert (await refusal(odd.url, fleet.seven)).startswith(says)


async def test_a_broker_of_another_authority_is_refused(site: Site, fleet: Fleet, tmp_path: Path) -> None:
    with site.broker(tmp_path / "m", stranger(site, tmp_path, "/CN=localhost")) as other:
        said = await refusal(other.url, fleet.seven)
    assert said == (
        f"the broker's certificate is not of the authority in {fleet.seven.ca}; is this the right broker, "
        "and is that its authority?"
    )


async def test_a_station_that_plays_the_broker_is_refused(site: Site, fleet: Fleet, tmp_path: Path) -> None:
    posing = site.make("posing", tmp_path, cn="localhost")
    with site.broker(tmp_path / "m", posing) as broker:
        said = await refusal(broker.url, fleet.seven)
    assert said.startswith("the broker's certificate is not one of a broker (no serverAuth)")


async def test_a_revoked_broker_is_refused_where_we_have_the_list_and_an_old_list_says_so(
    site: Site, fleet: Fleet, tmp_path: Path
) -> None:
    files = site.make("gone-broker", tmp_path, host="localhost")
    site.run(f"openssl ca -config ca.cnf -revoke {files.certificate}", site.authority)
    site.run(f"openssl ca -config ca.cnf -gencrl -out {tmp_path}/crl.pem", site.authority)
    old = "-crl_lastupdate 20200101000000Z -crl_nextupdate 20210101000000Z"
    site.run(f"openssl ca -config ca.cnf -gencrl {old} -out {tmp_path}/old.pem", site.authority)
    with site.broker(tmp_path / "m", files) as broker:
        said = await refusal(broker.url, replace(fleet.seven, crl=tmp_path / "crl.pem"))
        assert said.startswith("the broker's certificate is revoked; trust nothing behind this address")
        said = await refusal(broker.url, replace(fleet.seven, crl=tmp_path / "old.pem"))
        assert said == f"{tmp_path}/old.pem is out of date; put the authority's newest there"


async def test_a_listener_without_tls_is_called_that(fleet: Fleet, tmp_path: Path) -> None:
    with Mosquitto(tmp_path, ["allow_anonymous true"], tls=True) as plain:
        said = await refusal(plain.url, fleet.seven)
    assert said.endswith("is this the broker's port for mqtts (8883)?")


# ---- what the broker refuses ------------------------------------------------------------------------------------
@pytest.fixture(params=[ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
def version(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> ssl.TLSVersion:
    """Links speak this version, and their own dates are not looked at: the broker is the one to say."""

    def of_that_version(files: TlsFiles) -> MutualContext:
        context = make_context(files, datetime(2020, 6, 1, tzinfo=UTC) if "late" in files.certificate.name else None)
        context.minimum_version = context.maximum_version = request.param
        return context

    monkeypatch.setattr("station.mqtt.link.make_context", of_that_version)
    found: ssl.TLSVersion = request.param
    return found


async def test_our_expired_certificate(site: Site, broker: Mosquitto, tmp_path: Path, version: ssl.TLSVersion) -> None:
    said = await refusal(broker.url, site.make("late", tmp_path, PAST, cn="bench-07"))
    assert said == (
        "the broker refused our certificate: expired; renew it. If it is valid (until 2021-01-01 00:00 UTC), "
        "the broker's clock or crlfile is out of date"
    )


async def test_our_valid_certificate_at_a_broker_with_an_old_list(
    site: Site, fleet: Fleet, tmp_path: Path, version: ssl.TLSVersion
) -> None:
    """It says "expired" too; that ours is valid is what points to the broker."""
    old = "-crl_lastupdate 20200101000000Z -crl_nextupdate 20210101000000Z"
    site.run(f"openssl ca -config ca.cnf -gencrl {old} -out {tmp_path}/old.pem", site.authority)
    with site.broker(tmp_path / "m", crl=tmp_path / "old.pem") as broker:
        said = await refusal(broker.url, fleet.seven)
    assert "(until 20" in said and said.endswith("the broker's clock or crlfile is out of date")


async def test_our_certificate_of_another_authority(
    site: Site, broker: Mosquitto, tmp_path: Path, version: ssl.TLSVersion
) -> None:
    said = await refusal(broker.url, stranger(site, tmp_path, "/CN=bench-07"))
    assert said == "the broker refused our certificate: not of an authority that the broker knows (its cafile)"


async def test_a_brokers_certificate_as_a_clients(
    site: Site, broker: Mosquitto, tmp_path: Path, version: ssl.TLSVersion
) -> None:
    said = await refusal(broker.url, site.make("bench-07", tmp_path, host="localhost"))
    assert said.startswith("the broker refused our certificate: not one of a client (no clientAuth)")


async def test_a_revoked_certificate_is_refused_after_the_pages_commands_and_a_link_that_stands_ends_with_the_restart(
    site: Site, tmp_path: Path, version: ssl.TLSVersion
) -> None:
    page = TlsFiles(
        site.stick / "ca.pem", site.root / "etc/credstore/bench.station.pem",
        site.root / "etc/credstore.encrypted/bench.station-key.pem",
    )  # fmt: skip
    own = site.make("own", tmp_path, cn="bench-07")
    crl = (site.certs / "crl.pem").read_bytes()
    try:
        with site.broker(tmp_path / "m") as broker, connected(broker.port, own) as link:
            site.run(f"cp {own.certificate} bench-07.pem", site.authority)
            site.follow("revoke")
            broker.signal(signal.SIGHUP)
            await until(lambda: "Reloading config" in broker.text(), "the broker read its list again")
            for _ in range(10):  # a write may fail before the refusal is read: it must be read all the same
                said = await refusal(broker.url, own)
                assert said.startswith("the broker refused our certificate: revoked; enrol anew with a new key")
            link.listen()
            assert not link.lost, "as the page says: the reload leaves it"
            broker.stop()
            broker.start()
            link.listen(1.0)
            assert link.lost
            assert "revoked" in await refusal(broker.url, own)
            with connected(broker.port, page):
                pass
    finally:
        (site.certs / "crl.pem").write_bytes(crl)


# ---- where it is said -------------------------------------------------------------------------------------------
async def test_the_uplink_and_the_collector_say_it_in_their_log_and_the_uplink_keeps_it(
    site: Site, broker: Mosquitto, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    files = stranger(site, tmp_path, "/CN=bench-07")
    bench = Bench(await open_store(tmp_path / "s.sqlite"), broker.url, new_key(), tls=files)
    with pytest.raises(TimeoutError):
        await Office.open(broker.url, tmp_path / "c.sqlite", new_key(), tls=files, deadline_s=0.5)
    await until(lambda: bench.uplink.last_error, "the uplink has an error")
    await bench.close()
    words = f"{broker.url}: the broker refused our certificate: not of an authority that the broker knows (its cafile)"
    assert bench.uplink.last_error == words
    assert f"uplink: {words}" in caplog.messages and f"collector: {words}" in caplog.messages
