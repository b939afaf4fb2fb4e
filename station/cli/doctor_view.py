"""The doctor's two tables and what to try, for people: 80 columns over SSH, no colour where there is no terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from station.doctor.around import Point
from station.doctor.finding import Finding


def show(console: Console, found: Sequence[Finding], around: Sequence[Point], whence: str) -> None:
    """Devices, the bench itself, then each fault with its causes, the likeliest first."""
    console.print(_devices(found, whence))
    if around:
        console.print(_bench(around))
    for causes, roles in _grouped(found).items():
        first = next(one for one in found if one.role in roles)
        console.print(f"\n[bold]{escape(', '.join(roles))}[/]: {escape(first.error)}", highlight=False)
        for number, cause in enumerate(causes, 1):
            console.print(f"  {number}. {escape(cause)}", highlight=False)
    for point in around:
        if not point.good:
            console.print(f"\n[bold]{point.name}[/]: {escape(point.words)}", highlight=False)
            console.print(f"  1. {escape(point.remedy)}", highlight=False)
    console.print(f"\n{_summary(found, around)}", highlight=False)


def _grouped(found: Sequence[Finding]) -> dict[tuple[str, ...], list[str]]:
    """Roles by their causes: what one fault has silenced is told once."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for one in found:
        if not one.clean:
            groups.setdefault(one.causes or (one.error,), []).append(one.role)
    return groups


def _devices(found: Sequence[Finding], whence: str) -> Table:
    table = Table(title=f"devices ({whence})", title_justify="left", box=None, padding=(0, 1), expand=False)
    for name, width in (("role", 12), ("model, serial number, port", 28), ("answer, time, calibration", 32)):
        table.add_column(name, overflow="fold", min_width=min(width, 28))
    for one in found:
        mark = "[green]ok[/]" if one.clean else "[yellow]look[/]" if one.answers else "[red]silent[/]"
        who = one.identity
        serial = f" no. {who.serial_number}" if who.serial_number else ""
        firmware = f" {who.firmware}" if who.firmware else ""
        model = f"{who.model or one.kind}{firmware}{serial}"
        took = "" if one.took_s is None else f" ({one.took_s * 1000.0:.0f} ms)"
        calibration = "" if one.calibration == "-" else f"; calibration {one.calibration}"
        answer = one.answer if one.answers else one.symptom or one.error
        table.add_row(
            f"{one.role}\n{mark}", f"{escape(model)}\n[dim]{escape(one.port)}[/]",
            f"{escape(answer)}{took}[dim]{calibration}[/]",
        )  # fmt: skip
    return table


def _bench(around: Sequence[Point]) -> Table:
    table = Table(title="\nthe bench itself", title_justify="left", box=None, padding=(0, 1))
    for name in ("what", "", "how it is"):
        table.add_column(name, overflow="fold")
    for point in around:
        table.add_row(point.name, "[green]ok[/]" if point.good else "[red]look[/]", escape(point.words))
    return table


def _summary(found: Sequence[Finding], around: Sequence[Point]) -> str:
    devices = [one for one in found if not one.role.startswith("bus ")]
    answering = sum(one.answers for one in devices)
    wrong = sum(not one.clean for one in devices) + sum(not point.good for point in around)
    return f"{answering} of {len(devices)} devices answer; {wrong or 'nothing'} to look at"
