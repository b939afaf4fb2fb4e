"""`check` finds secrets in whatever file of a tree they stand, and says nothing of what only resembles one."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from station.contract.keys import new_key, save_key
from tests.settings.settings_tree import TreeCopy

REMEDY = "keep it in the credentials directory and name the file only"


def put(tree: TreeCopy, name: str, content: str | bytes) -> Path:
    path = tree.directory / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def said(tree: TreeCopy) -> list[tuple[str, int, str]]:
    return [(str(Path(p.file).relative_to(tree.directory)), p.line, p.key) for p in tree.problems()]


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """One key in the forms that openssl writes."""
    folder = tmp_path_factory.mktemp("keys")
    forms = {
        "pkcs8.pem": "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out pkcs8.pem",
        "sec1.pem": "ec -in pkcs8.pem -out sec1.pem",
        "locked.pem": "pkcs8 -topk8 -in pkcs8.pem -passout pass:x -out locked.pem",
        "pkcs8.der": "pkcs8 -topk8 -nocrypt -in pkcs8.pem -outform DER -out pkcs8.der",
        "sec1.der": "ec -in pkcs8.pem -outform DER -out sec1.der",
        "public.pem": "ec -in pkcs8.pem -pubout -out public.pem",
        "request.pem": "req -new -key pkcs8.pem -subj /CN=bench-07 -out request.pem",
        "certificate.der": "req -x509 -key pkcs8.pem -subj /CN=bench-07 -outform DER -out certificate.der",
    }
    for command in forms.values():
        subprocess.run(["openssl", *command.split()], cwd=folder, check=True, capture_output=True)
    return {name: (folder / name).read_bytes() for name in forms}


@pytest.mark.parametrize("form", ["pkcs8.pem", "sec1.pem", "locked.pem", "pkcs8.der", "sec1.der"])
@pytest.mark.parametrize("name", ["station-key.pem", "plans/notes.txt", "duts/x/y/.hidden"])
def test_a_private_key_is_found_wherever_it_lies_and_whatever_it_is_called(
    tree: TreeCopy, keys: dict[str, bytes], form: str, name: str
) -> None:
    put(tree, name, keys[form])
    (problem,) = tree.problems()
    assert problem.file == str(tree.directory / name) and "key in the configuration" in problem.wrong
    assert problem.remedy == REMEDY


def test_a_key_file_of_the_house_a_web_key_and_a_name_that_says_key_are_found(tree: TreeCopy) -> None:
    save_key(tree.directory / "centre.json", new_key())
    put(tree, "web.json", json.dumps({"kty": "EC", "crv": "P-256", "d": "a" * 43}))
    put(tree, "old/bench.p12", b"\x00")
    put(tree, "id_ed25519", "")
    assert said(tree) == [
        ("centre.json", 1, "(text)"), ("id_ed25519", 1, "(file)"), ("old/bench.p12", 1, "(file)"),
        ("web.json", 1, "(text)"),
    ]  # fmt: skip


def test_a_key_in_a_comment_and_one_in_a_value_are_said_once_with_their_lines(
    tree: TreeCopy, keys: dict[str, bytes]
) -> None:
    commented = "".join(f"# {line}\n" for line in keys["pkcs8.pem"].decode().splitlines())
    tree.spoil("interlocks.toml", "[[interlock]]", commented + "[[interlock]]")
    line = tree.spoil(
        "station.toml", 'receipt_keys = "receipt-keys.json"', f"receipt_keys = '''§{keys['sec1.pem'].decode()}'''"
    )
    problems = tree.problems()
    assert [(p.file, p.key) for p in problems] == [
        (str(tree.directory / "interlocks.toml"), "(text)"), (str(tree.directory / "station.toml"), "mqtt.receipt_keys")
    ]  # fmt: skip
    assert problems[1].line == line


@pytest.mark.parametrize("text", ['password = "x"', 'mqtt.Password="x"', '[a]\n"api-key" = 1', 'a = { token = "x" }'])
def test_a_password_in_a_toml_file_that_nobody_reads_is_found(tree: TreeCopy, text: str) -> None:
    put(tree, "duts/other.toml", text)
    (problem,) = tree.problems()
    assert (problem.wrong, problem.remedy) == ("a secret in the configuration", REMEDY)
    assert problem.line == text.count("\n") + 1


def test_a_name_and_password_in_any_address_are_a_secret(tree: TreeCopy) -> None:
    tree.spoil("station.toml", '"bench-printer:9100"', '"tcp://user:word@bench-printer"')
    (problem,) = tree.problems()
    assert (problem.key, problem.wrong) == ("printer.address", "a secret in the configuration")


def test_what_is_public_and_what_only_talks_of_keys_is_left_alone(tree: TreeCopy, keys: dict[str, bytes]) -> None:
    for name in ("public.pem", "request.pem", "certificate.der"):
        put(tree, name, keys[name])
    put(tree, "receipt-keys.json", '{"0123456789abcdef": "jnl0Q1oJt3ZkYw2C2yJvU0m6cI0dZp7n3mJ1m2dX0aA"}')
    put(tree, "README.md", "The private key never lies here; password = none.")
    put(tree, "duts/other.toml", 'keys = "receipt-keys.json"\npasswords_forbidden = true\n')
    assert tree.problems() == []


def test_credentials_and_results_of_a_simulated_bench_lie_apart_and_only_their_modes_count(
    tree: TreeCopy, keys: dict[str, bytes]
) -> None:
    put(tree, "var/keys/key.pem", keys["pkcs8.pem"])
    key = put(tree, "credentials/station-key.pem", keys["pkcs8.pem"])
    put(tree, "credentials/ca.pem", keys["public.pem"])
    key.chmod(0o600)
    assert tree.problems() == []
    key.chmod(0o640)
    (problem,) = tree.problems()
    assert str(problem) == f"{key}:1: (mode): a private key that others may read (mode 0640); chmod 600 {key}"


def test_a_folder_that_is_no_configuration_is_not_looked_through_for_ever(
    tree: TreeCopy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("station.settings.secrets.FILES_MOST", 10)
    (problem,) = tree.problems()
    assert "more than 10 files" in problem.wrong
