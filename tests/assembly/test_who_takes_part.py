"""Who took part in a run: what an instrument does not say of itself is unknown, not an empty name."""

from __future__ import annotations

from pathlib import Path

from drivers.catalog import CATALOG
from drivers.ports import Identity
from station.assembly import make_devices
from station.domain.record import Instrument
from station.settings import load
from station.steps.catalog import STEPS

CONFIG = Path(__file__).parents[2] / "config"


async def test_an_instrument_that_does_not_say_who_it_is_has_no_model_and_no_serial_number() -> None:
    devices = make_devices(load(CONFIG, STEPS, CATALOG).station)
    try:
        devices.identities |= {"mains": Identity(), "tester": Identity(model="GPT-9804", serial_number="GES870123")}
        assert devices.instruments() == (
            Instrument("mains", "pzem-016", None, None, None),
            Instrument("tester", "gpt-9800", "GPT-9804", "GES870123", None),
        )
    finally:
        await devices.close()
