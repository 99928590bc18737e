#!/bin/sh
# The reports of tools/compare, from made-up results of runs: what is paired, summed, compared and refused; which
# profile is whose.
# Environment: srcdir.
srcdir=${srcdir:-$(dirname "$0")/..}
. "$srcdir/tests/suite.sh"
report=$srcdir/tools/compare.d/report.py
command -v python3 >/dev/null || skip "no python3"

cat >"$tmp/list" <<'END'
# name | group | expected | command
one | integer,calls | ^one 1$ | one | two
two | kernel | ^two$ | two
bad | x87 | ^right$ | bad
END
mkdir -p "$tmp/r/stitch86" "$tmp/r/tcg" "$tmp/r/native"
printf 'emulator=some\n' >"$tmp/r/about"
# TCG lost its guest after the first workload; the rest is of another run.
cat >"$tmp/r/tcg/run-1.count" <<'END'
section ready status 0 wall 9.000 cpu 9.000: 7
  program          7
section one status 0 wall 3.000 cpu 3.000: 12000000
  made at run time 9000000
  soft MMU         3000000
host instructions: 99000000
  program          99000000
END
printf '@@start one\n@@stop one 0\n@@out one one 1\n@@start two\n' >"$tmp/r/tcg/run-1.marks"
cat >"$tmp/r/tcg/run-2.count" <<'END'
section two status 0 wall 1.000 cpu 1.000: 8000000
  program          8000000
section bad status 0 wall 1.000 cpu 1.000: 8000000
  program          8000000
END
printf '@@out two two\n@@out bad right\n' >"$tmp/r/tcg/run-2.marks"
cat >"$tmp/r/stitch86/run-1.count" <<'END'
section one status 0 wall 0.500 cpu 0.500: 2000000
  made at run time 1500000
  translator       500000
section two status 0 wall 0.500 cpu 0.500: 4000000
  helpers          4000000
section bad status 0 wall 0.500 cpu 0.500: 4000000
  helpers          4000000
END
printf '@@out one one 1\n@@out two two\n@@out bad wrong\n' >"$tmp/r/stitch86/run-1.marks"
printf 'mark 1 icount 100\nmark 0 icount 1000100\nmark 1 icount 5\nmark 0 icount 500005\nmark 1 icount 0\nmark 0 icount 9\n' \
    >"$tmp/r/stitch86/run-1.stats"
# Two processes.
printf 'host instructions: 300000\n  program          300000\n' >"$tmp/r/native/one.count.1"
printf 'host instructions: 200000\n  program          150000\n  libraries        50000\n' >"$tmp/r/native/one.count.2"
echo 0 >"$tmp/r/native/one.status"
echo "one 1" >"$tmp/r/native/one.out"

"$report" table "$tmp/r" "$tmp/list" >"$tmp/table" 2>&1
expect "table: status" $? 0
expect "one" "$(grep '^| one ' "$tmp/table")" \
    "| one | integer, calls | 1.0 | 2.0 | 12.0 | 0.5 | 6.00 | 2.00 | 4.00 | 0.5 | 3.0 |"
expect "two" "$(grep '^| two ' "$tmp/table")" "| two | kernel | 0.5 | 4.0 | 8.0 | - | 2.00 | 8.00 | - | 0.5 | 1.0 |"
expect "wrong output" "$(grep -c '^| bad (here: its output is wrong) | x87 | 0.0 | - | 8.0 | - | - |' "$tmp/table")" 1
expect "a group's mean and goal" "$(grep '^| call-heavy ' "$tmp/table")" \
    "| call-heavy | 1 | 6.00 | at least 6.0 | met | 2.00 | 4.00 |"
expect "a missed goal" "$(grep -c '^| kernel | 1 | 2.00 | at least 5.0 | NOT met |' "$tmp/table")" 1
expect "the mean of all, without what failed" "$(grep -c '^| all | 3 | 3.46 | at least 5.0 | NOT met |' "$tmp/table")" 1
expect "the least" "$(grep -c '^| the least of all workloads | 2.00 (two) | at least 2.0 | met |' "$tmp/table")" 1

# What only TCG has run is no row of it.
cp "$tmp/table" "$tmp/page"
printf 'section boot status 0 wall 1.0 cpu 1.0: 5\n  program          5\n' >>"$tmp/r/tcg/run-2.count"
sed -i 's/^  made at run time 1500000/  made at run time 2500000/' "$tmp/r/stitch86/run-1.count"
"$report" quick "$tmp/r" "$tmp/list" "$tmp/page" >"$tmp/quick" 2>&1
expect "quick: status" $? 0
expect "quick: rows" "$(grep -c '^| [a-z]* | [0-9]' "$tmp/quick")" 3
expect "quick" "$(grep '^| one ' "$tmp/quick")" "| one | 1.0 | 3.0 | 2.0 | +50.0 % | 12.0 | 4.00 | 3.00 |"

# Shares: the boot, and a run of which the guest was lost in the third workload; then one of the rest.
mkdir -p "$tmp/r/profile"
profile() { # FILE ALL TEMPLATES HOST-WORDS [FORM TIMES]
    printf '# stitch86 profile 1\ntotal\t%s\t%s\t%s\t%s\n' "$2" "$3" $(($2 - $3)) "$4" >"$1"
    [ -z "${5-}" ] || printf 'form\tNOP\t5\t0\t5\nform\t%s\t0\t%s\t0\n' "$5" "$6" >>"$1"
}
profile "$tmp/r/profile/boot.profile" 1000000 999500 4000000
echo "stitch86-demo: status 0" >"$tmp/r/profile/boot.console"
profile "$tmp/r/profile/run-1.profile" 2000000 1999000 3998000 RDTSC 1000
profile "$tmp/r/profile/run-1.profile.2" 3000000 2910000 8730000 HLT 90000
printf '@@start one\n@@stop one 0\n@@out one one 1\n@@start two\n@@stop two 0\n@@out two two\n@@start bad\n' \
    >"$tmp/r/profile/run-1.marks"
profile "$tmp/r/profile/run-2.profile" 10 10 30
printf '@@start bad\n@@stop bad 3\n' >"$tmp/r/profile/run-2.marks"
shares=$srcdir/tools/compare.d/shares.py
"$shares" "$tmp/r" "$tmp/list" >"$tmp/shares" 2>"$tmp/log"
expect "shares: status" "$? $(wc -l <"$tmp/log")" "1 2"
expect "shares" "$(tail -n +3 "$tmp/shares")" "$(
    echo '| boot | boot | 99.950 % | 1.0 | 4.00 |  | passed |'
    echo '| one | integer, calls | 99.950 % | 2.0 | 2.00 | RDTSC 0.050 % | passed |'
    echo '| two | kernel | 97.000 % | 3.0 | 3.00 | HLT 3.000 % | FAILED: less than 98.0 % |'
    echo '| bad | x87 | 100.000 % | 0.0 | 3.00 |  | FAILED: ended with status 3 |'
)"

"$report" table "$tmp/r" >"$tmp/log" 2>&1
expect "too few arguments" "$? $(grep -c '^usage: ' "$tmp/log")" "1 1"
suite_end
