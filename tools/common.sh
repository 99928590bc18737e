# What demo, check, bench and check-guests share: progress lines, missing packages, the builds.
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

# source_tree: sets `source`, from which can be built elsewhere.  A tree that is configured in place
# can't, its copy can.
source_tree() {
    source=$top
    if [ -f "$top/config.status" ]; then
        source=$work/source
        run_logged "$work/source.out" "copying the sources, as the tree is configured in place" \
            make -C "$top" distdir distdir="$source"
    fi
}

# build DIR WHAT CONFIGURE-ARGUMENT...: configure (once) and make.
build() {
    source_tree
    dir=$1
    what=$2
    shift 2
    mkdir -p "$dir"
    if [ ! -f "$dir/config.status" ] || [ "$top/configure" -nt "$dir/config.status" ] ||
        [ "$(cat "$dir/configure.args" 2>/dev/null)" != "$source $*" ]; then
        run_logged "$dir/configure.out" "configuring $what" sh -c 'cd "$1" && shift && "$@"' sh "$dir" \
            "$source/configure" -q "$@"
        printf '%s' "$source $*" >"$dir/configure.args"
    fi
    run_logged "$dir/make.out" "building $what" make -C "$dir" "$(jobs_flag)"
}

sysroot() {
    "$top/tools/sysroot" "$work/sysroot-mips64el"
}

# emulator SYSROOT [OPTION...]: the command line before a mips64el program that uses SYSROOT's libraries.
emulator() {
    emulator_sysroot=$1
    shift
    printf '%s' "qemu-mips64el -cpu Loongson-3A4000 -L $emulator_sysroot${*:+ $*}"
}

# native_program: build for this machine.  Sets `program`, and `runner`: what it is run by.
native_program() {
    # shellcheck disable=SC2086
    install_packages $build_packages
    make_configure
    build "$work/native" "stitch86 for this machine"
    program=$work/native/stitch86
    runner=
}

# template_program: the same for mips64el.
template_program() {
    if is_mips64el; then
        native_program
        return 0
    fi
    # shellcheck disable=SC2086
    install_packages $cross_packages
    make_configure
    sysroot
    build "$work/mips64el" "stitch86 for mips64el" --host=$cross_host --with-sysroot="$work/sysroot-mips64el"
    program=$work/mips64el/stitch86
    runner=$(emulator "$work/sysroot-mips64el")
}

# guest FLAVOUR: fetch Debian's kernel and BusyBox.  Sets `guest`, the folder.
guest() {
    guest=$work/guest-$1
    "$top/tools/fetch-guest" "$guest" "$1"
}

# guest_initramfs FILE [COMMANDS]: an initramfs of BusyBox, compressed, for a shell on the console or for the
# commands, whose status the console's last line then tells (console_status).
guest_initramfs() {
    say "making the initramfs"
    "${CC_FOR_BUILD:-gcc}" -O2 -o "$work/mkinitramfs" "$top/tools/mkinitramfs.c"
    initramfs=$1
    initramfs_commands=${2+$1.commands}
    if [ $# -gt 1 ]; then
        printf '%s\n' "$2" >"$initramfs_commands"
    fi
    "$work/mkinitramfs" "$initramfs.cpio" dir:bin dir:dev dir:proc dir:root dir:sys dir:tmp \
        node:dev/console:c:5:1 "file:bin/busybox:755:$guest/busybox" "file:init:755:$top/tools/demo.d/init" \
        ${initramfs_commands:+"file:run-commands:644:$initramfs_commands"}
    gzip -9n <"$initramfs.cpio" >"$initramfs"
    rm -f "$initramfs.cpio" "$initramfs.commands"
}

# console_status FILE: how the commands of a guest_initramfs ended; nothing if they did not.
console_status() {
    tr -d '\r' <"$1" | sed -n 's/^stitch86-demo: status \([0-9][0-9]*\)$/\1/p' | tail -n 1
}

# commit: of the source tree, as short as git makes it.
commit() {
    git -C "$top" describe --always --dirty=', changed' 2>/dev/null || echo unknown
}
