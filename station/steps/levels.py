"""Levels that a product asks for: volts at its output for a power, and the source level that gives them."""

from __future__ import annotations

import math

from station.domain.measurement import Channel
from station.domain.plates import AmplifierPlate
from station.domain.sound import Value
from station.metrology.uncertainty import DB
from station.steps.step import StepContext

STABILITY = 2.0e-5
"""What the gain of an interface moves from one capture to the next of a step (k=2), a fraction."""
GAIN_BELIEVED_DB = 6.0
"""A measured gain further than this below the nominal one is a fault: the drive is not raised to make up for it."""


def db(ratio: float) -> float:
    """An amplitude ratio in dB."""
    return 20.0 * math.log10(ratio)


def db_uncertainty(value: Value) -> float:
    """The expanded uncertainty of a level, in dB."""
    return DB * value.uncertainty / value.value if value.value > 0 else math.inf


def noise_db(value: Value) -> float:
    """What another capture of the same channel would not repeat of a level (k=2), in dB: what is left in a ratio."""
    return math.hypot(DB * value.unrepeated / value.value, DB * STABILITY) if value.value > 0 else math.inf


def delivers(level: Value, asked_v: float) -> bool:
    """Whether a channel gives about what it was asked for: within `GAIN_BELIEVED_DB`.

    One that gives far less has failed for its gain or power already; where what is asked about it then drowns in noise,
    the bound that comes out says nothing about the DUT at the level that the limit means.
    """
    return level.value >= asked_v / 10 ** (GAIN_BELIEVED_DB / 20.0)


def plate_of(context: StepContext) -> AmplifierPlate:
    """The amplifier's data plate. Raises `StepError` for a product of another family."""
    return context.product.plate_of(AmplifierPlate)


def rated_output_v(context: StepContext) -> float:
    """V rms at the terminals at rated power into the rated load."""
    return math.sqrt(plate_of(context).rated_power_w * plate_of(context).load_ohm)


def source_v(context: StepContext, channel: Channel, output_v: float) -> float:
    """V rms at the DUT's input for `output_v` at its terminals.

    Uses the gain measured in this run, so that "at rated power" is true of a DUT whose gain is off; one that gives far
    less than its nominal gain, or nothing, is driven as the product says and no harder.
    """
    nominal = plate_of(context).gain_db
    measured = context.already("gain_db", channel)
    gain_db = measured if measured is not None and measured >= nominal - GAIN_BELIEVED_DB else nominal
    return float(output_v / 10 ** (gain_db / 20.0))
