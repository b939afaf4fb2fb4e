"""One look at every configured device: wires at the same time, devices of one wire one after the other, bounded.

Reads alone and never energises; what is open stays open, and what is not is opened through its own driver.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from drivers.errors import DeviceTimeout, DriverError
from station.doctor.causes import Symptom
from station.doctor.explain import Asked, explain
from station.doctor.finding import NONE_ON_FILE, NOT_CALIBRATED, Finding
from station.doctor.known import told_of
from station.doctor.questions import Question, questions_of
from station.metrology.in_force import InForce

if TYPE_CHECKING:
    from station.assembly import Devices

WIRE_S = 30.0
"""So long may a wire with all its devices take (a sound process starts in up to 20 s); the rest is not asked."""

Told = Callable[[Finding], None]


async def examine(
    devices: Devices, told: Told = lambda finding: None, *, wire_s: float = WIRE_S, owned: bool = False
) -> tuple[Finding, ...]:
    """Ask every device once. `told` hears each finding as it comes; the answer is in the order of the table.

    `owned`: in the daemon, whose kernel opens the guard itself.
    """
    return await _ask_all(questions_of(devices, owned=owned), devices, told, wire_s)


async def examine_told(devices: Devices, now_s: float) -> tuple[Finding, ...]:
    """During a run: what the daemon knows already, with its age. Puts nothing on any wire."""
    return await _ask_all(told_of(devices, now_s), devices, lambda finding: None, WIRE_S)


async def _ask_all(questions: Sequence[Question], devices: Devices, told: Told, wire_s: float) -> tuple[Finding, ...]:
    """Ask these questions and explain what is silent."""
    wires: dict[str, list[Question]] = {}
    for question in questions:
        wires.setdefault(question.wire, []).append(question)
    found = await asyncio.gather(*(_ask_wire(wire, told, wire_s) for wire in wires.values()))
    by_role = {one.question.role: one for asked in found for one in asked}
    in_order = [by_role[question.role] for question in questions]
    explained = await asyncio.to_thread(explain, in_order, devices.settings)
    return tuple(_with_calibration(one, devices.in_force) for one in explained)


def _with_calibration(one: Finding, in_force: InForce) -> Finding:
    """Until when the instrument that answered may be believed; one that makes no PASS is a thing to look at."""
    if one.calibration == NOT_CALIBRATED:
        return one
    words, wrong = in_force.remark(one.role, one.identity.serial_number if one.answers else None)
    more = "" if one.calibration == NONE_ON_FILE else f"; {one.calibration}"
    found = replace(one, calibration=words + more)
    if not wrong:
        return found
    remedy = f"`station calibrate {one.role}` (docs/calibrating-a-bench.md), or put the calibrated instrument back"
    return replace(
        found, error="; ".join(filter(None, (one.error, wrong))), causes=(*one.causes, remedy)
    )  # fmt: skip


async def _ask_wire(questions: Sequence[Question], told: Told, wire_s: float) -> list[Asked]:
    ends = time.monotonic() + wire_s
    asked = []
    for question in questions:
        asked.append(await _ask(question, ends - time.monotonic(), wire_s))
        told(asked[-1].finding)
    return asked


async def _ask(question: Question, left_s: float, wire_s: float) -> Asked:
    role = question.role
    unknown = Finding(role, question.kind, question.port, False, calibration=question.calibration)
    if left_s <= 0:
        late = DeviceTimeout(role, f"not asked: its wire took longer than {wire_s:g} s")
        return Asked(question, replace(unknown, error=str(late), symptom=Symptom.NOT_ASKED.value), late)
    began = time.monotonic()
    try:
        async with asyncio.timeout(left_s):
            answer = await question.ask()
    except (DriverError, TimeoutError) as error:
        known = error if isinstance(error, DriverError) else DeviceTimeout(role, f"no answer within {left_s:.0f} s")
        return Asked(question, replace(unknown, took_s=time.monotonic() - began, error=str(known)), known)
    took_s = None if answer.told else time.monotonic() - began
    finding = replace(unknown, answers=True, identity=answer.identity, answer=answer.words, took_s=took_s)
    return Asked(question, replace(finding, error=answer.trouble, symptom=answer.symptom))
