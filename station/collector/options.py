"""Options that the centre's two programs share: the broker, its credentials, and a key that signs."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from station.domain.errors import SettingsError
from station.mqtt.tls import TlsFiles


def add_broker_options(parser: ArgumentParser) -> None:
    """`--broker` and the files for mqtts://."""
    parser.add_argument("--broker", required=True, metavar="URL", help="mqtt://host:port or mqtts://host:port")
    parser.add_argument("--tls-ca", type=Path, metavar="FILE", help="certificate of the authority, PEM")
    parser.add_argument("--tls-certificate", type=Path, metavar="FILE", help="our certificate, PEM")
    parser.add_argument("--tls-key", type=Path, metavar="FILE", help="its private key, PEM")
    parser.add_argument("--tls-crl", type=Path, metavar="FILE", help="revoked certificates, PEM")


def tls_of(options: Namespace) -> TlsFiles | None:
    """The files that were named; None where there are none. Raises `SettingsError`."""
    return make_tls(options.tls_ca, options.tls_certificate, options.tls_key, options.tls_crl)


def make_tls(ca: Path | None, certificate: Path | None, key: Path | None, crl: Path | None) -> TlsFiles | None:
    """All of the three or none of them. Raises `SettingsError`."""
    if ca is None or certificate is None or key is None:
        if (ca, certificate, key, crl) != (None, None, None, None):
            raise SettingsError("--tls-ca, --tls-certificate and --tls-key belong together; name all three or none")
        return None
    return TlsFiles(ca, certificate, key, crl)
