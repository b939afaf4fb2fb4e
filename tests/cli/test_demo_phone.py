"""The demo of a phone: what its technician scans besides, and that nobody else is asked for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from station.cli.demo import IMEI, Choice, _require_startable, _scans
from station.domain.errors import SettingsError
from station.domain.imei import read_imei


def scans(product: str, plan: str) -> dict[str, str]:
    return _scans(Choice("", None, plan, 240.0, Path("x"), "zh", False), product)


def test_the_demos_phone_has_a_number_that_no_sold_phone_has_and_that_a_bench_takes() -> None:
    assert read_imei(IMEI) == IMEI and IMEI.startswith("001")


@pytest.mark.parametrize(("product", "plan"), [("example-s-5", "outgoing-phone"), ("example-s-5", "self-test")])
def test_of_a_phone_the_number_is_scanned_whatever_the_plan(product: str, plan: str) -> None:
    assert scans(product, plan)["imei"] == f"IM:{IMEI}"


@pytest.mark.parametrize("product", ["example-a-100", "no-such-product"])
def test_of_nothing_else_is_one_scanned(product: str) -> None:
    assert "imei" not in scans(product, "outgoing-amplifier")


def test_a_plan_that_needs_consent_can_be_shown_and_one_that_needs_an_earlier_pass_cannot() -> None:
    _require_startable("outgoing-phone", {"needs_consent": True})
    with pytest.raises(SettingsError, match="waits for a PASS"):
        _require_startable("later-phone", {"needs_consent": True, "needs_pass": {"plan": "outgoing-phone"}})
