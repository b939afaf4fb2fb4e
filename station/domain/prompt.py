"""What a run asks of the person at the bench, and what comes back: OK, NG or a badge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

PROMPT_S = 300.0
"""How long a prompt waits (wall time: a person is slow at any speed of the simulation)."""

Answer = bool | str
"""True: OK. False: NG. A text: the badge that was scanned at a prompt of the kind `badge`."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """One question. At a `badge` prompt only a badge or NG answers, and none of `not_by` may sign.

    `about` is for machines (page, simulated technician): what the question is about, such as {"probe": "rail_plus"}.
    `hands`: the device must be got at for the answer, so the lid is released once the bench is dead and cool.
    """

    text: Mapping[str, str]
    kind: Literal["answer", "badge"] = "answer"
    about: Mapping[str, str] = field(default_factory=dict)
    not_by: tuple[str, ...] = ()
    timeout_s: float = PROMPT_S
    hands: bool = False
