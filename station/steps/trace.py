"""The long trace for intermittent faults: a soak at a level of its own that keeps the sound around what happens.

Delivers what the soak delivers. No dropout stops it; a trip, an abort or a lasting silence does, and after the
beginning of such a silence as much is still heard as the capture around it is to hold. The sound process keeps the
files; here the record learns their names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from station.domain.measurement import CHANNELS
from station.domain.record import Capture
from station.domain.sound import Kept, Stimulus, TraceEvent, TraceStream, Watch
from station.safety.settled import settle
from station.steps import soak
from station.steps.levels import rated_output_v
from station.steps.params import require
from station.steps.step import StepContext

WARMS_DB = 6.0
"""Down to here the level must warm the heatsink as a soak does."""
TOLD_MAX = 8
"""Events that a note names; the capture holds the others too."""
UNITS = {"level": "dB", "thd": "percentage points", "dc": "mV"}


@dataclass(frozen=True, slots=True)
class Params(soak.Params):
    """The soak's, the level below rated power, what counts as an event, and how much is kept around it.

    A dropout is what the soak counts as one. `level_step_db` and `thd_step_percent` (of the fundamental) are steps
    against two seconds before, `dc_step_mv` one between two readings of the DC meter.
    """

    below_rated_db: float = 0.0
    before_s: float = 30.0
    after_s: float = 30.0
    level_step_db: float = 0.5
    thd_step_percent: float = 0.1
    dc_step_mv: float = 20.0
    captures_max: int = 12

    def __post_init__(self) -> None:
        soak.Params.__post_init__(self)
        require("below_rated_db", self.below_rated_db, 0.0, 40.0)
        require("before_s", self.before_s, 1.0, 60.0)
        require("after_s", self.after_s, 1.0, 60.0)
        require("level_step_db", self.level_step_db, 0.1, 20.0)
        require("thd_step_percent", self.thd_step_percent, 0.01, 50.0)
        require("dc_step_mv", self.dc_step_mv, 1.0, 1000.0)
        require("captures_max", self.captures_max, 1, 100)

    @property
    def watch(self) -> Watch:
        """What the sound process is told."""
        return Watch(
            before_s=self.before_s, after_s=self.after_s, lasting_s=self.lasting_silence_s,
            level_step_db=self.level_step_db, thd_step_percent=self.thd_step_percent, captures_max=self.captures_max,
        )  # fmt: skip


async def measure(context: StepContext, params: Params) -> None:
    """Records the measurements of the soak, and names what was kept."""
    output_v = rated_output_v(context) / 10 ** (params.below_rated_db / 20.0)
    await soak.monitor(context, params, output_v, _Traced(params))


class _Traced(soak.Listener):
    """A listener that marks DC steps and hands over what was kept."""

    stream: TraceStream

    def __init__(self, params: Params) -> None:
        self._params = params
        self._offset_v: dict[str, float] = {}
        self.warms = params.below_rated_db <= WARMS_DB

    async def start(self, context: StepContext, stimulus: Stimulus) -> None:
        self.stream = await context.bench.sound.start_trace(stimulus, self._params.watch)

    async def look(self, began_s: float, readings: Mapping[str, float]) -> None:
        for channel in CHANNELS:
            offset_v = readings[f"{channel}_plus_v"] - readings[f"{channel}_minus_v"]
            step_mv = 1000.0 * (offset_v - self._offset_v.get(channel, offset_v))
            self._offset_v[channel] = offset_v
            if abs(step_mv) >= self._params.dc_step_mv:
                await self.stream.mark(TraceEvent("dc", began_s, channel, step_mv))

    def wanted_s(self, silent_from_s: float) -> float:
        return silent_from_s + self._params.after_s

    async def close(self, context: StepContext) -> None:
        await settle(self._close(context))  # a trip ends the stream first and cancels the step then

    async def _close(self, context: StepContext) -> None:
        await self.stream.close()
        kept = await self.stream.kept()
        for capture in kept.captures:
            context.keep(capture)
        for note in _notes(kept):
            context.note(note)


def _notes(kept: Kept) -> list[str]:
    """What happened in each capture, events that are in none, and what is missing."""
    rest = list(kept.events)
    notes: list[str] = []
    for capture in kept.captures:
        inside = [event for event in rest if _holds(capture, event)]
        rest = [event for event in rest if event not in inside]
        notes.append(f"{capture.file}: {_told(inside)}")
    if rest:
        notes.append(f"no sound was kept of {_told(rest)}")
    return [*notes, *kept.missing]


def _holds(capture: Capture, event: TraceEvent) -> bool:
    return capture.at_s - capture.before_s - 0.001 <= event.at_s <= capture.at_s + capture.after_s + 0.001


def _told(events: list[TraceEvent]) -> str:
    """Events in words, both channels of one in one."""
    by_time: dict[tuple[str, float], list[TraceEvent]] = {}
    for event in events:
        by_time.setdefault((event.kind, round(event.at_s, 2)), []).append(event)
    words = [_word(same) for same in by_time.values()]
    more = len(words) - TOLD_MAX
    return "; ".join(words[:TOLD_MAX]) + (f"; {more} more" if more > 0 else "")


def _word(same: list[TraceEvent]) -> str:
    first = same[0]
    channels = " and ".join(dict.fromkeys(event.channel for event in same if event.channel))
    sizes = [event.size for event in same if event.size is not None]
    size = f" by {max(sizes, key=abs):+.2f} {UNITS[first.kind]}" if sizes else ""
    step = " step" if sizes else ""
    return f"{first.kind}{step}{f' {channels}' if channels else ''}{size} at {first.at_s:.3f} s"
