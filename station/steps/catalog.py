"""What can be measured: an explicit table from the name used in plans to the step. No registration, no scanning.

`settings` checks plans against this table; the runner runs from it. Adding a step: see docs/adding-a-step.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from station.domain.plan import Needs
from station.domain.plates import AmplifierPlate, ElectronicsPlate, HeadphonesPlate, PhonePlate
from station.steps import (
    appliance_rise,
    appliance_start,
    appliance_work,
    bias,
    bias_meter,
    checklist,
    connection,
    distortion,
    electrical,
    electronics_supply,
    gain,
    headphones_distortion,
    headphones_flex,
    headphones_impedance,
    headphones_level,
    headphones_response,
    hum,
    inspection,
    low_level,
    node_checks,
    nodes,
    noise,
    output,
    phone_battery,
    phone_charging,
    power,
    power_up,
    response,
    response_ends,
    safety_stop,
    self_test,
    soak,
    trace,
    transfer,
    warm_up,
)
from station.steps.step import ItemsOf, StepSpec

_BOTH: frozenset[str] = frozenset()
_SOAK_MONO = frozenset({"soak_s", "soak_mains_power_w", "heatsink_rise_k", "heatsink_degc"})
_SOAK = ("soak_s", "dropouts", "power_drift_db", "soak_thd_percent", "soak_dc_offset_mv", "soak_mains_power_w",
         "load_drift_percent", "heatsink_rise_k", "heatsink_degc")  # fmt: skip


def _spec(use: str, module_measure: object, params: type, needs: Needs, *names: str, mono: frozenset[str] = _BOTH,
          per_channel: bool = True, items_of: ItemsOf | None = None,
          plate: type | None = None) -> StepSpec:  # fmt: skip
    channels = frozenset(names) - mono if per_channel else frozenset()
    return StepSpec(use, module_measure, params, names, channels, needs, items_of, plate)  # type: ignore[arg-type]


_amplifier = partial(_spec, plate=AmplifierPlate)
_headphones = partial(_spec, plate=HeadphonesPlate)


STEPS: Mapping[str, StepSpec] = {
    spec.use: spec
    for spec in (
        _spec("self_test", self_test.measure, self_test.Params, Needs.NOTHING, "supply_v", per_channel=False),
        _spec("checklist", checklist.measure, checklist.Params, Needs.NOTHING, items_of=checklist.items_of),
        _spec("mutual_inspection", inspection.measure, inspection.Params, Needs.NOTHING,
              "mutual_inspection_ok", per_channel=False),
        _spec("earth_bond", electrical.measure_earth_bond, electrical.EarthBondParams, Needs.NOTHING,
              "earth_bond_ohm", per_channel=False),
        _spec("insulation", electrical.measure_insulation, electrical.InsulationParams, Needs.NOTHING,
              "insulation_mohm", per_channel=False),
        _spec("inrush", electrical.measure_inrush, electrical.InrushParams, Needs.MAINS,
              "inrush_a", per_channel=False),
        _spec("touch_current", electrical.measure_touch_current, electrical.TouchCurrentParams, Needs.MAINS,
              "touch_current_ma", per_channel=False),
        _spec("idle_power", electrical.measure_idle_power, electrical.IdlePowerParams, Needs.MAINS,
              "idle_power_w", per_channel=False),
        _spec("dc_offset", output.measure_dc_offset, output.DcOffsetParams, Needs.MAINS, "dc_offset_mv"),
        _amplifier("connection", connection.measure, connection.Params, Needs.DRIVE),
        _amplifier("gain", gain.measure, gain.Params, Needs.DRIVE, "gain_db", "channel_balance_db",
              mono=frozenset({"channel_balance_db"})),
        _amplifier("output_power", power.measure, power.Params, Needs.DRIVE, "output_power_w"),
        _amplifier("thd", distortion.measure_thd, distortion.Params, Needs.DRIVE, "thd_percent"),
        _amplifier("thd_n", distortion.measure_thd_n, distortion.Params, Needs.DRIVE, "thd_n_percent"),
        _amplifier("response", response.measure, response.Params, Needs.DRIVE, "response_drop_db"),
        _amplifier("snr", noise.measure, noise.Params, Needs.DRIVE, "snr_db"),
        _amplifier("crosstalk", transfer.measure_crosstalk, transfer.CrosstalkParams, Needs.DRIVE, "crosstalk_db"),
        _amplifier("damping", transfer.measure_damping, transfer.DampingParams, Needs.DRIVE, "damping_factor"),
        _spec("bias_zero", bias_meter.measure_zero, bias_meter.ZeroParams, Needs.NOTHING),
        _spec("bias_warm_up", bias.measure_warm_up, bias.WarmUpParams, Needs.MAINS),
        _amplifier("bias", bias.measure, bias.Params, Needs.MAINS, "bias_ma", "bias_drift_ma", "heatsink_degc",
              mono=frozenset({"heatsink_degc"})),
        _spec("signature", bias.measure_signature, bias.SignatureParams, Needs.NOTHING),
        _amplifier("soak", soak.measure, soak.Params, Needs.DRIVE, *_SOAK, mono=_SOAK_MONO),
        _amplifier("trace", trace.measure, trace.Params, Needs.DRIVE, *_SOAK, mono=_SOAK_MONO),
        # ---- other electronics (config/plans/outgoing-electronics.toml); node_checks: of any family
        _spec("supply_current", electronics_supply.measure_dc, electronics_supply.Params, Needs.MAINS,
              "supply_current_ma", "supply_voltage_v", per_channel=False, plate=ElectronicsPlate),
        _spec("mains_current", electronics_supply.measure_mains, electronics_supply.Params, Needs.MAINS,
              "supply_current_ma", "supply_voltage_v", per_channel=False, plate=ElectronicsPlate),
        _spec("node_checks", node_checks.measure, node_checks.Params, Needs.MAINS, items_of=node_checks.items_of),
        # ---- as found (config/plans/incoming-*.toml)
        _spec("power_up", power_up.measure, power_up.Params, Needs.MAINS,
              "power_up_a", "power_up_w", per_channel=False),
        _spec("inrush_held", power_up.measure_held, power_up.HeldParams, Needs.MAINS, "inrush_a", per_channel=False),
        _amplifier("node_voltages", nodes.measure, nodes.Params, Needs.MAINS, "rail_plus_v", "rail_minus_v", "bias_ma"),
        _amplifier("distortion_levels", low_level.measure, low_level.Params, Needs.DRIVE,
              "even_thd_percent", "odd_thd_percent", "middle_thd_percent", "low_thd_percent"),
        _amplifier("response_ends", response_ends.measure, response.Params, Needs.DRIVE,
              "response_drop_db", "low_drop_db", "high_drop_db"),
        _amplifier("hum_lines", hum.measure, hum.Params, Needs.DRIVE, "ripple_mv", "mains_line_mv"),
        _amplifier("warm_up", warm_up.measure, warm_up.Params, Needs.DRIVE,
              "idle_power_rise_w", "dropouts", "heatsink_degc",
              mono=frozenset({"idle_power_rise_w", "heatsink_degc"})),
        _spec("heatsink", warm_up.measure_heatsink, warm_up.HeatsinkParams, Needs.MAINS,
              "heatsink_degc", per_channel=False),
        # ---- home appliances (config/plans/outgoing-appliance.toml)
        _spec("appliance_start", appliance_start.measure, appliance_start.Params, Needs.MAINS,
              "start_current_a", "start_power_w", per_channel=False),
        _spec("appliance_work", appliance_work.measure, appliance_work.Params, Needs.MAINS,
              "work_power_w", "work_current_a", per_channel=False),
        _spec("safety_stop", safety_stop.measure, safety_stop.Params, Needs.MAINS,
              "safety_device_ok", "stopped_power_w", per_channel=False, items_of=safety_stop.items_of),
        _spec("temperature_rise", appliance_rise.measure, appliance_rise.Params, Needs.MAINS,
              "temperature_rise_k", "held_power_percent", per_channel=False),
        # ---- headphones (config/plans/outgoing-headphones.toml)
        _headphones("headphones_impedance", headphones_impedance.measure, headphones_impedance.Params, Needs.DRIVE,
                    "impedance_ohm", "impedance_min_ohm"),
        _headphones("headphones_level", headphones_level.measure, headphones_level.Params, Needs.DRIVE,
                    "sensitivity_db", "channel_balance_db", "crosstalk_db", mono=frozenset({"channel_balance_db"})),
        _headphones("headphones_distortion", headphones_distortion.measure, headphones_distortion.Params, Needs.DRIVE,
                    "thd_percent", "bass_thd_percent"),
        _headphones("headphones_response", headphones_response.measure, headphones_response.Params, Needs.DRIVE,
                    "response_deviation_db", "polarity_deg"),
        _headphones("headphones_flex", headphones_flex.measure, headphones_flex.Params, Needs.DRIVE,
                    "dropouts", "cut_s", "flex_drop_db"),
        # ---- phones (config/plans/outgoing-phone.toml)
        _spec("battery_voltage", phone_battery.measure_voltage, phone_battery.VoltageParams, Needs.NOTHING,
              "battery_voltage_v", per_channel=False),
        _spec("idle_current", phone_battery.measure_idle, phone_battery.IdleParams, Needs.NOTHING,
              "idle_current_ma", per_channel=False),
        _spec("charging", phone_charging.measure, phone_charging.Params, Needs.MAINS, *phone_charging.TAKEN,
              per_channel=False, plate=PhonePlate),
    )
}  # fmt: skip
