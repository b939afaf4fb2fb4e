"""`./bench install` and `uninstall` below a directory of their own: what they put, keep, replace and leave alone.

The packages are this environment's (BENCH_SITE_PACKAGES), nothing is fetched and nothing of this system is asked.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("bench", "station", "drivers", "firmware", "config", "docs", "systemd", "requirements-bench.lock",
         "requirements.lock", "pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE")  # fmt: skip


class Machine:
    """A checkout and the directory that stands for the root of a machine."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "machine"
        self.checkout = folder / "checkout"
        self.checkout.mkdir()
        for part in PARTS:
            if (ROOT / part).is_dir():
                shutil.copytree(ROOT / part, self.checkout / part, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy2(ROOT / part, self.checkout / part)

    def bench(self, *arguments: str, said: str = "", ends: int = 0, path: str = "") -> str:
        """`./bench ARGUMENTS`, with the programs of `path` first; its words."""
        environment = {
            "PATH": f"{path}:{os.environ['PATH']}".lstrip(":"), "BENCH_ROOT": str(self.root),
            "BENCH_PYTHON": sysconfig.get_config_var("BINDIR") + "/python3",
            "BENCH_SITE_PACKAGES": sysconfig.get_path("purelib"),
        }  # fmt: skip
        ran = subprocess.run(
            ["sh", str(self.checkout / "bench"), *arguments], env=environment, input=said, capture_output=True,
            text=True, check=False,
        )  # fmt: skip
        assert ran.returncode == ends, ran.stderr + ran.stdout
        return ran.stderr + ran.stdout

    def upgrade(self) -> None:
        """The checkout becomes a newer release."""
        with (self.checkout / "CHANGELOG.md").open("a") as file:
            file.write("newer\n")

    def started(self) -> subprocess.Popen[bytes]:
        """What stands for a daemon: a process of the release in use, called as the station's first line calls it."""
        python = self.root / self.release().lstrip("/") / ".venv/bin/python"
        daemon = subprocess.Popen([python, "-c", "print(); input()"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert daemon.stdout is not None and daemon.stdout.readline()
        return daemon

    def release(self) -> str:
        """The release in use."""
        return str((self.root / "opt/bench").readlink())

    def tree(self) -> dict[str, bytes | str]:
        """Every file and link."""
        found: dict[str, bytes | str] = {}
        for path in sorted(self.root.rglob("*")):
            if path.is_symlink():
                found[str(path.relative_to(self.root))] = str(path.readlink())
            elif path.is_file():
                found[str(path.relative_to(self.root))] = path.read_bytes()
        return found


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """One for all tests here, installed: each leaves it so, but for the last that asks it."""
    machine = Machine(tmp_path_factory.mktemp("install"))
    credentials = machine.root / "etc/bench/credentials"
    credentials.mkdir(parents=True)
    (credentials / "receipt-keys.json").write_text("{}")
    assert "is clean" in machine.bench("install", "--name", "bench-07"), "the result of `check` is shown"
    return machine


def test_a_bench_is_installed_and_a_second_run_changes_nothing_and_says_so(machine: Machine) -> None:
    own = machine.root / "etc/bench"
    assert 'name = "bench-07"' in (own / "station.toml").read_text()
    assert (own / "interlocks.toml").exists() and list((own / "plans").glob("*.toml"))
    for place in ("etc/systemd/system/station.service", "etc/sysusers.d/bench.conf", "etc/tmpfiles.d/bench.conf",
                  "etc/udev/rules.d/70-bench-ports.rules", "usr/local/bin/station"):  # fmt: skip
        assert (machine.root / place).is_file(), place
    for place in ("etc/bash_completion.d/station", "usr/local/share/zsh/site-functions/_station",
                  "usr/share/fish/vendor_completions.d/station.fish"):  # fmt: skip
        assert "_STATION_COMPLETE" in (machine.root / place).read_text(), place
    before = machine.tree()
    assert "nothing to change" in machine.bench("install")
    assert machine.tree() == before


def test_what_fails_in_the_middle_leaves_the_release_before_in_use_and_whole(machine: Machine) -> None:
    before = machine.tree()
    (machine.checkout / "station/cli/main.py").write_text("raise SystemExit('broken')\n")
    assert "what was there is as it was" in machine.bench("install", ends=1)
    shutil.copy2(ROOT / "station/cli/main.py", machine.checkout / "station/cli/main.py")
    assert machine.tree() == before


def test_a_release_for_which_the_configuration_in_use_is_wrong_is_not_taken_into_use(machine: Machine) -> None:
    before, toml = machine.release(), machine.root / "etc/bench/station.toml"
    right = toml.read_text()
    toml.write_text(right + "[unheard]\nof = 1\n")
    machine.upgrade()
    said = machine.bench("install", ends=2)
    assert "unheard" in said and "stays in use" in said
    toml.write_text(right)
    assert machine.release() == before


def test_an_upgrade_switches_the_release_and_keeps_what_is_the_benchs_own(machine: Machine) -> None:
    first, own = machine.release(), machine.root / "etc/bench"
    (own / "station.toml").write_text((own / "station.toml").read_text() + "# by hand\n")
    (own / "ports").write_text("guard E661640843567A2F\nrs485-a path:usb-0:1.2\n")
    (own / "plans" / "self-test.toml").unlink()
    (forgotten := machine.root / "opt/bench-releases/0.0.9-older").mkdir()
    machine.upgrade()
    daemon = machine.started()
    machine.bench("install", "--name", "other")
    used = machine.root / first.lstrip("/")
    assert machine.release() != first and used.is_dir() and not forgotten.exists()
    before = machine.tree()
    said = machine.bench("install")
    assert "nothing to change" in said and f"{used.name} is kept: in use by process {daemon.pid};" in said
    assert machine.tree() == before and daemon.poll() is None
    daemon.kill()
    daemon.communicate()
    assert f"removed {first}" in machine.bench("install") and not used.exists()
    toml = (own / "station.toml").read_text()
    assert toml.endswith("# by hand\n") and "bench-07" in toml
    assert not (own / "plans" / "self-test.toml").exists(), "shared files are laid down once"
    rules = (machine.root / "etc/udev/rules.d/70-bench-ports.rules").read_text()
    assert 'ENV{ID_SERIAL_SHORT}=="E661640843567A2F", SYMLINK+="bench-guard"' in rules
    assert 'ENV{ID_PATH}=="usb-0:1.2", SYMLINK+="bench-rs485-a"' in rules


def test_a_first_installation_that_was_cut_is_completed_by_the_next_and_leaves_no_halves(machine: Machine) -> None:
    own = machine.root / "etc/bench"
    whole = {path.relative_to(own) for path in own.rglob("*.toml")}
    mv = machine.root / "mv"
    mv.mkdir()
    (mv / "mv").write_text(
        '#!/bin/sh\ncase "$*" in *plans/incoming*) kill -9 $PPID; exit 1 ;; esac\nexec /usr/bin/mv "$@"\n'
    )
    (mv / "mv").chmod(0o755)
    for name in ("interlocks.toml", "diagnosis.toml"):
        (own / name).unlink()
    shutil.rmtree(own / "plans")
    machine.bench("install", path=str(mv), ends=137)
    cut = {path.relative_to(own) for path in own.rglob("*.toml")}
    assert cut < whole and Path("interlocks.toml") not in cut and list(own.rglob("*.bench-new-*"))
    shutil.rmtree(mv)
    machine.bench("install")
    assert {path.relative_to(own) for path in own.rglob("*.toml")} >= whole
    assert not [path for path in machine.root.rglob("*new-*") if path.is_file()]


def test_uninstall_keeps_what_is_the_benchs_own_unless_its_name_is_typed(machine: Machine) -> None:
    data = machine.root / "var/lib/bench"
    data.mkdir(parents=True)
    (data / "station.sqlite").write_text("results")
    assert "kept" in machine.bench("uninstall")
    left = set(machine.tree())
    assert all(name.startswith(("etc/bench/", "var/lib/bench/")) for name in left), left
    assert "var/lib/bench/station.sqlite" in left and "etc/bench/station.toml" in left
    assert "nothing was removed" in machine.bench("uninstall", "--purge", said="bench-08\n", ends=2)
    assert set(machine.tree()) == left
    machine.bench("uninstall", "--purge", said="bench-07\n")
    assert not machine.tree()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("install", "--nmae", "x"), "--nmae is not understood"),
        (("install", "--name", "Bench 7"), "a-z, 0-9 and - only"),
        (("install", "--config", "/nowhere"), "no such directory"),
        (("install", "--wheelhouse"), "needs a value"),
        (("uninstall", "--all"), "--all is not understood"),
        (("wheelhouse",), "name a directory"),
        (("wheelhouse", "x", "--python", "3.9"), "3.11, 3.12 or 3.13"),
    ],
)
def test_wrong_use_is_one_line_and_2(machine: Machine, arguments: tuple[str, ...], says: str) -> None:
    said = machine.bench(*arguments, ends=2)
    assert (says in said and len(said.splitlines()) == 1) or "no such directory" in said


def test_a_blank_card_without_a_network_is_told_what_to_put_in_first(machine: Machine, tmp_path: Path) -> None:
    for name in ("sh", "dirname", "sha256sum", "cut", "cat", "id", "env"):
        (tmp_path / name).symlink_to(str(shutil.which(name)))
    for name, does in (("apt-get", "echo 'E: Unable to locate package' >&2; exit 100"), ("sudo", 'exec "$@"')):
        (tmp_path / name).write_text(f"#!/bin/sh\n{does}\n")
        (tmp_path / name).chmod(0o755)
    ran = subprocess.run(
        ["/bin/sh", str(machine.checkout / "bench"), "status"], env={"PATH": str(tmp_path), "BENCH_PYTHON": "none"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 2 and "put the Debian packages in first" in ran.stderr, ran.stderr


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        ('{"session": {"state": "waiting", "run": null}}', "at rest"),
        ('{"session": {"state": "soak", "run": {"running": true, "run_id": "R1"}}}', "a test is under way, run R1"),
        ('{"session": {"state": "scanned", "run": null}}', "somebody is at it, state scanned"),
        ("", "it does not answer (journalctl -u station -n 50), so nobody knows whether a test is under way"),
    ],
)
def test_what_the_daemon_does_is_told_as_it_is(tmp_path: Path, answer: str, word: str) -> None:
    programs = tmp_path / "opt/bench/.venv/bin"
    programs.mkdir(parents=True)
    (programs / "python").symlink_to(sys.executable)
    (programs / "station").write_text(f"#!/bin/sh\necho '{answer}'\n[ -n '{answer}' ]\n")
    (programs / "station").chmod(0o755)
    ran = subprocess.run(
        ["sh", "-euc", f'. "{ROOT}/systemd/install.sh"; activity'], env={**os.environ, "BENCH_ROOT": str(tmp_path)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, word + "\n", "")
