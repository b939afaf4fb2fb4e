"""`purge --database`: what is old, or one device's, order's or person's, goes from the centre's database."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

from station.cli.purge import DONE, Choice, check_days, warn_of_imei
from station.collector.database import open_centre
from station.collector.purging import CentreBound, purge_messages
from station.domain.clock import utc_text
from station.domain.errors import CentreError, SettingsError


def purge_centre(database: str, choice: Choice) -> int:
    """Exit status 0. Raises `SettingsError` for wrong use or a database that cannot be used."""
    given = [one for one in (choice.serial_number, choice.work_order, choice.badge) if one is not None]
    if len(given) > 1:
        raise SettingsError("--serial, --work-order and --badge: one request at a time, so that it is clear what went")
    if choice.days is None and not given:
        raise SettingsError("--database: say what goes: --days N, --serial, --work-order or --badge")
    if any(not one.strip() for one in given):
        raise SettingsError("--serial, --work-order and --badge: empty; name whose data are to go")
    before = None
    if choice.days is not None:
        before = utc_text(datetime.now(UTC) - timedelta(days=check_days(choice.days, "--days")))
    path = database.removeprefix("sqlite:///")
    if "://" not in path and not Path(path).exists():
        raise SettingsError(f"--database {database}: there is no such file; nothing to delete")
    bound = CentreBound(before, choice.serial_number, choice.work_order, choice.badge)
    try:
        with closing(open_centre(database)) as centre:
            centre.ready()
            tally = purge_messages(centre, bound, dry_run=choice.dry_run)
            if not choice.dry_run:
                centre.reclaim()
    except CentreError as error:
        raise SettingsError(f"{error}; what went by then is gone, the rest is whole") from error
    if choice.as_json:
        print(json.dumps(asdict(tally) | {"before": before, "dry_run": choice.dry_run}))
    else:
        verb = "would go" if choice.dry_run else "gone"
        print(f"{verb}: {tally.results} results, {tally.messages} messages with them, {tally.bytes / 1e6:.1f} MB; "
              "numbers and hashes stay, so that none is taken twice")  # fmt: skip
    warn_of_imei(choice)
    return DONE
