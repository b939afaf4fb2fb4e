"""What `analyze` says to people: a table with a column for each channel, and what to mind."""

from __future__ import annotations

from math import isfinite

from rich.console import Console
from rich.table import Table

from station.analysis.errors import Clipped
from station.analysis.recording import ChannelFigures, Figure
from station.cli.recordings import Recording
from station.domain.printable import printable

ROWS = (
    ("frequency_hz", "frequency", "Hz"),
    ("level_dbfs", "level", "dBFS"),
    ("dc_fs", "DC", "of full scale"),
    ("thd_percent", "THD", "%"),
    ("thd_n_percent", "THD+N", "%"),
    ("snr_db", "SNR", "dB"),
    ("snr_a_db", "SNR, A-weighted", "dB"),
    ("hum_dbc", "hum", "dBc"),
)
UNSTEADY_DB, GONE_DB = 0.2, 40.0


def show(recording: Recording, figures: list[ChannelFigures]) -> None:
    """Print the table on standard output."""
    bits = "float" if recording.bits is None else f"{recording.bits} bit"
    seconds = recording.frames / recording.rate_hz
    title = f"{printable(recording.path.name)}: {seconds:.3g} s, {recording.rate_hz} Hz, {bits}; ± is k=2, < is a bound"
    table = Table(title=title, title_justify="left", title_style="", box=None)
    table.add_column("")
    for name in recording.names:
        table.add_column(name, justify="right")
    for key, label, unit in ROWS:
        table.add_row(
            f"{label} ({unit})", *(words(getattr(channel, key), key.startswith("snr")) for channel in figures)
        )
    for k in range(max((len(channel.harmonics_dbc) for channel in figures), default=0)):
        orders = [channel.harmonics_dbc[k : k + 1] for channel in figures]
        table.add_row(f"h{k + 2} (dBc)", *(words(order[0]) if order else "-" for order in orders))
    Console(highlight=False, markup=False, width=None).print(table)


def words(figure: Figure, from_below: bool = False) -> str:
    """A figure with its uncertainty, as many digits as it is worth: `0.01234 ± 0.00005`, `< 0.0003`."""
    u = figure.uncertainty
    if not isfinite(u):
        return "-"
    if figure.value is None:
        return f"{'>' if from_below else '<'} {u:.3g}" if abs(u) < 100 else f"{'>' if from_below else '<'} {u:.1f}"
    digits = 0
    while digits < 9 and round(u, digits) < 3.0 * 10.0**-digits:
        digits += 1
    return f"{figure.value:.{digits}f} ± {max(u, 10.0**-digits):.{digits}f}"


def advice(recording: Recording, figures: list[ChannelFigures]) -> list[str]:
    """What to mind, a line each: a file cut off, channels not analysed, a level that is not steady, hum in the tone."""
    lines = [recording.remark] if recording.remark else []
    for name, channel in zip(recording.names, figures, strict=True):
        if channel.error is not None:
            reason = "clipped" if isinstance(channel.error, Clipped) else "cannot be analysed"
            lines.append(f"{name}: {reason}: {channel.error}")
            continue
        if channel.level_range_db > UNSTEADY_DB:
            moves = (
                f"level moves by {channel.level_range_db:.1f} dB" if channel.level_range_db < GONE_DB else "tone pauses"
            )
            lines.append(f"{name}: the {moves}, the figures are means: cut the recording to where the tone is steady")
        if channel.coinciding:
            lie = "lie" if len(channel.coinciding) > 1 else "lies"
            lines.append(
                f"{name}: {_listed(channel.coinciding)} of the tone {lie} on multiples of the mains: hum there cannot "
                "be told from it, is not in hum_dbc and may be in THD, beyond its uncertainty if it hums nowhere else; "
                "take a tone of which no harmonic lies there, such as 997 Hz"
            )
    return lines


def _listed(orders: tuple[int, ...]) -> str:
    return ", ".join("the fundamental" if k == 1 else f"h{k}" for k in orders)
