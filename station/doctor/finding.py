"""What an examination finds of one device, as a value that also travels over the control socket. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from drivers.ports import Identity

NONE_ON_FILE = "none on file"
NOT_CALIBRATED = "-"
"""Of what measures nothing."""
NOBODY = Identity()


@dataclass(frozen=True, slots=True)
class Finding:
    """One device, asked once. `answers` says whether it is there at all; `error` also what is wrong with one that
    answers (a button that is held, an emergency stop that is pressed)."""

    role: str
    kind: str
    port: str
    """Where it hangs: the port, and behind it the address on a bus."""
    answers: bool
    identity: Identity = NOBODY
    answer: str = ""
    """The reading itself in words, with units."""
    took_s: float | None = None
    """Seconds from question to answer; None where nothing was asked (an answer that is told with its age)."""
    error: str = ""
    symptom: str = ""
    """Of `causes.Symptom`; empty where nothing is wrong."""
    causes: tuple[str, ...] = ()
    """What it most likely is and what to do, the likeliest first."""
    calibration: str = NONE_ON_FILE

    @property
    def clean(self) -> bool:
        """It answers, and nothing is wrong with what it says."""
        return self.answers and not self.error


def as_document(finding: Finding) -> dict[str, Any]:
    """A finding as it stands in JSON."""
    return asdict(finding) | {"causes": list(finding.causes)}


def from_document(document: Mapping[str, Any]) -> Finding:
    """The other way. Raises `TypeError` or `KeyError` for what is no finding."""
    identity = Identity(**document["identity"])
    return Finding(**{**document, "identity": identity, "causes": tuple(document["causes"])})
