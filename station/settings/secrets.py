"""What no tree may hold in any of its files, read by us or not: private keys, and passwords in TOML.

A tree is copied, committed and sent (`apply`); a secret in it is everywhere. Two folders stay where they are and are
left out: `var` (a simulated bench's results) and `credentials`, where only the modes of private keys are looked at.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Collection, Iterator
from pathlib import Path

from station.settings.problem import Problem

CREDENTIALS, RESULTS = "credentials", "var"
FILES_MOST = 5000
BYTES_MOST = 1_000_000
"""A file larger than this is no key; its beginning is looked at all the same."""
_KEY = re.compile(
    rb"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----|PuTTY-User-Key-File-|AGE-SECRET-KEY-1"
    rb'|"private"\s*:\s*"|"d"\s*:\s*"[A-Za-z0-9_-]{42,}"'
)
"""PEM, OpenSSH and PGP; PuTTY; age; the key files of this house; JSON Web Keys."""
_KEY_DER = re.compile(rb"\A\x30(?:[\x00-\x7f]|\x81.|\x82..)\x02\x01[\x00\x01\x03][\x02\x04\x30]", re.DOTALL)
"""PKCS #1, #8 and #12, and keys of RFC 5915: a sequence that begins with its version."""
_KEY_NAME = re.compile(
    r"(?:\.(?:key|p12|pfx|p8|jks|keystore|ppk|kdbx)|(?:^|/)id_(?:rsa|dsa|ecdsa|ed25519))$", re.IGNORECASE
)
SECRET = re.compile(
    r"(?:^|[_-])(?:password|passwd|passphrase|secret|token|credential|api[_-]?key|private[_-]?key|psk)s?$",
    re.IGNORECASE,
)
"""Names of TOML keys whose value is a secret."""
_LINE = re.compile(r"""(?:^|[{,])[ \t]*(?:[\w."'-]*\.)?["']?([\w-]+)["']?[ \t]*=(?=[ \t]*[^\s=])""", re.MULTILINE)
_REMEDY = "keep it in the credentials directory and name the file only"


def secrets_in(directory: Path, read: Collection[str]) -> Iterator[Problem]:
    """Every secret in the files below `directory`. `read`: paths of the TOML files that are looked through key by key
    elsewhere; here only what no key holds, a comment say."""
    for count, path in enumerate(_files(directory)):
        if count == FILES_MOST:
            wrong = f"holds more than {FILES_MOST} files, and the rest was not looked through for secrets"
            yield Problem(str(directory), 1, "(folder)", wrong, "keep the configuration alone in it")
            return
        name = path.relative_to(directory).as_posix()
        content = _content(path)
        if name.startswith(f"{CREDENTIALS}/"):
            yield from _readable_by_others(path, content)
        else:
            yield from _in_file(path, name, content, str(path) in read)


def _files(directory: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(directory):
        at_top = Path(folder) == directory
        folders[:] = sorted(name for name in folders if name != ".git" and not (at_top and name == RESULTS))
        yield from (path for name in sorted(names) if (path := Path(folder) / name).is_file())


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(BYTES_MOST)
    except OSError:
        return b""  # whoever needs it says so


def _is_key(name: str, content: bytes) -> bool:
    return _KEY_NAME.search(name) is not None or _KEY_DER.match(content) is not None


def _in_file(path: Path, name: str, content: bytes, read: bool) -> Iterator[Problem]:
    found = _KEY.search(content)
    if found is not None:
        line = content.count(b"\n", 0, found.start()) + 1
        yield Problem(str(path), line, "(text)", "a private key in the configuration", _REMEDY)
    elif _is_key(name, content):
        yield Problem(str(path), 1, "(file)", "a key in the configuration, by its name or its first bytes", _REMEDY)
    elif name.endswith(".toml") and not read:
        text = content.decode("utf-8", errors="replace")
        for match in _LINE.finditer(text):
            if SECRET.search(match[1]):
                line = text.count("\n", 0, match.start(1)) + 1
                yield Problem(str(path), line, match[1], "a secret in the configuration", _REMEDY)


def _readable_by_others(path: Path, content: bytes) -> Iterator[Problem]:
    if not (_KEY.search(content) or _is_key(path.name, content)):
        return
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        wrong = f"a private key that others may read (mode {mode:04o})"
        yield Problem(str(path), 1, "(mode)", wrong, f"chmod 600 {path}")
