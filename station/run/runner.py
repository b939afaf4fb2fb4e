"""From plan to record: one step after the other, each judged and committed before the next begins.

The way is one-way. What comes sideways is a trip, an abort, or a death of the task, and each leaves the bench
dead and the record whole. The runner is the only place that catches what a step raises.

  begin_run commits the run before power  ->  steps, one commit each  ->  bench made safe  ->  finish_run
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from drivers.errors import DriverError, PermitDenied
from station.domain.clock import TestClock
from station.domain.errors import StationError, StepDeclined, StepError
from station.domain.events import Event, Publish
from station.domain.journal import PlannedStep, RunDraft, planned_steps, step_not_made
from station.domain.measurement import Channel
from station.domain.plan import Needs, OnFail, PlanStep
from station.domain.record import Cause, Handover, Record, StepRecord, TripRecord
from station.domain.verdict import Verdict, worst
from station.run.context import Ask, Context
from station.run.judging import FINE, Against, judge_run, judge_step
from station.run.linking import conclude
from station.run.needs import with_proof
from station.run.run_ports import Journal, Messages, Order, Stamps, Watch
from station.run.run_words import begun_data, ended_data, error_words, trip_cause, trip_record
from station.run.watchers import harmless
from station.safety.bench import Bench
from station.safety.causes import verdict_of
from station.steps.step import StepSpec

log = logging.getLogger(__name__)

END_S = 5.0
"""How long a step may clean up after itself before the bench is made safe over its head."""


class RunAborted(Exception):
    """A person or the centre wants the run to end; `verdict` ABORTED, or ERROR where the station itself must stop."""

    def __init__(self, reason: str, verdict: Verdict = Verdict.ABORTED) -> None:
        super().__init__(reason)
        self.verdict = verdict


class Runner:
    """Runs one order. Make a new one for every run."""

    def __init__(
        self,
        bench: Bench,
        watch: Watch,
        journal: Journal,
        messages: Messages,
        steps: Mapping[str, StepSpec],
        clock: TestClock,
        stamps: Stamps,
        publish: Publish,
        ask: Ask,
        against: Against = lambda measurement, use: None,
        swapped: Callable[[], tuple[str, ...]] = tuple,
    ) -> None:
        """`against`: what stands against the instruments of a measurement when it is judged. `swapped`: which of them
        were swapped since it was last asked, for the notes of a step."""
        self._bench = bench
        self._watch = watch
        self._journal = journal
        self._messages = messages
        self._steps = steps
        self._clock = clock
        self._stamps = stamps
        self._publish = harmless(publish)
        self._ask = ask
        self._against = against
        self._swapped = swapped
        self._abort: asyncio.Future[RunAborted] = asyncio.get_running_loop().create_future()
        self._began_s = 0.0
        self._forbidden: set[Needs] = set()
        self._earlier: dict[tuple[str, Channel | None], float] = {}
        self._done: list[StepRecord] = []
        self._failed = False
        self._causes: list[Cause] = []
        self._trips: list[TripRecord] = []
        self._ended: Verdict | None = None
        self._handovers: list[Handover] = []
        self._second_operator: str | None = None

    def abort(self, reason: str, verdict: Verdict = Verdict.ABORTED) -> None:
        """Ask the run to end now, or not to begin; the first wish counts."""
        if not self._abort.done():
            self._abort.set_result(RunAborted(reason, verdict))

    def hand_over(self, operator: str) -> None:
        """Another badge takes over; both are on record."""
        self._handovers.append(Handover(operator, self._stamps.now()))

    async def run(self, order: Order, begun: Callable[[int], None] = lambda run_no: None) -> Record:
        """Make the run and return its record as committed. Raises `StoreError` if it could not be committed."""
        self._began_s = self._clock.now_s()
        draft = replace(order.draft, planned=planned_steps(order.plan))
        run_no = await self._journal.begin_run(draft, self._messages.started(draft))
        self._bench.mains.limit(order.plan.max_mains_s, order.product.family)
        self._bench.sound.keep_under(draft.run_id)
        begun(run_no)
        self._publish(Event("run_started", begun_data(draft, run_no)))
        trip = asyncio.ensure_future(self._watch.wait_tripped())
        try:
            for index, step in enumerate(order.plan.steps):
                made = await self._one(order, step, draft.planned[index], trip)
                if index == 0 and order.notes:
                    made = replace(made, notes=(*order.notes, *made.notes))
                if swapped := self._swapped():
                    made = replace(made, notes=(*made.notes, *swapped))
                self._done.append(made)
                await self._journal.add_step(draft.run_id, index, made)
                self._publish(Event("step_ended", {"step": step.id, "verdict": made.verdict}))
        finally:
            trip.cancel()
            await self._make_safe()
        record = self._conclude(order, draft, run_no)
        await self._journal.finish_run(record, self._messages.ended(record))
        self._publish(Event("run_ended", ended_data(record)))
        return record

    # ---- one step --------------------------------------------------------------------------------------
    async def _one(self, order: Order, step: PlanStep, planned: PlannedStep, trip: asyncio.Future[None]) -> StepRecord:
        spec = self._steps[step.use]
        was_on = self._ended is None
        self._notice_trips(None)
        allowed = self._allowed(step, spec)
        if was_on and self._ended is not None:  # ended between two steps: the bench goes dead before anything else
            await self._make_safe()
        if not step.applicable:
            return step_not_made(planned)
        if not allowed:  # it proved nothing, so what its failure forbids is forbidden
            made = step_not_made(planned)
            if self._ended is None:
                await self._react(step, made.verdict)
            return made
        self._publish(Event("step_started", {"step": step.id, "title": dict(step.title)}))
        context = Context(
            step, self._bench, order.product, self._clock, order.plan.max_mains_s, self._earlier, self._publish,
            self._ask, lambda: self._operators(order.draft.operator), order.draft.repair_engineer,
        )  # fmt: skip
        started_at, began_s = self._stamps.now(), self._clock.now_s()
        ended, why = await self._guarded(spec, step, context, trip)
        judged = judge_step(
            step, context.harvest, ended=ended, why=why, started_at=started_at,
            failed_before=self._failed,
            duration_s=round(self._clock.now_s() - began_s, 6), against=self._against,
        )  # fmt: skip
        self._causes.extend(judged.causes)
        self._remember(context)
        self._second_operator = context.harvest.second_operator or self._second_operator
        self._failed = self._failed or judged.record.verdict is Verdict.FAIL
        if ended is not None:
            self._ended = ended if self._ended is None else worst([self._ended, ended])
        await self._react(step, judged.record.verdict)
        return judged.record

    def _allowed(self, step: PlanStep, spec: StepSpec) -> bool:
        """Whether the step may still be made; what is not made is on record as SKIPPED."""
        if self._ended is not None or self._abort_asked():
            return False
        if step.only_after_pass and any(s.verdict not in FINE for s in self._done):
            return False
        needed = {Needs.DRIVE: {Needs.DRIVE, Needs.MAINS}, Needs.MAINS: {Needs.MAINS}, Needs.NOTHING: set()}
        return not (needed[spec.needs] & self._forbidden)

    async def _guarded(
        self, spec: StepSpec, step: PlanStep, context: Context, trip: asyncio.Future[None]
    ) -> tuple[Verdict | None, Cause | None]:
        """Run the step until it ends, trips or is aborted. Returns what ended it and why; (None, None): it ended."""
        work = asyncio.ensure_future(spec.measure(context, step.params))
        sideways: set[asyncio.Future[Any]] = {work, trip, self._abort}
        try:
            await asyncio.wait(sideways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            error = await self._end(work)
        tripped = self._notice_trips(step.id)
        if tripped is not None:
            return tripped
        if self._abort.done():
            wish = self._abort.result()
            return wish.verdict, Cause(step.id, None, None, str(wish))
        if error is None:
            return None, None
        ended = Verdict.ABORTED if isinstance(error, StepDeclined) else Verdict.ERROR
        return ended, Cause(step.id, None, None, error_words(error))

    async def _end(self, work: asyncio.Future[None]) -> BaseException | None:
        """Cancel what still runs, wait for its clean-up, return what it raised (None: it ended well or by our wish).

        A step that does not end keeps the run open, with the bench dead.
        """
        ours = not work.done()
        while not work.done():
            work.cancel()
            await asyncio.wait({work}, timeout=END_S)
            if not work.done():
                log.error("a step does not end %g s after it was told to; making the bench safe", END_S)
                await self._make_safe()
        if work.cancelled():
            return None if ours else StepError("the step was cancelled from within")
        return work.exception()

    def _notice_trips(self, step_id: str | None) -> tuple[Verdict, Cause] | None:
        """Put new trips on record; the first of them ends the step. Between steps it ends the run."""
        new = list(self._watch.trips)[len(self._trips) :]
        first: tuple[Verdict, Cause] | None = None
        for trip in new:
            self._trips.append(trip_record(trip, self._clock.now_s() - self._began_s))
            self._publish(Event("trip", {"interlock": trip.interlock, "cause": trip.cause, "code": trip.code}))
            verdict = verdict_of(trip)
            if first is None:
                first = verdict, Cause(step_id, trip.measurement, None, trip_cause(trip))
        if first is not None and step_id is None:
            self._ended = first[0] if self._ended is None else worst([self._ended, first[0]])
            self._causes.append(first[1])
        return first

    def _operators(self, first: str | None) -> tuple[str, ...]:
        """Every badge that has had this run in hand."""
        return (*([first] if first else []), *(one.operator for one in self._handovers))

    def _abort_asked(self) -> bool:
        """An abort between two steps or after the last ends the run as one inside a step does."""
        if not self._abort.done():
            return False
        if self._ended is None:
            wish = self._abort.result()
            self._ended = wish.verdict
            self._causes.append(Cause(None, None, None, str(wish)))
        return True

    def _remember(self, context: Context) -> None:
        for key, measurement in context.harvest.measured.items():
            if measurement.value is not None and math.isfinite(measurement.value) and measurement.bound is None:
                self._earlier[key] = measurement.value

    async def _react(self, step: PlanStep, verdict: Verdict) -> None:
        """What the failure of this step forbids from here on; mains goes off at once where the plan says so."""
        if self._ended is not None:
            await self._make_safe()
            return
        if verdict in FINE:
            return
        if step.on_fail in (OnFail.NO_MAINS, OnFail.MAINS_OFF):
            self._forbidden |= {Needs.MAINS, Needs.DRIVE}
            if step.on_fail is OnFail.MAINS_OFF:
                await self._make_safe()
        elif step.on_fail is OnFail.NO_DRIVE:
            self._forbidden.add(Needs.DRIVE)

    async def _make_safe(self) -> None:
        """Mains off first, then sound off and relays open. A device that fails here is logged; the guard has K."""
        for what, action in (("mains", self._bench.mains.off), ("drive", self._bench.drive.release)):
            try:
                await asyncio.shield(action())
            except (DriverError, PermitDenied, StationError) as error:
                log.error("making safe, %s: %s", what, error)
            except Exception:  # a bug in one of them must not keep the other from being tried
                log.exception("making safe, %s", what)

    # ---- the end ---------------------------------------------------------------------------------------
    def _asked_for(self, order: Order) -> list[StepRecord]:
        """The steps that this run was to make: without those only after a PASS, where it did not come to them."""
        made = zip(order.plan.steps, self._done, strict=True)
        return [record for step, record in made if record.attempt or not step.only_after_pass]

    def _conclude(self, order: Order, draft: RunDraft, run_no: int) -> Record:
        self._notice_trips(None)
        self._abort_asked()
        verdict, lacking = judge_run(self._done, self._ended, self._causes)
        self._causes.extend(lacking)
        record = Record(
            run_id=draft.run_id, run_no=run_no, purpose=draft.purpose, work_order=draft.work_order,
            operator=draft.operator, second_operator=self._second_operator or draft.second_operator,
            repair_engineer=draft.repair_engineer,
            dut=draft.dut, plan=draft.plan, station=draft.station, software=draft.software,
            config_sha256=draft.config_sha256, simulated=draft.simulated, speed=draft.speed,
            started_at=draft.started_at, ended_at=self._stamps.now(), clock=draft.clock,
            duration_s=round(self._clock.now_s() - self._began_s, 6), verdict=verdict, causes=tuple(self._causes),
            steps=tuple(self._done), trips=tuple(self._trips),
            findings=order.diagnose(self._asked_for(order), self._trips), parts=draft.parts,
            instruments=draft.instruments, handovers=tuple(self._handovers), reference=draft.reference,
        )  # fmt: skip
        return with_proof(conclude(record, order.earlier), order.proof)
