"""The instruments of a plan and their calibrations at the moment before a run: what refuses it, what is noted. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from station.domain.plan import Plan, Purpose
from station.metrology.in_force import InForce
from station.metrology.roles import roles_needed
from station.run.needs import UNDECIDING
from station.run.session_texts import say_uncalibrated
from station.safety.errors import NotReady


class NotCalibrated(NotReady):
    """An instrument of the plan makes no PASS now; `words` says so by language."""

    def __init__(self, words: Mapping[str, str]) -> None:
        super().__init__(words["en"])
        self.words = dict(words)


def instruments_of(plan: Plan) -> tuple[str, ...]:
    """The roles that the measurements of a plan hang on, without the steps that do not apply to the product."""
    return roles_needed(_measured(plan))


def _measured(plan: Plan) -> list[tuple[str, str]]:
    return [(one.name, step.use) for step in plan.steps if step.applicable for one in step.requires]


def refuse_uncalibrated(calibrations: InForce, plan: Plan, purpose: Purpose) -> None:
    """Raises `NotCalibrated` where an instrument of the plan makes no PASS; never for a run that decides nothing."""
    if purpose in UNDECIDING:
        return
    if told := calibrations.refused(_measured(plan)):
        raise NotCalibrated(say_uncalibrated(told, late=True))


def none_on_file(calibrations: InForce, plan: Plan) -> tuple[str, ...]:
    """The note of a run whose instruments are not all calibrated."""
    without = calibrations.without(instruments_of(plan))
    noted = [f"without a calibration on file: {', '.join(without)}"] if without else []
    for role, names in calibrations.uncovered(_measured(plan)).items():
        noted.append(f"without a calibration of {', '.join(names)}: {role}, of which other quantities are calibrated")
    return tuple(noted)
