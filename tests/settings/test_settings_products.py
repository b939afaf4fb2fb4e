"""Product files: the family chooses the keys of the data plate, and every mistake is told where it stands."""

from __future__ import annotations

from pathlib import Path

import pytest
from settings_tree import TreeCopy

from station.domain.errors import StepError
from station.domain.plates import PLATES, AmplifierPlate, PhonePlate

PRODUCT = "products/example-a-100.toml"


@pytest.fixture
def copy(tmp_path: Path) -> TreeCopy:
    return TreeCopy.make(tmp_path / "config")


def test_the_familys_keys_become_the_data_plate_and_a_step_of_another_family_is_refused(copy: TreeCopy) -> None:
    product = copy.load().products["example-a-100"]
    plate = product.plate_of(AmplifierPlate)
    assert (plate.rated_power_w, plate.load_ohm, plate.gain_db, plate.emitter_ohm) == (100.0, 8.0, 29.0, 0.22)
    with pytest.raises(StepError, match="example-a-100 is of the family audio-amplifier"):
        product.plate_of(PhonePlate)


@pytest.mark.parametrize(
    ("old", "new", "key", "said"),
    [
        ("gain_db = 29.0", "§gian_db = 29.0", "gian_db", "did you mean `gain_db`"),
        ('family = "audio-amplifier"', '§family = "audio-amplifer"', "family", "did you mean `audio-amplifier`"),
        ("load_ohm = 8.0", "§load_ohm = 0.0", "load_ohm", "above 0"),
        ("load_ohm = 8.0", '§load_ohm = "8"', "load_ohm", "without quotes"),
        ('protection_class = "I"', '§protection_class = "0"', "protection_class", "I, II, III"),
    ],
)
def test_a_mistake_in_a_product_is_told_once_where_it_stands(
    copy: TreeCopy, old: str, new: str, key: str, said: str
) -> None:
    line = copy.spoil(PRODUCT, old, new)
    told = [problem for problem in copy.problems() if problem.file.endswith(PRODUCT) and problem.key == key]
    assert [problem.line for problem in told] == [line]
    assert said in f"{told[0].wrong}; {told[0].remedy}"


def test_a_plate_that_lacks_a_key_names_it(copy: TreeCopy) -> None:
    copy.spoil(PRODUCT, "load_ohm = 8.0\n", "\n")
    assert any(problem.key == "load_ohm" and problem.wrong == "is missing" for problem in copy.problems())


def test_every_family_that_has_a_plan_or_a_product_is_in_the_table(copy: TreeCopy) -> None:
    tree = copy.load()
    families = {product.family for product in tree.products.values()}
    assert families | {plan.family for plan in tree.plans.values() if plan.family} <= set(PLATES)
