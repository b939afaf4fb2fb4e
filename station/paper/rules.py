"""Which slip a run is entitled to when it ends. Decided once, by the plan in force, and written down with the run.

A label is a statement to the customer: PASS, purpose outgoing and a plan with `label = true`, nothing less. A return
slip goes with a device back to the repair engineer, a retest slip lies on it until it is tested again; neither is for
trials and golden units, and an incoming run's FAIL is what it is made for: it has a report instead.
"""

from __future__ import annotations

from collections.abc import Sequence

from station.domain.paper import DuePaper, PaperDue
from station.domain.record import Record
from station.domain.verdict import Verdict

RETURNED = frozenset({"outgoing", "adjust"})
TESTED_AGAIN = frozenset({"outgoing", "adjust", "incoming"})


def paper_rules(*, printer: bool, slips: bool) -> PaperDue:
    """The rules of a bench. `printer`: there is one; `slips`: it prints slips too."""

    def due(record: Record) -> Sequence[DuePaper]:
        match record.verdict:
            case Verdict.PASS:
                labelled = record.purpose == "outgoing" and record.plan.label is True
                return (DuePaper("label", queued=printer),) if labelled else ()
            case Verdict.FAIL:
                return (DuePaper("return", queued=True),) if slips and record.purpose in RETURNED else ()
            case Verdict.ERROR | Verdict.ABORTED:
                return (DuePaper("retest", queued=True),) if slips and record.purpose in TESTED_AGAIN else ()
        return ()

    return due
