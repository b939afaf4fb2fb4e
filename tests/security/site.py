"""A workshop as docs/enrolling-a-bench.md makes it: the page's own files and commands, in a folder that is its `/`."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from station.mqtt.tls import TlsFiles
from tests.docs.pages import ROOT, blocks
from tests.servers.mosquitto import Mosquitto

PAGE = "enrolling-a-bench.md"
HOST = "broker.example"
_FOLDERS = re.compile(r"(?<![\w.-])/(?=(?:etc|media|root)\b)")
_STAND_INS = {
    "station": 'exec {python} -m station "$@" --config {root}/etc/bench',
    "python": 'exec {python} "$@"',
    "systemctl": 'echo "$@" >> {root}/systemctl.log',
    "chown": "test $1 = mosquitto",
    "systemd-creds": 'test "$1 $2" = "encrypt --name=$(basename $3)" && cp $3 $4',
}
"""Programs that need root, or a machine that is set up; the arguments are looked at."""


class Site:
    """`follow` does what the page says; afterwards more certificates can be made with its authority."""

    said = ""
    """What the page's commands said."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.authority = root / "media" / "authority"
        self.stick = root / "media" / "stick"
        self.bench = root / "etc" / "bench" / "credentials"
        self.centre = root / "etc" / "bench-centre"
        self.certs = root / "etc" / "mosquitto" / "certs"
        programs = root / "programs"
        for folder in (self.authority, self.stick, self.bench, self.centre, self.certs, root / "root", programs,
                       root / "etc/mosquitto/conf.d"):  # fmt: skip
            folder.mkdir(parents=True, exist_ok=True)
        for name, line in _STAND_INS.items():
            line = line.format(python=sys.executable, root=root)
            (programs / name).write_text(f"#!/bin/sh\n{line}\n", encoding="utf-8")
            (programs / name).chmod(0o755)
        self._environment = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
        self._environment.pop("CREDENTIALS_DIRECTORY", None)

    def here(self, text: str) -> str:
        """A text of the page with its paths below our root and its broker on this machine."""
        return _FOLDERS.sub(f"{self.root}/", text).replace(HOST, "localhost")

    def follow(self, *kinds: str) -> str:
        """Write the files and run the commands of these kinds, in the page's order; what they said."""
        said = ""
        for block in blocks(PAGE):
            if block.kind not in kinds:
                continue
            place = Path(self.here(block.name))
            if block.kind == "file":
                place.write_text(self.here(block.text), encoding="utf-8")
            else:
                said += self.run(self.here(block.text), place)
        return said

    def run(self, script: str, folder: Path) -> str:
        """A piece of shell, stopped at its first failure."""
        ran = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script], cwd=folder, env=self._environment, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert ran.returncode == 0, f"{script}\n{ran.stdout}{ran.stderr}"
        return ran.stdout + ran.stderr

    def make(self, name: str, folder: Path, how: str = "", host: str | None = None, cn: str | None = None) -> TlsFiles:
        """A key and a certificate of the page's authority: a client's, or a broker's for `host`; `how` to sign it."""
        folder.mkdir(parents=True, exist_ok=True)
        curve = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc"
        if host is not None:
            text = (self.authority / "broker.ext").read_text(encoding="utf-8").replace("localhost", host)
            (folder / "broker.ext").write_text(text, encoding="utf-8")
            how += f" -extfile {folder}/broker.ext"
        self.run(
            f"umask 077; openssl req -new {curve} -subj /CN={cn or name} -keyout {folder}/{name}-key.pem "
            f"-out {folder}/{name}.csr\nopenssl ca -config ca.cnf -batch -notext {how} -in {folder}/{name}.csr "
            f"-out {folder}/{name}.pem",
            self.authority,
        )
        return TlsFiles(self.stick / "ca.pem", folder / f"{name}.pem", folder / f"{name}-key.pem")

    def of_centre(self, name: str) -> TlsFiles:
        """The credentials of a program of the centre."""
        return TlsFiles(self.centre / "ca.pem", self.centre / f"{name}.pem", self.centre / f"{name}-key.pem")

    @contextmanager
    def broker(
        self, folder: Path, files: TlsFiles | None = None, crl: Path | None = None, acl: Path | None = None
    ) -> Iterator[Mosquitto]:
        """mosquitto as the page configures it, on a port of its own; `files`, `crl`, `acl`: others than the page's."""
        text = (self.root / "etc/mosquitto/conf.d/bench.conf").read_text(encoding="utf-8")
        files = files or replace(self.of_broker, ca=self.certs / "ca.pem")
        changed = {"certfile": files.certificate, "keyfile": files.key, "crlfile": crl or self.certs / "crl.pem",
                   "acl_file": acl or self.root / "etc/mosquitto/bench.acl"}  # fmt: skip
        lines = [line for line in text.splitlines() if not line.startswith(("listener ", *changed))]
        lines += [f"{name} {file}" for name, file in changed.items()]
        with Mosquitto(folder, lines, tls=True) as server:
            yield server

    @property
    def of_broker(self) -> TlsFiles:
        """The credentials of the page's broker."""
        return TlsFiles(self.certs / "ca.pem", self.certs / "broker.pem", self.certs / "broker-key.pem")
