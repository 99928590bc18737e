# What tools/demo and tools/check share: progress lines, missing packages, the builds.
# To be sourced by sh scripts that have set `top` (the source tree) and `work` (where to build).

cross_host=mips64el-linux-gnuabi64

say() {
    printf '==> %s\n' "$*" >&2
}

die() {
    printf '%s: %s\n' "$(basename "$0")" "$*" >&2
    exit 1
}

jobs_flag() {
    printf -- '-j%s' "$(nproc 2>/dev/null || echo 2)"
}

# run_logged LOG WHAT COMMAND...: quiet unless it fails.
run_logged() {
    run_log=$1
    run_what=$2
    shift 2
    say "$run_what"
    if ! "$@" >"$run_log" 2>&1 </dev/null; then
        tail -n 40 "$run_log" >&2
        die "$run_what failed; all of its output is in $run_log"
    fi
}

is_mips64el() {
    [ "$(uname -m)" = mips64 ] && [ "$(getconf LONG_BIT)" = 64 ]
}

apt_install() {
    DEBIAN_FRONTEND=noninteractive $sudo apt-get -qq -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 \
        install -y --no-install-recommends "$@" </dev/null
}

apt_update() {
    $sudo apt-get -qq -o Acquire::Retries=3 update </dev/null
}

# install_packages PACKAGE...: those that are missing.  gcc-multilib would conflict with the cross
# compilers: 32-bit programs are built by a cross compiler of their own.
install_packages() {
    missing=
    for package; do
        status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) || status=
        if [ "$status" != installed ]; then
            missing="$missing $package"
        fi
    done
    if [ -z "$missing" ]; then
        return 0
    fi
    command -v apt-get >/dev/null || die "these packages are missing:$missing"
    sudo=
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null || die "run as root, or install these packages:$missing"
        sudo=sudo
    fi
    say "installing$missing"
    for wait in 0 10 30 60; do
        sleep "$wait"
        apt_update || true
        # shellcheck disable=SC2086
        if apt_install $missing; then
            return 0
        fi
        say "apt-get failed; the mirror may be in the middle of an update"
    done
    # A version that only the security archive has may be missing there for a while: the release's own does.
    release=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME-}")
    # shellcheck disable=SC2086
    apt_install -t "$release" $missing || die "these packages could not be installed:$missing"
}

build_packages="autoconf automake libtool pkg-config make gcc libc6-dev libuv1-dev libmpfr-dev libgmp-dev zlib1g-dev check"
cross_packages="autoconf automake libtool pkg-config make gcc libc6-dev gcc-mips64el-linux-gnuabi64 libc6-dev-mips64el-cross qemu-user"

make_configure() {
    if [ ! -x "$top/configure" ] || [ "$top/configure.ac" -nt "$top/configure" ] ||
        [ "$top/Makefile.am" -nt "$top/Makefile.in" ]; then
        run_logged "$work/autoreconf.log" "making ./configure" autoreconf -fi "$top"
    fi
}

# build DIR WHAT CONFIGURE-ARGUMENT...: configure (once) and make.
build() {
    dir=$1
    what=$2
    shift 2
    mkdir -p "$dir"
    if [ ! -f "$dir/config.status" ] || [ "$top/configure" -nt "$dir/config.status" ] ||
        [ "$(cat "$dir/configure.args" 2>/dev/null)" != "$*" ]; then
        run_logged "$dir/configure.out" "configuring $what" sh -c 'cd "$1" && shift && "$@"' sh "$dir" \
            "$top/configure" -q "$@"
        printf '%s' "$*" >"$dir/configure.args"
    fi
    run_logged "$dir/make.out" "building $what" make -C "$dir" "$(jobs_flag)"
}

sysroot() {
    "$top/tools/sysroot" "$work/sysroot-mips64el"
}
