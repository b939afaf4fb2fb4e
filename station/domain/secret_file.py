"""Who may read a file with a private key: its owner, and where systemd hands it over, the service that it is for."""

from __future__ import annotations

import stat
from pathlib import PurePath


def why_not_private(file: PurePath, mode: int, systemd_folder: str | None) -> str | None:
    """What is wrong with the mode of `file`, and the remedy; None if its owner alone may read it.

    In systemd's own folder of credentials the group's bits are the mask of an access list, which names the service's
    user alone.
    """
    mode = stat.S_IMODE(mode)
    if mode & (0o007 if str(file.parent) == systemd_folder else 0o077):
        return f"{file}: a private key that others may read (mode {mode:04o}); chmod 600 {file}"
    return None
