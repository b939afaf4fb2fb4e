"""The station's own errors.

    StationError
    +-- SettingsError       configuration that cannot be used (wrong use, exit 2)
    +-- StoreError          the journal or outbox could not be written: nothing energises any more
    +-- MessageError        a message that the contract does not allow (too large, NaN): refused, never cut
    +-- LinkError           the broker cannot be reached, refused us or was lost
    +-- CentreError         the centre's database is gone, full or may not be written: nothing is receipted
    +-- StepError           a step could not measure; the station's fault, so the step is an ERROR
    +-- StepDeclined        a person said that the test must not go on: nobody's fault, so the step is ABORTED

FAIL is a value, never an exception. `PermitDenied` lives in drivers.errors, because writes raise it.
"""


class StationError(Exception):
    """Anything that the station itself got wrong."""


class SettingsError(StationError):
    """The configuration cannot be used."""


class StoreError(StationError):
    """The journal or the outbox could not be written or read."""


class MessageError(StationError):
    """The contract does not allow this message: it is refused, never cut or bent."""


class LinkError(StationError):
    """The broker cannot be reached, refused us or was lost."""


class CentreError(StationError):
    """The centre's database is gone, full or may not be written: nothing is receipted until it is back."""


class StepError(StationError):
    """A step could not measure what it should."""


class StepDeclined(StationError):
    """A person at the bench answered that the test cannot go on; says who must do what."""
