"""Plans and products as the runner sees them: resolved, checked, frozen. `station.settings` builds them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, TypeVar

from station.domain.errors import StepError
from station.domain.limit import Limit
from station.domain.measurement import Channel
from station.domain.plates import Plate

P = TypeVar("P", bound=Plate)

Purpose = Literal["incoming", "adjust", "outgoing", "verify", "engineering"]


class OnFail(StrEnum):
    """What a failed step forbids for the rest of the run."""

    CONTINUE = "continue"  # go on; the soak is not started on a DUT that failed
    NO_MAINS = "no_mains"  # mains is never switched on in this run
    MAINS_OFF = "mains_off"  # mains goes off at once and stays off
    NO_DRIVE = "no_drive"  # no audio drive from here on


class Needs(StrEnum):
    """What a step needs of the bench, from its catalogue entry; a run that lost it skips the step."""

    NOTHING = "nothing"
    MAINS = "mains"
    DRIVE = "drive"  # implies mains


@dataclass(frozen=True, slots=True)
class NeedsPass:
    """A plan that starts only where `plan` has passed on the same device and work order within `within_h`."""

    plan: str
    within_h: float


@dataclass(frozen=True, slots=True)
class Requirement:
    """One measurement that a step must deliver, and its limit. `limit` None makes the run an ERROR, never a PASS."""

    name: str
    limit: Limit | None
    channel: Channel | None = None


@dataclass(frozen=True, slots=True)
class PlanStep:
    """One step of a plan: `use` is its name in the catalogue, `params` an instance of the step's own Params class."""

    id: str
    use: str
    title: Mapping[str, str]  # by language, "zh" and "en"
    params: Any
    requires: tuple[Requirement, ...]
    on_fail: OnFail = OnFail.CONTINUE
    only_after_pass: bool = False  # the soak
    applicable: bool = True  # False where the product says so: its measurements are NOT_APPLICABLE


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan for one product. `max_mains_s` bounds the energised time of a run, in test time."""

    id: str
    revision: str
    sha256: str
    title: Mapping[str, str]
    purpose: Purpose
    label: bool
    steps: tuple[PlanStep, ...]
    max_mains_s: float


@dataclass(frozen=True, slots=True)
class Product:
    """What a product is, and within which limits; `plate` holds the values of its family that drive the test."""

    id: str
    maker: str
    model: str
    family: str
    protection_class: Literal["I", "II", "III"]
    plate: Plate
    limits: Mapping[str, Limit] = field(default_factory=dict)
    without: tuple[str, ...] = ()
    """Items, or whole steps, of guided checks that this product has nothing for (no tone controls, say)."""

    def plate_of(self, kind: type[P]) -> P:
        """Its plate, which must be of this kind. Raises `StepError`: the plan has a step of another family."""
        if not isinstance(self.plate, kind):
            raise StepError(
                f"product {self.id} is of the family {self.family}, and this step is for another one; take a plan for "
                f"{self.family}, or correct the product's family"
            )
        return self.plate
