"""The register maps of the reference bench's meters, as its configuration has them."""

from __future__ import annotations

from typing import Any

from drivers.modbus.settings import RegisterField, RegisterMapSettings


def _field(register: int, **more: Any) -> RegisterField:
    return RegisterField(register, **more)


PROBE = RegisterMapSettings(
    "b",
    11,
    {"peak_a": _field(0, scale=0.01, low=0.0, high=650.0, accuracy_relative=0.02, accuracy_absolute=0.02)},
    arm_register=16,
)
DC = RegisterMapSettings(
    "b",
    12,
    {
        name: _field(2 * place, type="float32", low=-100.0, high=100.0, accuracy_relative=0.005, accuracy_absolute=5e-4)
        for place, name in enumerate(("left_plus_v", "left_minus_v", "right_plus_v", "right_minus_v"))
    },
)
DISCHARGE = RegisterMapSettings(
    "b",
    13,
    {
        name: _field(place, scale=0.1, low=0.0, high=400.0, accuracy_relative=0.006, accuracy_absolute=0.05)
        for place, name in enumerate(("l_n_v", "l_pe_v", "n_pe_v"))
    },
)
HAND_PROBE = RegisterMapSettings(
    "b",
    16,
    {"volts_v": _field(0, type="float32", low=-200.0, high=200.0, accuracy_relative=0.005, accuracy_absolute=5e-4)},
)
FEED = RegisterMapSettings(
    "b",
    18,
    {
        name: _field(2 * place, type="float32", low=low, high=high, accuracy_relative=part, accuracy_absolute=whole)
        for place, (name, low, high, part, whole) in enumerate(
            (
                ("main_v", -1.0, 65.0, 0.002, 0.002),
                ("main_a", -10.0, 10.0, 0.003, 5e-4),
                ("battery_v", -1.0, 65.0, 0.002, 0.002),
                ("battery_a", -10.0, 10.0, 0.003, 1e-4),
            )
        )
    },
)
BIAS = RegisterMapSettings(
    "b",
    17,
    {
        name: _field(2 * place, type="float32", low=-5e3, high=5e3, accuracy_relative=0.005, accuracy_absolute=0.04)
        for place, name in enumerate(("left_mv", "right_mv"))
    },
)
FAN = RegisterMapSettings("b", 14, {"rpm": _field(0, low=0.0, high=5000.0, accuracy_relative=0.02)})
