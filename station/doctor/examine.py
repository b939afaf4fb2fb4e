"""One look at every configured device: wires at the same time, devices of one wire one after the other, bounded.

Reads alone and never energises; what is open stays open, and what is not is opened through its own driver.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from drivers.errors import DeviceTimeout, DriverError
from station.doctor.finding import Finding
from station.doctor.questions import Question, questions_of

if TYPE_CHECKING:
    from station.assembly import Devices

DEVICE_S = 25.0
"""So long may one device take: a sound process starts in up to 20 s."""
WIRE_S = 30.0
"""So long may a wire with all its devices take; what was not asked by then is told as that."""

Told = Callable[[Finding], None]


async def examine(devices: Devices, told: Told = lambda finding: None) -> tuple[Finding, ...]:
    """Ask every device once. `told` hears each finding as it comes; the answer is in the order of the table."""
    wires: dict[str, list[Question]] = {}
    questions = questions_of(devices)
    for question in questions:
        wires.setdefault(question.wire, []).append(question)
    found = await asyncio.gather(*(_ask_wire(wire, told) for wire in wires.values()))
    by_role = {finding.role: finding for findings in found for finding in findings}
    return tuple(by_role[question.role] for question in questions)


async def _ask_wire(questions: Sequence[Question], told: Told) -> list[Finding]:
    ends = time.monotonic() + WIRE_S
    findings = []
    for question in questions:
        findings.append(await _ask(question, min(DEVICE_S, ends - time.monotonic())))
        told(findings[-1])
    return findings


async def _ask(question: Question, bound_s: float) -> Finding:
    role, kind, port = question.role, question.kind, question.port
    began = time.monotonic()
    try:
        if bound_s <= 0:
            raise DeviceTimeout(role, f"not asked: its wire took longer than {WIRE_S:g} s; mend what is silent first")
        async with asyncio.timeout(bound_s):
            answer = await question.ask()
    except DriverError as error:
        return Finding(role, kind, port, False, took_s=time.monotonic() - began, error=str(error))
    except TimeoutError:
        error_text = f"{role}: no answer within {bound_s:.0f} s; is it switched on?"
        return Finding(role, kind, port, False, took_s=time.monotonic() - began, error=error_text)
    took_s = time.monotonic() - began
    return Finding(role, kind, port, True, answer.identity, answer.words, took_s, answer.trouble, answer.symptom)
