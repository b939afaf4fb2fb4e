"""One workshop for the room, made by the page's commands; keys on P-256 are made in milliseconds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from station.mqtt.tls import TlsFiles
from tests.security.site import Site
from tests.servers.mosquitto import Mosquitto


class Fleet(NamedTuple):
    """The credentials of two stations and of the centre."""

    seven: TlsFiles
    eight: TlsFiles
    collector: TlsFiles
    commands: TlsFiles


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    site = Site(tmp_path_factory.mktemp("site"))
    site.said = site.follow("file", "sh")
    return site


@pytest.fixture(scope="session")
def fleet(site: Site) -> Fleet:
    stations = [site.make(name, site.root / "stations") for name in ("bench-07", "bench-08")]
    return Fleet(*stations, site.of_centre("collector.1"), site.of_centre("commands.1"))


@pytest.fixture(scope="module")
def broker(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    with site.broker(tmp_path_factory.mktemp("broker")) as server:
        yield server
