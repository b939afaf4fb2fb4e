"""The tree of what can go wrong below the station: one base class, drawn here whole.

    DriverError                 a device, its wire or its answer failed; the station's fault, never the DUT's
    +-- PortError               the wire itself: cannot be opened, unplugged, no permission
    +-- DeviceTimeout           nothing came back within the deadline
    +-- ProtocolError           something came back that does not answer what was asked
    +-- DeviceRefused           the device answered "no" (Modbus exception, SYST:ERR?)
    |   +-- GuardRefused        the guard answered NAK
    |   +-- PrinterNotReady     the label printer says that no label would come out now
    +-- SettingMismatch         a setting read back differs from what was written
    +-- AudioFault              an xrun, a lost frame or a dead stream: the capture is worthless
        +-- AudioStuck          a stream that never ends: only a new sound process may open another

    PermitDenied                not a DriverError on purpose: nothing that handles device trouble may swallow it
    +-- DriveEnded              whoever drove ended it: quiet, but nothing has to be cut off

Every message names the device, the value, the bound and the remedy.
"""


class DriverError(Exception):
    """A device, its wire or its answer failed. `device` is the role or port that the message is about."""

    def __init__(self, device: str, message: str) -> None:
        super().__init__(f"{device}: {message}")
        self.device = device


class PortError(DriverError):
    """The wire is not there: it cannot be opened, was unplugged, or may not be used."""


class DeviceTimeout(DriverError):
    """No reply within the deadline."""


class ProtocolError(DriverError):
    """A reply that does not answer the request: short, wrong function, wrong echo, wrong unit, not a number."""


class DeviceRefused(DriverError):
    """The device understood and said no."""


class GuardRefused(DeviceRefused):
    """The guard answered NAK; `verb` and `reason` are as on the line."""

    def __init__(self, device: str, verb: str, reason: str) -> None:
        super().__init__(device, f"the guard refused {verb}: {reason}")
        self.verb = verb
        self.reason = reason


class PrinterNotReady(DeviceRefused):
    """No label would come out now; `fault` names why (`paper`, `head`, …: `drivers.ports.PrinterFault`)."""

    def __init__(self, device: str, fault: str, remedy: str) -> None:
        super().__init__(device, f"{fault}: {remedy}")
        self.fault = fault


class SettingMismatch(DriverError):
    """A setting read back differs from the one written."""


class AudioFault(DriverError):
    """Frames were lost, repeated or never came: nothing captured may be judged."""


class AudioStuck(AudioFault):
    """A stream does not end, or another interface answers: in this process none is opened again, so it has to end."""


class PermitDenied(Exception):
    """An energising write was asked for without a valid permit; `permit` names which, `reason` says why."""

    def __init__(self, permit: str, reason: str) -> None:
        super().__init__(f"no {permit} permit: {reason}")
        self.permit = permit
        self.reason = reason


class DriveEnded(PermitDenied):
    """Whoever drove has ended it himself: silence from the next block on; what is on its way need not be cut off."""
