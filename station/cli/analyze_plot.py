"""`analyze --plot`: the spectrum of every channel as an SVG file that stands alone."""

from __future__ import annotations

from pathlib import Path

from station.analysis.recording import ChannelFigures
from station.analysis.spectrum import drawn_spectrum
from station.cli.recordings import Recording, read_middle
from station.domain.errors import SettingsError
from station.domain.printable import printable
from station.report.chart import Chart, Line, Mark, draw

POINTS = 600
STYLE = """
svg { background: #fff; font-family: "Noto Sans", "Segoe UI", "Helvetica Neue", sans-serif; }
text { fill: #17202a; } .name { font-size: 14px; font-weight: 600; } .tick, .axis { font-size: 11.5px; fill: #5b6673; }
.area { fill: #fff; stroke: #c4ccd4; } .grid { stroke: #e8ecf0; }
.line { fill: none; stroke-width: 1.2; stroke-linejoin: round; }
.s0 { stroke: #1d5fa6; } .s1 { stroke: #c25e00; } .s2 { stroke: #3d4954; }
.mark { fill: #fff; stroke-width: 1.6; }
"""


def write_plot(path: Path, recording: Recording, figures: list[ChannelFigures]) -> bool:
    """Draw the middle stretch of each channel that could be analysed; False if none. Raises `SettingsError`."""
    middle = read_middle(recording)
    lines, marks = [], []
    for i, (name, channel) in enumerate(zip(recording.names, figures, strict=True)):
        if channel.error is not None or channel.level_dbfs.value is None or channel.frequency_hz.value is None:
            continue
        points = drawn_spectrum(middle[:, i], recording.rate_hz, 1.0, POINTS)
        slot = i if recording.channels <= 2 else 2
        lines.append(Line(name, [hz for hz, _ in points], [max(level, -200.0) for _, level in points], slot=slot))
        orders = [0.0, *(h.value for h in channel.harmonics_dbc)]
        for k, level in enumerate(orders, start=1):
            hz = k * channel.frequency_hz.value
            if level is not None and hz <= 20000.0:
                marks.append(Mark(hz, channel.level_dbfs.value + level, f"h{k}" if k > 1 else "1", slot))
    title = f"{printable(recording.path.name)} (0 dBFS is a full-scale sine)"
    chart = Chart(title, "Hz", "dBFS", tuple(lines), x_kind="log", height=420, width=960, marks=tuple(marks))
    drawn = draw(chart)
    if not drawn:
        return False
    whole = drawn.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1).replace(
        "</title>", f"</title><style>{STYLE}</style>", 1
    )
    try:
        path.write_text(f'<?xml version="1.0" encoding="UTF-8"?>\n{whole}\n', encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"--plot {path}: {error.strerror}; name a file that you may write") from None
    return True
