"""No kind of the catalogue is missing from the contract suites."""

from __future__ import annotations

from typing import get_args

from drivers.catalog import CATALOG
from drivers.kinds import PortName
from tests.contract.twin_cases import ALL, WITHOUT


def test_every_kind_of_the_catalogue_is_run_on_its_twin() -> None:
    covered = {case.kind for case in ALL}
    assert covered <= set(CATALOG), "a case of a kind that is not there"
    assert set(CATALOG) - covered == set(WITHOUT), "name the twin of a new kind in tests/contract/twin_cases.py"


def test_every_port_has_a_kind_and_a_suite() -> None:
    ports = {CATALOG[case.kind].port for case in ALL}
    assert ports == set(get_args(PortName)) - {"probe"}, "a peak probe is a sensor with `arm_register`"
