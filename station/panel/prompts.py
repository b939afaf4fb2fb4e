"""Prompts: a step's question to the technician and the one answer that the panel's OK or NG gives it.

A time-out is no OK: it raises `StepError`. At most one question stands at a time, because there is one person.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from station.domain.errors import StepError

PROMPT_S = 300.0
"""How long a prompt waits (wall time: a person is slow at any speed of the simulation)."""


class Prompts:
    """`asked` is told the text when a question is put, and None when it is gone, answered or not."""

    def __init__(self, asked: Callable[[Mapping[str, str] | None], None]) -> None:
        self._asked = asked
        self._answer: asyncio.Future[bool] | None = None

    async def ask(self, text: Mapping[str, str], timeout_s: float = PROMPT_S) -> bool:
        """Put the question and wait: True OK, False NG. Raises `StepError` on time-out or beside another question."""
        if self._answer is not None:
            raise StepError(f"prompt {text.get('en', '')!r}: another prompt is waiting; ask one at a time")
        self._answer = asyncio.get_running_loop().create_future()
        try:
            self._asked(text)
            async with asyncio.timeout(timeout_s):
                return await self._answer
        except TimeoutError:
            raise StepError(
                f"prompt {text.get('en', '')!r}: no answer within {timeout_s:g} s; a time-out is no OK"
            ) from None
        finally:
            self._answer = None
            self._asked(None)

    def answer(self, ok: bool) -> bool:
        """Hand the technician's answer over. False if nothing was asked or it was answered already."""
        if self._answer is None or self._answer.done():
            return False
        self._answer.set_result(ok)
        return True
