"""Which instruments a measurement hangs on: what must be calibrated for it to be judged, and whom a recall concerns."""

from __future__ import annotations

from collections.abc import Iterable

_AUDIO, _LOADED = ("audio",), ("audio", "loadbank")

MEASURED_BY: dict[str, tuple[str, ...]] = {
    "supply_v": ("mains",),
    "earth_bond_ohm": ("tester",),
    "insulation_mohm": ("tester",),
    "touch_current_ma": ("touch",),
    "inrush_a": ("inrush",),
    "power_up_a": ("inrush",),
    "power_up_w": ("mains",),
    "idle_power_w": ("mains",),
    "start_current_a": ("inrush",),
    "start_power_w": ("mains",),
    "work_power_w": ("mains",),
    "work_current_a": ("mains",),
    "stopped_power_w": ("mains",),
    "temperature_rise_k": ("temperature",),
    "held_power_percent": ("mains",),
    "idle_power_rise_w": ("mains",),
    "battery_voltage_v": ("feed",),
    "idle_current_ma": ("feed",),
    "charging_voltage_v": ("feed",),
    "charging_current_ma": ("feed",),
    "battery_charging_ma": ("feed",),
    "charging_battery_v": ("feed",),
    "dc_offset_mv": ("dc",),
    "gain_db": _AUDIO,
    "channel_balance_db": _AUDIO,
    "output_power_w": _LOADED,
    "thd_percent": _AUDIO,
    "thd_n_percent": _AUDIO,
    "even_thd_percent": _AUDIO,
    "odd_thd_percent": _AUDIO,
    "middle_thd_percent": _AUDIO,
    "low_thd_percent": _AUDIO,
    "response_drop_db": _AUDIO,
    "low_drop_db": _AUDIO,
    "high_drop_db": _AUDIO,
    "snr_db": _AUDIO,
    "ripple_mv": _AUDIO,
    "mains_line_mv": _AUDIO,
    "crosstalk_db": _AUDIO,
    "damping_factor": _AUDIO,
    "bias_ma": ("bias",),
    "bias_drift_ma": ("bias",),
    "rail_plus_v": ("probe",),
    "rail_minus_v": ("probe",),
    "heatsink_degc": ("temperature",),
    "heatsink_rise_k": ("temperature",),
    "soak_s": (),  # the station's own clock
    "dropouts": _AUDIO,
    "power_drift_db": _AUDIO,
    "soak_thd_percent": _AUDIO,
    "soak_dc_offset_mv": ("dc",),
    "soak_mains_power_w": ("mains",),
    "load_drift_percent": ("loadbank",),
    "impedance_ohm": _AUDIO,
    "impedance_min_ohm": _AUDIO,
    "sensitivity_db": _AUDIO,
    "bass_thd_percent": _AUDIO,
    "response_deviation_db": _AUDIO,
    "polarity_deg": _AUDIO,
    "cut_s": _AUDIO,
    "flex_drop_db": _AUDIO,
    "supply_current_ma": ("feed",),
    "supply_voltage_v": ("feed",),
}
"""By the measurement's name, roles of `station.toml`; "audio" is the interface. A person's answer (`…_ok`) has none."""

MEASURED_IN: dict[tuple[str, str], tuple[str, ...]] = {
    ("node_voltages", "bias_ma"): ("probe",),
    ("mains_current", "supply_current_ma"): ("mains",),
    ("mains_current", "supply_voltage_v"): ("mains",),
}
"""Where a step (`use`) measures the same by another instrument."""

MEASURED_BY_STEP: dict[str, tuple[str, ...]] = {"node_checks": ("probe",)}
"""Where the names stand in the plan and nowhere else: by the step (`use`), whatever it measures."""

MEASURING = frozenset(role for roles in (*MEASURED_BY.values(), *MEASURED_IN.values()) for role in roles)
"""Every role that a measurement hangs on; of the others nobody demands a calibration."""

_INPUTS = ("input_left_v", "input_right_v")
_READ: dict[str, tuple[str, ...]] = {
    "audio": _INPUTS,
    "bias": ("left_mv", "right_mv"),
    "dc": ("left_plus_v", "left_minus_v", "right_plus_v", "right_minus_v"),
    "inrush": ("peak_a",),
    "loadbank": ("left_ohm", "right_ohm"),
    "mains": ("power_w",),
    "probe": ("volts_v",),
    "temperature": ("heatsink_degc",),
    "touch": ("touch_current_ma",),
}
_READ_FOR: dict[tuple[str, str], tuple[str, ...]] = {
    ("supply_v", "mains"): ("voltage_v",),
    ("supply_current_ma", "feed"): ("main_a",),
    ("supply_voltage_v", "feed"): ("main_v",),
    ("supply_current_ma", "mains"): ("current_a",),
    ("supply_voltage_v", "mains"): ("voltage_v",),
    ("work_power_w", "mains"): ("power_w", "voltage_v"),
    ("work_current_a", "mains"): ("current_a",),
    ("temperature_rise_k", "temperature"): ("heatsink_degc", "ambient_degc"),
    ("battery_voltage_v", "feed"): ("battery_v",),
    ("idle_current_ma", "feed"): ("battery_a",),
    ("charging_voltage_v", "feed"): ("main_v",),
    ("charging_current_ma", "feed"): ("main_a",),
    ("battery_charging_ma", "feed"): ("battery_a",),
    ("charging_battery_v", "feed"): ("battery_v",),
    ("earth_bond_ohm", "tester"): ("earth_bond_ohm",),
    ("insulation_mohm", "tester"): ("insulation_mohm",),
    ("gain_db", "audio"): (*_INPUTS, "output_left_v", "output_right_v"),
    ("dropouts", "audio"): (),  # counted, by level against itself
    ("sensitivity_db", "audio"): (*_INPUTS, "output_left_v", "output_right_v"),
}
"""What a measurement reads of a role, where it is not what all of them read."""


def quantities_read(measurement: str, role: str) -> tuple[str, ...]:
    """What a role must be calibrated in for this measurement: both channels, whichever it is made on. A ratio (THD, a
    response) is made at a level, so it hangs on the full scale as well."""
    own = _READ_FOR.get((measurement, role))
    return _READ.get(role, ()) if own is None else own


def roles_of(measurement: str, use: str = "") -> tuple[str, ...]:
    """The roles, () for a person's answer. `use`: the step's name in the catalogue.

    Raises `KeyError` for a name that nobody has entered.
    """
    if measurement.endswith("_ok"):
        return ()
    by_step = MEASURED_IN.get((use, measurement)) or MEASURED_BY_STEP.get(use)
    return by_step or MEASURED_BY[measurement]


def roles_needed(measured: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """The roles of a whole plan, by measurement and use; what nobody has entered is told where it is judged."""
    found: set[str] = set()
    for measurement, use in measured:
        try:
            found.update(roles_of(measurement, use))
        except KeyError:
            continue
    return tuple(sorted(found))
