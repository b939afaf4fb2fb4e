# shellcheck shell=sh disable=SC2154
# wheelhouse: the wheels of a bench for another machine, fetched here; sourced by ./bench.
#
# The lock's markers (platform_machine == 'aarch64', …) are about the machine that installs, and pip judges them by the
# one that it runs on. So they are judged here first, with pip's own parser and the target's values.

wheelhouse_usage() {
    cat >&2 <<'USAGE'
usage: ./bench wheelhouse DIR [--python 3.11|3.13] [--arch aarch64|x86_64]
  fetches the wheels of requirements-bench.lock into DIR, for: sudo ./bench install --wheelhouse DIR
  --python  of the bench: 3.11 for bookworm (default), 3.13 for trixie    --arch  its processor (default: aarch64)
USAGE
}

fill_wheelhouse() {
    into='' for_python=3.11 arch=aarch64
    while [ $# -gt 0 ]; do
        case $1 in
            -h | --help) wheelhouse_usage; return 0 ;;
            --python | --arch)
                [ $# -gt 1 ] || die "wheelhouse: $1 needs a value; see ./bench wheelhouse --help"
                if [ "$1" = --python ]; then for_python=$2; else arch=$2; fi
                shift ;;
            -*) die "wheelhouse: $1 is not understood; see ./bench wheelhouse --help" ;;
            *) [ -z "$into" ] || die "wheelhouse: one directory; see ./bench wheelhouse --help"; into=$1 ;;
        esac
        shift
    done
    [ -n "$into" ] || die "wheelhouse: name a directory; see ./bench wheelhouse --help"
    case $for_python in 3.11 | 3.12 | 3.13) ;; *) die "wheelhouse: --python $for_python: 3.11, 3.12 or 3.13" ;; esac
    case $arch in aarch64 | x86_64) ;; *) die "wheelhouse: --arch $arch: aarch64 or x86_64" ;; esac
    lock=requirements.lock
    [ -f "$venv/.requirements-test.lock.sha256" ] && lock=requirements-test.lock
    set_up "$lock"
    mkdir -p "$into"
    # bookworm has glibc 2.36, trixie 2.41: whatever was built for that or an older one
    newest=36; [ "$for_python" = 3.11 ] || newest=41
    set --
    minor=17
    while [ $minor -le $newest ]; do
        set -- "$@" --platform "manylinux_2_${minor}_$arch"
        minor=$((minor + 1))
    done
    target_lock "$arch" "$for_python" >"$into/.lock"
    "$venv/bin/python" -m pip download -qq --disable-pip-version-check --no-input --no-deps --require-hashes \
        --only-binary :all: --python-version "$for_python" --implementation cp --abi "cp$(echo "$for_python" | tr -d .)" \
        --abi abi3 --abi none --platform "manylinux2014_$arch" "$@" -d "$into" -r "$into/.lock" >&2
    rm -f "$into/.lock"
    say "$(find "$into" -name '*.whl' | wc -l) wheels for Python $for_python on $arch in $into"
}

# target_lock ARCH PYTHON: requirements-bench.lock without markers, and without what that machine does not need
target_lock() {
    "$venv/bin/python" - "$here/requirements-bench.lock" "$1" "$2" <<'PYTHON'
import re
import sys

from pip._vendor.packaging.markers import Marker

text = open(sys.argv[1], encoding="utf-8").read()
target = {
    "platform_machine": sys.argv[2], "python_version": sys.argv[3], "python_full_version": sys.argv[3] + ".0",
    "sys_platform": "linux", "platform_system": "Linux", "os_name": "posix", "extra": "",
    "implementation_name": "cpython", "platform_python_implementation": "CPython",
}
for entry in re.split(r"\n(?=\S)", text):
    first, slash, hashes = entry.partition(" \\\n")
    name, _, marker = first.partition(" ; ")
    if slash and (not marker or Marker(marker).evaluate(target)):
        print(name + slash + hashes.rstrip())
PYTHON
}
