"""The station's own errors.

    StationError
    +-- SettingsError       configuration that cannot be used (wrong use, exit 2)
    +-- StoreError          the journal or outbox could not be written: nothing energises any more
    +-- StepError           a step could not measure; the station's fault, so the step is an ERROR

FAIL is a value, never an exception. `PermitDenied` lives in drivers.errors, because writes raise it.
"""


class StationError(Exception):
    """Anything that the station itself got wrong."""


class SettingsError(StationError):
    """The configuration cannot be used."""


class StoreError(StationError):
    """The journal or the outbox could not be written or read."""


class StepError(StationError):
    """A step could not measure what it should."""
