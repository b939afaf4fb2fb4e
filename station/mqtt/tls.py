"""Mutual TLS: what a credential file may be, the context of one connection, and how long our certificate is good.

Both ends show a certificate and each checks the other's. The files are read anew for every connection, so that a
renewed one counts from the next link on. What a refused connection says is put into words in `refusals.py`.
"""

from __future__ import annotations

import os
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from cryptography.x509.oid import NameOID

from station.domain.errors import SettingsError
from station.domain.secret_file import why_not_private
from station.mqtt.address import BrokerAddress
from station.mqtt.refusals import RecallingSocket, explain

WARN_BEFORE = timedelta(days=30)
"""From then on a certificate that ends is an alarm."""
_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""Of TLS 1.2; those of 1.3 are all as good."""


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Where the credentials of one end lie, all PEM. `name`: the common name that the certificate must carry, if it
    matters; `crl`: the authority's list of revoked certificates, against which the broker's is held."""

    ca: Path
    certificate: Path
    key: Path
    crl: Path | None = None
    name: str | None = None


def files_for(address: BrokerAddress, files: TlsFiles | None) -> TlsFiles | None:
    """The files for that broker: none where no TLS is spoken. Raises `SettingsError` where they are missing."""
    if address.tls and files is None:
        raise SettingsError(f"broker {address}: needs ca.pem, a certificate and its key (docs/enrolling-a-bench.md)")
    return files if address.tls else None


@dataclass(frozen=True, slots=True)
class OwnCertificate:
    """What our own certificate says of itself."""

    file: Path
    name: str
    begins: datetime
    ends: datetime

    def ends_soon(self, now: datetime) -> bool:
        """Whether it ends within `WARN_BEFORE`, or has ended."""
        return self.ends - now <= WARN_BEFORE

    def words(self, now: datetime) -> str:
        """How much of its time is left, for a log, and what to do."""
        days = (self.ends - now).days
        when = f"ends on {_stamp(self.ends)}, in {days} days" if days >= 0 else f"ended on {_stamp(self.ends)}"
        return f"{self.file}: the certificate of {self.name!r} {when}; renew it (docs/enrolling-a-bench.md)"


def read_own(files: TlsFiles) -> OwnCertificate:
    """Check everything about the files that no clock can mend. Raises `SettingsError` with file, fault and remedy.

    Dates are left to `make_context`: a bench whose certificate has ended, or whose clock is not set yet, still tests,
    and its results wait.
    """
    _read_ca(files.ca)
    if files.crl is not None:
        _read_crl(files.crl)
    certificate = _read_certificate(files)
    name = _common_name(files, certificate)
    if _public_bytes(read_key(files.key).public_key()) != _public_bytes(certificate.public_key()):
        wrong = f"{files.key}: not the key of {files.certificate}"
        raise SettingsError(f"{wrong}; put the certificate there that was made of this key's request")
    return OwnCertificate(
        files.certificate, name, certificate.not_valid_before_utc,
        certificate.not_valid_after_utc,
    )  # fmt: skip


class MutualContext(ssl.SSLContext):
    """A context that knows which certificate it shows."""

    own: OwnCertificate


def make_context(files: TlsFiles, now: datetime | None = None) -> MutualContext:
    """The context of one connection: TLS 1.2 or better, the broker's name and certificate checked, ours shown.

    Raises `SettingsError` for files that are wrong or out of their time.
    """
    now = now or datetime.now(UTC)
    own = read_own(files)
    if not own.begins <= now <= own.ends:
        when = f"ended on {_stamp(own.ends)}" if now > own.ends else f"begins on {_stamp(own.begins)}"
        raise SettingsError(
            f"{own.file}: the certificate of {own.name!r} {when}, and this machine's clock says {_stamp(now)}; "
            "renew it (docs/enrolling-a-bench.md) or set the clock"
        )
    authorities = _read_ca(files.ca)
    if all(now > authority.not_valid_after_utc for authority in authorities):
        ended = max(authority.not_valid_after_utc for authority in authorities)
        raise SettingsError(f"{files.ca}: the authority's certificate ended on {_stamp(ended)}; ask for the new one")
    context = MutualContext(ssl.PROTOCOL_TLS_CLIENT)  # checks names and requires a certificate, as made
    context.own = own
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(_CIPHERS)
    context.hostname_checks_common_name = False
    context.sslsocket_class = RecallingSocket
    try:
        context.load_verify_locations(files.ca)
        if files.crl is not None:
            context.load_verify_locations(files.crl)
            context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
        context.load_cert_chain(files.certificate, files.key)
    except (OSError, ssl.SSLError) as error:  # changed since `read_own` read them: the next link reads them again
        raise SettingsError(f"the credentials beside {files.certificate} cannot be loaded: {error}") from error
    return context


def why_refused(error: ssl.SSLError | ConnectionResetError, files: TlsFiles, host: str, context: MutualContext) -> str:
    """What ended a connection to `host`, in one line: which side, which certificate, what to do. Reads no file."""
    own = f"until {_stamp(context.own.ends)}"
    crl = "the revocation list" if files.crl is None else str(files.crl)
    return explain(error, host=host, ca=str(files.ca), crl=crl, own=own, now=_stamp(datetime.now(UTC)))


def _read(file: Path, what: str) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        reason = error.strerror or str(error)
        raise SettingsError(f"{file}: {reason}; {what} belongs there (docs/enrolling-a-bench.md)") from error


def _read_ca(file: Path) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(_read(file, "the authority's certificate"))
    except ValueError as error:
        raise SettingsError(f"{file}: no PEM certificate; put the authority's ca.pem there") from error


def _read_crl(file: Path) -> None:
    try:
        x509.load_pem_x509_crl(_read(file, "the authority's list of revoked certificates"))
    except ValueError as error:
        raise SettingsError(f"{file}: no PEM revocation list; put the authority's crl.pem there") from error


def _read_certificate(files: TlsFiles) -> x509.Certificate:
    content = _read(files.certificate, "the certificate that came back for the request of `station enrol`")
    try:
        return x509.load_pem_x509_certificate(content)
    except ValueError as error:
        wrong = "a certificate request" if b"CERTIFICATE REQUEST" in content else "no PEM certificate"
        remedy = "put the certificate there that the authority made of the request"
        raise SettingsError(f"{files.certificate}: {wrong}; {remedy}") from error


def _common_name(files: TlsFiles, certificate: x509.Certificate) -> str:
    names = [str(name.value) for name in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    if files.name is not None and names != [files.name]:
        raise SettingsError(
            f"{files.certificate}: the certificate of {', '.join(names) or 'nobody'!r}, and this is {files.name!r}; "
            f"put the certificate of {files.name!r} there, or correct station.name"
        )
    return names[0] if names else ""


def read_key(file: Path) -> ec.EllipticCurvePrivateKey:
    """A private key on P-256 that its owner alone may read. Raises `SettingsError`."""
    content = _read(file, "the private key that `station enrol` made")
    if (why := why_not_private(file, file.stat().st_mode, os.environ.get("CREDENTIALS_DIRECTORY"))) is not None:
        raise SettingsError(why)
    try:
        key = load_pem_private_key(content, password=None)
    except TypeError as error:
        raise SettingsError(f"{file}: locked with a passphrase that nobody is there to type; take it off") from error
    except ValueError as error:
        raise SettingsError(f"{file}: no PEM private key; move it away, and `station enrol` makes one") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise SettingsError(f"{file}: no key on the curve P-256; move it away and make one with `station enrol`")
    return key


def _public_bytes(key: CertificatePublicKeyTypes) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _stamp(when: datetime) -> str:
    return f"{when:%Y-%m-%d %H:%M} UTC"
