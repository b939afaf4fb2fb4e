"""From the command line to a bench that is served: the store's lock, the revision on trial, and starting again.

Whoever holds the lock is the one daemon of this bench, so only then is a start counted against a revision on trial.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from station.contract.building import build
from station.domain.errors import SettingsError, StationError
from station.settings.revisions import Revisions, store_of
from station.settings.switching import Switching
from station.store.lock import hold_store

log = logging.getLogger("station")

DONE, WRONG_USE, FAILED = 0, 2, 4
AGAIN = -1
"""Not for the shell: the daemon is to start again, with the wanted revision."""
Serve = Callable[[Switching], int]
"""Loads the configuration and serves the bench; raises `StationError` where it cannot."""


def serve_bench(own: Path, serve: Serve) -> int:
    """Serve the bench whose own directory this is. Exit status: 0 after a signal, 2 wrong configuration, 4 failed.

    For another revision, and where one on trial did not hold, the process runs itself anew under its number.
    """
    store = store_of(own)
    if store is None:  # `load` says what is wrong with it
        return _on_trial(serve, Switching(Revisions(own / "config")))
    try:
        with hold_store(store):
            status = _on_trial(serve, Switching(Revisions(store.parent / "config"), own))
    except SettingsError as error:
        return _said(error)
    if status == AGAIN:
        _run_anew()
    return status


def _on_trial(serve: Serve, switching: Switching) -> int:
    status, why = FAILED, ""
    try:
        switching.begin()
    except OSError as error:
        return _cannot_write(switching, error)
    build()
    try:
        status = serve(switching)
        why = f"the daemon ended with status {status}; see its log"
    except StationError as error:
        status, why = _said(error), str(error)
    except Exception as error:
        if switching.read().trial is None:
            raise
        log.critical("the daemon broke", exc_info=error)
        why = f"the daemon broke: {error!r}"
    if status == DONE:
        switching.ended_well()
    elif status == AGAIN and switching.condemned is None:
        _switch(switching)
    else:
        why = switching.condemned or why
        try:
            return AGAIN if switching.go_back(why) else status
        except OSError as error:
            return _cannot_write(switching, error)
    return status


def _cannot_write(switching: Switching, error: OSError) -> int:
    """The revision on trial can neither be counted nor left: no start is safe before somebody was there."""
    where = switching.revisions.state
    print(f"station run: {where}: {error}; it leads to the configuration in use: make room there", file=sys.stderr)
    return FAILED


def _switch(switching: Switching) -> None:
    try:
        switching.switch()
    except OSError as error:
        log.critical("the wanted revision cannot be taken into use: %s", error)
        switching.drop(f"it cannot be taken into use: {error}; make room and apply it again")


def _said(error: StationError) -> int:
    print(f"station run: {error}", file=sys.stderr)
    return WRONG_USE if isinstance(error, SettingsError) else FAILED


def _run_anew() -> NoReturn:
    """The same program with the same arguments, under the same number: whoever watches over it sees no death.

    A line that a library left open would be held by nobody and busy for ever: all are closed first.
    """
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
