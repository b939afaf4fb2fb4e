"""Prompts: a step's question to the technician and the one answer that the panel's OK or NG gives it.

A time-out is no OK: it raises `StepError`. At most one question stands at a time, because there is one person.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from station.domain.errors import StepError
from station.domain.prompt import Answer, Prompt


class Prompts:
    """`asked` is told the prompt when a question is put, and None when it is gone, answered or not."""

    def __init__(self, asked: Callable[[Prompt | None], None]) -> None:
        self._asked = asked
        self._answer: asyncio.Future[Answer] | None = None

    async def ask(self, prompt: Prompt) -> Answer:
        """Put the question and wait for its answer. Raises `StepError` on time-out or beside another question."""
        said = prompt.text.get("en", "")
        if self._answer is not None:
            raise StepError(f"prompt {said!r}: another prompt is waiting; ask one at a time")
        self._answer = asyncio.get_running_loop().create_future()
        try:
            self._asked(prompt)
            async with asyncio.timeout(prompt.timeout_s):
                return await self._answer
        except TimeoutError:
            raise StepError(f"prompt {said!r}: no answer within {prompt.timeout_s:g} s; a time-out is no OK") from None
        finally:
            self._answer = None
            self._asked(None)

    def answer(self, answer: Answer) -> bool:
        """Hand the technician's answer over. False if nothing was asked or it was answered already."""
        if self._answer is None or self._answer.done():
            return False
        self._answer.set_result(answer)
        return True
