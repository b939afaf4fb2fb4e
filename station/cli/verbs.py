"""The verbs as typer sees them: names, options and help; each hands over to a file of its own."""

from __future__ import annotations

import asyncio
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from station import __version__
from station.cli import apply_verbs, calibrate_verbs, doctor_verbs, stats_verbs, verify_verbs
from station.cli.analyze import analyze
from station.cli.options import CONFIG, Json, Language, wrong_use
from station.cli.ports import ports
from station.cli.purge_verbs import purge
from station.cli.result_verbs import results
from station.cli.service_verbs import service
from station.domain.errors import SettingsError

app = typer.Typer(
    no_args_is_help=True, add_completion=True, pretty_exceptions_enable=False, rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="The bench station: takes a repaired device from START to a verdict that the centre holds.",
)  # fmt: skip


class Mode(StrEnum):
    """How a campaign owns time."""

    JUMP = "jump"
    EVERY = "every"
    WHOLE = "whole"


SocketOption = Annotated[
    Path, typer.Option("--socket", help="The daemon's control socket.", envvar="BENCH_SOCKET")
]  # fmt: skip
SOCKET = Path("/run/bench/station.sock")
Speed = Annotated[float, typer.Option(min=1.0, max=240.0, help="Seconds of test time in a second.")]


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit()


@app.callback()
def _root(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Version.")] = False,
) -> None:
    """Options of the command itself."""


@app.command()
def demo(
    dut: Annotated[str, typer.Option(help="A simulated DUT of config/duts; else the plan's that passes.")] = "",
    dut_file: Annotated[Path | None, typer.Option(help="A DUT file of your own.")] = None,
    plan: Annotated[str, typer.Option(help="A plan of config/plans.")] = "outgoing-amplifier",
    speed: Speed = 240.0,
    out: Annotated[Path, typer.Option(help="Where record, report and labels go.")] = Path("var/demo"),
    lang: Annotated[Language, typer.Option(help="Language of the paper.")] = Language.ZH,
    as_json: Json = False,
) -> None:
    """The main job on the simulated bench: START to the centre's receipt."""
    from station.cli.demo import Choice, run_demo

    try:
        status = run_demo(Choice(dut, dut_file, plan, speed, out, lang.value, as_json))
    except SettingsError as error:
        raise wrong_use(str(error)) from None
    raise typer.Exit(status)


@app.command(
    add_help_option=False, context_settings={"ignore_unknown_options": True, "allow_extra_args": True}
)  # fmt: skip
def run(context: typer.Context) -> None:
    """The daemon (its options: station run --help)."""
    from station.daemon import main as run_daemon

    raise typer.Exit(run_daemon(context.args))


@app.command()
def simulate(
    guard: Annotated[bool, typer.Option("--guard", help="The guard firmware alone.")] = False,
    dut: Annotated[str, typer.Option(help="A simulated DUT of config/duts.")] = "repaired",
    dut_file: Annotated[Path | None, typer.Option(help="A DUT file of your own.")] = None,
    config_out: Annotated[Path | None, typer.Option(help="Write a configuration that points `run` here.")] = None,
    speed: Speed = 240.0,
    fleet: Annotated[int | None, typer.Option(help="So many light stations on a broker instead.")] = None,
    broker: Annotated[str, typer.Option(help="Of the fleet: mqtt://host:port")] = "mqtt://127.0.0.1:1883",
    results_per_s: Annotated[float, typer.Option(help="Runs a second of the whole fleet.")] = 1.0,
    seconds: Annotated[float | None, typer.Option(help="How long the fleet runs; until Ctrl-C if not given.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Of the fleet: one JSON document a second.")] = False,
) -> None:
    """Serve the simulated bench (or the guard, or a fleet) alone; commands on standard input."""
    if guard:
        from station.cli.simulate_guard import serve_guard

        raise typer.Exit(serve_guard())
    from station.cli.simulate import find_dut, serve
    from station.cli.simulate_fleet import FleetChoice, run_fleet

    try:
        if fleet is not None:
            raise typer.Exit(run_fleet(FleetChoice(fleet, broker, results_per_s, seconds, as_json)))
        found = find_dut(dut, dut_file)
        raise typer.Exit(asyncio.run(serve(found, config_out, speed)))
    except SettingsError as error:
        raise wrong_use(str(error)) from None


@app.command()
def check(
    directory: Annotated[Path | None, typer.Argument(help="A tree; ./config, else that of this bench.")] = None,
    as_json: Json = False,
    shared: Annotated[Path | None, typer.Option(help="Plans, products, interlocks and diagnosis from here.")] = None,
    most: Annotated[
        int | None, typer.Option(min=0, help="Print so many errors at most; with --json: {count, problems}.")
    ] = None,
) -> None:
    """Validate a configuration tree without hardware: every error at once."""
    from station.cli.check import check_tree

    tree = directory or (Path("config") if Path("config").is_dir() else CONFIG)
    raise typer.Exit(check_tree(tree, as_json=as_json, shared=shared, most=most))


@app.command("enrol")
def enrol_station(
    name: Annotated[str, typer.Argument(help="station.name of this bench: a-z, 0-9 and -, at most 40.")],
    out: Annotated[Path | None, typer.Option(help="Folder; the configuration's `credentials` if not given.")] = None,
    config: Annotated[Path, typer.Option(help="The configuration tree of the station.")] = Path("/etc/bench"),
    as_json: Json = False,
) -> None:
    """Make this bench's private key and the request for its certificate; says what to do with them."""
    from station.cli.enrol import Choice, enrol

    try:
        raise typer.Exit(enrol(Choice(name, config, out, as_json)))
    except SettingsError as error:
        raise wrong_use(str(error)) from None


@app.command()
def campaign(
    seeds: Annotated[str, typer.Option(help="A:B, B excluded.")],
    trace: Annotated[bool, typer.Option("--trace", help="Everything that happened, to standard error.")] = False,
    only: Annotated[str | None, typer.Option(help="Keep only these happenings of the (one) seed, such as 0,3.")] = None,
    mode: Annotated[Mode, typer.Option(help="Jump over quiet time, run every scan, or whole tasks.")] = Mode.JUMP,
    config: Annotated[Path, typer.Option(help="The configuration tree under test.")] = Path("config"),
    as_json: Json = False,
) -> None:
    """Deterministic simulation of whole sessions under seeded faults; checks the 23 safety invariants at every scan."""
    from station.cli.campaign import Choice, parse_only, parse_seeds, run_campaign

    try:
        first, end = parse_seeds(seeds)
        raise typer.Exit(run_campaign(Choice(first, end, config, mode.value, trace, as_json, parse_only(only))))
    except SettingsError as error:
        raise wrong_use(str(error)) from None


@app.command()
def collect(
    database: Annotated[
        str, typer.Option(help="SQLite file of the centre, or postgresql://user@host/name.")
    ] = "var/centre.sqlite",
    broker: Annotated[str, typer.Option(help="mqtt://host:port or mqtts://host:port")] = "mqtt://127.0.0.1:1883",
    key: Annotated[Path | None, typer.Option(help="Signing key; made in var/keys if not given.")] = None,
    share: Annotated[str, typer.Option(help="Group of workers that divide the messages; '' for none.")] = "centre",
    metrics: Annotated[str | None, typer.Option(help="Figures for Prometheus on [HOST:]PORT.")] = None,
    tls_ca: Annotated[Path | None, typer.Option(help="Certificate of the authority, PEM.")] = None,
    tls_certificate: Annotated[Path | None, typer.Option(help="Our certificate, PEM.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Its private key, PEM.")] = None,
    tls_crl: Annotated[Path | None, typer.Option(help="Revoked certificates, PEM.")] = None,
) -> None:
    """The centre's collector: subscribe, store, receipt."""
    from station.cli.collect import run_collector
    from station.cli.keys import centre_key
    from station.collector.__main__ import Choice
    from station.collector.options import make_tls

    try:
        tls = make_tls(tls_ca, tls_certificate, tls_key, tls_crl)
        raise typer.Exit(run_collector(Choice(broker, database, key or centre_key(), share, metrics, tls)))
    except SettingsError as error:
        raise wrong_use(str(error)) from None


@app.command()
def contract(out: Annotated[Path, typer.Option(help="Where the documents go.")]) -> None:
    """Write asyncapi.json and the JSON Schema of every message body."""
    from station.contract.asyncapi import write_contract

    try:
        for path in write_contract(out):
            typer.echo(path)
    except OSError as error:
        raise wrong_use(f"--out {out}: {error.strerror}; name a directory that you may write to") from None


app.add_typer(service, name="service")
app.add_typer(results, name="results")
app.command()(ports)
app.command()(analyze)
app.command()(purge)
for verb in (*apply_verbs.VERBS, *doctor_verbs.VERBS, *verify_verbs.VERBS, *calibrate_verbs.VERBS, *stats_verbs.VERBS):
    app.command()(verb)


@app.command()
def status(socket: SocketOption = SOCKET, lang: Language = Language.ZH, as_json: Json = False) -> None:
    """What the bench is doing."""
    from station.cli import remote

    raise typer.Exit(remote.status(socket, as_json=as_json, lang=lang.value))


@app.command()
def watch(socket: SocketOption = SOCKET, lang: Language = Language.ZH, as_json: Json = False) -> None:
    """Follow the bench, live."""
    from station.cli import remote

    raise typer.Exit(remote.watch(socket, as_json=as_json, lang=lang.value))


@app.command()
def page(
    socket: Annotated[Path | None, typer.Option(help="The daemon's control socket.", envvar="BENCH_SOCKET")] = None,
    config: Annotated[Path | None, typer.Option(help="The station's configuration tree (/etc/bench).")] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on; loopback unless page.lan is on.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="0: any that is free.")] = None,
    lang: Annotated[Language | None, typer.Option(help="Language at first; the page can switch.")] = None,
) -> None:
    """The bench page: prints its address and serves it until Ctrl-C. Shows; energises nothing."""
    from station.cli.page import Choice, run_page

    try:
        raise typer.Exit(run_page(Choice(config, socket, host, port, lang.value if lang else None)))
    except SettingsError as error:
        raise wrong_use(str(error)) from None


@app.command()
def start(work_order: str, socket: SocketOption = SOCKET, as_json: Json = False) -> None:
    """Put a work order in front of the technician; START itself is a button at the bench."""
    from station.cli import remote

    raise typer.Exit(remote.start(socket, work_order, as_json=as_json))


@app.command()
def abort(run_id: str, socket: SocketOption = SOCKET, as_json: Json = False) -> None:
    """Abort that run and no other."""
    from station.cli import remote

    raise typer.Exit(remote.abort(socket, run_id, as_json=as_json))


@app.command()
def scan(text: str, socket: SocketOption = SOCKET, as_json: Json = False) -> None:
    """Scan a code as if by the scanner."""
    from station.cli import remote

    raise typer.Exit(remote.scan(socket, text, as_json=as_json))
