"""A message on its way to the outbox: where it goes and who writes its bytes. The store fills in the number."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Suffix = Literal["result", "event", "alarm", "reply"]
"""What needs a receipt: the last part of `bench/v1/{station}/up/…` (contracts/mqtt.md)."""


@dataclass(frozen=True, slots=True)
class Slot:
    """The place in the outbox that a message got: its `msg_id` and the number in it."""

    msg_id: str
    seq: int


@dataclass(frozen=True, slots=True)
class Draft:
    """A message that waits for its slot. `encode` is called once, inside the commit; its bytes never change after.

    `encode` raises `MessageError` where the contract does not allow the message.
    """

    suffix: Suffix
    encode: Callable[[Slot], bytes]
    run_id: str | None = None
