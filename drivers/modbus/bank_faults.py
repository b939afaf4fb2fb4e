"""What is wrong with a load bank's settings by themselves: for `station check`, at the key where it stands."""

from __future__ import annotations

from collections.abc import Iterator

from drivers.kinds import Fault
from drivers.modbus.map_faults import map_faults
from drivers.modbus.settings import LoadBankSettings

OHMS = ("left_ohm", "right_ohm")
THERMOSTAT = "thermostat_ok"
FAN_PROOFS = ("fan_ok", "fan_rpm")
TOLERANCE_PERCENT_MAX = 20.0


def load_bank_faults(own: LoadBankSettings) -> Iterator[Fault]:
    """Everything that is wrong with a load bank by itself; its ratings against the products are judged elsewhere."""
    yield from map_faults(own)
    for name in (*OHMS, THERMOSTAT):
        if name not in own.quantities:
            yield Fault(("quantities", name), "is missing", f"name its register or input: `{name} = {{ … }}`")
    if not any(name in own.quantities for name in FAN_PROOFS):
        wrong = "no proof of the fan"
        yield Fault(("quantities",), wrong, "add `fan_ok` (a contact) or `fan_rpm` (a tachometer)")
    for key in ("rated_power_w", "load_ohm"):
        if getattr(own, key) <= 0:
            wrong = f"{getattr(own, key):g} is no rating"
            yield Fault((key,), wrong, "write what one channel of the bank is rated for")
    if not 0 < own.ohm_tolerance_percent <= TOLERANCE_PERCENT_MAX:
        wrong = f"{own.ohm_tolerance_percent:g} % is no tolerance of a load"
        yield Fault(("ohm_tolerance_percent",), wrong, f"write more than 0, {TOLERANCE_PERCENT_MAX:g} at most")
    if own.arm_register is not None:
        yield Fault(("arm_register",), "a load bank holds no peak", "remove this key")
