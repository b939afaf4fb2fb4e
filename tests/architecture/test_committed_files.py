"""What lies in the checkout: locks by hash alone, no address of a registry, no path of somebody's machine."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.architecture.house import NOT_OURS, ROOT, named, texts

LOCKS = sorted(path.name for path in ROOT.glob("requirements*.lock"))
REQUIREMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(\[[a-z0-9,_-]+\])?==[^\s;]+( ; [^\\]+)?( \\)?")
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}( \\)?")
SHOWS_WHAT_IS_REFUSED = {"tests/settings/one_error.toml"}
"""`check` refuses a path of one machine: its test has to write one."""
PLACES_ON_A_BENCH = ("/etc/bench", "/run/bench", "/var/lib/bench", "/opt/bench")


def test_there_is_a_lock_to_run_one_to_test_and_one_of_the_peers() -> None:
    assert LOCKS == [
        "requirements-bench.lock", "requirements-peers.lock", "requirements-test.lock", "requirements.lock",
    ]  # fmt: skip


@pytest.mark.parametrize("name", LOCKS)
def test_every_requirement_of_a_lock_is_pinned_and_hashed(name: str) -> None:
    hashes: dict[str, int] = {}
    current = ""
    for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        if text.startswith("--hash="):
            assert HASH.fullmatch(text), line
            hashes[current] += 1
        else:
            assert REQUIREMENT.fullmatch(text), line
            current = text.split("==")[0]
            hashes.setdefault(current, 0)
    assert len(hashes) > 20
    assert [package for package, count in hashes.items() if not count] == []


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_names_no_address(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert "://" not in text
    assert " @ " not in text


def test_no_file_names_a_registry() -> None:
    hosts = _registries()
    assert hosts
    found = re.compile("|".join(re.escape(host) for host in sorted(hosts)), re.IGNORECASE)
    assert [f"{named(path)}: {hit[0]}" for path, text in texts() if (hit := found.search(text))] == []


def test_no_file_names_a_path_of_this_or_any_home_machine() -> None:
    paths = [r"/(?:home|Users)/[a-z][\w.-]*/", "/" + r"root/\w"]
    if len(ROOT.parts) > 2 and not str(ROOT).startswith(PLACES_ON_A_BENCH):
        paths.append(re.escape(f"{ROOT}/"))
    found = re.compile("|".join(paths))
    hits = {named(path): hit[0] for path, text in texts() if (hit := found.search(text))}
    assert {name: hit for name, hit in hits.items() if name not in SHOWS_WHAT_IS_REFUSED} == {}


def test_what_a_run_leaves_behind_is_not_committed() -> None:
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").split()
    left = {name for name in NOT_OURS if name not in (".git", "build", "dist")}
    assert {name for name in left if f"{name}/" not in ignored} == set()


def _registries() -> set[str]:
    """Hosts that pip would ask here, by its own word: its built-in index, and what this machine set instead."""
    code = "from pip._internal.models.index import PyPI as index; print(index.netloc, index.file_storage_domain)"
    built_in = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    configured = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True
    ).stdout
    return {
        host for host in {*built_in, *re.findall(r"https?://(?:[^@/\s']*@)?([^/:\s']+)", configured)} if "." in host
    }
