"""The world of one session: plant, board, troubles, and the agenda of everything that is going to happen.

Time moves here and nowhere else. `advance` takes the one next thing: something on the agenda, the core's own next
moment, the end of the drive permit's page, or the tick of the scan. The station lives in an event loop beside it,
which asks for time when it has nothing to do (`virtual`).
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from drivers.ports import Button
from station.campaign.board import Board
from station.campaign.history import DEVICES, RELAYS, START_US, UNTROUBLED, History
from station.campaign.plant import Plant
from station.campaign.ports import Trouble
from station.campaign.virtual import US, VirtualLoop
from station.domain.record import Record

TICK_US = 50_000
Agenda = Callable[[int], None]
FOREVER_US = 1 << 62


class World:
    """`trace` collects (us, text) from the session's begin; `on_tick` is the station's, while it lives."""

    def __init__(self, core: Any, history: History) -> None:
        self.history = history
        self.now_us = START_US
        self.trace: list[tuple[int, str]] = []
        self._agenda: list[tuple[int, int, Agenda]] = []
        self._numbered = 0
        self.next_tick_us = START_US + TICK_US
        self.on_tick: Callable[[int], None] = lambda now_us: None
        self.on_guard_words: Callable[[int], None] = lambda now_us: None
        self.watch: Callable[[], None] = lambda: None
        """Looks at every invariant; called at every tick and after everything on the agenda."""
        self.troubles = {role: Trouble() for role in (*DEVICES, *UNTROUBLED, "audio", "guard")}
        self.plant = Plant(replace(history.dut), dict.fromkeys(RELAYS, False))
        self.stuck_relays: set[str] = set()
        self.board = Board(core, self.plant, history.wrap_ms, self.later, self.note)
        self.board.step(START_US)  # it has had power for as long as the building
        self.buttons: frozenset[Button] = frozenset()
        self.guard_lost = self.guard_deaf = False
        self.guard_delay_us = 0
        self.frames: list[str] = []
        """What was sent to the guard, for replays; of heartbeats the first after each command."""
        self.drive_until_us = -1
        self.disk_delay_us = 0
        self.disk_full = self.broker_out = self.receipts_lost = False
        self.utc_offset_s = 0
        self.in_turn = False
        self.heartbeats = self.turns = self.stray_heartbeats = 0
        self.service_latch: str | None = None
        self.state = self.asks = ""
        """The session's, as watchers are told."""
        self.minted: list[str] = []
        self.records: dict[str, list[Record]] = {}
        self.cut_off: set[str] = set()
        """Runs that were found unfinished and closed."""
        self.may_be_cut_off: set[str] = set()
        """Runs that a death or a disk cut off, as the world knows."""
        self.bound_us = FOREVER_US
        """Energised time that the present run's plan allows."""
        self.test_v = 0.0
        """What the tester was set to."""
        self.note_board_words()

    # ---- time --------------------------------------------------------------------------------------------------

    def later(self, at_us: int, what: Agenda) -> None:
        """Put something on the agenda; what falls on one moment happens in the order in which it was put there."""
        self._numbered += 1
        heapq.heappush(self._agenda, (max(at_us, self.now_us), self._numbered, what))

    def next_own_us(self) -> int:
        """The next moment at which something happens by itself, the tick left out."""
        next_us = self._agenda[0][0] if self._agenda else FOREVER_US
        if self.board.powered:
            next_us = min(next_us, self.board.due_us)
        if self.plant.playing_v:
            next_us = min(next_us, self.drive_until_us)
        return next_us

    def next_agenda_us(self) -> int:
        """The next moment on the agenda."""
        return self._agenda[0][0] if self._agenda else FOREVER_US

    def advance(self, loop: VirtualLoop | None, limit_us: int | None) -> None:
        """Let the next thing happen, at most up to `limit_us`."""
        next_us = min(self.next_own_us(), self.next_tick_us)
        if limit_us is not None and limit_us < next_us:
            self._set_now(loop, limit_us)
            return
        self._set_now(loop, next_us)
        if self._agenda and self._agenda[0][0] <= next_us:
            heapq.heappop(self._agenda)[2](next_us)
        elif self.plant.playing_v and self.drive_until_us <= next_us:
            self.play(0.0)
        elif self.board.powered and self.board.due_us <= next_us:
            self.board.step(next_us)
            self.note_board_words()
        else:
            self.next_tick_us += TICK_US
            self.board.step(next_us)
            self.note_board_words()
            self.on_tick(next_us)
        self.watch()

    def pass_without_station(self, until_us: int) -> None:
        """Time in which no station runs: it was killed, or its whole machine stands still."""
        while self.now_us < until_us:
            self.advance(None, until_us)

    def _set_now(self, loop: VirtualLoop | None, now_us: int) -> None:
        self.now_us = now_us
        if loop is not None:
            loop.now_us = now_us

    # ---- what the station does ---------------------------------------------------------------------------------

    def note(self, text: str) -> None:
        """Into the trace."""
        self.trace.append((self.now_us - START_US, text))

    def note_board_words(self) -> None:
        """Status lines that the guard sent by itself reach the station, if the line stands."""
        lines = self.board.lines
        if lines:
            lines.clear()
            if not self.guard_lost:
                self.on_guard_words(self.now_us)

    def session_changed(self, state: str, asks: str = "") -> None:
        """The session says where it is, and the kind of the prompt that stands."""
        self.asks = asks
        if state != self.state:
            self.state = state
            self.note(f"session {state}")

    def recorded(self, record: Record) -> None:
        """A record is committed."""
        self.records.setdefault(record.run_id, []).append(record)
        why = record.causes[0].text if record.causes else ""
        self.note(f"record {record.verdict}: {why}" if why else f"record {record.verdict}")

    def heartbeat_asked(self) -> None:
        """The station sends a heartbeat now."""
        self.heartbeats += 1
        if not self.in_turn:
            self.stray_heartbeats += 1

    def to_guard(self, body: str) -> list[str]:
        """One frame onto the line; the guard's lines in answer, none where nothing arrives."""
        beat = body.endswith(" HB")
        if not (beat and self.frames and self.frames[-1].endswith(" HB")):
            self.frames.append(body)
        if len(self.frames) > 2_000:
            del self.frames[:1_000]
        if self.guard_lost or self.guard_deaf:
            return []
        answer = list(self.board.frame(body, self.now_us))
        self.note_board_words()
        if not beat:
            self.watch()
        return answer

    def send_late(self, body: str) -> None:
        """One frame that was held up on its way; nobody waits for the answer."""
        self.to_guard(body)

    def put_relay(self, role: str, closed: bool) -> None:
        """A relay of the board moves, if it can."""
        relays = self.plant.relays
        if role not in self.stuck_relays and relays[role] is not closed:
            relays[role] = closed
            self.note(f"relay {role} {'closed' if closed else 'open'}")
            self.plant.settle(self.now_us)
            self.watch()

    def put_testing(self, on: bool) -> None:
        """The tester drives its voltage, or not; without H it cannot."""
        on = on and self.board.h and self.board.chain
        if on is not self.plant.testing:
            self.plant.testing = on
            self.note(f"test voltage {'on' if on else 'off'}")
            self.plant.settle(self.now_us)
            self.watch()

    @property
    def may_play(self) -> bool:
        """The permit's page says yes."""
        return self.now_us < self.drive_until_us

    def drive_page(self, until_s: float | None) -> None:
        """The kernel's word on drive, on the page that the sound process looks at before every block."""
        self.drive_until_us = -1 if until_s is None else round(until_s * US)
        if until_s is None and self.plant.playing_v:
            self.play(0.0)

    def play(self, level_v: float) -> None:
        """What is on the DUT's input now, V rms."""
        if level_v != self.plant.playing_v:
            self.plant.playing_v = level_v
            self.note(f"playing {level_v:.3f} V")
            self.plant.settle(self.now_us)
            self.watch()
