# shellcheck shell=sh disable=SC2154
# install and uninstall of a bench; sourced by ./bench, which has $here, say, die, need and find_python.
#
#   /opt/bench -> /opt/bench-releases/VERSION-HASH    code and environment; the link is switched, nothing is overwritten
#   /etc/bench, /var/lib/bench                        this bench's own; filled once, never replaced, kept by uninstall
#
# Everything is put where it differs and nowhere else, so a second run changes nothing and says so. For tests only:
# BENCH_ROOT=DIR puts it below DIR, nothing of the running system is asked or touched then, and no root is needed; what
# is put there knows DIR by name and runs nowhere else. BENCH_SITE_PACKAGES=DIR takes the packages from there instead of
# from wheels.

root=${BENCH_ROOT-}
case $root in '' | /*) ;; *) die "BENCH_ROOT=$root: an absolute path" ;; esac
case $root in *[[:space:]]*) die "BENCH_ROOT=$root: no blanks, a program's first line cannot hold them" ;; esac
releases=$root/opt/bench-releases
link=$root/opt/bench
own=$root/etc/bench
units='station.service station-page.service station-report@.service'
changed=0

live() { [ -z "$root" ]; }                      # this very system, not a test's
booted() { live && [ -d /run/systemd/system ]; } # … with a systemd that runs, not a chroot

tell() { printf '%s\n' "$*" >&2; }

# done_now WORDS: something was changed
done_now() { changed=$((changed + 1)); tell "  $*"; }

# put MODE FILE PLACE: FILE's content at PLACE, renamed into place; FILE may be - for standard input
put() {
    new=$3.bench-new-$$
    mkdir -p "$(dirname "$3")"
    if [ "$2" = - ]; then cat >"$new"; else cat "$2" >"$new"; fi
    chmod "$1" "$new"
    if [ -f "$3" ] && cmp -s "$new" "$3" && [ "$(stat -c %a "$3")" = "$1" ]; then rm -f "$new"; return 0; fi
    mv -f "$new" "$3"
    done_now "${3#"$root"}"
}

# What an installation that was cut left half written. Two never run at once.
sweep() {
    for folder in "$own" "$root/etc/systemd" "$root/etc/udev/rules.d" "$root/etc/sysusers.d" "$root/etc/tmpfiles.d" \
        "$root/etc/bash_completion.d" "$root/usr/local/bin" "$root/usr/local/share" "$root/usr/share/fish"; do
        [ ! -d "$folder" ] || find "$folder" -name '*.bench-new-[0-9]*' -type f -exec rm -f {} +
    done
}

# take PLACE…: remove what is there
take() {
    for place; do
        if [ -e "$place" ] || [ -L "$place" ]; then rm -rf "$place"; done_now "removed ${place#"$root"}"; fi
    done
}

be_root() { ! live || [ "$(id -u)" -eq 0 ] || die "$1 changes this system: sudo ./bench $1"; }

# ---- the release -----------------------------------------------------------------------------------------------------

shipped='station drivers firmware config docs systemd bench requirements-bench.lock requirements.lock pyproject.toml'
shipped="$shipped README.md CHANGELOG.md LICENSE"

# Code, locks and interpreter, as one name: the same name is the same release.
release_name() {
    version=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' "$here/station/__init__.py")
    # shellcheck disable=SC2086
    hash=$( (cd "$here" && find $shipped -type f ! -path '*/__pycache__/*' | LC_ALL=C sort | tr '\n' '\0' |
        xargs -0 sha256sum; "$python" -c 'import sys; print(sys.version)') | sha256sum | cut -c1-12)
    printf '%s-%s\n' "${version:-0}" "$hash"
}

build_release() {
    rm -rf "$release"
    mkdir -p "$release"
    # shellcheck disable=SC2086
    (cd "$here" && find $shipped -type f ! -path '*/__pycache__/*' -print0 | xargs -0 cp -p --parents -t "$release")
    chmod -R u=rwX,go=rX "$release"
    ! live || chown -R root:root "$release"  # whoever owns the checkout must not own what root starts
    at "copied"
    venv=$release/.venv
    if [ -n "${BENCH_SITE_PACKAGES-}" ]; then
        "$python" -m venv --without-pip "$venv"
    else
        "$python" -m venv "$venv"
        at "environment made"
        "$venv/bin/python" -m pip install -qq --disable-pip-version-check --no-input --no-deps --require-hashes \
            --only-binary :all: --no-compile ${wheelhouse:+--no-index "--find-links=$wheelhouse"} \
            -r "$release/requirements-bench.lock" >&2
        at "packages installed"
    fi
    site=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
    take_lgpio
    printf '%s\n' "$release" ${BENCH_SITE_PACKAGES:+"$BENCH_SITE_PACKAGES"} >"$site/bench.pth"
    {
        printf '#!%s\n' "$venv/bin/python"
        printf 'from station.cli.main import main\n\nif __name__ == "__main__":\n    main()\n'
    } >"$venv/bin/station"
    chmod 755 "$venv/bin/station"
    [ -n "${BENCH_SITE_PACKAGES-}" ] ||
        "$venv/bin/python" -m compileall -qq -j 0 "$venv/lib" "$release/station" "$release/drivers" || true
    at "compiled"
    "$venv/bin/station" --version >/dev/null
    mkdir "$release/completion"
    for shell in bash zsh fish; do  # typer's own words for each
        _STATION_COMPLETE=source_$shell "$venv/bin/station" >"$release/completion/$shell"
    done
    : >"$release/.complete"
}

# lgpio has no wheel for Python 3.13: Raspberry Pi OS trixie has it as a package, of which two files are shown to the
# environment. A machine without GPIO has none and needs none; a panel that misses it says so (`station doctor`).
take_lgpio() {
    [ -z "${BENCH_SITE_PACKAGES-}" ] && [ "$(uname -m)" = aarch64 ] || return 0
    "$venv/bin/python" -c 'import lgpio' 2>/dev/null && return 0
    ! live || (need 'python3 -c "import lgpio"' python3-lgpio 2>/dev/null) || true
    found=$("$python" -c 'import lgpio; print(lgpio.__file__)' 2>/dev/null) ||
        { tell "  ! no lgpio for $("$python" --version): a GPIO panel needs the package python3-lgpio of Raspberry Pi OS"; return 0; }
    ln -sf "$found" "$(dirname "$found")"/_lgpio*.so "$site/"
}

# at WORDS: how long the last part took
at() { now=$(date +%s); tell "    $1 ($((now - began)) s)"; began=$now; }

# ---- what belongs to the bench ------------------------------------------------------------------------------------------

fill_config() {
    mkdir -p "$own/calibration" "$own/credentials"
    if [ ! -e "$own/station.toml" ]; then
        sed "s/^name = \"[^\"]*\"/name = \"$name\"/" "$from/station.toml" | put 640 - "$own/station.toml"
    elif [ -n "$asked_name" ] && ! grep -q "^name = \"$asked_name\"" "$own/station.toml"; then
        tell "  ! $own/station.toml is kept as it is: it does not say name = \"$asked_name\""
    fi
    [ -e "$own/ports" ] || put 640 "$here/systemd/ports.example" "$own/ports"
    # shared files as of the first day; later ones come by `station apply` (docs/configuring-over-ssh.md)
    if [ ! -e "$own/interlocks.toml" ]; then
        # interlocks.toml is the last: where it is, the others are
        (cd "$from" && find diagnosis.toml plans products calibration interlocks.toml -type f 2>/dev/null) |
            while read -r file; do
                [ -e "$own/$file" ] || put 640 "$from/$file" "$own/$file"
            done
        changed=$((changed + 1))
    fi
    if live; then chown -R root:bench "$own"; find "$own" -type d -exec chmod 750 {} +; fi
}

install_system_files() {
    put 644 "$here/systemd/bench.sysusers.conf" "$root/etc/sysusers.d/bench.conf"
    put 644 "$here/systemd/bench.tmpfiles.conf" "$root/etc/tmpfiles.d/bench.conf"
    before=$changed
    put 644 "$here/systemd/bench.journald.conf" "$root/etc/systemd/journald.conf.d/bench.conf"
    if booted && [ "$changed" != "$before" ]; then systemctl try-restart systemd-journald.service || true; fi
    if live; then systemd-sysusers /etc/sysusers.d/bench.conf; fi
}

install_names() {
    put 644 "$here/systemd/70-bench-access.rules" "$root/etc/udev/rules.d/70-bench-access.rules"
    rules=$root/etc/udev/rules.d/70-bench-ports.rules
    before=$changed
    if "$release/.venv/bin/station" ports --table "$own/ports" --rules >"$releases/.rules"; then
        put 644 "$releases/.rules" "$rules"
    else
        tell "  ! ${own#"$root"}/ports: the names /dev/bench-… are left as they were"
    fi
    rm -f "$releases/.rules"
    if booted && [ "$changed" != "$before" ]; then
        udevadm control --reload 2>/dev/null || { tell "  ! no udev runs here: the names come with the next start"; return 0; }
        udevadm trigger --action=add --subsystem-match=tty --subsystem-match=input --subsystem-match=usbmisc \
            --subsystem-match=gpio --subsystem-match=i2c-dev --subsystem-match=usb-serial || true
    fi
}

install_command() {
    put 755 - "$root/usr/local/bin/station" <<'SCRIPT'
#!/bin/sh
exec /opt/bench/.venv/bin/station "$@"
SCRIPT
    put 644 "$release/completion/bash" "$root/etc/bash_completion.d/station"
    put 644 "$release/completion/zsh" "$root/usr/local/share/zsh/site-functions/_station"
    put 644 "$release/completion/fish" "$root/usr/share/fish/vendor_completions.d/station.fish"
}

install_units() {
    before=$changed
    for unit in $units; do put 644 "$here/systemd/$unit" "$root/etc/systemd/system/$unit"; done
    if booted && [ "$changed" != "$before" ]; then systemctl daemon-reload; fi
    command -v systemctl >/dev/null 2>&1 || return 0
    for unit in station.service station-page.service; do
        [ -L "$root/etc/systemd/system/multi-user.target.wants/$unit" ] && continue
        systemctl ${root:+"--root=$root"} -q enable "$unit" 2>/dev/null || die "systemctl enable $unit failed"
        done_now "enabled $unit"
    done
}

# The link is one rename: before it there is the old release, after it the new one.
switch() {
    [ "$(readlink "$link" 2>/dev/null)" = "${release#"$root"}" ] && return 0
    if [ -e "$link" ] && [ ! -L "$link" ]; then
        die "$link is not of this installer's making; move it away, then install again"
    fi
    ln -sfn "${release#"$root"}" "$link.new"
    mv -T "$link.new" "$link"
    done_now "/opt/bench -> ${release#"$root"}"
}

# users_of RELEASE: the processes that were started from it or have something of it open, by number
users_of() {
    {
        # exe is the system's own Python: what tells is how it was called and which libraries it has
        printf '%s/\n' "$1" | grep -lsF -f /dev/stdin /proc/[0-9]*/cmdline /proc/[0-9]*/maps
        find /proc/[0-9]*/cwd /proc/[0-9]*/exe -maxdepth 0 \( -lname "$1" -o -lname "$1/*" \) 2>/dev/null
    } | cut -d/ -f3 | sort -nu | tr '\n' ' '
}

# All but this release and what some process still uses.
forget_releases() {
    for old in "$releases"/*; do
        if [ "$old" = "$release" ] || [ ! -e "$old" ]; then continue; fi
        used=$(users_of "$old")
        if [ -z "$used" ]; then
            take "$old"
        else
            tell "bench: $(basename "$old") is kept: in use by process ${used% }; a later install removes it"
        fi
    done
}

# ---- install ---------------------------------------------------------------------------------------------------------------

install_usage() {
    cat >&2 <<'USAGE'
usage: sudo ./bench install [--name bench-NN] [--config DIR] [--wheelhouse DIR]
  --name        name of this bench, for a first installation (default: this machine's name)
  --config DIR  where the first /etc/bench comes from (default: config/ of this checkout)
  --wheelhouse  directory of wheels (./bench wheelhouse): nothing is fetched from a network
USAGE
}

install_bench() {
    from=$here/config wheelhouse='' asked_name=''
    while [ $# -gt 0 ]; do
        case $1 in
            -h | --help) install_usage; return 0 ;;
            --name | --config | --wheelhouse) [ $# -gt 1 ] || die "install: $1 needs a value; see ./bench install --help" ;;
            *) die "install: $1 is not understood; see ./bench install --help" ;;
        esac
        case $1 in
            --name) asked_name=$2 ;;
            --config) from=$(CDPATH='' cd -- "$2" && pwd) || die "install: --config $2: no such directory" ;;
            --wheelhouse) wheelhouse=$(CDPATH='' cd -- "$2" && pwd) || die "install: --wheelhouse $2: no such directory" ;;
        esac
        shift 2
    done
    [ -f "$from/station.toml" ] || die "install: --config $from: there is no station.toml in it"
    name=${asked_name:-$(uname -n | tr 'A-Z_.' 'a-z--' | cut -c1-40)}
    case $name in '' | *[!a-z0-9-]*) die "install: --name $name: a-z, 0-9 and - only" ;; esac
    be_root install
    umask 022
    began=$(date +%s) started=$began checked=''
    if live; then
        need 'python3 -c "import ensurepip, venv"' python3 python3-venv
        need 'ldconfig -p | grep -q libportaudio.so.2' libportaudio2
        at "Debian packages"
    fi
    python=$(find_python) || die "no Python from 3.11 to 3.13 found"
    mkdir -p "$releases"
    (
        flock -n 9 || die "another installation is under way"
        install_locked
    ) 9>"$releases/.lock"
}

install_locked() {
    release=$releases/$(release_name)
    previous=$root$(readlink "$link" 2>/dev/null || true)
    tell "bench: installing $(basename "$release")"
    sweep
    export PYTHONDONTWRITEBYTECODE=1
    if [ ! -e "$release/.complete" ]; then
        trap 'rm -rf "$release"; tell "bench: not installed; what was there is as it was"' EXIT
        build_release
        trap - EXIT
        done_now "${release#"$root"}"
    fi
    if [ -L "$link" ] && [ "$previous" != "$release" ] && ! run_check; then
        die "the configuration in use is wrong for this release: see above; $(basename "$previous") stays in use"
    fi
    install_system_files
    fill_config
    if live; then systemd-tmpfiles --create /etc/tmpfiles.d/bench.conf; fi
    switch
    install_names
    install_command
    install_units
    in_use=0
    take_into_use || in_use=$?
    forget_releases  # only now: what was restarted uses the one before no more
    if [ "$changed" -eq 0 ]; then
        tell "bench: nothing to change: $(basename "$release") is installed"
    else
        tell "bench: installed in $(($(date +%s) - started)) s"
    fi
    return $in_use
}

# The configuration in use with this release, once: the first run says what it finds.
run_check() {
    [ -z "$checked" ] || return "$checked"
    checked=0
    "$release/.venv/bin/station" check "$own" || checked=$?
    return "$checked"
}

# Show check and doctor, start what may start. A configuration that is wrong leaves the bench off, and that is said.
take_into_use() {
    if ! run_check; then
        tell "bench: the daemon is not started: put ${own#"$root"} right, then: sudo ./bench install"
        return 1
    fi
    if [ ! -e "$own/credentials/receipt-keys.json" ]; then
        tell "bench: the daemon is not started: there are no receipt keys in ${own#"$root"}/credentials"
        tell "       (docs/enrolling-a-bench.md, step 4); then: sudo ./bench install"
        return 1
    fi
    booted || { tell "bench: no systemd runs here; the daemon starts with the system"; return 0; }
    failed=0
    if ! runs_before station.service; then
        start_unit start station.service || failed=1
    elif busy=$(activity); [ "$busy" = "at rest" ]; then
        start_unit restart station.service || failed=1
    else
        tell "bench: the daemon still runs the release before: $busy."
        tell "       When the bench is at rest: sudo ./bench install (or at any time: sudo systemctl restart station)"
    fi
    if runs_before station-page.service; then page=restart; else page=start; fi
    start_unit $page station-page.service || failed=1
    "$release/.venv/bin/station" doctor || true
    return $failed
}

# start_unit start|restart UNIT
start_unit() {
    systemctl "$1" "$2" && return 0
    tell "bench: $2 did not $1: journalctl -u ${2%.service} -n 50"
    return 1
}

# Whether the unit runs, and not from this release.
runs_before() {
    pid=$(systemctl show -p MainPID --value "$1" 2>/dev/null) || return 1
    [ "${pid:-0}" -gt 0 ] && ! users_of "$release" | tr ' ' '\n' | grep -qx "$pid"
}

# What the daemon does: "at rest", or why it must not be stopped now.
activity() {
    answer=$("$link/.venv/bin/station" status --json 2>/dev/null) || answer=''
    printf '%s' "$answer" | "$link/.venv/bin/python" -c 'import json, sys
try:
    session = json.load(sys.stdin)["session"]
    run = session["run"] or {}
except (ValueError, KeyError, TypeError):
    print("it does not answer (journalctl -u station -n 50), so nobody knows whether a test is under way")
else:
    if run.get("running"):
        print("a test is under way, run", run["run_id"])
    elif session["state"] not in ("waiting", "tripped"):
        print("somebody is at it, state", session["state"])
    else:
        print("at rest")'
}

# ---- uninstall -------------------------------------------------------------------------------------------------------------

uninstall_bench() {
    purge=no sure=no
    for word; do
        case $word in
            --purge) purge=yes ;;
            --yes) sure=yes ;;
            -h | --help) tell "usage: sudo ./bench uninstall [--purge [--yes]]: --purge deletes configuration and results too"; return 0 ;;
            *) die "uninstall: $word is not understood; see ./bench uninstall --help" ;;
        esac
    done
    be_root uninstall
    if [ $purge = yes ] && [ $sure = no ]; then
        name=$(sed -n 's/^name = "\([^"]*\)".*/\1/p' "$own/station.toml" 2>/dev/null | head -n 1)
        printf 'This deletes the configuration, the keys and every result of this bench.\nType its name (%s) to go on: ' \
            "${name:-bench}" >&2
        read -r typed || typed=''
        [ "$typed" = "${name:-bench}" ] || die "not that name: nothing was removed"
    fi
    [ -d "$releases" ] || { remove_bench; return 0; }
    (
        flock -n 9 || die "an installation is under way: nothing was removed"
        if booted && systemctl -q is-active station.service; then
            busy=$(activity)
            [ "$busy" = "at rest" ] ||
                die "nothing was removed: $busy. Wait, or station abort RUN; whatever it is: sudo systemctl stop station"
        fi
        remove_bench
    ) 9>"$releases/.lock"
}

remove_bench() {
    if booted; then
        for unit in station-page.service station.service; do
            systemctl -q disable --now "$unit" 2>/dev/null || true
        done
    elif command -v systemctl >/dev/null 2>&1; then
        systemctl ${root:+"--root=$root"} -q disable station.service station-page.service 2>/dev/null || true
    fi
    for unit in $units; do take "$root/etc/systemd/system/$unit"; done
    take "$root/etc/udev/rules.d/70-bench-ports.rules" "$root/etc/udev/rules.d/70-bench-access.rules" \
        "$root/etc/sysusers.d/bench.conf" "$root/etc/tmpfiles.d/bench.conf" \
        "$root/etc/systemd/journald.conf.d/bench.conf" "$root/usr/local/bin/station" \
        "$root/etc/bash_completion.d/station" "$root/usr/local/share/zsh/site-functions/_station" \
        "$root/usr/share/fish/vendor_completions.d/station.fish" "$link" "$releases"
    if booted; then systemctl daemon-reload; udevadm control --reload 2>/dev/null || true; fi
    if [ "$purge" = yes ]; then
        take "$own" "$root/var/lib/bench" "$root/var/lib/private/bench"
        if live && id bench >/dev/null 2>&1; then userdel bench; done_now "removed the user bench"; fi
    else
        tell "bench: kept: ${own#"$root"}, /var/lib/bench and the user that owns them (uninstall --purge deletes them)"
    fi
    [ "$changed" -gt 0 ] || tell "bench: nothing was installed"
}
