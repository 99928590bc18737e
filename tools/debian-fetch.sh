# Shell functions that get Debian packages of another architecture without touching this
# system's package state.  To be sourced by sh scripts.
#
# apt runs with a state directory of its own and an empty dpkg status, so it resolves
# dependencies as for a bare machine.  Sources and keys are the system's.  An index that is being
# changed on the mirror ("File has unexpected size", "Hash Sum mismatch") is asked for again, later; if
# it stays so, what the other indexes list will do: the release's own versions instead of the updates.

# fetch_say TEXT: a progress line.
fetch_say() {
    printf '%s: %s\n' "${fetch_name:-debian-fetch}" "$*" >&2
}

# fetch_retry TRIES COMMAND...: waits longer each time.
fetch_retry() {
    fetch_tries=$1
    shift
    fetch_try=1
    while ! "$@"; do
        if [ "$fetch_try" -ge "$fetch_tries" ]; then
            return 1
        fi
        fetch_wait=$((fetch_try * fetch_try * 5))
        fetch_say "failed, trying again in $fetch_wait s: $*"
        sleep "$fetch_wait"
        fetch_try=$((fetch_try + 1))
    done
}

# fetch_apt COMMAND...: apt-get or apt-cache on the private state.
fetch_apt() {
    fetch_tool=$1
    shift
    "$fetch_tool" -qq -o APT::Architecture="$fetch_arch" -o APT::Architectures::="$fetch_arch" \
        -o Dir::State="$fetch_state" -o Dir::State::status="$fetch_state/status" \
        -o Dir::Cache="$fetch_state/cache" -o APT::Sandbox::User=root -o Debug::NoLocking=1 \
        -o Acquire::Languages=none -o APT::Install-Recommends=false -o Acquire::Retries=3 \
        -o APT::Default-Release= -o Dir::Etc::Preferences=/dev/null -o Dir::Etc::PreferencesParts=/dev/null \
        "$@"
}

# The first error that apt told of: the rest repeats it.
fetch_warn() {
    grep -E '^[EW]:' "$fetch_state/update.log" | head -n 1 >&2
}

fetch_update() {
    fetch_apt apt-get update 2>"$fetch_state/update.log" || {
        fetch_warn
        return 1
    }
    # apt-get update succeeds though an index could not be had: it only warns.
    if grep -Eq '^(E:|W: Failed)' "$fetch_state/update.log"; then
        fetch_warn
        return 1
    fi
}

# fetch_init DIR ARCH: make DIR a private apt state for ARCH and read the indexes.
fetch_init() {
    fetch_state=$1
    fetch_arch=$2
    mkdir -p "$fetch_state/lists/partial" "$fetch_state/cache/archives/partial" || return 1
    : >"$fetch_state/status"
    fetch_say "reading Debian's package lists for $fetch_arch"
    fetch_retry 3 fetch_update && return 0
    [ -n "$(fetch_apt apt-cache pkgnames libc6)" ] || return 1
    fetch_say "going on with the package lists that could be had"
}

# fetch_closure PACKAGE...: the packages and all that they depend on, one name=version a line.
fetch_closure() {
    fetch_apt apt-get -s -o APT::Get::Show-User-Simulation-Note=false install "$@" >"$fetch_state/plan" || return 1
    sed -n 's/^Inst \([^ ]*\) (\([^ ]*\) .*/\1=\2/p' "$fetch_state/plan" | sed "s/:$fetch_arch=/=/"
}

# fetch_download DIR PACKAGE[=VERSION]...: put the .deb files into DIR.
fetch_download() {
    fetch_dir=$1
    shift
    mkdir -p "$fetch_dir" || return 1
    (cd "$fetch_dir" && fetch_retry 4 fetch_apt apt-get download "$@")
}

# fetch_unpack DEBDIR ROOT: unpack every package of DEBDIR under ROOT.
fetch_unpack() {
    mkdir -p "$2" || return 1
    for fetch_deb in "$1"/*.deb; do
        dpkg-deb -x "$fetch_deb" "$2" || return 1
    done
}

# fetch_kernel_package FLAVOUR: the current linux-image package of a flavour such as 686, through
# its meta package; the newest one listed where the meta package's is not to be had.
fetch_kernel_package() {
    fetch_kernel=$(fetch_apt apt-cache depends --important "linux-image-$1" 2>/dev/null |
        sed -n 's/^ *Depends: \(linux-image-[0-9][^ ]*\).*/\1/p' | head -n 1)
    if [ -z "$fetch_kernel" ] || ! fetch_apt apt-cache show "$fetch_kernel" >/dev/null 2>&1; then
        fetch_kernel=$(fetch_apt apt-cache pkgnames linux-image- |
            grep -E "^linux-image-[0-9.]+-[0-9]+-$1\$" | sort -V | tail -n 1)
    fi
    [ -n "$fetch_kernel" ] && printf '%s\n' "$fetch_kernel"
}

# fetch_relative_links ROOT: an absolute link would lead out of a tree that is not the root.
fetch_relative_links() {
    find "$1" -type l -lname '/*' | while read -r link; do
        fetch_target=$(readlink "$link")
        fetch_up=$(dirname "${link#"$1/"}" | sed 's|^\.$||; s|[^/][^/]*|..|g')
        fetch_target=$fetch_up$fetch_target
        ln -sfn "${fetch_target#/}" "$link" || return 1
    done
}

# fetch_programs ROOT ARCH PACKAGE...: the packages with all they depend on, but for what only an installation
# needs; ROOT/.versions lists them.  What is there already is kept.
fetch_programs() {
    fetch_root=$1
    fetch_programs_arch=$2
    shift 2
    if [ "$(cat "$fetch_root/.packages" 2>/dev/null)" = "$*" ]; then
        return 0
    fi
    rm -rf "$fetch_root" "$fetch_root.new" "$fetch_root.debs"
    fetch_init "$fetch_root.apt" "$fetch_programs_arch" || return 1
    fetch_plan=$(fetch_closure "$@") || return 1
    fetch_plan=$(printf '%s\n' "$fetch_plan" | grep -Ev '^(gcc-12-base|tar|dpkg|readline-common)=')
    fetch_say "fetching $(printf '%s\n' "$fetch_plan" | wc -l) packages"
    # shellcheck disable=SC2086
    fetch_download "$fetch_root.debs" $fetch_plan || return 1
    fetch_unpack "$fetch_root.debs" "$fetch_root.new" || return 1
    for fetch_deb in "$fetch_root.debs"/*.deb; do
        # shellcheck disable=SC2016
        dpkg-deb -W --showformat='${Package} ${Version}\n' "$fetch_deb" || return 1
    done >"$fetch_root.new/.versions"
    (cd "$fetch_root.new" && rm -rf usr/share/doc usr/share/man usr/share/locale usr/share/lintian usr/share/info etc var)
    fetch_relative_links "$fetch_root.new" || return 1
    echo "$*" >"$fetch_root.new/.packages"
    mv "$fetch_root.new" "$fetch_root"
    rm -rf "$fetch_root.debs" "$fetch_root.apt"
}
