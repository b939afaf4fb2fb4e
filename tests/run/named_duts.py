"""The fifteen faulty DUTs of config/duts and where each is to be looked for."""

from __future__ import annotations

from collections.abc import Mapping

AREAS: Mapping[str, str] = {
    "low-insulation": "mains-insulation",
    "open-earth": "earth",
    "leaky": "mains-insulation",
    "dead-left": "signal-path",
    "low-power": "power-supply",
    "crossover": "bias",
    "hum": "reservoir",
    "noisy": "input-stage",
    "dc-offset": "output-stage",
    "narrow-band": "compensation",
    "crosstalk": "ground-return",
    "thermal-shutdown": "cooling",
    "runaway": "bias-tracking",
    "intermittent": "contact",
    "shorted": "output-stage",
}
