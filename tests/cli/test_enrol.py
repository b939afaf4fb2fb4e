"""`station enrol NAME`: a key that never leaves and is never overwritten, and a request that an authority can read."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from station.cli.enrol import Choice, enrol
from station.domain.errors import SettingsError
from station.mqtt.tls import read_key


def request_of(file: Path) -> x509.CertificateSigningRequest:
    return x509.load_pem_x509_csr(file.read_bytes())


def test_it_makes_a_private_key_on_p256_and_a_request_for_that_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "credentials"
    assert enrol(Choice("bench-07", tmp_path, None)) == 0
    assert {file.name for file in folder.iterdir()} == {"station-key.pem", "bench-07.csr"}
    assert (folder / "station-key.pem").stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    request = request_of(folder / "bench-07.csr")
    key = request.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1)
    assert request.subject.rfc4514_string() == "CN=bench-07" and request.is_signature_valid
    assert read_key(folder / "station-key.pem").public_key() == key
    told = capsys.readouterr().out
    assert "Send bench-07.csr" in told and "beware" not in told
    assert f"systemd-creds encrypt --name=station-key.pem {folder}/station-key.pem" in told


def test_a_second_call_keeps_the_key_and_makes_only_the_request_anew(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    enrol(Choice("bench-07", tmp_path, tmp_path))
    key = (tmp_path / "station-key.pem").read_bytes()
    (tmp_path / "bench-07.csr").unlink()
    capsys.readouterr()
    assert enrol(Choice("bench-07", tmp_path, tmp_path, as_json=True)) == 0
    told = capsys.readouterr()
    assert json.loads(told.out) == {
        "key": str(tmp_path / "station-key.pem"), "key_made": False, "request": str(tmp_path / "bench-07.csr"),
        "name": "bench-07",
    }  # fmt: skip
    assert "kept" in told.err
    assert (tmp_path / "station-key.pem").read_bytes() == key
    assert request_of(tmp_path / "bench-07.csr").public_key() == read_key(tmp_path / "station-key.pem").public_key()


@pytest.mark.parametrize("name", ["", "Bench", "bench_07", "bench/07", "+", "a" * 41, "bench-07\n", "collector.1"])
def test_a_name_that_can_stand_in_no_topic_is_refused_before_anything_is_made(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingsError, match="write 1 to 40 of a-z, 0-9 and -"):
        enrol(Choice(name, tmp_path, tmp_path / "new"))
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("content", "mode", "says"),
    [
        (b"", 0o600, "no PEM private key; move it away"),
        (b"-----BEGIN PRIVATE KEY-----\n", 0o644, "others may read"),
    ],
)
def test_a_file_in_the_keys_place_that_is_none_is_left_alone_and_said(
    tmp_path: Path, content: bytes, mode: int, says: str
) -> None:
    file = tmp_path / "station-key.pem"
    file.write_bytes(content)
    file.chmod(mode)
    with pytest.raises(SettingsError, match=says):
        enrol(Choice("bench-07", tmp_path, tmp_path))
    assert file.read_bytes() == content and list(tmp_path.iterdir()) == [file]


def test_a_name_that_the_configuration_does_not_know_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "station.toml").write_text('[station]\nname = "bench-08"\n', encoding="utf-8")
    assert enrol(Choice("bench-07", tmp_path, None)) == 0
    assert f"beware: {tmp_path / 'station.toml'} calls this bench 'bench-08'" in capsys.readouterr().out


def test_a_folder_that_cannot_be_written_to_is_one_line_and_exit_2(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, "-m", "station", "enrol", "bench-07", "--out", str(tmp_path / "file" / "x")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 2 and ran.stdout == ""
    assert ran.stderr == f"station: {tmp_path}/file/x: Not a directory; name a folder that you may write to (--out)\n"
