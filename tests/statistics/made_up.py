"""A made-up history of repairs, of real shape: as found, tests that fail and are repeated, devices that come back,
checks of a golden unit, trials. What happens is drawn by a seed; nothing of it was measured."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from station.contract.canonical import to_json
from station.contract.records import to_plain
from station.domain.clock import utc_text
from station.domain.record import Cause, Finding, JudgedMeasurement, Record, StepRecord
from station.domain.verdict import Verdict
from tests.report.conftest import make_incoming, make_pass

BEGIN = datetime(2026, 1, 5, 1, 0, tzinfo=UTC)
AREAS = ("reservoir", "output-stage", "bias", "input-stage", "contact", "cooling", "feedback")
DURATIONS_S = {"soak": 7200.0, "snr": 2.4, "response": 2.15, "idle-power": 10.0, "insulation": 5.0}
PASS, FOUND = make_pass(), make_incoming()
_BARE = {id(record): replace(record, steps=tuple(replace(step, curves=()) for step in record.steps))
         for record in (PASS, FOUND)}  # fmt: skip
CURVES = to_json(to_plain(PASS, Record)["steps"][9]["curves"]).decode()
"""Of a step, as text: 19 KB."""


class MadeUp:
    """Draws records. `benches`: they take turns. Run numbers rise at each."""

    def __init__(self, seed: int, benches: int = 1, products: tuple[str, ...] = ("example-a-100",)) -> None:
        self._draw = random.Random(seed)
        self._numbers = dict.fromkeys((f"bench-{at:02d}" for at in range(1, benches + 1)), 0)
        self._products = products
        self._order = 0
        self._made = 0
        self._at = BEGIN

    def records(self, count: int, *, between: timedelta = timedelta(minutes=30)) -> Iterator[Record]:
        """So many, oldest first, with a check of the golden unit every 33 runs."""
        waiting: list[list[Record]] = []
        made = 0
        while made < count:
            if made % 33 == 32:
                yield self._dated(self._golden(), between)
            elif waiting and self._draw.random() < 0.6:
                at = self._draw.randrange(len(waiting))
                yield self._dated(waiting[at].pop(0), between)
                if not waiting[at]:
                    del waiting[at]
            else:
                yield self._dated(*self._begin(waiting), between)
            made += 1

    def _begin(self, waiting: list[list[Record]]) -> tuple[Record]:
        """The first run of a new work order; the rest of it waits for its turn."""
        self._order += 1
        draw = self._draw
        back = self._order > 20 and draw.random() < 0.05
        device = draw.randrange(max(1, self._order - 400), self._order - 10) if back else self._order
        product = self._products[device % len(self._products)]
        person = {"operator": f"E{device % 7:02d}", "repair_engineer": f"R{device % 5:02d}"}
        trial = draw.random() < 0.02
        runs = [self._incoming()] if draw.random() < 0.4 else []
        runs += [self._outgoing(False) for _ in range(3) if draw.random() < 0.12]
        runs.append(self._outgoing(True))
        runs = [
            replace(run, work_order=f"WO-{self._order:06d}", purpose="engineering" if trial else run.purpose,
                    dut=replace(run.dut, product=product, serial_number=f"SN-{device:06d}"), **person) for run in runs
        ]  # fmt: skip
        if len(runs) > 1:
            waiting.append(runs[1:])
        return (runs[0],)

    def _dated(self, record: Record, between: timedelta) -> Record:
        """With its place in time, its bench and its number."""
        self._made += 1
        self._at += between
        station = (
            "bench-01" if record.purpose == "verify" else f"bench-{1 + self._made % len(self._numbers):02d}"
        )  # fmt: skip
        self._numbers[station] += 1
        began = self._at
        took_s = sum(step.duration_s for step in record.steps) + 60.0
        return replace(
            record, run_id=f"019a0000-0000-7000-8000-{self._made:012x}", station=station,
            run_no=self._numbers[station], started_at=utc_text(began),
            ended_at=utc_text(began + timedelta(seconds=took_s)), duration_s=took_s - 30.0,
        )  # fmt: skip

    def _outgoing(self, good: bool) -> Record:
        record = self._drawn(_BARE[id(PASS)])
        if good:
            return record
        if self._draw.random() < 0.2:
            return replace(record, verdict=self._draw.choice((Verdict.ABORTED, Verdict.ERROR)))
        at = min(int(self._draw.expovariate(0.5)), len(record.steps) - 2)
        step = record.steps[-2 - at]
        if not step.measurements:
            step, at = record.steps[9], len(record.steps) - 11
        first = step.measurements[0]
        wrong = replace(first, value=_beyond(first), verdict=Verdict.FAIL)
        failed = replace(step, verdict=Verdict.FAIL, measurements=(wrong, *step.measurements[1:]))
        steps = tuple(failed if one.id == step.id else one for one in record.steps)
        cause = Cause(step.id, first.name, first.channel, f"{first.name}: {wrong.value}")
        return replace(record, verdict=Verdict.FAIL, causes=(cause,), steps=steps)

    def _incoming(self) -> Record:
        record = self._drawn(_BARE[id(FOUND)])
        areas = self._draw.sample(AREAS, counts=(30, 25, 20, 10, 8, 4, 3), k=self._draw.randrange(3))
        found = tuple(Finding(area, {"zh": area, "en": area}, (), 0.8) for area in dict.fromkeys(areas))
        return replace(record, purpose="incoming", findings=found)

    def _golden(self) -> Record:
        record = self._drawn(_BARE[id(PASS)])
        return replace(
            record, purpose="verify", work_order="GOLDEN-A100-000001", plan=replace(record.plan, id="verify-golden"),
            dut=replace(record.dut, serial_number="A100-000001"),
        )  # fmt: skip

    def _drawn(self, record: Record) -> Record:
        return replace(record, steps=tuple(map(self._step, record.steps)), reference=None)

    def _step(self, step: StepRecord) -> StepRecord:
        took_s = DURATIONS_S.get(step.id, 1.0) * (1.0 + 0.1 * abs(self._draw.gauss(0.0, 1.0)))
        return replace(step, duration_s=round(took_s, 3), measurements=tuple(map(self._measurement, step.measurements)))

    def _measurement(self, one: JudgedMeasurement) -> JudgedMeasurement:
        if one.value is None or one.low == one.high or one.name in ("dropouts", "soak_s"):
            return one
        return replace(one, value=float(f"{one.value * (1.0 + 0.04 * self._draw.gauss(0.0, 1.0)):.6g}"))


def text_of(record: Record, curves: int = 2) -> str:
    """As the store writes it, with the curves of so many steps: 50 KB with two, as an outgoing record has."""
    return with_curves(to_json(to_plain(record, Record)).decode(), curves)


def with_curves(text: str, curves: int = 2) -> str:
    """A text of a record that has none, with the curves of so many steps."""
    return text.replace('"curves":[]', f'"curves":{CURVES}', curves)


def _beyond(one: JudgedMeasurement) -> float:
    if one.high is not None:
        return one.high + 0.2 * abs(one.high) + 0.1
    assert one.low is not None
    return one.low - 0.2 * abs(one.low)
