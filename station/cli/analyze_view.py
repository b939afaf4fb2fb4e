"""What `analyze` says to people: a table with a column for each channel, and what to mind."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from station.analysis.errors import Clipped, ToneNotFound
from station.analysis.recording import ChannelFigures, Figure
from station.cli.recordings import Recording

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
UNSTEADY_DB = 0.1
USUAL_RATES_HZ = (44100, 48000, 88200, 96000, 176400, 192000)


def show(recording: Recording, figures: list[ChannelFigures]) -> None:
    """Print the table on standard output."""
    bits = "float" if recording.bits is None else f"{recording.bits} bit"
    seconds = recording.frames / recording.rate_hz
    title = f"{recording.path.name}: {seconds:.3g} s, {recording.rate_hz} Hz, {bits}; ± is k=2, < is a bound"
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
    if u != u:
        return "-"
    if figure.value is None:
        return f"{'>' if from_below else '<'} {u:.3g}" if abs(u) < 100 else f"{'>' if from_below else '<'} {u:.1f}"
    digits = 0
    while digits < 9 and round(u, digits) < 3.0 * 10.0**-digits:
        digits += 1
    return f"{figure.value:.{digits}f} ± {max(u, 10.0**-digits):.{digits}f}"


def advice(
    recording: Recording, figures: list[ChannelFigures], tone_hz: float | None, strongest_hz: list[float | None]
) -> list[str]:
    """What to mind, a line each: errors with their channel, an unsteady level, a rate or a channel that is wrong.

    `strongest_hz`: a channel's strongest line where there was none at `tone_hz`.
    """
    lines = []
    for name, channel in zip(recording.names, figures, strict=True):
        if channel.error is not None:
            lines.append(f"{name}: {_reason(channel)}: {channel.error}")
        elif channel.level_range_db > UNSTEADY_DB:
            lines.append(
                f"{name}: the level moves by {channel.level_range_db:.2f} dB; the figures are means of the whole "
                "recording: cut it to where the tone is steady"
            )
    if tone_hz is None:
        return lines
    for name, hz in zip(recording.names, strongest_hz, strict=True):
        if hz is not None:
            lines.append(f"{name}: the strongest line is at {hz:.2f} Hz{_other_rate(hz / tone_hz, recording.rate_hz)}")
    heard = [name for name, channel in zip(recording.names, figures, strict=True) if channel.error is None]
    deaf = [name for name, c in zip(recording.names, figures, strict=True) if isinstance(c.error, ToneNotFound)]
    if heard and deaf:
        lines.append(f"{tone_hz:g} Hz is on {', '.join(heard)} and not on {', '.join(deaf)}: wrong channel?")
    return lines


def _other_rate(ratio: float, rate_hz: int) -> str:
    """The rate at which the tone was played and recorded, if the file's rate is the wrong one."""
    real = [rate for rate in USUAL_RATES_HZ if rate != rate_hz and abs(ratio * rate / rate_hz - 1.0) < 1e-3]
    return f": the file says {rate_hz} Hz and was recorded at {real[0]} Hz?" if real else ""


def _reason(channel: ChannelFigures) -> str:
    return "clipped" if isinstance(channel.error, Clipped) else "cannot be analysed"
