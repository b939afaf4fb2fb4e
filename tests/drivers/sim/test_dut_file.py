"""DUT files: defaults of the contract, every kind of mistake named, the sixteen amplifiers that the house keeps."""

from __future__ import annotations

from pathlib import Path

import pytest

from drivers.sim.dut import Dropout, Dut, DutError, Sides, load_dut

DUTS = Path(__file__).parents[3] / "config" / "duts"
NAMES = {
    "repaired", "low-insulation", "open-earth", "leaky", "dead-left", "low-power", "crossover", "hum", "noisy",
    "dc-offset", "narrow-band", "crosstalk", "thermal-shutdown", "runaway", "intermittent", "shorted",
}  # fmt: skip


def written(folder: Path, text: str) -> Path:
    file = folder / "dut.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_an_empty_file_is_the_sample(tmp_path: Path) -> None:
    dut = load_dut(written(tmp_path, ""))
    assert dut == Dut()
    assert (dut.gain_db, dut.rail_v.left, dut.heatsink_k_per_w, dut.dropouts) == (Sides(29.0, 29.0), 46.0, 0.35, ())


def test_channels_may_differ_where_the_contract_allows_and_a_missing_side_is_the_sample(tmp_path: Path) -> None:
    dut = load_dut(written(tmp_path, "gain_db = { left = 27, right = 29.5 }\nbias_ma = { right = 70.0 }\nh2_dbc = -60"))
    assert dut.gain_db == Sides(27.0, 29.5)
    assert dut.bias_ma == Sides(50.0, 70.0)
    assert dut.h2_dbc == Sides(-60.0, -60.0)


def test_dropouts_come_in_order_of_time(tmp_path: Path) -> None:
    dut = load_dut(written(tmp_path, "dropouts = [ { at_s = 90, for_s = 0.1 }, { at_s = 0.0, for_s = 0.3 } ]"))
    assert dut.dropouts == (Dropout(0.0, 0.3), Dropout(90.0, 0.1))


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        ("gian_db = 29.0", "gian_db", "29.0"),
        ('gain_db = "29"', "gain_db", "'29'"),
        ("gain_db = true", "gain_db", "True"),
        ("rail_v = nan", "rail_v", "nan"),
        ("rail_v = inf", "rail_v", "inf"),
        ("rail_v = -1.0", "rail_v", "-1.0"),
        ("heatsink_k_per_w = 0", "heatsink_k_per_w", "0"),
        ("load_ohm = { left = 8.0, right = 4.0 }", "load_ohm", "left"),
        ("h2_dbc = { left = -70.0, middle = -60.0 }", "h2_dbc.middle", "left"),
        ("h2_dbc = { left = nan }", "h2_dbc.left", "nan"),
        ('output_short = "up"', "output_short", "'up'"),
        ("maker = 3", "maker", "3"),
        ("dropouts = 3", "dropouts", "3"),
        ("dropouts = [ { at_s = 3.0 } ]", "dropouts[0]", "at_s"),
        ("dropouts = [ { at_s = -3.0, for_s = 1.0 } ]", "dropouts[0].at_s", "-3.0"),
    ],
)
def test_a_mistake_is_named_with_file_line_key_and_value(tmp_path: Path, text: str, key: str, value: str) -> None:
    file = written(tmp_path, f"# a comment\n{text}\n")
    with pytest.raises(DutError) as caught:
        load_dut(file)
    message = str(caught.value)
    assert message.startswith(f"{file}:2: {key}: ")
    assert value in message
    assert ";" in message  # the remedy follows


def test_a_file_that_is_no_toml_or_not_there_is_an_error_that_says_so(tmp_path: Path) -> None:
    with pytest.raises(DutError, match="is no TOML"):
        load_dut(written(tmp_path, "gain_db = "))
    with pytest.raises(DutError, match="cannot be read"):
        load_dut(tmp_path / "missing.toml")


def test_all_sixteen_duts_load_and_differ_from_the_sample_only_in_what_ails_them() -> None:
    duts = {name: load_dut(DUTS / f"{name}.toml") for name in NAMES}
    assert duts.pop("repaired") == Dut()
    for name, dut in duts.items():
        changed = [key for key in Dut.__dataclass_fields__ if getattr(dut, key) != getattr(Dut(), key)]
        assert 1 <= len(changed) <= 3, f"{name}: {changed}"
