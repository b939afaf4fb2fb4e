"""What the daemon knows of each device without asking: for an examination during a run, which nothing may disturb.

Every answer carries its age. Identities are those that the devices gave at the start.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from drivers.errors import DeviceTimeout, DriverError
from drivers.ports import Identity
from station.doctor.questions import Answer, Ask, Question, questions_of
from station.doctor.words import guard_trouble, guard_words, read_out

if TYPE_CHECKING:
    from station.assembly import Devices


def told_of(devices: Devices, now_s: float) -> tuple[Question, ...]:
    """The questions of an examination, answered from memory. `now_s`: monotonic seconds."""
    sensors = {poller.role for poller in devices.pollers}

    def answer_of(role: str) -> Callable[[], Answer]:
        if role == "guard":
            return lambda: _guard(devices, now_s)
        if role == "relays":
            return lambda: _relays(devices, now_s)
        if role in sensors:
            return lambda: _sensor(role, devices, now_s)
        return lambda: _other(role, devices)

    return tuple(
        replace(question, ask=_from_memory(answer_of(question.role))) for question in questions_of(devices, owned=True)
    )


def _from_memory(answer: Callable[[], Answer]) -> Ask:
    async def ask() -> Answer:
        return answer()

    return ask


def _age(taken_at: float, now_s: float) -> str:
    return f"{max(0.0, now_s - taken_at):.1f} s ago"


def _guard(devices: Devices, now_s: float) -> Answer:
    status, hello = devices.guard.status, devices.guard.hello
    if status is None:
        raise DeviceTimeout("guard", "the daemon has no line to it and tries again; look at its USB lead")
    identity = Identity("guard/1", "", hello.firmware if hello else "")
    wrong = guard_trouble(status)
    words = f"{_age(status.received_at, now_s)}: {guard_words(status)}"
    return Answer(identity, words, wrong, "loop open" if wrong else "", told=True)


def _relays(devices: Devices, now_s: float) -> Answer:
    if devices.desk.trouble is not None:
        raise devices.desk.trouble
    image = devices.desk.image
    if image is None:
        raise DriverError("relays", "their positions were never read back; look at the board's supply")
    closed = ", ".join(role for role, on in image.seen.items() if on) or "none"
    return Answer(_who("relays", devices), f"{_age(image.seen_at, now_s)}: closed: {closed}", told=True)


def _sensor(role: str, devices: Devices, now_s: float) -> Answer:
    own = {name: one for name, one in devices.table.snapshot().items() if name.startswith(f"{role}.")}
    values = {name.removeprefix(f"{role}."): one.value for name, one in own.items() if one.value is not None}
    if not own or len(values) < len(own):
        when = _age(max(one.taken_at for one in own.values()), now_s) if own else "never read"
        raise DeviceTimeout(role, f"its last reading failed ({when}); ask again after the run, then doctor asks itself")
    words = f"{_age(min(one.taken_at for one in own.values()), now_s)}: {read_out(values)}"
    return Answer(_who(role, devices), words, told=True)


def _other(role: str, devices: Devices) -> Answer:
    if role == "audio" and devices.sound.fault is not None:
        raise DriverError("audio", devices.sound.fault)
    known = role not in ("tester", "touch", "audio") or role in devices.identities
    if not known:
        raise DeviceTimeout(role, "it did not say who it is at the start; ask again after the run")
    return Answer(_who(role, devices), "not asked during a run", told=True)


def _who(role: str, devices: Devices) -> Identity:
    identities: Mapping[str, Identity] = devices.identities
    return identities.get(role, Identity())
