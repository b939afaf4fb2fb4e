"""Finished records as they were stored, a page at a time: an export of 100,000 runs holds one page and no lock.

Reading only; `station.store.history` is the door.
"""

from __future__ import annotations

import sqlite3

from station.domain.chosen_runs import ChosenRuns

PAGE = 25
"""Records in a page: 6 MiB at most, each as large as a message may be."""


def read_texts(db: sqlite3.Connection, chosen: ChosenRuns, after: int) -> list[tuple[int, str]]:
    """Number and record of the next finished runs after number `after`, the first first; none: there are no more."""
    wheres = ["record IS NOT NULL", "run_no > ?"]
    values: list[int | str | bool] = [after]
    for column, comparison, value in chosen.conditions():
        wheres.append(f"{column} {comparison} ?")
        values.append(value)
    if chosen.run_ids:
        wheres.append(f"run_id IN ({', '.join('?' * len(chosen.run_ids))})")
        values.extend(chosen.run_ids)
    sql = f"SELECT run_no, record FROM runs WHERE {' AND '.join(wheres)} ORDER BY run_no LIMIT {PAGE}"
    rows: list[tuple[int, str]] = db.execute(sql, values).fetchall()
    return rows


def read_epoch(db: sqlite3.Connection) -> str:
    """The store's epoch, which makes its run numbers unique among all stores."""
    return str(db.execute("SELECT value FROM meta WHERE key = 'store_epoch'").fetchone()[0])
