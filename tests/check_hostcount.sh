#!/bin/sh
# tools/hostcount on a small mips64el program: sections between marks, ranges by name, a forked child, slower clocks.
# Environment: MIPS_CC (a mips64el compiler, or all is skipped), CC_FOR_BUILD, srcdir.
srcdir=${srcdir:-$(dirname "$0")/..}
. "$srcdir/tests/suite.sh"
case $($MIPS_CC -dumpmachine 2>/dev/null) in
mips64el-*) ;;
*) skip "no mips64el compiler (MIPS_CC=${MIPS_CC-})" ;;
esac
case $(uname -m) in
mips64) skip "for other machines, which emulate" ;;
esac
command -v qemu-mips64el >/dev/null || skip "no qemu-mips64el"

# The loops are of two instructions and a delay slot's.
cat >"$tmp/p.c" <<'END'
#define _GNU_SOURCE
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static __attribute__((noinline)) void loop(long n)
{
    __asm__ volatile(".set noreorder\n1: bgtz %0, 1b\n daddiu %0, %0, -1\n.set reorder" : "+r"(n));
}

static void tell(const char *text)
{
    if (write(2, text, strlen(text)) < 0)
        _exit(3);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(void)
{
    struct iovec parts[2] = {{"@@stop second", 13}, {" 5\n", 3}};
    loop(500000);
    tell("@@start first\n");
    loop(1000000);
    for (const char *p = "@@stop first 0\n"; *p; p++)
        if (write(2, p, 1) != 1)
            return 3;
    tell("@@start second\n");
    loop(300000);
    if (writev(2, parts, 2) != 16)
        return 3;
    if (fork() == 0) {
        loop(2000000);
        return 0;
    }
    wait(NULL);
    tell("@@ready\n");
    double before = now();
    poll(NULL, 0, 0); /* no timeout: the clock alone */
    struct timespec wait_ms = {0, 20000000};
    syscall(SYS_ppoll, NULL, 0, &wait_ms, NULL, 0);
    printf("%d\n", (int)((now() - before) * 1000));
    return 0;
}
END
$MIPS_CC -O1 -static -o "$tmp/p" "$tmp/p.c" || exit 99
${CC_FOR_BUILD:-gcc} -O2 -fPIC -shared -o "$tmp/hostcount.so" "$srcdir"/tools/hostcount/*.c || exit 99

# number FILE-PATTERN SECTION-PATTERN: the sum that ends the section's first line
number() {
    sed -n "s/^$2.*: \([0-9]*\)$/\1/p" $1 | head -n 1
}

loop_at=$(${NM:-nm} "$tmp/p" | sed -n 's/^\([0-9a-f]*\) t loop$/\1/p')
printf '%s %x in the loop\n' "$loop_at" $((0x$loop_at + 16)) >"$tmp/map"
start=$(date +%s%N)
elapsed=$(qemu-mips64el -cpu Loongson-3A4000 -plugin \
    "$tmp/hostcount.so,marks=on,map=$tmp/map,hot=2,slow=10,out=$tmp/count.%p" -d plugin -D "$tmp/log" "$tmp/p" 2>"$tmp/err")
real=$((($(date +%s%N) - start) / 1000000))
parent=$(grep -l '^section first ' "$tmp"/count.*)
child=$(grep -L '^section ' "$tmp"/count.*)
within "first section" "$(number "$parent" 'section first status 0 ')" 2000000 2020000
within "second section" "$(number "$parent" 'section second status 5 ')" 600000 620000
within "all of the parent" "$(number "$parent" 'host instructions')" 3600000 4600000
within "all of the child" "$(number "$child" 'host instructions')" 4000000 4100000
within "a named range" "$(sed -n 's/^  in the loop *//p' "$parent" | head -n 1)" 2000000 2000010
within "the hottest block's times" \
    "$(sed -n '/^hot blocks/{n;s/^ *[0-9a-f]* *[0-9]* *\([0-9]*\) .*/\1/p;q}' "$parent")" 999990 1000001
# 20 ms of the slower clock.
within "the program's milliseconds" "$elapsed" 19 120
within "real milliseconds ($real) for 20 of the program's" "$real" 200 60000
suite_end
