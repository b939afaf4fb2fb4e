"""Collectors that are broken on purpose: a referee who cannot find them is worth nothing.

`python -m tests.torture.sabotaged_collector NAME …` is `python -m station.collector …` with that fault, on SQLite.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from station.collector import __main__ as collector_program
from station.collector.centre import CentreAlarm, Incoming, Stored
from station.collector.sqlite import SqliteCentre
from station.contract.envelope import sha256_of


def sabotage_collector(name: str) -> None:
    """`early`: receipts before the commit. `twice`: stores some again, under another id. `altered`: changes a byte."""
    honest = SqliteCentre.take
    held: list[tuple[list[Incoming], list[CentreAlarm], str]] = []

    def early(centre: SqliteCentre, messages: Sequence[Incoming], alarms: Any, now: str) -> list[Stored]:
        while held:
            honest(centre, *held.pop())
        held.append((list(messages), list(alarms), now))
        return [Stored("stored") for _ in messages]

    def twice(centre: SqliteCentre, messages: Sequence[Incoming], alarms: Any, now: str) -> list[Stored]:
        answers = honest(centre, messages, alarms, now)
        again = [
            replace(message, envelope=message.envelope.model_copy(update={"msg_id": message.envelope.msg_id + "0000"}))
            for message, answer in zip(messages, answers, strict=True)
            if answer.status == "duplicate" or _chosen(message.payload)
        ]
        honest(centre, again, [], now)
        return answers

    def altered(centre: SqliteCentre, messages: Sequence[Incoming], alarms: Any, now: str) -> list[Stored]:
        spoilt = [replace(message, payload=_spoil(message.payload)) for message in messages]
        return honest(centre, spoilt, alarms, now)

    SqliteCentre.take = {"early": early, "twice": twice, "altered": altered}[name]  # type: ignore[method-assign]


def _spoil(payload: bytes) -> bytes:
    """Some are not what they were."""
    return payload.replace(b'"PASS"', b'"FAIL"', 1) if _chosen(payload) else payload


def _chosen(payload: bytes) -> bool:
    """About every sixteenth, the same ones each time."""
    return sha256_of(payload).startswith("0")


if __name__ == "__main__":
    sabotage_collector(sys.argv.pop(1))
    sys.exit(collector_program.main())
