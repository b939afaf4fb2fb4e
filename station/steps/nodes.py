"""Voltages inside the device, with a probe that the technician moves from node to node as the prompts say.

Each node costs a move of the hand, so only what tells faults apart is asked for: both rails of each channel, and the
voltage over one emitter resistor of each (its quotient is the quiescent current). The outputs are wired already.
"""

from __future__ import annotations

from dataclasses import dataclass

from station.domain.errors import StepError
from station.domain.measurement import CHANNELS, Channel, Measurement
from station.steps.levels import plate_of
from station.steps.params import require
from station.steps.readings import mean_of
from station.steps.step import StepContext

ROLE, QUANTITY = "probe", "volts_v"
_SIDE = {"left": ("左", "left"), "right": ("右", "right")}
_NODE = {
    "rail_plus": ("正电源(大滤波电容正极)", "positive rail (plus of the reservoir capacitor)"),
    "rail_minus": ("负电源(大滤波电容负极)", "negative rail (minus of the reservoir capacitor)"),
    "emitter": ("发射极电阻两端", "emitter resistor, across it"),
}


@dataclass(frozen=True, slots=True)
class Params:
    """Mean of `readings` readings at each node."""

    readings: int = 3

    def __post_init__(self) -> None:
        require("readings", self.readings, 1, 50)


async def measure(context: StepContext, params: Params) -> None:
    """Records `rail_plus_v`, `rail_minus_v` and `bias_ma` per channel, at rest: no drive.

    A node that the technician cannot reach (NG) was not measured, which is an ERROR of that measurement alone.
    """
    ohm = plate_of(context).emitter_ohm
    if ohm is None:
        raise StepError(f"product {context.product.id} does not say its emitter_ohm; write it into the product's file")
    done = 0
    for channel in CHANNELS:
        for node in ("rail_plus", "rail_minus"):
            readings = await _read(context, params, node, channel)
            _record(context, f"{node}_v", channel, readings, 1.0)
            done += 1
            context.progress(done / 6)
    for channel in CHANNELS:
        readings = await _read(context, params, "emitter", channel)
        _record(context, "bias_ma", channel, readings, 1000.0 / ohm)
        done += 1
        context.progress(done / 6)


async def _read(context: StepContext, params: Params, node: str, channel: Channel) -> list[float]:
    """The readings at a node once the technician says that the probe is there; none where it cannot be reached."""
    (zh, en), (side_zh, side_en) = _NODE[node], _SIDE[channel]
    text = {
        "zh": f"带电！绝缘探针经盖上开口接{side_zh}声道{zh},接好按 OK,够不到按 NG",
        "en": f"LIVE! Insulated probe through the lid's opening: {side_en} channel, {en}. "
        "OK when there, NG if out of reach",
    }
    if not await context.ask(text, {"probe": f"{node}_{channel}"}):
        context.note(f"{node}, {channel}: the technician cannot reach it")
        return []
    return [(await context.bench.meters.fresh(ROLE))[QUANTITY] for _ in range(params.readings)]


def _record(context: StepContext, name: str, channel: Channel, readings: list[float], scale: float) -> None:
    if not readings:
        context.record(Measurement(name, None, channel))
        return
    volts, uncertainty = mean_of(readings, context.bench.meters.accuracy(f"{ROLE}.{QUANTITY}"))
    context.record(Measurement(name, volts * scale, channel, uncertainty * scale))
