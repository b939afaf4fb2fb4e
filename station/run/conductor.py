"""Carries out what the session wants: starts and aborts runs, answers prompts, resets, tells the technician.

Between the session (pure, a table) and the rooms that do things. Everything that happens at the bench comes in
through `post`; nothing else changes the session. No rule about when something is allowed stands here.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable, Mapping
from typing import Any

from drivers.errors import DriverError
from drivers.ports import Button
from station.domain.clock import tick_after
from station.domain.errors import StationError
from station.domain.events import Event, Publish
from station.domain.guide import Guide
from station.domain.interlock import Trip
from station.domain.plan import Purpose
from station.domain.prompt import Prompt
from station.domain.record import Record
from station.domain.session_state import State
from station.domain.verdict import Verdict
from station.domain.work_order import EarlierRun, Ticket, WorkOrder
from station.panel.buttons import ButtonPressed
from station.panel.panel_task import PanelTask
from station.panel.patterns import IDENTIFY
from station.panel.prompts import Prompts
from station.run import session_events as ev
from station.run.instruments import NotCalibrated, none_on_file, refuse_uncalibrated
from station.run.lid_release import LidRelease
from station.run.linking import refer
from station.run.needs import with_proof
from station.run.refusal_words import in_both, in_chinese
from station.run.reports import Reports
from station.run.room import Room
from station.run.run_ports import Order, Recall, no_findings
from station.run.run_words import trip_cause
from station.run.runner import Runner
from station.run.session import Session
from station.run.session_texts import say
from station.run.single_step import only_step
from station.run.watchers import harmless
from station.safety.lamp_codes import BLINKS

__all__ = ("Conductor", "Room")

log = logging.getLogger(__name__)

GUARD_LOOK_S = 0.1
TICK_S = 1.0
ALARM_PAUSE_S = 60.0
IDENTIFY_S = 10.0
"""So long all lamps blink on `identify`, unless something happens before."""
TYPED = "the work order was typed at the bench, not assigned by the centre"
COMMANDS = (ev.Assigned, ev.Withdrawn, ev.PutInFront, ev.AbortAsked)
"""What somebody elsewhere asks: a refusal is the answer to them and no concern of the technician's."""
LASTING = ("run", "alarm", "report")
"""Tasks that are waited for when the station stops."""
BLIND_S = 10.0
"""So long may the load bank's thermometer say nothing while the session cools, before somebody is told."""


class Conductor:
    """One a station. `now_s` is monotonic; `publish` reaches every watcher and never waits."""

    def __init__(
        self, session: Session, room: Room, make_panel: Callable[[Conductor], PanelTask], publish: Publish,
        now_s: Callable[[], float],
    ) -> None:  # fmt: skip
        self._session = session
        self._room = room
        self._publish = harmless(publish)
        self._now_s = now_s
        self._runner: Runner | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._alarmed_s: dict[tuple[str, str], float] = {}
        self._prompts = Prompts(self._prompted)
        self._view: dict[str, Any] = {}
        self._voltage, self._ticks = False, now_s() // TICK_S
        self._blinks = dict(BLINKS)
        self._blind_since_s: float | None = None
        self._blind_told = False
        self._front: str | None = None
        self._looking_up = False
        self._identified: tuple[tuple[State, int], float] | None = None
        self._uses: Mapping[str, str] = {}
        self._lid = LidRelease(room.safety, self._spawn, lambda code, text: self._tell("tell", code, text), now_s)
        self._reports = Reports(room.report, lambda work, name: self._spawn(work, name), now_s)
        self.panel = make_panel(self)

    @property
    def view(self) -> Mapping[str, Any]:
        """The session as last told to watchers."""
        return self._session.view()

    @property
    def orders(self) -> Mapping[str, WorkOrder]:
        """The work orders that wait, by number."""
        return self._session.memory.orders.by_number

    @property
    def running(self) -> bool:
        """Whether a run is under way."""
        return self._runner is not None

    def post(self, event: ev.Event) -> tuple[ev.Action, ...]:
        """Take one event, do what follows from it, return the actions (refusals among them)."""
        events = (*self._told_before(event), event)
        actions = tuple(action for one in events for action in self._session.step(one, self._now_s()))
        for action in actions:
            if not (isinstance(event, COMMANDS) and isinstance(action, ev.Refuse)):  # its reply says it, no buzzer
                self._do(action)
        if isinstance(event, ev.Scanned) and not any(isinstance(action, ev.Refuse) for action in actions):
            self.panel.sound("scan")
        view = self._session.view()
        self._show(view)
        if view != self._view:
            self._view = view
            self._publish(Event("session", view))
        self._look_up(view["scans"]["work_order"])
        return actions

    def _told_before(self, event: ev.Event) -> tuple[ev.Event, ...]:
        """What the session must know beside an event that it judges by: the time, what forbids a start, the lid."""
        pressed = isinstance(event, ButtonPressed) and event.button is Button.START
        if isinstance(event, ButtonPressed) and event.button in (Button.OK, Button.NG):
            return (self._lid_told(),)
        told: tuple[ev.Event, ...] = ()
        if (pressed or isinstance(event, ev.Tick)) and self._room.wall is not None:
            told = (self._room.wall(self._now_s()),)
        return (*told, self._barred()) if pressed else told

    def _lid_told(self) -> ev.LidTold:
        """Whether the lid was let go and stands open. One that reads open while it is locked was never released: that
        is for those who ask for voltage to say, and no technician's to shut."""
        status = self._room.safety.status
        return ev.LidTold(status is not None and not status.lid and not status.lock)

    def _barred(self) -> ev.Barred:
        """What stands against a run now: asked when START is pressed, so that a refusal costs no scans."""
        reasons = tuple(self._room.safety.why_start_refused())
        if self._looking_up:
            reasons += (f"the earlier runs of work order {self._front} are still being looked up",)
        return ev.Barred(in_both("; ".join(reasons)) if reasons else {})

    def _show(self, view: Mapping[str, Any]) -> None:
        """Lamps and buzzer of the state; while the bench identifies itself only what is new goes before that."""
        shown = (self._session.state, self._blink(view))
        if self._identified is not None and self._identified[0] == shown and self._now_s() < self._identified[1]:
            return
        self._identified = None
        self.panel.show_state(*shown, asks=view["asks"]["kind"] if view["asks"] else "answer")

    # ---- what is known of the work order in front --------------------------------------------------------
    def _look_up(self, number: str | None) -> None:
        """Ask the store for the earlier runs of a work order that came in front."""
        if number == self._front:
            return
        self._front = number
        recall = self._room.recall if number is not None else None
        self._looking_up = recall is not None
        if recall is not None and number is not None:
            self._spawn(self._recall(recall, number), "recall")

    async def _recall(self, recall: Recall, number: str) -> None:
        runs: tuple[EarlierRun, ...] = ()
        try:
            runs = await recall(number)
        except StationError as error:
            log.error("earlier runs of work order %s: %s", number, error)
        finally:
            if number == self._front:
                self._looking_up = False
        self.post(ev.EarlierRuns(number, runs))

    def _blink(self, view: Mapping[str, Any]) -> int:
        """What the violet lamp blinks: the number of the first cause, while the session shows it."""
        if self._session.state is not State.TRIPPED or not view["trip"]:
            return 0
        return self._blinks.get(view["trip"]["code"], 0)

    async def watch_guard(self) -> None:
        """Look for ever."""
        while True:
            self.look()
            await asyncio.sleep(tick_after(self._now_s(), GUARD_LOOK_S) - self._now_s())

    def look(self) -> None:
        """One look: tell the session what the guard says, when nothing is hot any more, and that time passes."""
        status = self._room.safety.status
        on = status is not None and (status.k or status.h or status.fb)
        if on != self._voltage:
            self._voltage = on
            self.post(ev.VoltageChanged(on))
        if self._session.state is State.COOLING and not self._room.safety.hot:
            self.post(ev.Cooled())
        self._lid.look(self._voltage)
        self._tell_if_blind()
        ticks = self._now_s() // TICK_S
        if ticks != self._ticks:
            self._ticks = ticks
            self.post(ev.Tick())

    @property
    def due_s(self) -> float:
        """When a look would tell something although nothing had changed, in monotonic seconds."""
        since_s = self._blind_since_s
        return min(self._lid.due_s, math.inf if since_s is None or self._blind_told else since_s + BLIND_S)

    def _tell_if_blind(self) -> None:
        """A session or a lid that waits for a dead thermometer waits for ever: say so once, and what to do."""
        waits = self._session.state is State.COOLING or (self._lid.wanted and not self._voltage)
        why = self._room.safety.why_not_cool if waits else ""
        if not why:
            self._blind_since_s, self._blind_told = None, False
            return
        now_s = self._now_s()
        self._blind_since_s = now_s if self._blind_since_s is None else self._blind_since_s
        if not self._blind_told and now_s - self._blind_since_s >= BLIND_S:
            self._blind_told = True
            log.error("cooling without a thermometer: %s", why)
            text = say("cooling_blind", why=why)
            self._tell("tell", "cooling_blind", {**text, "zh": say("cooling_blind", why=in_chinese(why))["zh"]})

    async def stop(self) -> None:
        """End the run in hand as ABORTED and wait until it is on record: the station is being stopped."""
        if self._runner is not None:
            self._runner.abort("the station was stopped")
            self._room.safety.stop("SHUTDOWN")  # K and H off now, not after the step's own clean-up
        for task in self._tasks:
            if task.get_name() not in LASTING:  # the lid stays locked without us, and a trip stays latched
                task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def tripped(self, trip: Trip) -> None:
        """The kernel latched a trip: told to session, watchers and log."""
        self._blinks[trip.code or trip.interlock] = trip.blink
        self._spawn(self._raise_alarm(trip, (self._session.view()["run"] or {}).get("run_id")), "alarm")
        self.post(ev.Tripped(trip.code or trip.interlock, dict(self._room.words(trip))))

    async def _raise_alarm(self, trip: Trip, run_id: str | None) -> None:
        """A trip is told to the centre at once; what repeats within a minute is told once."""
        key, now_s = (trip.interlock, trip.cause), self._now_s()
        if now_s - self._alarmed_s.get(key, -ALARM_PAUSE_S) < ALARM_PAUSE_S:
            return
        self._alarmed_s[key] = now_s
        log.warning("%s", trip_cause(trip))
        try:
            await self._room.alarm(trip, run_id)
        except StationError as error:
            log.error("trip %s could not be told to the centre: %s", trip.code, error)

    # ---- actions ---------------------------------------------------------------------------------------
    def _do(self, action: ev.Action) -> None:
        match action:
            case ev.StartRun(ticket, purpose):
                self._lid.want(False)
                self._spawn(self._run(ticket, purpose), "run")
            case ev.AbortRun(reason, by):
                if by == "panel":
                    self._room.safety.stop()
                if self._runner is not None:
                    self._runner.abort(f"{reason} ({by})", Verdict.ERROR if by == "station" else Verdict.ABORTED)
            case ev.AnswerPrompt(answer):
                self._prompts.answer(answer)
            case ev.HandOver(operator):
                if self._runner is not None:
                    self._runner.hand_over(operator)
                run = self._session.view()["run"]
                self._reports.tell("handover", run["work_order"], run["run_id"])
            case ev.Accepted(number):
                self._reports.tell("accepted", number)
            case ev.ShowIdentity():
                shown = self._session.state, self._blink(self._session.view())
                self._identified = shown, self._now_s() + IDENTIFY_S
                self.panel.show(IDENTIFY)
            case ev.ResetTrip():
                if not any(task.get_name() == "reset" for task in self._tasks):  # one press clears what was there then
                    self._spawn(self._reset(), "reset")
            case ev.ReleaseLid():
                self._lid.want(True)
                self._lid.look(self._voltage)
            case ev.Refuse(code, text) | ev.Tell(code, text):
                self._tell(type(action).__name__.lower(), code, text)
                if isinstance(action, ev.Refuse):
                    self._reports.refused(action)

    def _tell(self, kind: str, code: str, text: Mapping[str, str]) -> None:
        if kind == "refuse":
            self.panel.sound("refused")
        self._publish(Event("tell", {"kind": kind, "code": code, "text": dict(text)}))

    def _spawn(self, work: Any, name: str) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("task %s broke", task.get_name(), exc_info=error)
            if task.get_name() == "run":
                self._runner = None
                self._tell("tell", "run_broke", in_both(f"the run broke: {error}"))
                self.post(ev.RunEnded(Verdict.ERROR, hot=self._room.safety.hot))

    # ---- a run -----------------------------------------------------------------------------------------
    async def _run(self, ticket: Ticket, purpose: Purpose) -> None:
        room = self._room
        plan, product = room.resolve(ticket.plan, ticket.product)
        if ticket.step is not None:
            plan = only_step(plan, ticket.step)
        self._uses = {step.id: step.use for step in plan.steps}
        self._runner = Runner(
            room.bench, room.safety, room.journal, room.messages, room.steps, room.clock, room.stamps, self._follow,
            self._prompts.ask, room.calibrations.against, room.calibrations.news,
        )  # fmt: skip
        diagnose = room.diagnose if plan.purpose == "incoming" else no_findings
        verdict, run_id = Verdict.ERROR, ""
        try:
            await room.prepare()
            room.calibrations.begin()
            refuse_uncalibrated(room.calibrations, plan, purpose)
            draft = room.draft(ticket, purpose, plan, product)  # who takes part has been asked by now
            run_id = draft.run_id
            earlier = await room.earlier(draft)
            notes = (*(() if ticket.work_order.assigned else (TYPED,)), *none_on_file(room.calibrations, plan))
            draft = with_proof(refer(draft, earlier), ticket.proof)
            order = Order(plan, product, draft, diagnose, earlier, ticket.proof, notes)
            record: Record = await self._runner.run(order, lambda run_no: self._began(run_id))
            verdict = record.verdict
        except (DriverError, StationError) as error:
            log.error("run %s: %s", run_id or "not begun", error)
            if run_id:
                room.broken[run_id] = str(error)
            words = error.words if isinstance(error, NotCalibrated) else in_both(str(error))
            self._tell("tell", "no_run", words)
        finally:
            self._runner = None
        self.post(ev.RunEnded(verdict, hot=room.safety.hot))

    def _began(self, run_id: str) -> None:
        self.post(ev.RunBegan(run_id))

    def _prompted(self, prompt: Prompt | None) -> None:
        self._lid.want(prompt is not None and prompt.hands)
        self.post(ev.PromptClosed() if prompt is None else ev.PromptAsked(prompt))

    def _follow(self, event: Event) -> None:
        """What a run tells: the panel leads the technician's hand, everybody else may watch."""
        if event.kind == "guide":
            told = event.data["guide"]
            self.panel.guide(None if told is None else Guide(**told))
        elif event.kind == "step_started":
            self.post(ev.StepBegan(self._uses.get(event.data["step"])))
        elif event.kind == "step_ended":
            self.panel.guide(None)
        self._publish(event)

    async def _reset(self) -> None:
        try:
            refused = await self._room.safety.reset()
        except (DriverError, StationError) as error:
            refused = (str(error),)
        if refused:
            self._tell("refuse", "reset_refused", in_both("; ".join(refused)))
            return
        self._reports.tell("reset")
        self.post(ev.TripCleared(self._room.safety.hot))
