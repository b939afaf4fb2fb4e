"""How long, how many, how hard: the settings of a torture, in the three sizes in use."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

Broker = Literal["mosquitto", "iotcore"]
Database = Literal["sqlite", "postgresql"]


@dataclass(frozen=True, slots=True)
class Settings:
    """`only` names the mishaps that may happen; None: all. Seconds are of the wall."""

    seed: int
    results: int = 10_000
    stations: int = 4
    collectors: int = 2
    broker: Broker = "mosquitto"
    database: Database = "postgresql"
    storm_s_min: float = 45.0
    storm_s_max: float = 60.0
    """The storm ends when all results are made and it has lasted for the least, at the latest at the most."""
    make_s: float = 120.0
    """So long after the storm a slow machine may take to make what is left of the results; 0: they stay unmade."""
    drain_s: float = 120.0
    """All is healed and nothing is made any more; so long it may take until every outbox is empty."""
    mishap_every_s: float = 0.4
    stop_s_max: float = 3.0
    """The longest SIGSTOP."""
    silence_s_max: float = 3.0
    """The longest that a wire swallows bytes before both ends see a reset."""
    receipt_timeout_s: float = 2.0
    backoff_cap_s: float = 1.0
    rogue: bool = True
    only: tuple[str, ...] | None = None
    sabotage_station: str | None = None
    sabotage_collector: str | None = None


def in_ci(seed: int) -> Settings:
    """10,000 results through mosquitto into PostgreSQL."""
    return Settings(seed)


def beside(seed: int) -> Settings:
    """The other broker and the other database, in small."""
    return Settings(
        seed, results=1000, stations=2, collectors=2, broker="iotcore", database="sqlite", storm_s_min=8.0,
        storm_s_max=15.0, mishap_every_s=0.25, stop_s_max=1.0, silence_s_max=1.0,
    )  # fmt: skip


def for_long(seed: int, minutes: float) -> Settings:
    """By hand: silences longer than the keepalive (15 s), and the contract's own patience."""
    return replace(
        Settings(seed), collectors=3, results=int(3000 * minutes), storm_s_min=60.0 * minutes,
        storm_s_max=60.0 * minutes, make_s=0.0, drain_s=240.0,
        mishap_every_s=0.7, stop_s_max=25.0, silence_s_max=25.0, receipt_timeout_s=10.0,
        backoff_cap_s=5.0,
    )  # fmt: skip
