"""The credentials of systemd/station.service before a real systemd: what is there is handed over, the rest passed over.

By hand: it needs root and mount namespaces. systemd runs as a user's instance, /run and /var/lib/systemd are its own.
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.docs.pages import ROOT

SCRIPT = """
mount --make-rshared / && mount -t tmpfs tmpfs /run && mount -t tmpfs tmpfs /var/lib/systemd || exit 9
mkdir -p /run/systemd/system /run/x /run/credstore /run/credstore.encrypted
cp "$1/ca.pem" /run/credstore/bench.ca.pem
systemd-creds encrypt --with-key=host --name=station-key.pem "$1/station-key.pem" \
  /run/credstore.encrypted/bench.station-key.pem || exit 8
export XDG_RUNTIME_DIR=/run/x XDG_CONFIG_HOME="$1"
timeout 30 /lib/systemd/systemd --user --unit=handed.service </dev/null >/dev/null 2>&1 &
for i in $(seq 100); do test -e "$1/done" && break; sleep 0.1; done
kill $!
"""


@pytest.mark.byhand
def test_systemd_hands_over_what_is_there_and_passes_over_what_is_not(tmp_path: Path) -> None:
    if os.getuid() != 0 or not Path("/lib/systemd/systemd").exists():
        pytest.skip("needs root and systemd")
    unit = (ROOT / "systemd" / "station.service").read_text(encoding="utf-8")
    lines = re.findall(r"^LoadCredential(?:Encrypted)?=[\w.-]+:bench\..+$", unit, re.MULTILINE)
    assert len(lines) == 5
    (tmp_path / "ca.pem").write_text("an authority", encoding="utf-8")
    (tmp_path / "station-key.pem").write_text("a key", encoding="utf-8")
    service = tmp_path / "systemd" / "user" / "handed.service"
    service.parent.mkdir(parents=True)
    service.write_text(
        "\n".join(["[Service]", "Type=oneshot", *lines])
        + f"\nExecStart=/bin/sh -c 'cp -p $CREDENTIALS_DIRECTORY/* {tmp_path}/systemd/; touch {tmp_path}/done'\n",
        encoding="utf-8",
    )
    ran = subprocess.run(["unshare", "-m", "sh", "-c", SCRIPT, "sh", str(tmp_path)], check=False, capture_output=True)
    assert ran.returncode not in (8, 9), ran.stderr
    handed = {path.name: path for path in (tmp_path / "systemd").iterdir() if path.is_file()}
    assert {name: path.read_text(encoding="utf-8") for name, path in handed.items()} == {
        "ca.pem": "an authority", "station-key.pem": "a key"
    }  # fmt: skip
    assert handed["station-key.pem"].stat().st_mode & 0o077 == 0
