"""What an archive may hold is taken out; anything else is refused with what to do, and costs no memory."""

from __future__ import annotations

import gzip
import subprocess
import tarfile
import tracemalloc
from pathlib import Path

import pytest

from station.domain.errors import SettingsError
from station.settings.archive import FILE_MAX_BYTES, FILES_MAX, UNPACKED_MAX_BYTES, unpack
from tests.settings.trees import SHARED, SHIPPED, entry, odd, packed

GNU_SPARSE = {"GNU.sparse.map": "0,512", "GNU.sparse.size": str(1 << 40)}


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT])
def test_the_shared_files_come_out_as_they_went_in(form: int) -> None:
    assert unpack(packed(SHARED, form=form)) == SHARED
    assert unpack(packed({f"./{name}": content for name, content in SHARED.items()}, form=form)) == SHARED


def test_what_the_documented_command_makes_is_taken(tmp_path: Path) -> None:
    names = ["interlocks.toml", "diagnosis.toml", "plans", "products"]
    subprocess.run(["tar", "-czf", str(tmp_path / "tree.tar.gz"), "-C", str(SHIPPED), *names], check=True)
    files = unpack((tmp_path / "tree.tar.gz").read_bytes())
    assert files == {name: content for name, content in SHARED.items() if not name.startswith("duts/")}


@pytest.mark.parametrize(
    ("archive", "says"),
    [
        (packed({**SHARED, "station.toml": b""}), "'station.toml' belongs to this bench and is never replaced"),
        (packed({"calibration/mains.toml": b""}), "belongs to this bench"),
        (packed({"credentials/key.pem": b""}), "belongs to this bench"),
        (packed({"config/plans/a.toml": b""}), "is no shared file"),
        (packed({"README.md": b""}), "is no shared file"),
        (packed({"plans/a.sh": b""}), "is no shared file"),
        (packed({"plans/../station.toml": b""}), "is no shared file"),
        (packed({"../interlocks.toml": b""}), "is no shared file"),
        (packed({"plans/deep/a.toml": b""}), "is no shared file"),
        (packed({"plans/.a.toml": b""}), "is no shared file"),
        (packed({"plans/a\n.toml": b""}), "is no shared file"),
        (odd(entry("/etc/passwd")), "is no shared file"),
        (odd(entry("interlocks.toml"), entry("./interlocks.toml")), "is in the archive twice"),
        (odd(entry("plans/a.toml", type=tarfile.SYMTYPE, linkname="/etc/shadow")), "is no plain file"),
        (odd(entry("plans/a.toml", type=tarfile.LNKTYPE, linkname="interlocks.toml")), "is no plain file"),
        (odd(entry("plans/a.toml", type=tarfile.FIFOTYPE)), "is no plain file"),
        (odd(entry("plans/a.toml", type=tarfile.CHRTYPE)), "is no plain file"),
        (odd(entry("plans", type=tarfile.SYMTYPE, linkname="/")), "is no shared file"),
        (odd(entry("plans/a.toml", pax_headers=GNU_SPARSE, size=512)), "is no plain file"),
        (odd(entry("plans/a.toml", size=FILE_MAX_BYTES + 1)), f"a file has at most {FILE_MAX_BYTES}"),
        (odd(*(entry(f"plans/p{n}.toml") for n in range(FILES_MAX + 1))), f"more than {FILES_MAX} entries"),
        (odd(*(entry(f"plans/p{n}.toml", size=FILE_MAX_BYTES) for n in range(9))), f"more than {UNPACKED_MAX_BYTES}"),
        (gzip.compress(b"\0" * 10**8), "the archive is empty"),
        (odd(entry("interlocks.toml", pax_headers={"comment": "x" * 10**7})), f"more than {UNPACKED_MAX_BYTES}"),
        (odd(), "the archive is empty"),
        (b"", "the archive"),
        (b"PK\x03\x04", "cannot be read"),
        (packed(SHARED)[:-2000], "cannot be read"),
        (packed(SHARED)[:500] + b"\xa5" * 500, "cannot be read"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_what_is_no_shared_tree_is_refused_and_costs_little(archive: bytes, says: str) -> None:
    tracemalloc.start()
    with pytest.raises(SettingsError, match=says):
        unpack(archive)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 4 * UNPACKED_MAX_BYTES
