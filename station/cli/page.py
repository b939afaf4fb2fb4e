"""`page`: the bench page in a process of its own; wires it to the socket's end, the lamps' table and the store."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import sys
import zoneinfo
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from pathlib import Path

from drivers.catalog import CATALOG
from station.contract.records import RecordCodec
from station.control.watcher import ControlWatcher
from station.domain.errors import SettingsError
from station.domain.interlock import SENSOR_BLINK, Interlock
from station.domain.session_state import STATE_TITLES, State
from station.page.advice import Advice, LampRow, TripAdvice
from station.page.earlier import Earlier, Make
from station.page.serve import PageChoice, serve
from station.panel.patterns import BUZZERS, Pattern, every_pattern, rhythm_of
from station.run.lamp_advice import BESIDE, CODES, INTERLOCKS, OTHER_INTERLOCK, SENSOR, STATES, WHO
from station.run.lamp_page import beeps_in_words, pattern_in_words
from station.safety.lamp_codes import BLINKS
from station.safety.lamp_codes import SENSOR as SENSOR_MARK
from station.settings.loading import load
from station.settings.tree import PageSettings
from station.steps.catalog import STEPS

ANSWER_S = 3.0
"""A daemon that says nothing for so long is shown as silent."""
INSTALLED = Path("/etc/bench")


@dataclass(frozen=True, slots=True)
class Choice:
    """The options of the verb; None: as the configuration says."""

    config: Path | None
    socket: Path | None
    host: str | None
    port: int | None
    lang: str | None


def run_page(choice: Choice) -> int:
    """Serve until a signal; 0 then. Raises `SettingsError` for wrong use or a wrong configuration."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    config = choice.config
    if config is None and choice.socket is None:
        config = INSTALLED
    tree = None if config is None else load(config, STEPS, CATALOG)
    station = tree.station if tree is not None else None
    settings = station.page if station is not None else PageSettings()
    if choice.host is not None and not settings.lan and not _is_this_machine(choice.host):
        raise SettingsError(f"--host {choice.host}: the page is for this machine alone; set page.lan = true for others")
    zone = _zone(station.timezone if station is not None else None)
    socket = choice.socket or Path(station.control_socket if station is not None else "/run/bench/station.sock")
    page = PageChoice(
        station.name if station is not None else "", choice.lang or (station.language if station is not None else "zh"),
        zone, settings.lan, settings.port if choice.port is None else choice.port, choice.host,
    )  # fmt: skip
    earlier = None if station is None else _earlier(Path(station.store_path), zone)
    line = ControlWatcher(socket, ANSWER_S)
    asyncio.run(serve(page, line, make_advice(tree.interlocks if tree else ()), earlier, _say))
    return 0


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _say(url: str) -> None:
    print(url, flush=True)
    print("the bench page; Ctrl-C ends it", file=sys.stderr)


def _zone(name: str | None) -> tzinfo:
    """The bench's zone; this machine's own where no configuration names one."""
    if name is not None:
        return zoneinfo.ZoneInfo(name)
    from datetime import datetime

    return datetime.now().astimezone().tzinfo or UTC


def _earlier(store: Path, zone: tzinfo) -> Make:
    return lambda board, feed: Earlier(store, RecordCodec(), zone, board, feed)


def make_advice(interlocks: Sequence[Interlock]) -> Advice:
    """Lamps and advice of the panel and the run, and of this bench's own interlocks."""
    by_code = {row.code: row for row in interlocks}

    def trip(code: str) -> TripAdvice | None:
        if code in CODES:
            advice = CODES[code]
            return TripAdvice(advice.means, advice.do, WHO[advice.who], BLINKS.get(code, 0))
        row = by_code.get(code.removesuffix(SENSOR_MARK))
        if row is None:
            return None
        words = dict(row.text)
        means = (words.get("zh", row.name), words.get("en", row.name))
        if code.endswith(SENSOR_MARK):
            return TripAdvice(means, SENSOR.do, WHO[SENSOR.who], row.blink + SENSOR_BLINK)
        do, who = INTERLOCKS.get(row.code, OTHER_INTERLOCK[row.blames])
        return TripAdvice(means, do, WHO[who], row.blink)

    return Advice({state.value: pair for state, pair in STATES.items()}, _lamps(), trip)


def _lamps() -> dict[str, LampRow]:
    return {name: _lamp_row(name, pattern) for name, pattern in every_pattern().items()}


def _lamp_row(name: str, pattern: Pattern) -> LampRow:
    buzzer = BUZZERS[pattern.buzzer]
    beside = BESIDE.get(name)
    title, do = (beside.means, beside.do) if beside is not None else (_title(State(name)), STATES[State(name)])
    trip = name == State.TRIPPED.value
    return LampRow(
        tuple((lamp.value, "code" if trip else rhythm_of(its)) for lamp, its in pattern.lamps.items()),
        (pattern_in_words(pattern, "zh", number=trip), pattern_in_words(pattern, "en", number=trip)),
        (beeps_in_words(buzzer, "zh"), beeps_in_words(buzzer, "en")), title, do,
    )  # fmt: skip


def _title(state: State) -> tuple[str, str]:
    title = STATE_TITLES[state]
    return title["zh"], title["en"]
