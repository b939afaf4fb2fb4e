"""`analyze FILE`: levels, THD, THD+N, SNR and hum of a recording, per channel, with uncertainties.

The JSON is `contracts/cli.md`'s to the letter; a channel that cannot be analysed has nulls and one key more, `error`.
"""

from __future__ import annotations

import json
import math
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from station.cli.options import Json, wrong_use
from station.domain.errors import SettingsError
from station.domain.printable import printable

LEAST_HARMONICS, MOST_HARMONICS = 2, 100
FOUND_NOTHING = 1


@dataclass(frozen=True, slots=True)
class Choice:
    """What the command line asked for."""

    file: Path
    tone_hz: float | None
    harmonics: int
    plot: Path | None
    as_json: bool


def analyze(
    file: Annotated[Path, typer.Argument(help="WAV (16, 24, 32 bit, float) or FLAC, 44.1 to 192 kHz.")],
    tone: Annotated[
        float | None,
        typer.Option(metavar="HZ", help="Look for the tone within 3 % of this; the strongest line if not given."),
    ] = None,
    harmonics: Annotated[
        int, typer.Option(min=LEAST_HARMONICS, max=MOST_HARMONICS, help="The last harmonic of THD.")
    ] = 10,
    plot: Annotated[Path | None, typer.Option(help="Draw the spectrum into this SVG file.")] = None,
    as_json: Json = False,
) -> None:
    """Levels, THD, THD+N, SNR and hum of a recording, per channel, with uncertainties (k=2)."""
    try:
        raise typer.Exit(run_analyze(Choice(file, tone, harmonics, plot, as_json)))
    except SettingsError as error:
        raise wrong_use(str(error)) from None


def run_analyze(choice: Choice) -> int:
    """Print the figures; the exit status. Raises `SettingsError` for wrong use."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy: small products in threads take thrice the time
    from station.analysis.errors import CaptureError
    from station.cli.analyze_view import advice, show
    from station.cli.recordings import open_recording

    if choice.tone_hz is not None and not 5.0 <= choice.tone_hz <= 90000.0:
        raise SettingsError(f"--tone {choice.tone_hz:g}: must be 5 to 90000 Hz")
    if choice.plot is not None and choice.plot.suffix.lower() != ".svg":
        raise SettingsError(f"--plot {choice.plot}: SVG is drawn; name a file that ends with .svg")
    if choice.plot is not None and (choice.plot.is_dir() or not choice.plot.parent.is_dir()):
        raise SettingsError(f"--plot {choice.plot}: a folder, or none to write it in; name a file that you may write")
    try:
        recording = open_recording(choice.file)
        names, figures = recording.names, _figures_of(recording, choice)
    except CaptureError as error:
        print(f"station: {printable(error)}", file=sys.stderr)
        if choice.as_json:
            nothing = {"file": _shown(choice.file), "sample_rate_hz": None, "channels": list[Any]()}
            print(json.dumps(nothing | {"error": printable(error)}, ensure_ascii=False))
        return FOUND_NOTHING
    told = advice(recording, figures)
    if choice.plot is not None:  # first: one that cannot be written is wrong use, which says nothing else
        from station.cli.analyze_plot import write_plot

        if not write_plot(choice.plot, recording, figures):
            told.append(f"--plot {choice.plot}: no channel has a spectrum to draw: not written")
    if choice.as_json:
        print(json.dumps(document(choice.file, recording.rate_hz, names, figures), ensure_ascii=False, allow_nan=False))
    else:
        show(recording, figures)
    for line in told:
        print(f"station: {printable(line)}", file=sys.stderr)
    return 0 if any(channel.error is None for channel in figures) else FOUND_NOTHING


def _figures_of(recording: Any, choice: Choice) -> list[Any]:
    from station.analysis.recording import ChannelTally
    from station.analysis.tone_places import find_tones
    from station.cli.recordings import read_middle, read_stretches

    tones = find_tones(read_middle(recording), recording.rate_hz, recording.names, choice.tone_hz)
    tallies = [ChannelTally(recording.rate_hz, recording.bits, choice.harmonics, tone) for tone in tones]
    for stretch in read_stretches(recording):
        for i, tally in enumerate(tallies):
            tally.push(stretch[:, i].copy())
    return [tally.figures() for tally in tallies]


def document(file: Path, rate_hz: int, names: tuple[str, ...], figures: list[Any]) -> dict[str, Any]:
    """The JSON document of `contracts/cli.md`."""
    channels = [_channel(name, found) for name, found in zip(names, figures, strict=True)]
    return {"file": _shown(file), "sample_rate_hz": rate_hz, "channels": channels}


def _shown(file: Path) -> str:
    """The file's name as UTF-8, whatever bytes it has."""
    return os.fsencode(file).decode("utf-8", "replace")


FIGURES = ("frequency_hz", "level_dbfs", "dc_fs", "thd_percent", "thd_n_percent", "snr_db", "hum_dbc")


def _channel(name: str, found: Any) -> dict[str, Any]:
    named = {key: getattr(found, key) for key in FIGURES}
    orders = {f"h{k}": figure for k, figure in enumerate(found.harmonics_dbc, start=2)}
    every = {**named, **orders}
    under = [key for key, figure in every.items() if figure.value is None and figure.uncertainty == figure.uncertainty]
    document = {
        "channel": name,
        **{key: figure.value for key, figure in named.items()},
        "harmonics_dbc": [figure.value for figure in orders.values()],
        "uncertainty": {key: f.uncertainty for key, f in every.items() if math.isfinite(f.uncertainty)},
        "below_floor": under,
    }
    if found.error is not None:
        document["error"] = f"{type(found.error).__name__}: {found.error}"
    return document
