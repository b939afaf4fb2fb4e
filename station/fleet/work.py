"""What light stations say: a run that passed, as a real bench would report it, and a second of telemetry. Nothing was
measured: every record is marked as simulated."""

from __future__ import annotations

from station import __version__
from station.contract.bodies import Aggregate, AlarmActive, Info, Progress, Telemetry
from station.contract.envelope import Stamp
from station.domain.measurement import CHANNELS, Curve
from station.domain.record import DutInfo, JudgedMeasurement, PlanInfo, Record, StepRecord
from station.domain.verdict import Verdict
from station.fleet.light import LightStation
from station.store.store import mint_run_id

PLAN = PlanInfo("fleet", "1", "0" * 64, label=False)
STEPS = ("insulation", "earth-bond", "idle-power", "gain", "distortion", "response")
POINTS = 24
DURATION_S = 60.0
READINGS = ("mains.power_w", "mains.voltage_v", "heatsink.degc", "load-left.voltage_v")


def introduce(station: LightStation) -> None:
    """What is retained from the beginning."""
    station.retain("info", Info(software=f"{__version__} (light)", capabilities=("fleet",)))
    station.retain("progress", Progress(state="waiting"))
    station.retain("alarm_active", AlarmActive())


def do_run(station: LightStation, now: float) -> None:
    """A whole run in a moment: begun, ended, its record; three messages with receipts, two changes of progress."""
    run_id = mint_run_id()
    messages = station.messages
    record = make_record(station.name, run_id, station.outbox.last + 1, messages.read_stamp())
    station.post([messages.event("run_started", work_order=record.work_order, run_id=run_id)], now)
    station.retain("progress", Progress(state="testing", work_order=record.work_order, run_id=run_id, plan=PLAN.id))
    ended = messages.event("run_ended", work_order=record.work_order, run_id=run_id)
    station.post([messages.result(record), ended], now)
    station.retain("progress", Progress(state="PASS", work_order=record.work_order, run_id=run_id, plan=PLAN.id))


def make_record(station: str, run_id: str, run_no: int, stamp: Stamp) -> Record:
    """The record of a run that passed, about 5 KB on the wire."""
    return Record(
        run_id=run_id, run_no=run_no, purpose="engineering", work_order=f"WO-{run_no}", operator=None,
        second_operator=None, repair_engineer=None, dut=DutInfo("example-a-100", "Example", "A-100", f"SN-{run_no}"),
        plan=PLAN, station=station, software=__version__, config_sha256="0" * 64, simulated=True, speed=1.0,
        started_at=stamp.ts, ended_at=stamp.ts, clock=stamp.clock, duration_s=DURATION_S, verdict=Verdict.PASS,
        steps=tuple(_step(name, stamp.ts) for name in STEPS),
    )  # fmt: skip


def _step(name: str, ts: str) -> StepRecord:
    measured = tuple(
        JudgedMeasurement(f"{name}-v", 1.5, "V", Verdict.PASS, channel, 1.0, 2.0, 0.01, None, "data plate")
        for channel in CHANNELS
    )
    curves = (_CURVE,) if name == STEPS[-1] else ()
    return StepRecord(name, name, {"zh": name, "en": name}, Verdict.PASS, 1, ts, DURATION_S, measured, curves)


_CURVE = Curve(
    "response", "frequency", "Hz", "level", "dB",
    tuple(20.0 * 2.0 ** (k * 10.0 / POINTS) for k in range(POINTS)), (-0.1,) * POINTS, "left", (-3.0,) * POINTS,
)  # fmt: skip
TELEMETRY = tuple(
    Telemetry(
        run_id="00000000-0000-7000-8000-000000000000", step="soak", seconds=1.0,
        readings={name: Aggregate(mean=50.0 + k, low=49.5 + k, high=50.5 + k) for name in READINGS},
    )
    for k in range(16)
)  # fmt: skip
"""A second of readings each; made beforehand, so that what is measured with a fleet is not the making of numbers."""
