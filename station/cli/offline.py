"""Taking a configuration into use where no daemon runs: under the store's lock, for the next start, on trial there."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from station.cli.follow import Followed
from station.domain.errors import SettingsError
from station.settings.revisions import Revisions, read_files, revision_of, store_of
from station.settings.switching import Switching, words_of
from station.store.lock import hold_store


def take_into_use(config: Path, files: Mapping[str, bytes], by: str, silence: str) -> Followed:
    """Keep these checked files and make them what the next start loads. Raises `SettingsError`.

    `silence`: why the daemon could not be asked, for the case that one runs all the same.
    """
    store = store_of(config)
    assert store is not None, "the caller looked"
    with _as_owner_of(store.parent):
        try:
            with hold_store(store):
                return _take(Switching(Revisions(store.parent / "config"), config), config, files, by)
        except SettingsError as error:
            raise SettingsError(f"{error} (and it does not answer: {silence})") from None
        except OSError as error:
            raise SettingsError(
                f"{error.filename or store.parent}: {error.strerror}; what holds now: station revisions"
            ) from None


def _take(switching: Switching, config: Path, files: Mapping[str, bytes], by: str) -> Followed:
    trial = switching.read().trial
    revision = revision_of(files)
    if trial is not None and revision == (trial.back or revision_of(read_files(config))):
        switching.go_back(f"taken back by {by}")
        return Followed("next start", f"no daemon runs: {words_of(trial.back)} is used from the next start on")
    if trial is not None:
        raise SettingsError(
            f"{words_of(trial.to)} is on trial and the daemon is stopped in it; start the daemon, so that it "
            "holds or goes back, and ask again"
        )
    switching.revisions.keep(files)
    if not switching.want(revision, by):
        return Followed("in use", f"{words_of(revision)} is in use already")
    try:
        switching.switch()
    except OSError as error:
        switching.drop(f"it could not be taken into use: {error}; make room and apply it again")
        raise
    after = "on trial then, and back by itself where the bench does not come up with it"
    return Followed("next start", f"no daemon runs: {words_of(revision)} is used from the next start on, {after}")


@contextmanager
def _as_owner_of(folder: Path) -> Iterator[None]:
    """Root writes as the daemon's user, who has to change these files later."""
    try:
        its = folder.stat()
    except FileNotFoundError:
        its = None
    if os.geteuid() != 0 or its is None or its.st_uid == 0:
        yield
        return
    os.setegid(its.st_gid)
    os.seteuid(its.st_uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
