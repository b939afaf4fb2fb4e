"""Modbus TCP: one connection, one transaction at a time on it. What this wire promises:

- a reply must come within the deadline, which includes looking up the name and connecting where that is needed, and is
  checked to the last byte: transaction, protocol, unit, function, count or echo, both lengths;
- after anything but a right reply or a refusal the connection is closed, so a late reply has nowhere to arrive; it is
  opened anew after `quarantine_s`, in which a gateway gets rid of what its own serial line still says. What is urgent
  (it de-energises) does not wait for that: it is made, and reported as unproven where `doubt.py` says so;
- a connection that was closed by the other end while idle, or on which something came that nobody asked for, is
  opened anew before the request. A request is never sent twice.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

from drivers.errors import DeviceRefused, DeviceTimeout, DriverError, PortError, ProtocolError
from drivers.modbus.address import host_and_port
from drivers.modbus.doubt import UNPROVEN, Doubt
from drivers.modbus.frame import BadReply, Refusal, Request, tcp_frame, tcp_missing, tcp_payload
from drivers.modbus.transactions import URGENT_S

REMEDY = "check its power, its cable and the `address` in the configuration"


class TcpLine:
    """The connection to `address`, `host` or `host:port`; times are seconds of wall time."""

    def __init__(self, address: str, timeout_s: float, quarantine_s: float) -> None:
        self.name = address
        self._host, self._port = host_and_port(address)
        self._timeout_s = timeout_s
        self._quarantine_s = quarantine_s
        self._socket: socket.socket | None = None
        self._rested_from = 0.0  # before it no connection is opened but for what is urgent
        self._doubt = Doubt()
        self._connecting_took_s = 0.0  # of the present request's time
        self._number = 0

    @property
    def is_open(self) -> bool:
        """Whether there is a connection."""
        return self._socket is not None

    def close(self) -> None:
        """End the connection; safe to call twice."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def ready(self, urgent: Callable[[], bool]) -> DriverError | None:
        """A connection on which nothing waits to be read, once the rest is over: the present one, or a new one.

        In a rest there is one where something urgent was sent; what is not urgent waits all the same.
        """
        self._connecting_took_s = 0.0
        while (left_s := self._rested_from - time.monotonic()) > 0.0 and not urgent():
            time.sleep(min(left_s, URGENT_S))
        if self._socket is not None and self._is_clean(self._socket):
            return None
        self.close()
        begin = time.monotonic()
        try:
            self._socket = self._connect(begin + self._timeout_s)
        except OSError as error:
            self._rest()
            why = "no connection within" if isinstance(error, TimeoutError) else f"{error} within"
            return PortError(self.name, f"{why} {self._timeout_s:g} s; {REMEDY}")
        self._connecting_took_s = time.monotonic() - begin
        return None

    def transact(self, request: Request, timeout_s: float | None) -> bytes:
        """One request and its checked reply; the connecting before it counts."""
        device, line = f"{self.name} address {request.unit}", self._socket
        assert line is not None
        wait_s = self._timeout_s if timeout_s is None else timeout_s
        self._number = self._number % 0xFFFF + 1
        if time.monotonic() >= self._rested_from:
            self._doubt.settle()
        unproven = self._doubt.leaves_unproven(request)
        self._doubt.note(request)
        try:
            reply = self._exchange(line, request, time.monotonic() + wait_s - self._connecting_took_s)
            payload = tcp_payload(request, self._number, reply)
            if unproven:
                raise BadReply(UNPROVEN)
            return payload
        except Refusal as refusal:
            raise DeviceRefused(device, f"{request.name}: {refusal}; check model and register map") from None
        except BadReply as bad:
            self._rest()
            raise ProtocolError(device, f"{request.name}: {bad}; is this a Modbus TCP device?") from None
        except TimeoutError:
            self._rest()
            silence = f"no whole reply within {wait_s:g} s"
            raise DeviceTimeout(device, f"{request.name}: {silence}; check its address behind this host") from None
        except OSError as error:
            self._rest()
            raise PortError(self.name, f"{request.name}: the connection broke ({error}); {REMEDY}") from error

    def _rest(self) -> None:
        self.close()
        self._rested_from = time.monotonic() + self._quarantine_s

    def _exchange(self, line: socket.socket, request: Request, deadline: float) -> bytes:
        _allow(line, deadline)
        line.sendall(tcp_frame(request, self._number))
        reply = b""
        while tcp_missing(request, self._number, reply):
            _allow(line, deadline)
            heard = line.recv(4096)
            if not heard:
                raise ConnectionResetError("closed by the other end")
            reply += heard
        return reply

    def _connect(self, deadline: float) -> socket.socket:
        """The first address of the host that takes a connection. Raises `OSError`; `TimeoutError` at the deadline."""
        for family, kind, protocol, _, where in (addresses := _look_up(self._host, self._port, deadline)):
            line = socket.socket(family, kind, protocol)
            try:
                _allow(line, deadline)
                line.connect(where)
                line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return line
            except OSError as error:
                line.close()
                if isinstance(error, TimeoutError) or where == addresses[-1][4]:
                    raise
        raise OSError("the name has no address")

    @staticmethod
    def _is_clean(line: socket.socket) -> bool:
        line.setblocking(False)
        try:
            line.recv(1)
        except BlockingIOError:
            return True
        except OSError:
            pass
        return False  # the end, or bytes that answer nothing


def _allow(line: socket.socket, deadline: float) -> None:
    """Bound the next call. Raises `TimeoutError` where there is no time left."""
    left = deadline - time.monotonic()
    if left <= 0.0:
        raise TimeoutError
    line.settimeout(left)


def _look_up(host: str, port: int, deadline: float) -> list[Any]:
    """As `socket.getaddrinfo`. The system's resolver knows no deadline, so where it must be asked it runs beside us."""
    with contextlib.suppress(socket.gaierror):
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    found: list[list[Any] | OSError] = []

    def ask() -> None:
        try:
            found.append(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:  # UnicodeError: what can be no name
            found.append(error if isinstance(error, OSError) else OSError(f"{host!r} is no host name"))

    asking = threading.Thread(target=ask, name=f"name of {host}", daemon=True)
    asking.start()
    asking.join(max(0.0, deadline - time.monotonic()))
    if not found:
        raise TimeoutError
    if isinstance(found[0], OSError):
        raise found[0]
    return found[0]
