"""Which keys a DUT file may have hangs on its product's family."""

from __future__ import annotations

from pathlib import Path

import pytest

from drivers.sim.dut import Dut
from drivers.sim.dut_file import DutError
from drivers.sim.families import FAMILIES, device_of, load_any
from station.cli.simulate import family_of
from station.domain.plates import PLATES

DUTS = Path(__file__).parents[3] / "config" / "duts"


def test_every_shipped_dut_is_read_with_its_familys_keys_and_becomes_its_device() -> None:
    for file in sorted(DUTS.glob("*.toml")):
        dut = load_any(file, family_of)
        family = FAMILIES[family_of(dut.product)]
        assert type(dut) is family.file
        assert device_of(dut, 240.0).file is dut


def test_every_family_of_products_can_be_simulated_and_has_a_dut_that_passes() -> None:
    for family in PLATES:
        name = "repaired" if family == "audio-amplifier" else f"repaired-{family}"
        assert family_of(load_any(DUTS / f"{name}.toml", family_of).product) == family


def test_without_a_product_it_is_the_contracts_amplifier(tmp_path: Path) -> None:
    (tmp_path / "d.toml").write_text("gain_db = 30.0\n", encoding="utf-8")
    assert load_any(tmp_path / "d.toml", family_of) == Dut(gain_db=type(Dut().gain_db)(30.0, 30.0))


def test_a_product_that_nobody_knows_is_told_with_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "d.toml").write_text('\nproduct = "x-1"\n', encoding="utf-8")
    with pytest.raises(
        DutError, match=r"d\.toml:2: product: product 'x-1' is not configured; there are .*example-a-100"
    ):
        load_any(tmp_path / "d.toml", family_of)


def test_what_is_no_device_of_a_family_is_a_programmers_error() -> None:
    with pytest.raises(TypeError, match="FAMILIES"):
        device_of(object(), 1.0)  # type: ignore[arg-type]
