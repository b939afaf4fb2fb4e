"""Why a connection was refused, in words: nobody there, or with TLS which side and which certificate; what to do.

With TLS 1.3 the broker judges our certificate after our side of the handshake is done: its refusal (an alert) arrives
with the first read, and a write may fail before that read. `RecallingSocket` keeps it, whoever else swallows the error.
"""

from __future__ import annotations

import contextlib
import errno
import socket
import ssl
from typing import Any

_WAITS = (ssl.SSLWantReadError, ssl.SSLWantWriteError)
_UNKNOWN = "not of the authority in {ca}; is this the right broker, and is that its authority?"
_OF_THE_BROKER = {
    2: _UNKNOWN, 18: _UNKNOWN, 19: _UNKNOWN, 20: _UNKNOWN, 21: _UNKNOWN, 7: _UNKNOWN,
    9: "not valid yet; set this machine's clock ({now}), or put the broker's certificate right",
    10: "expired; renew it at the broker, or set this machine's clock ({now})",
    23: "revoked; trust nothing behind this address before the authority was asked",
    26: "not one of a broker (no serverAuth); someone else may be answering there",
    62: "for another host than {host!r}; write the host's name as in the certificate into mqtt.url",
    64: "for another address than {host!r}; write the host's name as in the certificate into mqtt.url",
}  # fmt: skip
"""By OpenSSL's codes of verification (x509_vfy.h)."""
_OF_OUR_LIST = {
    3: "{crl} is no list of the authority in {ca}; put its newest there",
    11: "{crl} is not valid yet; set this machine's clock ({now})",
    12: "{crl} is out of date; put the authority's newest there",
}
_OF_OURS = {
    "CERTIFICATE_EXPIRED": "expired; renew it. If it is valid ({own}), the broker's clock or crlfile is out of date",
    "CERTIFICATE_REVOKED": "revoked; enrol anew with a new key, or ask the authority why",
    "UNKNOWN_CA": "not of an authority that the broker knows (its cafile)",
    "CERTIFICATE_REQUIRED": "missing: none was shown, and the broker wants one",
    "HANDSHAKE_FAILURE": "missing, or of a kind that the broker does not take",
    "UNSUPPORTED_CERTIFICATE": "not one of a client (no clientAuth); sign the request as a station's",
    "BAD_CERTIFICATE": "unreadable to the broker",
    "CERTIFICATE_UNKNOWN": "refused without a reason; the broker's log has it",
    "ACCESS_DENIED": "not allowed there",
    "DECRYPT_ERROR": "shown with a key that is not its own",
}
"""By the alert that the broker sent (RFC 8446, section 6)."""


_NO_WAY = (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENETDOWN)


class RecallingSocket(ssl.SSLSocket):
    """Remembers what ended it, and reads what the broker said before it closed, also when a write notices first."""

    ended_by: OSError | None = None

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
        except _WAITS:
            raise
        except OSError:
            self.close()  # paho only lets go of it
            raise

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        try:
            return super().recv(buflen, flags)
        except _WAITS:
            raise
        except OSError as error:
            self.ended_by = self.ended_by or error
            raise

    def send(self, data: Any, flags: int = 0) -> int:
        try:
            return super().send(data, flags)
        except _WAITS:
            raise
        except OSError:
            with contextlib.suppress(OSError):
                self.recv(1)
            raise


def refusal_of(opened: object) -> ssl.SSLError | None:
    """The refusal that ended this socket, if one did."""
    ended_by = opened.ended_by if isinstance(opened, RecallingSocket) else None
    return ended_by if isinstance(ended_by, ssl.SSLError) and "_ALERT_" in (ended_by.reason or "") else None


def explain(error: ssl.SSLError | ConnectionResetError, **facts: str) -> str:
    """What to do about it, in one line. `facts`: our `host`, `ca`, `crl`, `own` (until when valid) and `now`."""
    if isinstance(error, ssl.SSLCertVerificationError):
        if words := _OF_OUR_LIST.get(error.verify_code):
            return words.format(**facts)
        words = _OF_THE_BROKER.get(error.verify_code)
        return f"the broker's certificate is {words.format(**facts) if words else f'refused: {error.verify_message}'}"
    if isinstance(error, ssl.SSLEOFError | ConnectionResetError):
        return f"{facts['host']} hung up on TLS; if it always does: is this the broker's port for mqtts (8883)?"
    reason = error.reason or ""
    if words := _OF_OURS.get(reason.partition("_ALERT_")[2]):
        return f"the broker refused our certificate: {words.format(**facts)}"
    if reason in ("WRONG_VERSION_NUMBER", "UNEXPECTED_MESSAGE", "RECORD_LAYER_FAILURE"):
        return "no TLS is spoken there; is this the broker's port for mqtts (8883)?"
    if "PROTOCOL_VERSION" in reason or reason == "UNSUPPORTED_PROTOCOL":
        return "the broker speaks no TLS 1.2 or better; update it"
    return f"TLS failed: {reason or error}"


def why_unreachable(error: Exception) -> str:
    """The same for a connection that did not come about, or was lost, without TLS having a part in it."""
    if isinstance(error, ConnectionRefusedError):
        return "refused, nobody listens there; start the broker, or correct the address"
    if isinstance(error, socket.gaierror):
        return f"this name was not found ({error.strerror}); correct it, or look at this machine's DNS"
    if isinstance(error, TimeoutError):
        return "no answer; is the broker's machine on, and does a firewall let this port through?"
    if isinstance(error, OSError) and error.errno in _NO_WAY:
        return f"no way there ({error.strerror}); check cable, network and address"
    if isinstance(error, ConnectionError):
        return f"hung up ({error.strerror or error}); the broker's log may say why"
    return f"{type(error).__name__}: {error}"
