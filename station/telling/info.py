"""What this station is and can do, for `up/info`."""

from __future__ import annotations

from collections.abc import Sequence

from station import __version__
from station.contract.bodies import TAKES_ALSO, Info
from station.contract.commands import VERBS
from station.domain.record import Instrument
from station.settings.tree import Tree

REASON_MAX = 1000


def capabilities_of(tree: Tree) -> tuple[str, ...]:
    """`plan:ID:PURPOSE:FAMILY` (family `any`: for every product), `product:ID`, `verb:NAME`, and what else there is:
    `printer`, `simulated`, `receipts:also`. An order for a product can be tested here where a plan has its purpose and
    its family."""
    plans = [f"plan:{plan.id}:{plan.purpose}:{plan.family or 'any'}" for plan in tree.plans.values()]
    more = [name for name, has in (("printer", tree.station.printer), ("simulated", tree.station.simulated)) if has]
    return (
        *sorted(plans), *sorted(f"product:{product}" for product in tree.products), *(f"verb:{verb}" for verb in VERBS),
        *more, TAKES_ALSO,
    )  # fmt: skip


def info_of(
    tree: Tree,
    instruments: Sequence[Instrument],
    *,
    revision: str | None = None,
    last_apply_error: str | None = None,
    certificate_expires_at: str | None = None,
) -> Info:
    """The body. `certificate_expires_at` is a UTC stamp; None where there is no certificate."""
    return Info(
        software=__version__, capabilities=capabilities_of(tree), instruments=tuple(instruments),
        certificate_expires_at=certificate_expires_at, config_revision=revision, config_sha256=tree.sha256,
        last_apply_error=last_apply_error and last_apply_error[:REASON_MAX],
    )  # fmt: skip
