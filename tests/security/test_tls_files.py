"""Credential files that are wrong are named, with what is wrong and what to do; the context that good ones give."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from station.daemon import main as run_daemon
from station.domain.errors import SettingsError
from station.mqtt.address import parse_address
from station.mqtt.tls import TlsFiles, files_for, make_context, read_own
from tests.security.conftest import Fleet
from tests.security.site import Site
from tests.security.test_refusals import FUTURE, PAST
from tests.settings.settings_tree import TreeCopy


@pytest.fixture
def files(fleet: Fleet, tmp_path: Path) -> TlsFiles:
    """Good files of bench-07 in a folder of their own, to be spoilt."""
    own = TlsFiles(tmp_path / "ca.pem", tmp_path / "station.pem", tmp_path / "station-key.pem", name="bench-07")
    for source, target in (
        (fleet.seven.ca, own.ca),
        (fleet.seven.certificate, own.certificate),
        (fleet.seven.key, own.key),
    ):
        shutil.copy(source, target)
    return own


def openssl(command: str, folder: Path) -> None:
    subprocess.run(["openssl", *command.split()], cwd=folder, check=True, capture_output=True)


def other_key(file: Path, fleet: Fleet) -> None:
    shutil.copy(fleet.eight.key, file)


def other_curve(file: Path, fleet: Fleet) -> None:
    openssl(f"genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out {file}", file.parent)


def locked_key(file: Path, fleet: Fleet) -> None:
    openssl(f"pkcs8 -topk8 -in {fleet.seven.key} -passout pass:x -out {file}", file.parent)


def request(file: Path, fleet: Fleet) -> None:
    shutil.copy(fleet.seven.certificate.with_suffix(".csr"), file)


def other_name(file: Path, fleet: Fleet) -> None:
    shutil.copy(fleet.eight.certificate, file)


def gone(file: Path, fleet: Fleet) -> None:
    file.unlink()


def no_pem(file: Path, fleet: Fleet) -> None:
    file.write_bytes(b"\x30\x82")
    file.chmod(0o600)


def open_to_all(file: Path, fleet: Fleet) -> None:
    file.chmod(0o644)


@pytest.mark.parametrize(
    ("name", "spoil", "says"),
    [
        ("ca.pem", gone, "No such file or directory; the authority's certificate belongs there"),
        ("ca.pem", no_pem, "no PEM certificate; put the authority's ca.pem there"),
        ("station.pem", gone, "No such file or directory; the certificate that came back for the request"),
        ("station.pem", no_pem, "no PEM certificate; put the certificate there that the authority made"),
        ("station.pem", request, "a certificate request; put the certificate there that the authority made"),
        ("station.pem", other_name, "the certificate of 'bench-08', and this is 'bench-07'; put the certificate of"),
        ("station-key.pem", gone, "No such file or directory; the private key that `station enrol` made belongs there"),
        ("station-key.pem", no_pem, "no PEM private key; move it away, and `station enrol` makes one"),
        ("station-key.pem", other_key, "not the key of {station}; put the certificate there that was made of this key"),
        ("station-key.pem", other_curve, "no key on the curve P-256; move it away and make one with `station enrol`"),
        ("station-key.pem", locked_key, "locked with a passphrase that nobody is there to type; take it off"),
        ("station-key.pem", open_to_all, "a private key that others may read (mode 0644); chmod 600 {key}"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_named_with_its_fault_and_its_remedy(
    files: TlsFiles, fleet: Fleet, name: str, spoil: Callable[[Path, Fleet], None], says: str
) -> None:
    path = files.ca.parent / name
    spoil(path, fleet)
    with pytest.raises(SettingsError) as error:
        read_own(files)
    assert str(error.value).startswith(f"{path}: {says.format(station=files.certificate, key=files.key)}")


def test_a_revocation_list_that_is_none_is_named(files: TlsFiles, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"crl\.pem: No such file"):
        read_own(replace(files, crl=tmp_path / "crl.pem"))
    shutil.copy(files.ca, tmp_path / "crl.pem")
    with pytest.raises(SettingsError, match=r"crl\.pem: no PEM revocation list; put the authority's crl\.pem there"):
        read_own(replace(files, crl=tmp_path / "crl.pem"))


@pytest.mark.parametrize(
    ("how", "says"), [(PAST, "ended on 2021-01-01 00:00 UTC"), (FUTURE, "begins on 2090-01-01 00:00")]
)
def test_a_certificate_out_of_its_time_can_be_read_but_makes_no_connection(
    site: Site, tmp_path: Path, how: str, says: str
) -> None:
    """A bench with an ended certificate, or a clock that is not set, still starts and tests."""
    files = site.make("bench-07", tmp_path, how)
    assert read_own(files).name == "bench-07"
    with pytest.raises(SettingsError, match=f"'bench-07' {says}.*and this machine's clock says 20.*renew it"):
        make_context(files)


def test_an_authority_that_ended_is_said_before_anything_is_tried(files: TlsFiles) -> None:
    own = read_own(files)
    openssl(
        f"req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -days 1 -subj /CN=a -out {files.ca}",
        files.ca.parent,
    )
    with pytest.raises(SettingsError, match=r"ca\.pem: the authority's certificate ended on 20.*ask for the new one"):
        make_context(files, own.begins + timedelta(days=3))


def test_systemds_own_folder_shows_the_mask_of_an_access_list_as_the_groups_bits(
    files: TlsFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    files.key.chmod(0o440)
    with pytest.raises(SettingsError, match="mode 0440"):
        read_own(files)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(files.key.parent))
    assert read_own(files).name == "bench-07"
    files.key.chmod(0o444)
    with pytest.raises(SettingsError, match="mode 0444"):
        read_own(files)


def test_the_context_checks_name_and_certificate_and_speaks_nothing_old(files: TlsFiles, site: Site) -> None:
    context = make_context(files)
    assert context.verify_mode == ssl.CERT_REQUIRED and context.check_hostname
    assert context.hostname_checks_common_name is False
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert context.maximum_version in (ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.MAXIMUM_SUPPORTED)
    assert all("ECDHE" in cipher["name"] or cipher["protocol"] == "TLSv1.3" for cipher in context.get_ciphers())
    assert not context.verify_flags & ssl.VERIFY_CRL_CHECK_LEAF
    assert make_context(replace(files, crl=site.stick / "crl.pem")).verify_flags & ssl.VERIFY_CRL_CHECK_LEAF


def test_mqtts_without_files_is_refused_and_mqtt_takes_none(files: TlsFiles) -> None:
    with pytest.raises(SettingsError, match=r"broker mqtts://h:8883: needs ca\.pem, a certificate and its key"):
        files_for(parse_address("mqtts://h"), None)
    assert files_for(parse_address("mqtts://h"), files) is files
    assert files_for(parse_address("mqtt://127.0.0.1"), files) is None


@pytest.mark.parametrize(
    ("name", "says"), [("bench-07", ""), ("bench-09", "the certificate of 'bench-07', and this is 'bench-09'")]
)
def test_the_daemon_does_not_start_with_wrong_files_and_names_the_file(
    files: TlsFiles, site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, says: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    tree = TreeCopy.make(tmp_path / "config")
    tree.spoil("station.toml", 'name = "bench-07"', f'name = "{name}"')
    credentials = tree.directory / "credentials"
    credentials.mkdir()
    shutil.copy(site.bench / "receipt-keys.json", credentials)
    shutil.copy(site.root / "etc/credstore/bench.command-keys.json", credentials / "command-keys.json")
    tree.spoil("station.toml", '# command_keys = "command-keys.json"', 'command_keys = "command-keys.json"')
    for file in (files.ca, files.certificate, files.key):
        shutil.copy(file, credentials)
    if not says:
        (credentials / "ca.pem").unlink()
        says = "No such file or directory; the authority's certificate belongs there"
    assert run_daemon(["--config", str(tree.directory), "--broker", "mqtts://broker.example"]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"station run: {credentials}/") and says in said and said.count("\n") == 1


def test_how_long_it_is_good_is_said_with_its_day_and_what_to_do(fleet: Fleet) -> None:
    own = read_own(fleet.seven)
    assert not own.ends_soon(own.ends - timedelta(days=31)) and own.ends_soon(own.ends - timedelta(days=30))
    assert own.ends_soon(own.ends + timedelta(days=1)) and not own.ends_soon(datetime.now(UTC))
    ends = f"{own.ends:%Y-%m-%d %H:%M} UTC"
    said = own.words(own.ends - timedelta(days=9, hours=1))
    assert said == (
        f"{own.file}: the certificate of 'bench-07' ends on {ends}, in 9 days; renew it (docs/enrolling-a-bench.md)"
    )
    assert f"ended on {ends}; renew it" in own.words(own.ends + timedelta(hours=1))
