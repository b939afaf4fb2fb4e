"""The daemon: wiring only. Opens rooms in order of need, lets them run, closes them in reverse.

    settings -> store (runs cut off are closed) -> devices -> kernel -> bench -> session -> panel, scanner, uplink

Nothing here energises: that takes START at the panel, and after any trip or run that was cut off a RESET before it.
When the kernel ends, so does the daemon; systemd starts it again and the bench stays dead until a person comes.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import os
import signal
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, NoReturn
from zoneinfo import ZoneInfo

from drivers.catalog import CATALOG
from drivers.errors import DriverError
from station import __version__
from station.applying import Applying, Proofs, Quiet
from station.assembly import Devices, make_devices, printing_of, purging_of, rules_of, wall_of
from station.contract.bodies import Info
from station.contract.keys import PublicKeys, load_public_keys
from station.contract.messages import Messages
from station.contract.records import RecordCodec
from station.control.supervisor import Supervisor
from station.desk import Desk
from station.doctor.beside import BesideRun
from station.doctor.examine import examine
from station.doctor.health import Examine
from station.domain.clock import MonotonicClock, ScaledClock, TestClock
from station.domain.errors import SettingsError
from station.domain.journal import RunDraft, close_as_aborted
from station.domain.plan import Plan, Product, Purpose
from station.domain.record import DutInfo, PlanInfo
from station.domain.work_order import Ticket
from station.logs import log_off_the_loop
from station.metrology.watch import CalibrationWatch
from station.mqtt.address import parse_address
from station.mqtt.tls import TlsFiles, read_own
from station.panel.panel_task import PanelTask
from station.panel.showing import Voice
from station.paper.printing import Told
from station.realtime import SCAN_PRIORITY, take_priority
from station.run import session_events as ev
from station.run.catalogue import catalogue_of
from station.run.conductor import Conductor, Room
from station.run.delivery import RunMessages, report_to_centre
from station.run.diagnosis import diagnose
from station.run.session import Session
from station.run.wall import bench_day
from station.safety.causes import trip_text
from station.safety.errors import NotReady
from station.safety.guarded import build_bench
from station.safety.kernel import Kernel
from station.safety.voltage import voltage_of
from station.settings.checker import Checker
from station.settings.loading import load
from station.settings.switching import Switching, words_of
from station.settings.tree import StationSettings, Tree
from station.starting import AGAIN, DONE, FAILED, WRONG_USE, serve_bench
from station.steps.catalog import STEPS
from station.store.machine import this_machine, why_silent
from station.store.service_latch import FileLatch
from station.store.store import Store, mint_run_id
from station.telling.info import info_of
from station.telling.latched import alarm_cause, alarm_code
from station.telling.telling import Telling
from station.uplink.clock import ClockReader
from station.uplink.expiry import CertificateWatch
from station.uplink.uplink import Uplink

log = logging.getLogger("station")

FIRST_WORD_S = 0.5


class _Options(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(WRONG_USE, f"{self.prog}: {message}; see {self.prog} --help\n")


def main(arguments: Sequence[str]) -> int:
    """`station run`. Exit status 0 after a signal, 2 for wrong use or configuration, 4 when a room failed."""
    parser = _Options(prog="station run", description="The daemon of one bench.")
    parser.add_argument("--config", type=Path, default=Path("/etc/bench"), metavar="DIR", help="configuration tree")
    parser.add_argument("--broker", metavar="URL", help="mqtt://host:port; overrides the configuration")
    options = parser.parse_args(arguments)
    log_off_the_loop()
    return serve_bench(options.config, partial(_load_and_serve, options))


def _load_and_serve(options: argparse.Namespace, switching: Switching) -> int:
    tree = load(options.config, STEPS, CATALOG)
    log.info("plans, products, interlocks and diagnosis: %s", words_of(switching.revisions.current()))
    if options.broker:
        tree = replace(tree, station=replace(tree.station, mqtt_url=options.broker))
    keys = _load_keys(_credentials(options.config), tree.station)
    take_priority(SCAN_PRIORITY)
    checker = Checker(options.config)
    own_loads = partial(_load_keys, _credentials(options.config), tree.station)
    proofs = partial(Proofs, checker, checker.loosened, own_loads)
    return asyncio.run(_serve(tree, keys, switching, proofs))


class _Keys(NamedTuple):
    """The centre's public keys, by what they sign, and the files for a broker with TLS."""

    receipts: PublicKeys
    commands: PublicKeys
    tls: TlsFiles | None


def _credentials(config: Path) -> Path:
    """Where secrets lie: systemd's folder, else `credentials` beside the configuration's files."""
    return Path(os.environ.get("CREDENTIALS_DIRECTORY", config / "credentials"))


def _load_keys(credentials: Path, settings: StationSettings) -> _Keys:
    receipts = load_public_keys(credentials / settings.receipt_keys)
    named = settings.command_keys not in ("", settings.receipt_keys)
    commands = load_public_keys(credentials / settings.command_keys) if named else receipts
    both = {key.public_bytes_raw() for key in receipts.values()} & {key.public_bytes_raw() for key in commands.values()}
    if both and parse_address(settings.mqtt_url).tls:
        raise SettingsError(
            f"{credentials / (settings.command_keys or settings.receipt_keys)}: a key in it signs receipts too; with "
            "mqtts:// commands need one of their own: `python -m station.cli.keys DIR commands`, its public half in "
            "mqtt.command_keys (docs/enrolling-a-bench.md, step 4)"
        )
    return _Keys(receipts, commands, _tls_files(credentials, settings))


def _tls_files(credentials: Path, settings: StationSettings) -> TlsFiles | None:
    """Raises `SettingsError` for files that no renewal mends; a certificate that ended does not stop the bench."""
    if not parse_address(settings.mqtt_url).tls:
        return None
    names = settings.tls
    ca, certificate, key = (credentials / name for name in (names.ca, names.certificate, names.key))
    crl = credentials / names.crl if names.crl else None
    files = TlsFiles(ca, certificate, key, crl, settings.name)
    read_own(files)
    return files


def _clock(tree: Tree) -> TestClock:
    return MonotonicClock() if tree.station.clock == "monotonic" else ScaledClock(tree.station.speed)


class Station:
    """The rooms of one daemon while it runs; made by `_serve` in order."""

    def __init__(self, tree: Tree, store: Store, devices: Devices, stamps: ClockReader) -> None:
        self.tree = tree
        self.store = store
        self.devices = devices
        self.stamps = stamps

    def draft(self, ticket: Ticket, purpose: Purpose, plan: Plan, product: Product) -> RunDraft:
        """Everything of a record that is known before power."""
        order = ticket.work_order
        stamp = self.stamps.read_stamp()
        settings = self.tree.station
        return RunDraft(
            run_id=mint_run_id(), purpose=purpose, work_order=order.number, operator=ticket.operator,
            second_operator=None, repair_engineer=order.repair_engineer,
            dut=DutInfo(product.id, product.maker, product.model, ticket.serial_number, ticket.imei),
            plan=PlanInfo(plan.id, plan.revision, plan.sha256, plan.label), planned=(), station=settings.name,
            software=__version__, config_sha256=self.tree.sha256, simulated=settings.simulated, speed=settings.speed,
            started_at=stamp.ts, clock=stamp.clock, parts=order.parts, instruments=self.devices.instruments(),
            history=order.history,
        )  # fmt: skip

    def resolve(self, plan_id: str, product_id: str) -> tuple[Plan, Product]:
        """The plan with the product's limits. Raises `SettingsError`."""
        return self.tree.resolve(plan_id, product_id), self.tree.products[product_id]

    def now(self) -> str:
        """A UTC stamp."""
        return self.stamps.read_stamp().ts


async def _close_cut_off_runs(
    store: Store, messages: RunMessages, stamps: ClockReader, broken: Mapping[str, str]
) -> int:
    """Every run that was cut off becomes one record, committed with its messages: ABORTED after a crash, ERROR where
    this station could not keep it (`broken`: why, by run id). Returns how many."""
    cut_off = await store.unfinished()
    for run in cut_off:
        record = close_as_aborted(run, stamps.read_stamp().ts, broken.get(run.draft.run_id))
        await store.finish_run(record, messages.ended(record))
        log.warning("run %s was cut off; closed as %s", record.run_id, record.verdict)
    return len(cut_off)


async def _serve(tree: Tree, keys: _Keys, switching: Switching, proofs: Callable[[Examine], Proofs]) -> int:
    settings = tree.station
    stamps = ClockReader()
    messages = Messages(settings.name, stamps.read_stamp)
    run_messages = RunMessages(messages)
    path = Path(settings.store_path)  # under its lock, before anything is read as "cut off": another may be in the run
    async with AsyncExitStack() as rooms:
        store = await Store.open(path, RecordCodec(), settings.name)
        store.paper_due = rules_of(tree)
        rooms.push_async_callback(store.close)
        here = this_machine()
        owner = await store.owner_before(here)
        cut_off = await _close_cut_off_runs(store, run_messages, stamps, {})
        today = bench_day(stamps.read_now, ZoneInfo(settings.timezone), simulated=settings.simulated)
        devices = make_devices(settings, today)
        rooms.push_async_callback(devices.close)
        station = Station(tree, store, devices, stamps)
        clock = _clock(tree)
        devices.sound.on_captured = clock.spent
        kernel = _kernel(tree, devices)
        bench = build_bench(kernel, devices.tester, devices.touch, devices.sound, clock)
        desk = Desk(Path(settings.control_socket), store)
        session = Session(catalogue_of(tree))

        room = Room(
            bench, kernel, store, run_messages, STEPS, clock, station, station.resolve, station.draft,
            lambda: _prepare(devices, kernel, _close_cut_off_runs(store, run_messages, stamps, room.broken)),
            lambda trip: trip_text(trip, tree.interlocks),
            lambda trip, run_id: store.post([messages.alarm(alarm_code(trip), alarm_cause(trip), run_id=run_id)]),
            diagnose=partial(diagnose, tree.diagnosis),
            earlier=store.earlier_runs, report=partial(report_to_centre, store, messages),
            recall=partial(store.runs_of_order, simulated=settings.simulated), wall=wall_of(devices, stamps.read_now),
            calibrations=devices.in_force,
        )  # fmt: skip
        conductor = Conductor(session, room, partial(_panel_task, devices), desk.publish, time.monotonic)
        uplink = Uplink(
            store, messages, settings.mqtt_url, keys.receipts, desk.publish, command_keys=keys.commands,
            carry=desk.commands.carry, tls=keys.tls,
        )  # fmt: skip
        certificate = CertificateWatch(keys.tls, uplink.raise_alarm)
        printing = printing_of(tree.station, store, devices.printer, messages, _paper_desk(desk, conductor, station))
        quiet = Quiet(conductor, kernel, time.monotonic)
        shown = proofs(partial(_silent, devices))
        applying = Applying(store, messages, switching, shown, quiet, desk.publish, time.monotonic)
        telling = _telling(station, uplink, kernel, certificate, applying)
        desk.use(conductor, uplink, printing, telling, BesideRun(devices, lambda: conductor.running).look)
        await desk.commands.bring_back()
        desk.introduce(_introduction(tree), lambda: voltage_of(kernel.status, time.monotonic()), applying.look)
        kernel.listen(conductor.tripped)
        await kernel.start(never_energised=not await store.has_runs())
        rooms.push_async_callback(kernel.close)
        rooms.push_async_callback(conductor.stop)
        if cut_off:
            conductor.post(ev.PowerReturned())
        await _first_word(kernel, devices)
        telling.begin(conductor.view)
        await desk.start()
        rooms.push_async_callback(desk.close)
        supervisor = Supervisor(time.monotonic)
        for hears_of_it in (supervisor.alive, desk.look_at_voltage, telling.soon):
            kernel.each_turn(hears_of_it)
        return await _live(
            supervisor, conductor.stop, lambda: applying.on_trial, applying.run(),
            kernel.wait_failed(), conductor.panel.run(), _scans(devices, conductor), conductor.watch_guard(),
            uplink.stay_silent(why_silent(owner, here)) if owner and here else uplink.run(),
            printing.run(), certificate.run(), purging_of(tree, lambda: conductor.running, stamps.read_now).run(),
            CalibrationWatch(devices.in_force.remarks, today).run(), devices.inventory(),
        )  # fmt: skip


async def _prepare(devices: Devices, kernel: Kernel, runs_closed: Awaitable[int]) -> None:
    """Before a run is begun: none left open, sound and instruments there. Raises `NotReady`."""
    await runs_closed
    await devices.ensure_sound()
    await devices.ask_again()
    if refused := kernel.why_start_refused():
        raise NotReady(f"no run is begun: {'; '.join(refused)}")


def _kernel(tree: Tree, devices: Devices) -> Kernel:
    latch = FileLatch(Path(tree.station.store_path).with_suffix(".service-latch"))
    return Kernel(
        devices.guard, devices.desk, devices.pollers, devices.table, tree.interlocks, latch, devices.drive_sink,
        time.monotonic,
    )  # fmt: skip


def _telling(
    station: Station, uplink: Uplink, kernel: Kernel, certificate: CertificateWatch, applying: Applying
) -> Telling:
    """What the centre is told beside the outbox."""
    tree, devices = station.tree, station.devices

    def info() -> Info:
        view = applying.look()
        return info_of(
            tree, devices.instruments(), revision=view["revision"], last_apply_error=view["last_apply_error"],
            certificate_expires_at=certificate.expires_at,
        )  # fmt: skip

    return Telling(
        uplink, kernel, devices.table.snapshot, info,
        lambda: station.stamps.read_now()[0], time.monotonic, tree.station.speed,
    )  # fmt: skip


async def _silent(devices: Devices) -> Mapping[str, str]:
    """Every device by its role, and why it does not answer; empty where it does. Paper that is out is a person's."""
    found = await examine(devices, owned=True)
    return {one.role: "" if one.answers else one.error or "silent" for one in found if one.role != "printer"}


def _introduction(tree: Tree) -> dict[str, Any]:
    """What watchers are told of this bench."""
    its = tree.station
    return {
        "name": its.name, "timezone": its.timezone, "language": its.language, "simulated": its.simulated,
        "speed": its.speed, "software": __version__,
    }  # fmt: skip


def _panel_task(devices: Devices, conductor: Conductor) -> PanelTask:
    its = devices.settings.panel.settings
    voice = Voice(its.volume, frozenset(its.mute))

    def post(event: ev.Event) -> None:
        conductor.post(event)

    return PanelTask(
        devices.panel, post, lambda why: post(ev.PanelLost(why)), lambda: post(ev.PanelBack()), voice=voice
    )  # fmt: skip


def _paper_desk(desk: Desk, conductor: Conductor, station: Station) -> Told:
    return Told(desk.publish, lambda on: conductor.panel.warn("printer_out", on), station.now)


async def _scans(devices: Devices, conductor: Conductor) -> None:
    """Every line of the scanner goes to the session; a scanner that is gone is tried again for ever."""
    said = ""
    while True:
        try:
            conductor.post(ev.Scanned(await devices.scanner.read_line()))
            said = ""
        except DriverError as error:
            if said != (said := str(error)):  # once, not every second until somebody plugs it in
                log.warning("%s", error)
            await asyncio.sleep(1.0)


async def _first_word(kernel: Kernel, devices: Devices) -> None:
    """Give the guard a moment to say how it is, so that nobody is shown a readiness that the first scan takes back."""
    with suppress(DriverError):  # `_scans` says so and tries again; what is scanned from here on is not lost
        await devices.scanner.ensure_ready()
    with suppress(DriverError):
        await kernel.until(kernel.has_heard, FIRST_WORD_S, "the guard's first status", tripped_too=True)


async def _live(
    supervisor: Supervisor,
    make_dead: Callable[[], Awaitable[None]],
    on_trial: Callable[[], bool],
    until_changed: Coroutine[Any, Any, None],
    *works: Coroutine[Any, Any, Any],
) -> int:
    """Run the rooms until a signal (0), until another configuration is to be loaded, or until one of them breaks (4).

    The bench goes dead and the run goes on record first, while every room still works: only then are they closed,
    some of which wait for a network. Where a room breaks while a revision is on trial, the process runs itself anew
    with the one before: the supervisor, once told of a stop, would kill it for that. After a signal it never does.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    tasks = [asyncio.ensure_future(work) for work in works]
    stopped, changed = asyncio.ensure_future(stop.wait()), asyncio.ensure_future(until_changed)
    gc.freeze()
    gc.enable()
    supervisor.ready()
    log.info("ready")
    done, _ = await asyncio.wait({*tasks[:-1], stopped, changed}, return_when=asyncio.FIRST_COMPLETED)
    if done == {changed} or (stopped not in done and on_trial()):
        supervisor.starting_again()
    else:
        supervisor.stopping()
    await make_dead()
    for task in (*tasks, stopped, changed):
        task.cancel()
    results = await asyncio.gather(*tasks, changed, return_exceptions=True)
    broken = [r for r in results if isinstance(r, Exception)]
    for error in broken:
        log.critical("a room of the daemon broke: %s", error, exc_info=error)
    if (broken or not done & {stopped, changed}) and not (stop.is_set() and on_trial()):
        return FAILED
    return DONE if stop.is_set() else AGAIN
