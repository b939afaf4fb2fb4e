"""An I2C bus of the Pi with SMBus words: read in a thread of its own, with a deadline, each packet's code checked.

`/dev/i2c-N` through smbus2: one combined transfer (write, repeated start, read) a word. The kernel's own time-out may
be a second and more on a bus that hangs; here the caller waits `deadline_s`, and until that thread is back nothing
else is asked. No retries. SMBus 3.1, 6.4 (packet error code: CRC-8, x^8 + x^2 + x + 1, over all bytes with addresses)
and 6.5.5 (read word, low byte first).
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import threading
from collections.abc import Callable
from typing import Any, Protocol

from drivers.errors import DeviceTimeout, DriverError, PortError, ProtocolError

DEADLINE_S = 0.5
_NACK = (errno.EREMOTEIO, errno.ENXIO, errno.EIO)
_GONE = (errno.ENODEV, errno.EBADF)


class Bus(Protocol):
    """What is used of `smbus2.SMBus`."""

    def i2c_rdwr(self, *messages: Any) -> None:
        """One combined transfer; messages that read are filled. Raises `OSError`."""

    def close(self) -> None:
        """Let go of the device file."""


def open_smbus(number: int) -> Bus:
    """`/dev/i2c-number`. Raises `OSError`."""
    from smbus2 import SMBus

    bus: Bus = SMBus(number)
    return bus


def packet_code(data: bytes) -> int:
    """SMBus packet error code of `data`: CRC-8, polynomial 0x07, from 0."""
    code = 0
    for byte in data:
        code ^= byte
        for _ in range(8):
            code = (code << 1 ^ 0x07) & 0xFF if code & 0x80 else code << 1
    return code


class I2cLine:
    """Bus `number`; opened when first used, and again after it was lost."""

    def __init__(
        self, number: int, deadline_s: float = DEADLINE_S, open_bus: Callable[[int], Bus] = open_smbus
    ) -> None:
        self.port = f"/dev/i2c-{number}"
        self._number = number
        self._deadline_s = deadline_s
        self._open = open_bus
        self._bus: Bus | None = None
        self._turn = asyncio.Lock()
        self._hand = threading.Lock()  # over the next two
        self._busy = False  # a thread is at the bus; it says itself when it is back
        self._closed = False  # so it lets go of the bus then

    async def read_word(self, address: int, command: int) -> int:
        """SMBus read word at a 7-bit address, its code checked. Raises `DriverError`."""
        reply = await self._transfer(address, bytes((command,)), 3)
        sent = bytes((address << 1, command, address << 1 | 1))
        code = packet_code(sent + reply[:2])
        if code != reply[2]:
            raise ProtocolError(
                f"{self.port} address 0x{address:02X}",
                f"cell 0x{command:02X}: packet code 0x{reply[2]:02X} instead of 0x{code:02X}; shorten the wires, check "
                "pull-ups and ground, and that nothing else has this address",
            )
        return int.from_bytes(reply[:2], "little")

    async def close(self) -> None:
        """Let go of the device file; safe to call twice. A thread that hangs does it when it is back."""
        with self._hand:
            self._closed = True
            if not self._busy:
                self._let_go()

    async def _transfer(self, address: int, sent: bytes, count: int) -> bytes:
        device = f"{self.port} address 0x{address:02X}"
        hung = DeviceTimeout(
            device,
            f"the bus hangs: nothing within {self._deadline_s:g} s; a device holds SDA or SCL low: check pull-ups (4.7 "
            "kohm to 3.3 V), wires and power, then switch the sensor off and on",
        )
        async with self._turn:
            if self._busy:
                raise hung
            loop = asyncio.get_running_loop()
            outcome: asyncio.Future[bytes] = loop.create_future()

            def work() -> None:
                try:
                    result: bytes | Exception = self._talk(address, sent, count)
                except OSError as error:
                    result = self._in_words(error, device)
                except Exception as error:  # whatever it is belongs to the caller
                    result = error
                with self._hand:
                    self._busy = False
                    if self._closed:
                        self._let_go()
                with contextlib.suppress(RuntimeError):  # the loop is gone, and with it everyone who could wait
                    loop.call_soon_threadsafe(_settle, outcome, result)

            self._busy, self._closed = True, False
            threading.Thread(target=work, name=self.port, daemon=True).start()
            try:
                async with asyncio.timeout(self._deadline_s):
                    return await outcome
            except TimeoutError:
                raise hung from None

    def _talk(self, address: int, sent: bytes, count: int) -> bytes:
        from smbus2 import i2c_msg

        if self._bus is None:
            self._bus = self._open(self._number)
        reply = i2c_msg.read(address, count)
        self._bus.i2c_rdwr(i2c_msg.write(address, sent), reply)
        return bytes(reply)

    def _let_go(self) -> None:
        bus, self._bus = self._bus, None
        if bus is not None:
            with contextlib.suppress(OSError):
                bus.close()

    def _in_words(self, error: OSError, device: str) -> DriverError:
        code, number = error.errno, self._number
        if self._bus is None or code in _GONE:
            self._let_go()
            if code in (errno.EACCES, errno.EPERM):
                return PortError(
                    self.port, "no permission; put the station's user into the group i2c and start it anew"
                )
            remedy = "switch I2C on (raspi-config, Interface Options; or dtparam=i2c_arm=on) and start the Pi anew"
            return PortError(self.port, f"is not there ({error.strerror}); {remedy}")
        if code in _NACK:
            remedy = f"check power, SDA and SCL, and the address: `i2cdetect -y {number}` shows who answers"
            return DeviceTimeout(device, f"no device answers; {remedy}")
        if code == errno.ETIMEDOUT:
            return DeviceTimeout(device, "the bus is held low; check pull-ups and wires, switch the sensor off and on")
        return ProtocolError(device, f"the transfer failed ({error.strerror}); check wires and that it has one master")


def _settle(outcome: asyncio.Future[bytes], result: bytes | Exception) -> None:
    if outcome.done():
        return
    if isinstance(result, Exception):
        outcome.set_exception(result)
    else:
        outcome.set_result(result)
