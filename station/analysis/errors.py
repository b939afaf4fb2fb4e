"""What can be wrong with a capture, so that no number comes out of it.

CaptureError            the capture cannot be analysed; the message says why and what to do
+-- TooShort            fewer frames than the method needs
+-- NotFinite           NaN or infinity in the frames
+-- Clipped             the interface ran out of range
+-- Silent              no signal above the floor
+-- DcOnly              a constant and nothing else
+-- ToneNotFound        a signal, but no tone where one was expected
+-- WrongRate           recorded at another sample rate than it says, or at one that cannot be analysed
+-- WrongChannel        the tone is on another channel

A silent or distorted *DUT* is a result, not an error: callers that expect one ask for levels, which have floors.
"""


class CaptureError(Exception):
    """The capture cannot be analysed."""


class TooShort(CaptureError):
    """Fewer frames than the method needs."""


class NotFinite(CaptureError):
    """NaN or infinity among the frames."""


class Clipped(CaptureError):
    """Full-scale samples in a row: the interface's input ran out of range."""


class Silent(CaptureError):
    """Nothing above the floor."""


class DcOnly(CaptureError):
    """A constant and nothing else."""


class ToneNotFound(CaptureError):
    """No tone where one was expected."""


class WrongRate(CaptureError):
    """The sample rate is not the one that was recorded at, or none that can be analysed."""


class WrongChannel(CaptureError):
    """The tone is on another channel."""
