"""Any SCPI multimeter after its settings: set up, proven, and read; nothing that its front panel says is believed.

A meter that was turned to another function, or switched off and on, must never give a volt reading for an ohm. So the
set-up is read back, and what it says of `every_read` is asked again before and after each reading; where it is not as
set, the reading is an error, and the next one sets everything up anew. Which commands those are stands in the settings.
"""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Mapping

from drivers.errors import ProtocolError
from drivers.ports import Accuracy, Identity
from drivers.scpi.line import ScpiLine
from drivers.scpi.proving import NUMBER, prove
from drivers.scpi.settings import LINE_ENDS, MeterQuantity, MeterSettings
from drivers.scpi.wire import SerialWire, SocketWire

CHATTER = r"n?OK"
"""Some meters answer a command with a line that says nothing; whether it took is read back."""
NO_NUMBER = r"[+-]?(?:NAN|INF\w*)"


class ScpiMeter:
    """A meter after `settings`; names of readings are the keys of its quantities."""

    def __init__(self, settings: MeterSettings) -> None:
        wire = (
            SocketWire(settings.address)
            if settings.address
            else SerialWire(settings.port, settings.baud, settings.format)
        )
        self._own = settings
        self._line = ScpiLine(
            wire, identity_shape(settings.identity),
            timeout_s=settings.timeout_s, end=LINE_ENDS[settings.end], chatter=CHATTER,
        )  # fmt: skip
        self._is_set_up = False
        self._accuracy = {
            name: Accuracy(entry.accuracy_relative, entry.accuracy_absolute)
            for name, entry in settings.quantities.items()
        }

    @property
    def accuracy(self) -> Mapping[str, Accuracy]:
        """Error bounds by reading name, as the configuration declares them."""
        return self._accuracy

    @property
    def sets_up(self) -> bool:
        """Whether a reading tells the meter more than questions: who may only look asks who it is and no more."""
        return any(step.command for step in self._own.setup)

    async def ensure_ready(self) -> Identity:
        """Ask who it is; sets nothing. Raises `DriverError`, for another instrument too."""
        answer = await self._line.identify()
        return Identity(answer["model"].strip(), answer["serial"].strip(), answer["firmware"].strip())

    async def read(self) -> Mapping[str, float]:
        """One fresh reading of every quantity. Raises `DriverError`; an overload is one."""
        try:
            if not self._is_set_up:
                await self._set_up()
            await self._prove()
            answers = {name: await self._ask(entry) for name, entry in self._own.quantities.items()}
            await self._prove()
        except BaseException:  # it may have been switched off and on, or turned by hand
            self._is_set_up = False
            raise
        return {name: self._value(name, answer) for name, answer in answers.items()}

    async def close(self) -> None:
        """Let go of the line; safe to call twice."""
        self._is_set_up = False
        self._line.close()

    async def _set_up(self) -> None:
        if self._own.errors:
            await self._line.errors(self._own.errors)
        for step in self._own.setup:
            if step.command:
                await self._line.tell(step.command)
            await prove(self._line, step)
        if self._own.errors:
            await self._line.refuse_errors("setting up", self._own.errors)
        await asyncio.sleep(self._own.settle_s)
        self._is_set_up = True

    async def _prove(self) -> None:
        for step in self._own.setup:
            if step.every_read:
                await prove(self._line, step)

    async def _ask(self, entry: MeterQuantity) -> re.Match[str]:
        overload = "|".join([NO_NUMBER, *(re.escape(text) for text in self._own.overload)])
        number = rf"(?P<number>{NUMBER})\s*{re.escape(entry.suffix)}"
        return await self._line.ask(entry.query, rf"\s*(?:{number}|(?P<overload>{overload}))\s*")

    def _value(self, name: str, answer: re.Match[str]) -> float:
        entry = self._own.quantities[name]
        raw = math.nan if answer["number"] is None else float(answer["number"])
        if not abs(raw) < self._own.overload_from:
            raise ProtocolError(self._line.port, f"{name}: overload ({answer[0].strip()}); check leads and range")
        value = raw * entry.scale
        low, high = entry.low, entry.high
        if (low is not None and value < low) or (high is not None and value > high):
            bounds = f"{'' if low is None else f'{low:g}'} … {'' if high is None else f'{high:g}'}"
            raise ProtocolError(self._line.port, f"{name} = {value:g} is not within the possible {bounds}; check leads")
        return value


def identity_shape(words: str) -> str:
    """The shape of an answer to `*IDN?`: maker, model, serial number and firmware, with `words` in it."""
    return rf"(?=.*{re.escape(words)})[^,]+,(?P<model>[^,]*),(?P<serial>[^,]*),(?P<firmware>.*)"
