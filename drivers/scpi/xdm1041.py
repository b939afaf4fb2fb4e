"""OWON XDM1041 and XDM1241: an SCPI meter whose set-up is known.

Sources: reference/devices.md; the answers seen on meters with firmware V3 and V4 and written down in public
(TheHWcave/OWON-XDM1041: CR LF ends answers, some questions time out and some are answered more than once;
OpenChipLab/sigrok-mcp-server, docs/devices/owon-xdm1241.md: `FUNC?` is `"VOLT"`, `RANGE1?` is `50 mV`, `RATE?` is `S`,
commands are answered `OK` or `nOK`, there is no `SYST:ERR?`; ElDuderino/XDM1041Python, sample_command_session.txt).
Not confirmed on a device of ours: that an overload is 1E+9, and that `SYST:REM` locks the front panel. The range is not
read back for amperes and ohms, because its text there has letters that are not ASCII; it does not change a reading.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from drivers.scpi.settings import MeterQuantity, MeterSettings, Setup, XdmSettings

OVERLOAD = 1e9
HEADROOM = 1.1  # 55,000 counts in a range of 50,000
SETTLE_S = 1.0  # relays, and readings that were begun before


@dataclass(frozen=True, slots=True)
class Function:
    """How a function is chosen, what `FUNC?` says then, its ranges, and the units a reading of it may have."""

    command: str
    says: str
    ranges: tuple[float, ...]
    units: Mapping[str, float]
    tells_range: bool = False


_VOLTS, _AMPS = {"v": 1.0, "mv": 1e3}, {"a": 1.0, "ma": 1e3}
_AMP_RANGES = (500e-6, 5e-3, 50e-3, 0.5, 5.0, 10.0)
FUNCTIONS: Mapping[str, Function] = {
    "volts_dc": Function("CONF:VOLT:DC", "VOLT", (50e-3, 0.5, 5.0, 50.0, 500.0, 1000.0), _VOLTS, tells_range=True),
    "volts_ac": Function("CONF:VOLT:AC", "VOLT AC", (0.5, 5.0, 50.0, 500.0, 750.0), _VOLTS, tells_range=True),
    "amps_dc": Function("CONF:CURR:DC", "CURR", _AMP_RANGES, _AMPS),
    "amps_ac": Function("CONF:CURR:AC", "CURR AC", _AMP_RANGES, _AMPS),
    "ohms": Function("CONF:RES", "RES", (500.0, 5e3, 50e3, 500e3, 5e6, 50e6), {"ohm": 1.0, "mohm": 1e-6}),
}


def meter_settings(own: XdmSettings) -> MeterSettings:
    """The settings of the SCPI meter that an XDM1041 is."""
    function = FUNCTIONS[own.function]
    scale = function.units[own.reading.rsplit("_", 1)[-1]]
    most = None if own.range is None else HEADROOM * own.range * scale
    setup = [
        Setup("SYST:REM"),
        Setup(f"{function.command} {_range_text(own.range)}", "FUNC?", function.says),
        Setup(f"RATE {own.rate}", "RATE?", own.rate, every_read=False),
    ]
    if own.range is not None and function.tells_range:
        setup.append(Setup(query="RANGE1?", answer=f"{own.range:g} V", every_read=False))
    quantity = MeterQuantity(
        "MEAS?", scale,
        low=own.low if own.low is not None or most is None else -most,
        high=own.high if own.high is not None or most is None else most,
        accuracy_relative=own.accuracy_relative, accuracy_absolute=own.accuracy_absolute,
    )  # fmt: skip
    return MeterSettings(
        {own.reading: quantity}, port=own.port, baud=own.baud, identity="XDM1", setup=tuple(setup), errors="",
        overload_from=OVERLOAD, settle_s=SETTLE_S,
    )  # fmt: skip


def _range_text(amount: float | None) -> str:
    if amount is None:
        return "AUTO"
    return f"{amount * 1e3:g}E-3" if amount < 1.0 else f"{amount:g}"
