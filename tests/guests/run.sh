#!/bin/sh
# Builds the test kernels of this folder and runs them; each must print what its .expect file
# has, and leave with the status in its first line.  A kernel's source may ask for "options:"
# instead of -cpu pentium2.
#
#   run.sh [-accel interp|template] [-options 'OPTIONS INSTEAD OF -icount shift=3'] [-keep DIR] [KERNEL...]
#   run.sh -qemu [KERNEL...]     the same under qemu-system-i386: shows where it differs
#
# Without -accel: every accelerator that the program has.  Environment: STITCH86 (default
# ./stitch86), HOST_RUN (what runs it, if it is for another host), GUEST_CC, srcdir.
set -u
dir=${srcdir:-$(dirname "$0")/../..}/tests/guests
cc=${GUEST_CC:-i686-linux-gnu-gcc}
stitch86=${STITCH86:-./stitch86}
accels= qemu= options= keep=
while [ $# -gt 0 ]; do
    case $1 in
    -accel) accels=$2; shift 2 ;;
    -options) options=$2; shift 2 ;;
    -keep) keep=$2; shift 2 ;;
    -qemu) qemu=1; shift ;;
    -*) echo "run.sh: unknown option $1" >&2; exit 2 ;;
    *) break ;;
    esac
done
if ! command -v "$cc" >/dev/null 2>&1; then
    echo "no compiler for i386 ($cc): skipped"
    exit 77
fi
kernels=$*
if [ -z "$kernels" ]; then
    for f in "$dir"/*.expect; do
        kernels="$kernels $(basename "$f" .expect)"
    done
fi
if [ -n "$keep" ]; then
    mkdir -p "$keep" || exit 2
    tmp=$keep
else
    tmp=$(mktemp -d) || exit 2
    trap 'rm -rf "$tmp"' EXIT
    trap 'exit 2' HUP INT TERM
fi
cflags="-m32 -march=i586 -O1 -fno-inline -ffreestanding -fno-pic -fno-pie -fno-stack-protector -fno-strict-aliasing
    -fno-asynchronous-unwind-tables -fcf-protection=none -mgeneral-regs-only -Wall -Wextra -Wno-array-bounds"
ldflags="-nostdlib -static -no-pie -Wl,-N -Wl,-Ttext=0x100000 -Wl,-e,_start -Wl,--build-id=none
    -Wl,-z,noexecstack -Wl,--no-warn-rwx-segments"
bad=0

# run ACCEL KERNEL: its output in $tmp/out, its status in $status
run() {
    rm -f "$tmp/out"
    own=$(sed -n 's/.*options: \(.*\) \*\/$/\1/p' "$dir/$2.c")
    own=${own:--cpu pentium2}
    common="-m 16 -kernel $tmp/$2 -debugcon file:$tmp/out -device isa-debug-exit,iobase=0xf4,iosize=4 -no-reboot"
    if [ "$1" = qemu ]; then
        timeout 60 qemu-system-i386 -accel tcg $common $own -display none -nic none -monitor none \
            -serial none >"$tmp/log" 2>&1
    else
        timeout 300 ${HOST_RUN:-} "$stitch86" -accel "$1" $common -serial null $own ${options:--icount shift=3} \
            >"$tmp/log" 2>&1 </dev/null
    fi
    status=$?
}

# What the file says about accelerator and status is not for comparison.
if [ -n "$qemu" ]; then
    accels=qemu
elif [ -z "$accels" ]; then
    accels=interp
    case $(${HOST_RUN:-} "$stitch86" -accel template -kernel /dev/null 2>&1) in
    *"mips64el hosts only"*) ;;
    *) accels="interp template" ;;
    esac
fi
for k in $kernels; do
    # shellcheck disable=SC2086
    if ! "$cc" $cflags $ldflags -I"$dir" -o "$tmp/$k" "$dir/entry.S" "$dir/lib.c" "$dir/$k.c" 2>"$tmp/cc.log"; then
        cat "$tmp/cc.log"
        echo "FAIL $k: it cannot be built"
        bad=1
        continue
    fi
    for a in $accels; do
        run "$a" "$k"
        { echo "status $status"; cat "$tmp/out" 2>/dev/null; } >"$tmp/got"
        if cmp -s "$tmp/got" "$dir/$k.expect"; then
            echo "ok   $k ($a): $(($(wc -l <"$tmp/got") - 1)) lines"
        else
            echo "FAIL $k ($a)"
            diff -u "$dir/$k.expect" "$tmp/got" | sed -n '3,43p'
            head -5 "$tmp/log"
            bad=1
        fi
    done
done
exit $bad
