"""The shipped tree, resolved: limits of product and plan, channels, protection class, hashes."""

from __future__ import annotations

import dataclasses

import pytest
from settings_tree import TreeCopy

from station.domain.errors import SettingsError
from station.domain.limit import Limit
from station.domain.plan import OnFail, PlanStep
from station.settings import Tree

PLAN, PRODUCT = "plans/outgoing-amplifier.toml", "products/example-a-100.toml"

# contracts/cli.md, product example-a-100, and what a person answers: (low, high, per cent of the reference)
CONTRACT = {
    "insulation_mohm": (5.0, None, None), "earth_bond_ohm": (None, 0.3, None), "touch_current_ma": (None, 0.5, None),
    "inrush_a": (None, 40.0, None), "idle_power_w": (10.0, 80.0, None), "dc_offset_mv": (-50.0, 50.0, None),
    "gain_db": (28.0, 30.0, None), "channel_balance_db": (None, 0.5, None), "soak_thd_percent": (None, 0.1, None),
    "output_power_w": (100.0, None, None), "thd_percent": (None, 0.1, None), "thd_n_percent": (None, 0.2, None),
    "response_drop_db": (None, 3.0, None), "snr_db": (95.0, None, None), "crosstalk_db": (None, -50.0, None),
    "damping_factor": (50.0, None, None), "dropouts": (None, 0.0, None), "power_drift_db": (-0.2, 0.2, None),
    "soak_mains_power_w": (None, None, 10.0), "load_drift_percent": (-2.0, 2.0, None), "soak_s": (7200.0, None, None),
    "fault_cured_ok": (1.0, None, None), "volume_smooth_ok": (1.0, None, None), "appearance_ok": (1.0, None, None),
    "soak_dc_offset_mv": (-50.0, 50.0, None), "heatsink_rise_k": (None, 1.0, None), "heatsink_degc": (None, 90.0, None),
}  # fmt: skip
MAINS_OFF, NO_MAINS = OnFail.MAINS_OFF, OnFail.NO_MAINS
ORDER = [
    ("checklist", OnFail.CONTINUE), ("checklist", OnFail.CONTINUE),
    ("earth_bond", NO_MAINS), ("insulation", NO_MAINS), ("inrush", MAINS_OFF), ("touch_current", MAINS_OFF),
    ("idle_power", MAINS_OFF), ("dc_offset", OnFail.NO_DRIVE),
    *((use, OnFail.CONTINUE) for use in ("connection", "gain", "output_power", "thd", "thd_n", "response", "snr")),
    *((use, OnFail.CONTINUE) for use in ("crosstalk", "damping", "soak", "checklist")),
]  # fmt: skip


def steps_of(tree: Tree) -> dict[str, PlanStep]:
    return {step.use: step for step in tree.resolve("outgoing-amplifier", "example-a-100").steps}


def test_the_shipped_tree_is_clean(tree: TreeCopy) -> None:
    assert tree.problems() == []


def test_the_outgoing_plan_has_the_order_and_reactions_of_the_contract(tree: TreeCopy) -> None:
    plan = tree.load().resolve("outgoing-amplifier", "example-a-100")
    assert [(step.use, step.on_fail) for step in plan.steps] == ORDER
    assert [step.use for step in plan.steps if step.only_after_pass] == ["soak", "checklist"]
    assert (plan.purpose, plan.label, all(step.applicable for step in plan.steps)) == ("outgoing", True, True)


def test_every_required_measurement_has_the_limit_of_the_contract_with_its_source(tree: TreeCopy) -> None:
    limits = {r.name: r.limit for step in steps_of(tree.load()).values() for r in step.requires}
    assert {
        name: limit and (limit.low, limit.high, limit.relative_percent) for name, limit in limits.items()
    } == CONTRACT
    assert all(limit is not None and limit.source and limit.decision == "simple" for limit in limits.values())


def test_a_measurement_per_channel_is_required_left_and_right(tree: TreeCopy) -> None:
    steps = steps_of(tree.load())
    assert [(r.name, r.channel) for r in steps["gain"].requires] == [
        ("gain_db", "left"),
        ("gain_db", "right"),
        ("channel_balance_db", None),
    ]
    assert steps["connection"].requires == ()


def test_the_plan_overrides_only_what_it_names(tree: TreeCopy) -> None:
    tree.spoil(PLAN, 'requires = ["snr_db"]', 'requires = ["snr_db"]\nlimits = { snr_db = { decision = "guarded" } }')
    tree.spoil(
        PLAN,
        'requires = ["thd_percent"]',
        'requires = ["thd_percent"]\n[step.limits.thd_percent]\nhigh = 0.05\nsource = "tighter"\n[step.params]',
    )
    tree.spoil(PLAN, "[step.params]\nparams = { frequency_hz = 1000.0, below_rated_db = 0.0 }", "")
    steps = steps_of(tree.load())
    thd, snr = steps["thd"].requires[0].limit, steps["snr"].requires[0].limit
    assert thd == Limit("tighter", high=0.05)
    assert snr == Limit("product data, example-a-100: A-weighted, re rated output", low=95.0, decision="guarded")


def test_a_plans_relative_limit_replaces_the_products_bounds(tree: TreeCopy) -> None:
    new = 'requires = ["idle_power_w"]\nlimits = { idle_power_w = { relative_percent = 5.0, source = "x" } }'
    tree.spoil(PLAN, 'requires = ["idle_power_w"]', new)
    assert steps_of(tree.load())["idle_power"].requires[0].limit == Limit("x", relative_percent=5.0)


def test_earth_bond_does_not_apply_to_protection_class_two(tree: TreeCopy) -> None:
    tree.spoil(PRODUCT, 'protection_class = "I"', 'protection_class = "II"')
    steps = steps_of(tree.load())
    assert [use for use, step in steps.items() if not step.applicable] == ["earth_bond"]


def test_a_product_of_protection_class_two_needs_no_limit_for_earth_bond(tree: TreeCopy) -> None:
    tree.spoil(PRODUCT, 'protection_class = "I"', 'protection_class = "II"')
    tree.spoil(
        PRODUCT, '[limits.earth_bond_ohm]\nhigh = 0.3\nsource = "DIN VDE 0701-0702, cord up to 5 m (secondary)"\n', ""
    )
    assert tree.problems() == []


def test_the_self_test_runs_on_any_product_with_limits_of_its_own(tree: TreeCopy) -> None:
    plan = tree.load().resolve("self-test", "example-a-100")
    assert (plan.purpose, plan.label) == ("engineering", False)
    (requirement,) = plan.steps[0].requires
    assert (requirement.name, requirement.channel) == ("supply_v", None)
    assert requirement.limit is not None and requirement.limit.low == 198.0


@pytest.mark.parametrize(
    ("plan", "product", "said"),
    [
        ("outgoing", "example-a-100", "there are .*outgoing-amplifier, .*self-test"),
        ("self-test", "example", "there are .*example-a-100"),
        ("", "", "is not configured"),
    ],
)
def test_what_is_not_configured_is_refused_with_what_is(plan: str, product: str, said: str, tree: TreeCopy) -> None:
    with pytest.raises(SettingsError, match=said):
        tree.load().resolve(plan, product)


def test_a_plan_of_another_family_is_refused(tree: TreeCopy) -> None:
    loaded = tree.load()
    product = dataclasses.replace(loaded.products["example-a-100"], family="headphones")
    other = dataclasses.replace(loaded, products={"example-a-100": product})
    with pytest.raises(SettingsError, match="choose a plan of that family"):
        other.resolve("outgoing-amplifier", "example-a-100")


def test_comments_and_the_order_of_keys_change_no_hash_and_a_value_does(tree: TreeCopy) -> None:
    before = tree.load()
    tree.spoil(PRODUCT, "low = 28.0\nhigh = 30.0", "high = 30.0 # other order\nlow = 28.0")
    same = tree.load()
    tree.spoil(PRODUCT, "high = 30.0", "high = 30.5")
    after = tree.load()
    names = ("outgoing-amplifier", "example-a-100")
    assert before.sha256 == same.sha256 != after.sha256
    assert before.resolve(*names).sha256 == same.resolve(*names).sha256 != after.resolve(*names).sha256
    assert before.resolve("self-test", names[1]).sha256 == after.resolve("self-test", names[1]).sha256


@pytest.mark.parametrize("file", ["station.toml", "interlocks.toml", "diagnosis.toml", PLAN])
def test_a_value_in_any_file_changes_the_hash_of_the_tree(file: str, tree: TreeCopy) -> None:
    before = tree.load().sha256
    old, new = {
        "station.toml": ("poll_s = 2.0", "poll_s = 3.0"),
        "interlocks.toml": ("high = 900.0", "high = 901.0"),
        "diagnosis.toml": ("weight = 0.9", "weight = 0.8"),
        PLAN: ('revision = "1"', 'revision = "2"'),
    }[file]
    tree.spoil(file, old, new)
    assert tree.load().sha256 != before


def test_the_station_is_read_into_frozen_settings(tree: TreeCopy) -> None:
    station = tree.load().station
    assert (station.name, station.language, station.clock, station.speed) == ("bench-07", "zh", "monotonic", 1.0)
    assert (station.guard.kind, station.guard.settings.port) == ("guard-uart", "/dev/bench-guard")
    assert set(station.buses) == {"a", "b"}
    assert station.devices["mains"].poll_s == 0.5 and station.devices["tester"].poll_s == 0.0
    assert station.devices["relays"].settings.channels["bleed"] == 7
    assert station.devices["inrush"].settings.quantities["peak_a"].scale == 0.01
    with pytest.raises(dataclasses.FrozenInstanceError):
        station.name = "bench-08"  # type: ignore[misc]


def test_a_simulated_bench_may_have_twins_a_scaled_clock_and_its_own_paths(tree: TreeCopy) -> None:
    station = "station.toml"
    tree.spoil(station, "simulated = false", "simulated = true")
    tree.spoil(station, 'kind = "monotonic"', 'kind = "scaled"\nspeed = 240')
    tree.spoil(station, "/var/lib/bench/station.sqlite", "/tmp/demo/station.sqlite")
    tree.spoil(station, '"/dev/bench-guard"', '"/dev/pts/7"')
    tree.spoil(station, 'kind = "portaudio"', 'kind = "audio-twin"')
    loaded = tree.load().station
    assert (loaded.simulated, loaded.clock, loaded.speed) == (True, "scaled", 240.0)


def test_interlocks_carry_bounds_blame_and_words_in_both_languages(tree: TreeCopy) -> None:
    interlocks = {interlock.name: interlock for interlock in tree.load().interlocks}
    heatsink, fan = interlocks["heatsink"], interlocks["fan"]
    assert (heatsink.high, heatsink.blames, heatsink.measurement) == (100.0, "dut", "heatsink_degc")
    assert (fan.low, fan.when, fan.blames, fan.measurement) == (500.0, "drive", "station", None)
    assert all(dict(interlock.text).keys() == {"zh", "en"} and interlock.code for interlock in interlocks.values())
    assert {(interlocks[name].low, interlocks[name].high) for name in ("dc-left", "dc-right")} == {(-2.0, 2.0)}
